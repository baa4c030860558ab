"""What clients read: chosen fields, plain text, documents of older definitions, read conditions, files."""

from __future__ import annotations

import pytest
from bson import ObjectId

from engine.fields.base import Locale
from engine.records import Frame, Moment

FIELDS = """
recordLabel: "{name}"
fields:
  name:  {type: text}
  price: {type: money}
  paid:  {type: boolean}
  days:  {type: date, many: true}
  kind:  {type: choice, options: {a: Alpha, b: Beta}}
  made:  {type: dateRecordCreated}
  owner: {type: relationship, entity: people, copy: [rank]}
  box:   {type: nested, fields: {size: {type: integer}, note: {type: text}}}
  lines: {type: nested, many: true, fields: {amount: {type: percentage}}}
"""
PEOPLE = {"people": "recordLabel: name\nfields: {name: {type: text}, rank: {type: integer}}"}
ADA = ObjectId("a" * 24)


@pytest.fixture
def things(bench):
    found = bench(FIELDS, others=PEOPLE)
    found.others["people"] = [{"_id": ADA, "version": 0, "label": "Ada", "name": "Ada", "rank": 3}]
    return found


@pytest.fixture
def document(things):
    body = {"name": "Lamp", "price": 2.5, "kind": "a", "days": ["2024-02-29"], "owner": "Ada"}
    return things.create({**body, "box": {"size": 4, "note": "n"}, "lines": [{"amount": 0.25}]}).document


def test_chosen_fields_come_with_the_system_fields_and_a_parent_brings_what_is_inside(things, document):
    shown = things.shown(document, shown=frozenset({"name", "box"}))
    assert list(shown) == ["id", "version", "label", "name", "box"]
    assert shown["box"].items() >= {"size": 4, "note": "n"}.items()
    inner = things.shown(document, shown=frozenset({"box.size"}))
    assert inner["box"].keys() == {"id", "label", "size"}


def test_plain_text_is_what_people_read(things, document):
    shown = things.shown(document, locale=Locale("UTC", "en", "USD"))
    assert (shown["kind"], shown["paid"], shown["owner"]) == ("Alpha", "No", "Ada")
    assert shown["days"] == ["2024-02-29"]
    assert shown["box"]["size"] == "4"
    assert shown["lines"][0]["amount"] == "25%"
    assert shown["made"] == "2023-11-14 22:13"


def test_unset_values_are_null_in_plain_text_too(things):
    shown = things.shown(things.create({}).document, locale=Locale())
    assert (shown["price"], shown["days"], shown["owner"], shown["box"]["size"]) == (None, [], None, None)


def test_an_older_document_is_laid_out_in_the_order_of_the_definition(things, document):
    older = {"_id": document["_id"], "version": 3, "label": "Lamp", "box": document["box"], "name": "Lamp", "gone": 1}
    shown = things.shown(older)
    assert list(shown)[3:] == ["name", "price", "paid", "days", "kind", "made", "owner", "box", "lines"]
    assert (shown["paid"], shown["days"], shown["price"], shown["lines"]) == (False, [], None, [])


def test_parts_of_a_reference_can_be_hidden(things, document):
    shown = things.shown(document, hidden=frozenset({"owner.rank", "owner.label"}))
    assert shown["owner"] == {"id": str(ADA)}


def test_a_read_condition_holds_for_everyone_and_is_asked_of_the_group_it_stands_in(bench):
    things = bench(
        """
fields:
  open: {type: boolean}
  code: {type: text, read: {open: true}}
  rows: {type: nested, many: true, fields: {show: {type: boolean}, word: {type: text, read: show}}}
"""
    )
    rows = [{"show": True, "word": "yes"}, {"show": False, "word": "no"}]
    shut = things.shown(things.create({"code": "x", "rows": rows}).document)
    assert "code" not in shut
    assert [row.get("word") for row in shut["rows"]] == ["yes", None]
    assert things.shown(things.create({"open": True, "code": "x"}).document)["code"] == "x"


def test_a_masked_part_of_a_record_is_taken_out_where_its_condition_fails(things, document):
    view = things.entity.views.get(Frame())
    masks = {"price": lambda record: False, "box.size": lambda record: False, "lines.amount": lambda record: True}
    shown = view.render(dict(document), Moment(0).scope, masks)
    assert "price" not in shown
    assert "size" not in shown["box"]
    assert "amount" in shown["lines"][0]


def test_calculated_lists_are_lists_of_the_fields_type(bench):
    things = bench(
        "fields: {words: {type: text, many: true}, sizes: {type: integer, many: true, calculated: '[len(w) for w in words]'}}"
    )
    assert things.create({"words": ["a", "bcd"]}).document["sizes"] == [1, 3]
    assert things.create({}).document["sizes"] == []
