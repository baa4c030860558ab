"""Large files through a real server: what others notice of them, what memory they take, and clients that misbehave."""

import asyncio
import socket
from statistics import median

import httpx
import pytest

from tests.benchmarks.upload_load import MIB, body, download, load, memory_of, start, upload


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    found = start(tmp_path_factory.mktemp("wire"), megabytes=30)
    yield found
    found.close()


@pytest.fixture
async def client(serving):
    async with httpx.AsyncClient(base_url=serving.url, headers={"token": serving.token}, timeout=60) as found:
        yield found


async def test_large_uploads_hold_up_nobody_and_take_little_memory(serving):
    _, many = await load(serving, 6, 5)
    print(many)
    assert median(many.healthz) < 100
    assert many.grown < 100


async def test_a_large_file_comes_back_as_it_went_in_bounded_memory(serving, client):
    before = memory_of(serving.process.pid)
    key = await upload(client, 30)
    assert await download(client, key) == 30 * MIB
    assert memory_of(serving.process.pid) - before < 30


async def test_a_client_that_does_not_read_is_sent_no_more(serving, client):
    key = await upload(client, 30)
    before = memory_of(serving.process.pid)
    async with client.stream("GET", f"/files/{key}") as answer:
        pieces = answer.aiter_raw()
        await anext(pieces)
        await asyncio.sleep(1)
        assert memory_of(serving.process.pid) - before < 15
        assert (await client.get("/users/current")).status_code == 200


async def test_a_file_over_the_limit_is_refused_whether_or_not_it_says_so(serving, client):
    answer = await client.post(
        "/files", content=body(40), headers={"content-type": "multipart/form-data; boundary=limit"}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "tooLarge")
    url = httpx.URL(serving.url)
    with socket.create_connection((url.host, url.port), timeout=20) as line:
        head = f"POST {url.path}/files HTTP/1.1\r\nhost: x\r\ntoken: {serving.token}\r\n"
        line.sendall(
            f"{head}content-type: multipart/form-data; boundary=x\r\ncontent-length: 99999999\r\n\r\n".encode()
        )
        assert line.recv(4096).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("length", ["-1", "x", "1, 2"])
async def test_a_length_that_is_none_is_refused(serving, length):
    url = httpx.URL(serving.url)
    with socket.create_connection((url.host, url.port), timeout=20) as line:
        head = f"POST {url.path}/files HTTP/1.1\r\nhost: x\r\ntoken: {serving.token}\r\n"
        line.sendall(
            f"{head}content-type: multipart/form-data; boundary=x\r\ncontent-length: {length}\r\n\r\n".encode()
        )
        assert line.recv(4096).startswith(b"HTTP/1.1 400 ")


async def test_a_client_that_breaks_off_leaves_the_server_well(serving, client):
    url = httpx.URL(serving.url)
    for sent in (
        b"--limit\r\n",
        b'--limit\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n' + b"x" * MIB,
    ):
        with socket.create_connection((url.host, url.port), timeout=20) as line:
            head = f"POST {url.path}/files HTTP/1.1\r\nhost: x\r\ntoken: {serving.token}\r\ncontent-length: 9999999\r\n"
            line.sendall(f"{head}content-type: multipart/form-data; boundary=limit\r\n\r\n".encode() + sent)
    key = await upload(client, 1)
    assert await download(client, key) == MIB
    await asyncio.sleep(0.1)
    assert "Traceback" not in serving.errors


async def test_the_token_may_be_in_a_cookie_for_downloads_only(serving, client):
    key = await upload(client, 1)
    async with httpx.AsyncClient(base_url=serving.url, cookies={"token": serving.token}) as browser:
        assert await download(browser, key) == MIB
        assert (await browser.get(f"/files/{key}", headers={"range": "bytes=0-9"})).status_code == 206
        assert (await browser.put(f"/files/{key}/share")).status_code == 401
        assert (await browser.post("/files", files={"f": ("f", b"1")})).status_code == 401
