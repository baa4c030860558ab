"""Values to JSON: every stored form has one spelling, and what is unknown is refused."""

from decimal import Decimal
from types import MappingProxyType

import pytest
from bson import Binary, Decimal128, Int64, ObjectId, Regex
from bson.datetime_ms import DatetimeMS

from server.http.responses import answer_json, encode_json
from tests.every import every


@every(
    ("value", "text"),
    [
        (ObjectId("57fd2d65e4b0ce322b0c8665"), '"57fd2d65e4b0ce322b0c8665"'),
        (Int64(5), "5"),
        (Int64(2**62), "4611686018427387904"),
        (DatetimeMS(1485272566096), "1485272566096"),
        (DatetimeMS(-62135596800000), "-62135596800000"),
        (Decimal128("12.50"), "12.50"),
        (Decimal128("-0.1"), "-0.1"),
        (Decimal128("1E+3"), "1E+3"),
        (Decimal128("NaN"), "null"),
        (Decimal128("Infinity"), "null"),
        (Decimal("0.30"), "0.30"),
        (MappingProxyType({"rule": "max"}), '{"rule":"max"}'),
        (
            {"id": ObjectId("57fd2d65e4b0ce322b0c8665"), "many": [Int64(1)]},
            '{"id":"57fd2d65e4b0ce322b0c8665","many":[1]}',
        ),
    ],
)
def test_spells(value, text):
    assert encode_json(value) == text.encode()


@pytest.mark.parametrize("value", [Regex("a"), object(), 1j, lambda: None])
def test_refuses_what_it_does_not_know(value):
    with pytest.raises(NotImplementedError, match=type(value).__name__):
        encode_json({"value": value})


def test_unknown_kinds_of_bytes_are_refused():
    with pytest.raises(NotImplementedError):
        encode_json(Binary(b"x", 5))


def test_an_answer_says_what_it_is_and_how_long():
    answer = answer_json({"label": "Zoë"}, 201, [(b"retry-after", b"2")])
    assert answer.status == 201
    assert dict(answer.headers) == {
        b"content-type": b"application/json",
        b"content-length": str(len(answer.body)).encode(),
        b"retry-after": b"2",
    }
