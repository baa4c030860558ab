"""Where steps may send requests: to the public internet, and nowhere else."""

import asyncio

import pytest

from engine.actions import Call
from engine.errors import BadRequest
from server.runtime.calls import Calls, Refused, check_address
from tests.every import every

PUBLIC = Calls()
PRIVATE = Calls(allow_private=True)
"""Made once, as in a server: certificates are read with the first call."""

HIDDEN = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:a9fe:a9fe",
    "::ffff:0:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd12:3456::1",
    "ff02::1",
    "2001:db8::1",
    "2001::1",
]


@every("address", HIDDEN)
def test_addresses_that_are_not_public_are_refused(address):
    with pytest.raises(Refused):
        check_address(address)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("93.184.216.34", "93.184.216.34"),
        ("2606:4700::1111", "2606:4700::1111"),
        ("::ffff:93.184.216.34", "93.184.216.34"),
    ],
)
def test_public_addresses_are_taken_as_they_are_meant(written, meant):
    assert check_address(written) == meant


HOSTS = [
    "127.0.0.1",
    "localhost",
    "LOCALHOST.",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "127.1",
    "127.0.1",
    "0",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:0:0:1]",
    "[64:ff9b::7f00:1]",
    "[fe80::1%25lo]",
    "169.254.169.254",
    "192.168.0.1",
    "user@127.0.0.1",
    "example.com@127.0.0.1",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
]


@every("host", HOSTS)
@every("scheme", ["http", "https"])
async def test_no_spelling_of_an_own_address_is_asked(host, scheme, unused_server):
    with pytest.raises(BadRequest) as caught:
        await PUBLIC.send(Call("GET", f"{scheme}://{host}:{unused_server.port}/", None, 30_000))
    assert "answered" not in caught.value.message
    assert unused_server.asked == 0


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.com", "gopher://127.0.0.1", "//127.0.0.1", "http://", "", "unix:///x"]
)
async def test_what_is_no_url_of_the_web_is_refused(url):
    with pytest.raises(BadRequest, match="is no URL"):
        await PUBLIC.send(Call("GET", url, None, 1_000))


async def test_a_name_of_a_private_address_is_refused_whatever_else_it_means(monkeypatch, unused_server):
    async def found(*args, **kwargs):
        return [(2, 1, 6, "", ("93.184.216.34", 80)), (2, 1, 6, "", ("127.0.0.1", 80))]

    monkeypatch.setattr(asyncio.get_running_loop().__class__, "getaddrinfo", found)
    with pytest.raises(BadRequest, match=r"not allowed: 127\.0\.0\.1 is no public address"):
        await PUBLIC.send(Call("GET", f"http://two.example:{unused_server.port}/", None, 30_000))
    assert unused_server.asked == 0


async def test_where_private_addresses_are_allowed_they_are_asked(unused_server):
    await PRIVATE.send(Call("POST", f"http://127.0.0.1:{unused_server.port}/in?secret=1", {"n": 1}, 30_000))
    assert unused_server.asked == 1
    head, _, body = unused_server.heard.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /in?secret=1 HTTP/1.1")
    assert body == b'{"n":1}'


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n", "answered 500"),
        (b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n", "answered 302"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2000000\r\n\r\n" + b"x" * 2_000_000, "more than 1,048,576 bytes"),
        (b"nonsense\r\n\r\n", "could not be reached"),
    ],
)
async def test_what_goes_wrong_is_told_without_the_query(answer, message, unused_server):
    unused_server.answer = answer
    with pytest.raises(BadRequest) as caught:
        await PRIVATE.send(Call("GET", f"http://127.0.0.1:{unused_server.port}/in?secret=1", None, 30_000))
    assert message in caught.value.message
    assert "secret" not in caught.value.message
    assert unused_server.asked == 1


async def test_a_system_that_keeps_silent_is_not_waited_for(unused_server):
    unused_server.answer = None
    with pytest.raises(BadRequest) as caught:
        await PRIVATE.send(Call("GET", f"http://127.0.0.1:{unused_server.port}/in?secret=1", None, 50))
    assert caught.value.message.endswith("/in did not answer within 50 ms")


class Server:
    def __init__(self):
        self.asked, self.heard, self.port, self.ended = 0, b"", 0, asyncio.Event()
        self.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"

    async def serve(self, reader, writer):
        self.asked += 1
        self.heard += await reader.read(65536)
        if self.heard.endswith(b"\r\n\r\n") and b"content-length: 7" in self.heard.lower():
            self.heard += await reader.read(65536)
        if self.answer is None:
            await self.ended.wait()
        else:
            writer.write(self.answer)
        writer.close()


@pytest.fixture
async def unused_server():
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    yield server
    server.ended.set()
    listening.close()
