"""Nested groups: ids and labels of their own, patching, lists by id."""

from __future__ import annotations

import pytest

from engine.errors import ValidationErrors

FIELDS = """
fields:
  contact:
    type: nested
    label: Contact Information
    fields: {phone: {type: text}, email: {type: email}}
  addresses:
    type: nested
    many: true
    recordLabel: "{state} - {zip}"
    fields:
      zip:   {type: text, required: true}
      state: {type: text, default: NV}
      size:  {type: integer, calculated: len(zip)}
      rooms: {type: nested, many: true, fields: {area: {type: integer, min: 1}, of: {type: text, calculated: parent.zip}}}
  zips: {type: text, calculated: "join(addresses.zip, ',')"}
"""


@pytest.fixture
def things(bench):
    return bench(FIELDS)


def test_a_single_group_is_always_an_object_with_id_and_label(things):
    group = things.shown(things.create({}).document)["contact"]
    assert list(group) == ["id", "label", "phone", "email"]
    assert (group["label"], group["phone"], group["email"]) == ("Contact Information", None, None)
    assert len(str(group["id"])) == 24


def test_items_get_ids_labels_defaults_and_calculated_fields(things):
    document = things.create({"addresses": [{"zip": "89145"}, {"zip": "1", "state": "CA"}]}).document
    items = things.shown(document)["addresses"]
    assert [item["label"] for item in items] == ["NV - 89145", "CA - 1"]
    assert [item["size"] for item in items] == [5, 1]
    assert items[0]["id"] != items[1]["id"]
    assert document["zips"] == "89145,1"


def test_an_item_with_a_known_id_is_patched_one_without_is_new_and_a_missing_one_goes(things):
    document = things.create({"addresses": [{"zip": "1"}, {"zip": "2"}]}).document
    first, second = things.shown(document)["addresses"]
    body = {"addresses": [{"id": str(second["id"]), "state": "TX"}, {"zip": "3"}]}
    record = things.update(document, body).record
    assert [item["zip"] for item in record["addresses"]] == ["2", "3"]
    assert record["addresses"][0]["id"] == str(second["id"])
    assert record["addresses"][0]["label"] == "TX - 2"
    assert str(first["id"]) not in [item["id"] for item in record["addresses"]]


def test_an_unknown_id_and_one_sent_twice_are_problems(things):
    document = things.create({"addresses": [{"zip": "1"}]}).document
    known = str(things.shown(document)["addresses"][0]["id"])
    assert things.problems({"addresses": [{"id": "0" * 24}]}, document) == [("addresses[0]", "notFound")]
    assert things.problems({"addresses": [{"id": known}, {"id": known}]}, document) == [("addresses[1]", "invalid")]


def test_ids_of_items_in_a_new_record_are_ignored_as_its_own_is(things):
    old = things.create({"addresses": [{"zip": "1", "rooms": [{"area": 1}]}]}).document
    room = {"id": str(old["addresses"][0]["rooms"][0]["id"]), "area": 2}
    address = {"id": str(old["addresses"][0]["id"]), "zip": "2", "rooms": [room, room, {"id": 5, "area": 3}]}
    items = things.create({"id": str(old["_id"]), "addresses": [address, address]}).record["addresses"]
    assert [item["state"] for item in items] == ["NV", "NV"]
    ids = [one["id"] for item in items for one in (item, *item["rooms"])]
    assert len(set(ids)) == 8
    assert not {address["id"], room["id"]} & set(ids)


def test_paths_of_problems_have_the_items_index(things):
    body = {"addresses": [{"zip": "1"}, {"state": "CA"}, 5, {"zip": "2", "rooms": [{"area": 0}, {"area": "x"}]}]}
    assert things.problems(body) == [
        ("addresses[1].zip", "required"),
        ("addresses[2]", "invalid"),
        ("addresses[3].rooms[0].area", "invalid"),
        ("addresses[3].rooms[1].area", "invalid"),
    ]


def test_unknown_names_inside_groups_are_named_with_their_place(things):
    with pytest.raises(ValidationErrors) as caught:
        things.create({"addresses": [{"zip": "1", "zipp": "2"}]})
    assert [(problem.field, problem.code) for problem in caught.value.problems] == [
        ("addresses[0].zipp", "invalidStructure")
    ]


def test_a_single_group_is_patched_and_null_clears_what_is_inside(things):
    document = things.create({"contact": {"phone": "1", "email": "a@b.com"}}).document
    patched = things.update(document, {"contact": {"phone": "2"}}).record["contact"]
    assert (patched["phone"], patched["email"]) == ("2", "a@b.com")
    cleared = things.update(document, {"contact": None}).record["contact"]
    assert (cleared["phone"], cleared["email"], cleared["id"]) == (None, None, patched["id"])


def test_a_group_in_a_group_sees_its_parent(things):
    record = things.create({"addresses": [{"zip": "77", "rooms": [{"area": 3}]}]}).record
    assert record["addresses"][0]["rooms"][0]["of"] == "77"


def test_the_group_of_an_older_document_has_the_same_id_at_every_read(things):
    document = things.create({}).document
    del document["contact"]
    assert things.shown(document)["contact"]["id"] == things.shown(document)["contact"]["id"]
    assert things.entity.rules.load(document)["contact"]["id"] == things.shown(document)["contact"]["id"]


def test_a_required_group_needs_one_inner_value(bench):
    things = bench("fields: {contact: {type: nested, required: true, fields: {a: {type: text}, b: {type: boolean}}}}")
    assert things.problems({}) == [("contact", "required")]
    assert things.problems({"contact": {}}) == [("contact", "required")]
    assert things.create({"contact": {"a": "x"}}).record["contact"]["a"] == "x"


def test_what_a_client_reads_it_can_send_back(things):
    document = things.create({"contact": {"phone": "1"}, "addresses": [{"zip": "1", "rooms": [{"area": 2}]}]}).document
    body = _as_json(things.shown(document))
    assert things.update(document, body).values is None


def _as_json(value):
    if isinstance(value, dict):
        return {key: _as_json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_as_json(each) for each in value]
    return value if isinstance(value, (str, int, bool)) or value is None else str(value)


def test_unset_unique_fields_of_items_are_not_stored_so_that_they_never_clash(bench):
    things = bench(
        "fields: {rows: {type: nested, many: true, fields: {code: {type: text, unique: true}, n: {type: integer}}}}"
    )
    document = things.create({"rows": [{"code": "a"}, {"n": 1}]}).document
    assert "code" not in document["rows"][1]
    assert document["rows"][0]["n"] is None
    assert things.shown(document)["rows"][1]["code"] is None
    assert (
        things.update(document, {"rows": [{"id": row["id"]} for row in things.shown(document)["rows"]]}).values is None
    )
    (plan,) = [plan for plan in things.compiled.indexes if plan.unique and plan.collection == "things"]
    assert (plan.keys, plan.sparse, plan.partial) == ((("rows.code", 1),), True, None)
