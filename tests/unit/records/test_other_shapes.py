"""Documents of former definitions: what any type, one value or many, left behind is read, shown and written as any other
type has it, without an error."""

from __future__ import annotations

import json

import bson
import pytest
from bson import ObjectId
from bson.codec_options import CodecOptions, DatetimeConversion

from engine.compiler import build_app
from engine.definitions import Sources, resolve_app
from engine.fields import FIELD_TYPES, Capability, Locale, Shape
from engine.fields.stored_json import encode_stored
from engine.permissions import FULL_ACCESS
from engine.records import Moment
from engine.records.audit import Cause
from engine.records.export_columns import ExportColumns, longest, plan_fields
from engine.records.options import WriteOptions
from tests.unit.records.conftest import NOW, Bench

CODEC = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)
KEY = ObjectId("1" * 24)
INNER = {"a": {"type": "text"}, "b": {"type": "integer", "many": True}}
EXTRA = {
    "relationship": {"entity": "people", "copy": ["name"]},
    "nested": {"fields": INNER},
    "date": {"display": {"format": "dd MMM yyyy"}},
    "time": {"display": {}},
}


def definition(kind, many):
    options = {**kind.sample_options} | EXTRA.get(kind.name, {})
    return {"type": kind.name, **options, **({"many": True} if many else {})}


def all_fields(allowed):
    return {
        f"{kind.name}{'Many' if many else 'One'}": definition(kind, many)
        for kind in FIELD_TYPES.values()
        for many in (False, True)
        if allowed(kind) and (not many or Capability.MANY in kind.capabilities)
    }


TOP = all_fields(lambda kind: True)
BELOW = all_fields(lambda kind: kind.supply is None and kind.shape is not Shape.NESTED)
FIELDS = {
    "name": {"type": "text"},
    **TOP,
    "group": {"type": "nested", "fields": BELOW},
    "groups": {"type": "nested", "many": True, "fields": BELOW},
}


def stored_sample(kind):
    if kind.name == "nested":
        return {"id": ObjectId("2" * 24), "label": "L", "a": "x", "b": [1, 2]}
    return kind.configure(kind.sample_options).to_stored(kind.sample)


LEFT = {
    **{f"{kind.name} one": stored_sample(kind) for kind in FIELD_TYPES.values()},
    **{f"{kind.name} many": [stored_sample(kind)] * 2 for kind in FIELD_TYPES.values()},
    "an empty list": [],
    "an empty object": {},
    "nulls": [None, None],
    "lists of lists": [["x"], [{"id": KEY}]],
    "an object with odd parts": {"id": 5, "label": 7, "options": [1], "html": 3, "coordinates": ["a", None]},
    "a text that is no date": "13 o'clock",
}


@pytest.fixture(scope="module")
def things():
    texts = {
        "app.yaml": "name: shop\n",
        "entities/people.yaml": "recordLabel: name\nfields: {name: {type: text}}",
        "entities/things.yaml": json.dumps({"recordLabel": "{name}", "fields": FIELDS}),
    }
    return Bench(build_app(resolve_app(Sources("shop", texts))), "things")


def document(left):
    below = {"id": KEY, "label": "G", **dict.fromkeys(BELOW, left)}
    made = {"_id": KEY, "version": 3, "label": "n", "name": "n", **dict.fromkeys(TOP, left)}
    made |= {"group": below, "groups": [below, left]}
    return bson.decode(bson.encode(made), CODEC)


each_left = pytest.mark.parametrize("left", LEFT.values(), ids=LEFT)


def check_shape(fields, values):
    """Every value is one of its field's type, and a list where there are many."""
    for item in fields:
        value = values[item.name]
        if item.many:
            assert type(value) is list, item.path
        if item.type.shape is Shape.NESTED:
            for one in value if item.many else [value]:
                check_shape(item.fields, one)
            continue
        for one in value if item.many else [value]:
            if one is not None:
                assert item.type.is_stored(item.type.to_stored(one)), (item.path, one)


