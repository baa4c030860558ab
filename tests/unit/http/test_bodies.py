"""Bodies: kinds, sizes, and how they arrive."""

import pytest

from tests.unit.http.conftest import Face

ID = "57fd2d65e4b0ce322b0c8665"
RECORDS = "/api/data/companies"
RECORD = f"/api/data/companies/{ID}"


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "",
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/merge-patch+json",
    ],
)
async def test_json_is_taken(face, called, kind):
    reply = await face.ask("POST", RECORDS, b'{"a": 1}', {} if kind is None else {"content-type": kind})
    assert (reply.status, called[0][1][1]) == (200, {"a": 1})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("content-type", "text/plain"),
        ("content-type", "text/json"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("content-type", "multipart/form-data; boundary=x"),
        ("content-type", "application/json; charset=latin-1"),
        ("content-type", "application/jsonx"),
        ("content-encoding", "gzip"),
        ("content-encoding", "br"),
    ],
)
async def test_other_kinds_are_415_but_only_where_there_is_a_body(face, called, name, value):
    reply = await face.ask("POST", RECORDS, b'{"a": 1}', {name: value})
    assert (reply.status, reply.json["code"], called) == (415, "unsupportedMediaType", [])
    reply = await face.ask("POST", RECORDS, [b"", b"", b"{"], {name: value}, length=False)
    assert reply.status == 415
    assert (await face.ask("PUT", RECORD, b"", {name: value})).status == 200


async def test_an_empty_body_changes_nothing_on_put_and_is_refused_on_post(face, called):
    for body in (b"", b"  \n"):
        assert (await face.ask("PUT", RECORD, body)).status == 200
        reply = await face.ask("POST", RECORDS, body)
        assert (reply.status, reply.json["code"]) == (400, "badRequest")
    assert [arguments[2] for _, arguments in called] == [{}, {}]


@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"1", b"true", b'[{"a": 1}]'])
async def test_a_record_is_an_object(face, called, body):
    for method, path in (("POST", RECORDS), ("PUT", RECORD)):
        reply = await face.ask(method, path, body)
        assert (reply.status, reply.json["message"], called) == (400, "The body must be a JSON object", [])


async def test_bodies_of_reads_and_deletions_are_ignored(face, called):
    for method in ("GET", "DELETE"):
        assert (await face.ask(method, RECORD, b"{ not json", {"content-type": "text/plain"})).status == 200
    assert len(face.unread) == 1


async def test_the_limit_is_exact(called):
    face = Face(max_body=20)
    body = b'{"a": "0123456789"}'
    assert (await face.ask("POST", RECORDS, body + b" ")).status == 200
    reply = await face.ask("POST", RECORDS, body + b"  ")
    assert (reply.status, reply.json["code"]) == (413, "tooLarge")
    assert "20 bytes" in reply.json["message"]


async def test_an_announced_size_is_refused_unread(called):
    face = Face(max_body=20)
    assert (await face.ask("POST", RECORDS, b"{}", {"content-length": "1000000000000"})).status == 413
    assert len(face.unread) == 1


@pytest.mark.parametrize("headers", [{}, {"content-length": "5"}])
async def test_the_limit_holds_when_the_size_is_a_lie_or_unknown(called, headers):
    face = Face(max_body=100)
    reply = await face.ask("POST", RECORDS, [b"[" * 60] * 1_000, headers, length=False)
    assert reply.status == 413
    assert len(face.unread) == 998
    assert called == []


@pytest.mark.parametrize("length", ["-1", "1e3", "abc", "", "1 2"])
async def test_a_size_that_is_no_number_is_refused(face, length):
    assert (await face.ask("POST", RECORDS, b"{}", {"content-length": length})).status == 400


async def test_a_body_in_pieces_is_one_body(face, called):
    await face.ask("POST", RECORDS, [b'{"na', b"", b'me": "Zo\xc3', b'\xab"}'], length=False)
    assert called[0][1][1] == {"name": "Zoë"}


async def test_a_client_that_leaves_gets_no_answer_and_changes_nothing(face, called):
    messages = [{"type": "http.request", "body": b'{"a":', "more_body": True}, {"type": "http.disconnect"}]
    assert await face.ask("POST", RECORDS, messages=messages) is None
    assert called == []


async def test_urls_are_bounded(called):
    face = Face(max_url=100)
    room = 100 - len(RECORDS)
    assert (await face.ask("GET", RECORDS, query=b"a=" + b"b" * (room - 2))).status == 200
    reply = await face.ask("GET", RECORDS, query=b"a=" + b"b" * (room - 1))
    assert (reply.status, reply.json["code"]) == (414, "uriTooLong")
