"""The header Idempotency-Key: which texts are keys, and which routes heed one."""

import pytest

from engine.errors import BadRequest
from engine.routes import SHAPES, Operation, Scope
from server.http.idempotency import read_key
from tests.every import every


@every(
    ("sent", "key"),
    [
        (b"8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        (b'"8e03978e"', "8e03978e"),
        (b'  "a" ', "a"),
        (rb'"a\"b\\c"', r'a"b\c'),
        (rb"a\b", r"a\b"),
        (b"!~", "!~"),
        (b"k" * 255, "k" * 255),
        (b'"%s"' % (b"k" * 255), "k" * 255),
    ],
)
def test_keys_as_they_are_and_in_quotes(sent, key):
    assert read_key([(b"accept", b"*/*"), (b"idempotency-key", sent)]) == key


@every(
    "sent",
    [b"", b" ", b'""', b'"', b'"a', b'"a"b', b'"a";x=1', rb'"a\b"', b"a b", b'"a b"', b"a\tb", b"\xc3\xa9", b"k" * 256],
)
def test_what_is_no_key_is_refused(sent):
    with pytest.raises(BadRequest, match="Idempotency-Key"):
        read_key([(b"idempotency-key", sent)])


def test_two_keys_are_refused():
    with pytest.raises(BadRequest, match="twice"):
        read_key([(b"idempotency-key", b"a"), (b"idempotency-key", b"a")])


def test_without_the_header_there_is_no_key():
    assert read_key([(b"x-idempotency-key", b"a")]) is None


def test_every_route_that_writes_heeds_a_key_but_those_that_stream_or_tell_secrets():
    heeding = {shape.operation for shape in SHAPES if shape.once}
    others = {
        shape.operation
        for shape in SHAPES
        if not shape.once and shape.method != "GET" and shape.scope is not Scope.PUBLIC
    }
    assert others == {
        Operation.AGGREGATE,  # only reads
        Operation.IMPORT,
        Operation.UPLOAD_FILES,
        Operation.SHARE_FILE,
        Operation.CHANGE_CURRENT_PASSWORD,
        Operation.LOGOUT,
    }
    assert not heeding & others
    assert all(shape.method != "GET" and shape.scope is not Scope.PUBLIC for shape in SHAPES if shape.once)


async def test_a_bad_key_is_refused_before_anything_is_done(face, called):
    reply = await face.ask("POST", "/api/data/companies", b"{}", {"idempotency-key": "a b"})
    assert (reply.status, reply.json["code"], called) == (400, "badRequest", [])


async def test_reads_and_aggregations_take_no_notice(face, called):
    reply = await face.ask("GET", "/api/data/companies", headers={"idempotency-key": "a b"})
    assert reply.status == 200