@each_left
def test_what_is_left_is_read_as_the_new_types_have_it(things, left):
    record = things.entity.rules.load(document(left))
    check_shape(things.entity.entity.fields, record)


@each_left
@pytest.mark.parametrize("frame", [{}, {"locale": Locale("UTC", "en", "USD")}, {"cells": True}], ids=str)
def test_what_is_left_is_shown_in_every_format(things, left, frame):
    whole = document(left)
    shown = things.shown(whole, **frame)
    json.loads(encode_stored(shown))
    record = things.entity.rules.load(whole)
    for item in things.entity.entity.fields:
        if item.many:
            assert len(shown[item.name]) == len(record[item.name])
        elif item.type.name != "json":
            assert not isinstance(shown[item.name], list)
            if not frame and record[item.name] is None:
                assert shown[item.name] is None, item.path


@each_left
def test_what_is_left_has_cells_in_exports(things, left):
    entity = things.entity.entity
    fields = plan_fields(entity, None, FULL_ACCESS, lambda item: None)
    row = things.shown(document(left), shown=fields.shown, cells=True)
    widths = {path.name: longest(row, path) for path in fields.lists}
    columns = ExportColumns(entity, fields, widths, FULL_ACCESS, lambda item: None)
    assert all(type(cell) is str for cell in columns.row(row, {}))


@each_left
def test_a_record_with_what_is_left_is_written(things, left):
    whole = document(left)
    options = WriteOptions(refuse=False)  # a text may be none of a choice's options, which is no error but a refusal
    draft = things.entity.rules.parse({"name": "new"}, FULL_ACCESS, new=False, options=options)
    change = things.entity.rules.plan_update(whole, draft, Moment(NOW), FULL_ACCESS)
    assert {problem.message for problem in change.tolerated} <= {"Not a valid choice"}
    assert change.values.keys() >= {"version", "name", "label"}
    things.compiled.following["things"].of_write(change, Cause(at=NOW), cascading=True)
    draft = things.entity.rules.parse(
        {"textOne": "x", "nestedOne": {"a": "y"}}, FULL_ACCESS, new=False, options=options
    )
    change = things.entity.rules.plan_update(whole, draft, Moment(NOW), FULL_ACCESS)
    assert (change.planned["textOne"], change.planned["nestedOne"]["a"]) == ("x", "y")


@each_left
def test_what_is_left_is_no_reference_to_follow(things, left):
    for referrer in things.compiled.following["things"].cascades.own:
        whole = document(left)
        assert all(one["id"] is not None for one in referrer.references(whole))
        referrer.remove(whole, KEY)


def test_one_value_reads_as_a_list_and_a_list_as_its_first(things):
    whole = document(None) | {
        "textMany": "x",
        "textOne": ["p", "q"],
        "dateTimeMany": stored_sample(FIELD_TYPES["dateTime"]),
    }
    whole |= {
        "nestedMany": stored_sample(FIELD_TYPES["nested"]),
        "nestedOne": [stored_sample(FIELD_TYPES["nested"])] * 2,
    }
    record, shown = things.entity.rules.load(whole), things.shown(whole)
    for found in (record, shown):
        assert (found["textMany"], found["textOne"]) == (["x"], "p")
        assert [one["a"] for one in found["nestedMany"]] == ["x"]
        assert (found["nestedOne"]["id"], found["nestedOne"]["b"]) == ("2" * 24, [1, 2])
    assert record["dateTimeMany"] == [FIELD_TYPES["dateTime"].sample]


def test_a_value_of_another_type_reads_as_unset(things):
    record = things.entity.rules.load(document(7))
    assert (record["textOne"], record["booleanOne"], record["relationshipOne"]) == (None, False, None)
    assert (record["integerOne"], record["decimalOne"], record["textMany"]) == (7, 7, [])
    assert things.shown(document(7), locale=Locale())["booleanOne"] == "No"
    assert things.entity.rules.load(document(True))["integerOne"] is None
