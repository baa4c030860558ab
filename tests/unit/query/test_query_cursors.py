"""Cursors: text that only this server could have made for this list, and the filter of what comes behind a position."""

import base64

import pytest
from bson import Decimal128, Int64, ObjectId
from bson.datetime_ms import DatetimeMS

from engine.errors import BadRequest
from engine.query.cursor import Position, seal, to_keyset, unseal
from tests.every import every

SECRET, BINDING = b"secret", "things state=open name,-_id"
ID = ObjectId("57fd2d65e4b0ce322b0c8665")
END = Position(("Zoë", None, Int64(5), Decimal128("0.10"), DatetimeMS(-1), True, ID), 40)


def test_a_position_comes_back_with_its_types():
    found = unseal(seal(END, SECRET, BINDING), SECRET, BINDING)
    assert found == END
    assert [type(value) for value in found.values] == [type(value) for value in END.values]


def test_a_cursor_is_written_in_letters_that_urls_carry():
    for count in range(8):
        text = seal(Position(("?>" * count,), count), SECRET, BINDING)
        assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        assert unseal(text, SECRET, BINDING).count == count


def test_no_letter_of_a_cursor_can_be_changed():
    text = seal(END, SECRET, BINDING)
    sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    for place in range(len(sealed)):
        other = bytearray(sealed)
        other[place] ^= 1
        with pytest.raises(BadRequest, match="_cursor: this is no cursor of this list; begin anew with an empty one"):
            unseal(base64.urlsafe_b64encode(other).decode(), SECRET, BINDING)


@every("text", ["", "x", "====", "not base64 at all!", "é", "\0", "A" * 22, "A" * 10_000])
def test_other_text_is_refused(text):
    with pytest.raises(BadRequest, match="this is no cursor of this list"):
        unseal(text, SECRET, BINDING)


def test_a_cursor_is_bound_to_its_list_and_to_the_server():
    text = seal(END, SECRET, BINDING)
    for secret, binding in ((b"other", BINDING), (SECRET, "things state=open name"), (SECRET, "")):
        with pytest.raises(BadRequest):
            unseal(text, secret, binding)


def test_a_position_is_that_of_the_values_sorted_by():
    document = {"_id": ID, "name": "a", "place": {"city": "Rome"}, "rows": [{"n": 1}]}
    sort = [("name", 1), ("place.city", -1), ("place.zip", 1), ("name.x", 1), ("_id", 1)]
    assert Position.of(document, sort, 7) == Position(("a", "Rome", None, None, ID), 7)


@every(
    ("values", "sort", "filter_"),
    [
        ((ID,), [("_id", 1)], {"_id": {"$gt": ID}}),
        ((ID,), [("_id", -1)], {"$or": [{"_id": {"$lt": ID}}, {"_id": {"$eq": None}}]}),
        (
            (5, ID),
            [("n", 1), ("_id", 1)],
            {"$or": [{"n": {"$gt": 5}}, {"n": {"$eq": 5}, "_id": {"$gt": ID}}]},
        ),
        (
            (None, ID),
            [("n", 1), ("_id", 1)],
            {"$or": [{"n": {"$ne": None}}, {"n": {"$eq": None}, "_id": {"$gt": ID}}]},
        ),
        (
            (5, ID),
            [("n", -1), ("_id", 1)],
            {"$or": [{"n": {"$lt": 5}}, {"n": {"$eq": None}}, {"n": {"$eq": 5}, "_id": {"$gt": ID}}]},
        ),
        ((None, ID), [("n", -1), ("_id", 1)], {"n": {"$eq": None}, "_id": {"$gt": ID}}),
    ],
)
def test_nulls_come_first_ascending_and_last_descending(values, sort, filter_):
    assert to_keyset(Position(values), sort) == filter_
