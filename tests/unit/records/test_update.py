"""Changes of records: partial bodies, what counts as a change, stamps, versions."""

from __future__ import annotations

from decimal import Decimal

import pytest
from bson import Int64

from engine.errors import OptimisticLocking

NOW = 1_700_000_000_000
LATER = NOW + 1_000


@pytest.fixture
def things(bench):
    return bench(
        """
recordLabel: "{name}"
fields:
  name:   {type: text, required: true}
  state:  {type: choice, options: [a, b], default: a}
  size:   {type: integer, min: 0}
  double: {type: integer, calculated: size * 2}
  made:   {type: dateRecordCreated}
  seen:   {type: dateRecordModified}
"""
    )


def test_only_what_changed_is_set(things):
    document = things.create({"name": "Ada", "size": 1}).document
    change = things.update(document, {"size": 2})
    assert change.expected == 0
    assert set(change.values) == {"version", "size", "double", "seen"}
    assert (change.values["version"], change.values["size"], change.values["double"]) == (1, 2, 4)


def test_the_label_follows_its_fields(things):
    document = things.create({"name": "Ada"}).document
    assert things.update(document, {"name": "Bob"}).values["label"] == "Bob"


def test_a_write_that_changes_nothing_writes_nothing(things):
    document = things.create({"name": "Ada", "size": 1}).document
    assert things.update(document, {"name": "Ada", "size": 1}).values is None
    assert things.update(document, {}).values is None


@pytest.mark.parametrize(("was", "becomes"), [(0, False), ([1], [True]), ({"a": [True]}, {"a": [1]})])
def test_true_is_not_1_nor_false_0(bench, was, becomes):
    free = bench("fields: {value: {type: json}, made: {type: dateRecordModified}}")
    document = free.create({"value": was}).document
    assert free.update(document, {"value": was}).values is None
    record = free.update(document, {"value": becomes}).record
    assert repr(record["value"]) == repr(becomes)
    assert record["version"] == 1


def test_stamps_of_change_move_and_those_of_creation_stay(things):
    document = things.create({"name": "Ada"}).document
    change = things.update(document, {"size": 3})
    assert (change.record["made"], change.record["seen"]) == (NOW, LATER)


def test_absent_keys_stay_and_null_clears(things):
    document = things.create({"name": "Ada", "size": 1, "state": "b"}).document
    record = things.update(document, {"size": None}).record
    assert (record["name"], record["state"], record["size"], record["double"]) == ("Ada", "b", None, None)


def test_defaults_are_not_applied_again(things):
    document = things.create({"name": "Ada", "state": None}).document
    assert things.update(document, {"size": 5}).record["state"] is None


def test_a_required_field_cannot_be_cleared(things):
    document = things.create({"name": "Ada"}).document
    assert things.problems({"name": None}, document) == [("name", "required")]


def test_a_required_value_that_is_not_stored_is_asked_for_once(bench):
    things = bench("""
fields:
  name:   {type: text}
  word:   {type: text, transient: true, required: true}
  why:    {type: text, transient: true, required: {name: gone}}
  lines:
    type: nested
    many: true
    fields: {size: {type: integer}, code: {type: text, transient: true, required: true}}
""")
    assert things.problems({}) == [("word", "required")]
    document = things.create({"word": "a", "lines": [{"size": 1, "code": "b"}]}).document
    document = things.change(document, {"name": "Ada"})
    assert things.problems({"name": "gone"}, document) == [("why", "required")]
    document = things.change(document, {"name": "gone", "why": "c"})
    line = {"id": str(document["lines"][0]["id"]), "size": 2}
    document = things.change(document, {"lines": [line]})
    assert things.problems({"lines": [line, {"size": 3}]}, document) == [("lines[1].code", "required")]


def test_what_a_client_reads_it_can_send_back(things):
    document = things.create({"name": "Ada", "size": 4}).document
    body = {key: value for key, value in things.shown(document).items() if key not in ("made", "seen")}
    assert things.update(document, body).values is None


@pytest.mark.parametrize("version", [0, Decimal("0.0"), Int64(0)])
def test_a_version_is_a_whole_number_however_it_is_written(things, version):
    document = things.create({"name": "Ada"}).document
    assert things.update(document, {"name": "Bob", "version": version}).version == 1
    with pytest.raises(OptimisticLocking):
        things.update({**document, "version": 3}, {"name": "Bob", "version": Decimal("2.0")})


@pytest.mark.parametrize("version", ["1", Decimal("1.5"), True, -1, 2**63])
def test_a_version_that_is_none_is_a_problem(things, version):
    document = things.create({"name": "Ada"}).document
    assert things.problems({"version": version}, document) == [("version", "invalid")]


def test_a_calculation_that_reads_the_stamp_of_change_sees_the_new_one(bench):
    things = bench(
        "fields: {a: {type: integer}, seen: {type: dateRecordModified}, copy: {type: integer, calculated: seen}}"
    )
    document = things.create({"a": 1}).document
    assert things.update(document, {"a": 2}).record["copy"] == LATER
    assert things.update(document, {"a": 1}).values is None


def test_a_field_that_may_not_be_written_keeps_its_value_silently(bench):
    things = bench("fields: {locked: {type: boolean}, note: {type: text, write: {locked: false}}}")
    document = things.create({"note": "first", "locked": True}).document
    assert document["note"] is None
    open_document = things.create({"note": "first"}).document
    assert open_document["note"] == "first"
    changed = things.change(open_document, {"locked": True})
    assert things.update(changed, {"note": "second"}).values is None


def test_an_older_document_without_a_new_field_can_be_changed(things):
    document = things.create({"name": "Ada", "size": 1}).document
    del document["state"]
    record = things.update(document, {"size": 2}).record
    assert (record["state"], record["size"]) == (None, 2)
