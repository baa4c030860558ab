"""Multipart bodies as a stream, however they are cut into chunks, and the bounds on each part of them."""

from types import SimpleNamespace

import pytest
from starlette.requests import ClientDisconnect

from engine.errors import BadRequest, TooLarge, UnsupportedMediaType
from server.http import multipart
from server.http.multipart import read_upload

TYPE = b"multipart/form-data; boundary=limit"


def part(disposition, content, *headers):
    lines = [b"Content-Disposition: form-data; " + disposition, *headers]
    return b"--limit\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + content + b"\r\n"


def body(*parts):
    return b"".join(parts) + b"--limit--\r\n"


def call(content, piece=7, content_type=TYPE, *, cut_off=False, **headers):
    pieces = [content[start : start + piece] for start in range(0, len(content), piece)] or [b""]
    messages = iter([{"type": "http.request", "body": one, "more_body": True} for one in pieces])

    async def receive():
        return next(messages, {"type": "http.disconnect"} if cut_off else {"type": "http.request"})

    raw = [(b"content-type", content_type)] if content_type is not None else []
    raw += [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    return SimpleNamespace(scope={"headers": raw}, receive=receive)


class Desk:
    """Takes files, and knows which of them were taken back."""

    def __init__(self):
        self.dropped = []

    async def keep(self, file):
        return file.name, file.file_name, file.content_type, b"".join([chunk async for chunk in file.chunks])

    async def drop(self, kept):
        self.dropped.append(kept[1])


async def read(content, piece=7, *, limit=100_000, max_files=10, desk=None, **options):
    desk = desk or Desk()
    return await read_upload(call(content, piece, **options), desk.keep, desk.drop, limit=limit, max_files=max_files)


async def test_names_are_read_as_browsers_escape_them():
    sent = body(part(b'name="my%22file"; filename="a%22b%0D%0Ac%20%41.txt"', b"x"))
    [(name, file_name, *_)] = (await read(sent)).files
    assert (name, file_name) == ('my"file', 'a"b\r\nc%20%41.txt')


MIXED = body(
    part(b'name="before"', b"1"),
    part(b'name="file"; filename="a.csv"', b"x\r\n--limi\r\n--limit_\r\n-", b"Content-Type: text/csv"),
    part(b'name="after"', "größer".encode()),
    part(b'name="other"; filename=""', b""),
)


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 64, 100_000])
async def test_fields_and_files_in_any_order_and_cut_anywhere(piece):
    upload = await read(MIXED, piece)
    assert upload.fields == [("before", "1"), ("after", "größer")]
    assert upload.files == [
        ("file", "a.csv", "text/csv", b"x\r\n--limi\r\n--limit_\r\n-"),
        ("other", "", "application/octet-stream", b""),
    ]


async def test_names_are_taken_as_they_are_written():
    content = body(part('name="f"; filename="Größe \\"x\\".csv"'.encode(), b"1"))
    assert (await read(content)).files[0][1] == 'Größe "x".csv'


async def test_the_extended_form_of_a_name_is_not_for_forms():
    content = body(part(b'name="f"; filename="a"; filename*=UTF-8\'\'b', b"1"))
    assert (await read(content)).files[0][1] == "a"


@pytest.mark.parametrize(
    "content_type", [b"application/json", b"", None, b"multipart/mixed; boundary=limit", b"text/plain"]
)
async def test_other_bodies_are_refused(content_type):
    with pytest.raises(UnsupportedMediaType, match="multipart/form-data"):
        await read(MIXED, content_type=content_type)


async def test_compressed_bodies_are_refused():
    with pytest.raises(UnsupportedMediaType, match="compressed"):
        await read(MIXED, content_encoding=b"gzip")


@pytest.mark.parametrize(
    "content_type",
    [b"multipart/form-data", b"multipart/form-data; boundary=", b"multipart/form-data; boundary=" + b"x" * 300],
)
async def test_a_boundary_is_needed(content_type):
    with pytest.raises(BadRequest, match=r"[Bb]oundary"):
        await read(MIXED, content_type=content_type)


