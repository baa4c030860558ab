"""Absolute links: the scheme and host under which a request came, as far as whoever says so is believed."""

import pytest

from engine.permissions.addresses import AllowList
from server.http.origin import read_origin
from tests.every import every

PROXY = "10.0.0.1"


def origin(*headers, peer="192.0.2.7", scheme="http", server=("127.0.0.1", 8000)):
    scope = {"scheme": scheme, "client": peer and (peer, 5), "server": server, "headers": [*headers]}
    return read_origin(scope, AllowList([PROXY]))


@pytest.mark.parametrize("host", ["example.com", "example.com:8000", "127.0.0.1", "[::1]:80", "my_app.internal"])
def test_the_host_of_the_request_is_the_host_of_links(host):
    assert origin((b"host", host.encode())) == f"http://{host}"
    assert origin((b"host", host.encode()), scheme="https") == f"https://{host}"


@every("host", [b"", b"a b", b"evil.com/x", b"a@b", b"<x>", b"x:99999999", b"\xff", b"a\r\nb"])
def test_what_is_no_host_gives_way_to_the_servers_own_address(host):
    assert origin((b"host", host)) == "http://127.0.0.1:8000"
    assert origin((b"host", host), server=("::1", 80)) == "http://[::1]:80"
    assert origin((b"host", host), server=None) == "http://localhost"
    assert origin() == "http://127.0.0.1:8000"


FORWARDED = ((b"host", b"inner:8000"), (b"x-forwarded-proto", b"https"), (b"x-forwarded-host", b"example.com"))


def test_proxies_are_believed_where_they_are_trusted():
    assert origin(*FORWARDED, peer=PROXY) == "https://example.com"
    assert origin(*FORWARDED) == "http://inner:8000"
    assert origin(*FORWARDED, peer=None) == "http://inner:8000"


def test_of_several_proxies_the_nearest_is_believed():
    forwarded = (b"x-forwarded-host", b"evil.com, example.com")
    assert origin((b"host", b"inner"), forwarded, peer=PROXY) == "http://example.com"


@pytest.mark.parametrize("told", [b"", b"ftp", b"javascript", b"a b"])
def test_nonsense_of_a_proxy_is_as_if_it_had_said_nothing(told):
    headers = ((b"host", b"inner"), (b"x-forwarded-proto", told), (b"x-forwarded-host", told + b"/"))
    assert origin(*headers, peer=PROXY) == "http://inner"