@pytest.mark.parametrize(
    "content", [MIXED[:-5], MIXED[:200], b"", b"--limit\r\n", b"--limit\r\nContent-Disposition: form"]
)
async def test_a_body_that_ends_early_is_refused(content):
    desk = Desk()
    with pytest.raises(BadRequest, match="ends before its last boundary"):
        await read(content, desk=desk)
    assert desk.dropped in ([], ["a.csv"], ["a.csv", ""])


async def test_a_client_that_goes_away_is_no_error_of_anybody():
    desk = Desk()
    with pytest.raises(ClientDisconnect):
        await read(MIXED[:-20], cut_off=True, desk=desk)
    assert desk.dropped == ["a.csv"]


@pytest.mark.parametrize(
    "content",
    [
        b"no boundary at all",
        b"--limit\r\nno header\r\n\r\n1\r\n--limit--",
        body(part(b'filename="a"', b"1")),
        body(b'--limit\r\nContent-Disposition: attachment; name="a"\r\n\r\n1\r\n'),
        body(b"--limit\r\n\r\n1\r\n"),
        body(part(b'name="a"', b"\xff")),
        body(part(b'name="\xff"', b"1")),
    ],
)
async def test_what_is_no_form_is_refused(content):
    with pytest.raises(BadRequest):
        await read(content)


async def test_all_files_together_have_one_limit():
    content = body(part(b'name="a"; filename="a"', b"x" * 60), part(b'name="b"; filename="b"', b"x" * 41))
    assert len((await read(content, limit=101)).files) == 2
    desk = Desk()
    with pytest.raises(TooLarge, match="100 bytes"):
        await read(content, limit=100, desk=desk)
    assert desk.dropped == ["a"]


async def test_fields_have_a_limit_together():
    half = part(b'name="a"', b"x" * (multipart.MAX_FIELDS // 2))
    assert len((await read(body(half, half), 65536)).fields) == 2
    with pytest.raises(TooLarge, match="form fields"):
        await read(body(half, half, part(b'name="b"', b"1")), 65536)


async def test_parts_are_counted():
    field = part(b'name="a"', b"")
    assert len((await read(body(*[field] * 1000), 65536)).fields) == 1000
    with pytest.raises(BadRequest, match="1000"):
        await read(body(*[field] * 1001), 65536)


async def test_files_are_counted():
    file = part(b'name="a"; filename="a"', b"1")
    with pytest.raises(BadRequest, match="at most 1 can"):
        await read(body(file, file), max_files=1)


async def test_the_head_of_a_part_has_bounds():
    assert (await read(body(part(b'name="a"', b"1", *[b"X-%d: 1" % number for number in range(7)])))).fields
    with pytest.raises(BadRequest, match="header"):
        await read(body(part(b'name="a"', b"1", *[b"X-%d: 1" % number for number in range(8)])))
    with pytest.raises(BadRequest, match="header"):
        await read(body(part(b'name="a"', b"1", b"X-Long: " + b"x" * 8192)), 65536)
    with pytest.raises(BadRequest, match="headers of a part"):
        await read(body(part(b'name="a"', b"1", *[b"X-%d: " % number + b"x" * 3000 for number in range(3)])), 65536)


@pytest.mark.parametrize("length", [b"-1", b"x", b"1e3", b"+5", b""])
async def test_a_length_that_is_none_is_refused(length):
    with pytest.raises(BadRequest, match="Content-Length"):
        await read(MIXED, content_length=length)


async def test_a_length_over_the_limit_is_refused_before_anything_is_read():
    with pytest.raises(TooLarge):
        await read_upload(
            SimpleNamespace(
                scope={"headers": [(b"content-type", TYPE), (b"content-length", b"99999999")]}, receive=None
            ),
            Desk().keep,
            Desk().drop,
            limit=1000,
        )


async def test_what_stands_after_the_last_boundary_has_a_limit():
    with pytest.raises(TooLarge, match="body"):
        await read(MIXED + b"x" * (multipart.MAX_FRAME + multipart.MAX_FIELDS), 65536, limit=100)


async def test_a_file_that_nobody_reads_is_skipped():
    async def glance(file):
        return file.name

    upload = await read_upload(call(MIXED), glance, Desk().drop, limit=1000)
    assert upload.files == ["file", "other"]
    assert upload.fields == [("before", "1"), ("after", "größer")]
