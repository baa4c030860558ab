"""Columns of an export, their headers, and the cells of records."""

import csv
import io

import pytest
from bson import ObjectId

from engine.errors import BadRequest, Forbidden
from engine.permissions import FULL_ACCESS, NO_ACCESS, Access
from engine.records import Frame, Moment
from engine.records.columns import Columns
from engine.records.export_columns import ExportColumns, longest, plan_fields

FIELDS = """
label: Things
fields:
  name: {type: text, aliases: [title]}
  size: {type: integer}
  share: {type: percentage}
  when: {type: dateTime}
  open: {type: boolean}
  tags: {type: text, many: true}
  total: {type: integer, calculated: size + 1}
  pin: {type: text, transient: true}
  never: {type: text, read: false}
  address: {type: nested, label: Home, fields: {city: {type: text}, rooms: {type: integer}}}
  addresses:
    type: nested
    many: true
    fields: {city: {type: text}, phones: {type: phone, many: true}}
  owner: {type: relationship, entity: people, copy: [city]}
  others: {type: relationship, entity: people, many: true}
"""
PEOPLE = """
recordLabel: name
fields:
  name: {type: text}
  city: {type: text}
  age: {type: integer}
  nicknames: {type: text, many: true}
  boss: {type: relationship, entity: people}
  home: {type: nested, fields: {street: {type: text}, zip: {type: text}}}
"""


@pytest.fixture
def shop(bench):
    return bench(FIELDS, others={"people": PEOPLE})


def target_with(shop, access=FULL_ACCESS):
    return lambda item: (shop.compiled.app.target(item), access)


def fields_of(shop, *names, access=FULL_ACCESS, related=FULL_ACCESS):
    return plan_fields(shop.compiled.app.entities["things"], names or None, access, target_with(shop, related))


def table(shop, *names, widths=(), access=FULL_ACCESS):
    entity = shop.compiled.app.entities["things"]
    fields = fields_of(shop, *names, access=access)
    return ExportColumns(entity, fields, dict(widths), access, target_with(shop))


def names_of(shop, *names, **options):
    return table(shop, *names, **options).headers(names=True)


def hiding(*paths):
    return Access(hidden=frozenset(paths))


def shown(shop, document, *names, widths=(), related=None):
    """A row as it is read back from the file."""
    columns = table(shop, *names, widths=widths)
    view = shop.entity.views.get(Frame(fields_of(shop, *names).shown, cells=True))
    record = view.render(dict(document), Moment(0).scope)
    return dict(zip(columns.headers(names=True), columns.row(record, related or {}), strict=True))


def test_without_names_all_own_stored_fields_have_columns_and_related_ones_have_none(shop):
    assert names_of(shop) == [
        *("name", "size", "share", "when", "open", "tags[0]", "total", "address.city", "address.rooms"),
        *("addresses[0].city", "addresses[0].phones[0]", "owner", "others[0]"),
    ]


def test_lists_have_as_many_columns_as_the_longest_needs_place_by_place(shop):
    assert names_of(shop, "addresses", "tags", widths={"addresses": 2, "addresses.phones": 1, "tags": 3}) == [
        *("addresses[0].city", "addresses[0].phones[0]", "addresses[1].city", "addresses[1].phones[0]"),
        *("tags[0]", "tags[1]", "tags[2]"),
    ]
    assert names_of(shop, "addresses.city", widths={"addresses": 2}) == ["addresses[0].city", "addresses[1].city"]


def test_what_is_named_twice_has_one_column_and_aliases_are_the_field(shop):
    assert names_of(shop, "title", "name", "address.city", "address") == ["name", "address.city", "address.rooms"]


def test_related_fields_are_those_of_the_other_record_or_their_copies(shop):
    names = ("owner", "owner.city", "owner.age", "owner.home", "owner.boss", "owner.id", "others.age")
    assert names_of(shop, *names) == [
        *("owner", "owner.city", "owner.age", "owner.home.street", "owner.home.zip", "owner.boss", "owner.id"),
        "others[0].age",
    ]
    found = fields_of(shop, *names)
    assert {one.path.name: one.shown for one in found.relations} == {
        "owner": {"age", "home.street", "home.zip", "boss"},
        "others": {"age"},
    }
    assert "owner.city" in found.shown


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nme", 'no field "nme"; did you mean "name"'),
        ("address.town", 'no field "town" in "address"'),
        ("owner.agee", 'owner: There is no field "agee"'),
        ("owner.nicknames", 'owner: the field "nicknames" holds several values'),
        ("owner.boss.age", 'owner: There is no field "age" in "boss"'),
        ("pin", "is not stored"),
        ("id", "id, label and version have no columns"),
    ],
)
def test_what_has_no_column_is_refused_by_name(shop, name, told):
    with pytest.raises(BadRequest, match=told):
        table(shop, name)


def test_what_the_caller_may_not_see_has_no_column_and_cannot_be_named(shop):
    access = hiding("size", "address.city", "addresses", "owner.label")
    assert names_of(shop, access=access) == [
        *("name", "share", "when", "open", "tags[0]", "total", "address.rooms", "others[0]"),
    ]
    for name in ("size", "address.city", "addresses", "addresses.city", "owner", "never"):
        with pytest.raises(Forbidden):
            table(shop, name, access=access)
    assert names_of(shop, "owner.age", access=access) == ["owner.age"]
    with pytest.raises(Forbidden):
        table(shop, "owner.age", access=hiding("owner.id"))


def test_a_group_of_which_nothing_is_seen_is_left_out_and_cannot_be_named(shop):
    access = hiding("address.city", "address.rooms")
    assert not [name for name in names_of(shop, access=access) if name.startswith("address.")]
    with pytest.raises(Forbidden):
        table(shop, "address", access=access)


def test_rights_on_the_other_entity_count_for_related_fields(shop):
    with pytest.raises(Forbidden):
        fields_of(shop, "owner.age", related=hiding("age"))
    with pytest.raises(Forbidden):
        fields_of(shop, "owner.boss", related=hiding("boss.label"))
    assert NO_ACCESS.hides("age") is False  # whoever gives the target asks whether it may be read at all


def test_headers_are_labels_joined_and_read_back_as_the_same_columns(shop):
    columns = table(shop, widths={"addresses": 2})
    headers = columns.headers()
    assert headers[:2] == ["Name", "Size"]
    assert {"Home > City", "Addresses[1] > Phones[0]", "Owner", "Others[0]"} <= set(headers)
    entity = shop.compiled.app.entities["things"]
    labels, names = (Columns(entity, columns.headers(names=choice)).columns for choice in (False, True))
    assert [column.keys for column in labels] == [column.keys for column in names]


def test_related_headers_are_labels_too(shop):
    assert table(shop, "name", "owner.age", "owner.home").headers() == [
        *("Name", "Owner > Age", "Owner > Home > Street", "Owner > Home > Zip"),
    ]


def test_labels_that_two_columns_share_or_that_mean_something_else_give_way_to_names(bench):
    odd = bench(
        """fields:
  a: {type: text, label: Same}
  b: {type: text, label: Same}
  c: {type: text, label: d}
  d: {type: text, label: D}
  e: {type: text, label: =E}
  f: {type: text, label: "x > y"}
  g: {type: text, label: " G "}
"""
    )
    assert table(odd).headers() == ["a", "b", "c", "D", "e", "x > y", "g"]


def test_more_columns_than_spreadsheets_can_hold_are_refused_before_they_are_made(shop):
    with pytest.raises(BadRequest, match="more than 16384 columns"):
        table(shop, "addresses", widths={"addresses": 10_000, "addresses.phones": 10**9})


def test_cells_are_the_csv_forms_of_values(shop):
    body = {
        "name": "=1+1",
        "size": -5,
        "share": 0.25,
        "when": 1484578380000,
        "tags": ["a", "-b"],
        "address": {"city": "Bern"},
        "addresses": [{"phones": ["17028459380"]}, {"city": "Rome"}],
        "owner": {"id": "5" * 24},
    }
    shop.others["people"] = [{"_id": "5" * 24, "version": 0, "label": "+Ann", "city": "Ulm"}]
    document = shop.create(body).document
    row = shown(shop, document, widths={"addresses": 2, "tags": 3})
    assert row == {
        "name": "'=1+1",
        "size": "-5",
        "share": "25",
        "when": "2017-01-16T14:53:00.000Z",
        "open": "false",
        "tags[0]": "a",
        "tags[1]": "'-b",
        "tags[2]": "",
        "total": "-4",
        "address.city": "Bern",
        "address.rooms": "",
        "addresses[0].city": "",
        "addresses[0].phones[0]": "1-702-845-9380",
        "addresses[1].city": "Rome",
        "addresses[1].phones[0]": "",
        "owner": "'+Ann",
        "others[0]": "",
    }


def test_cells_of_related_records_stand_in_every_row_that_points_there(shop):
    there = {"id": "5" * 24, "version": 3, "label": "Ann", "age": "44", "home": {"street": "@home", "zip": ""}}
    document = {"_id": "1" * 24, "version": 0, "label": "x", "owner": {"id": ObjectId("5" * 24), "label": "Ann"}}
    names = ("owner.age", "owner.home", "owner.version")
    row = shown(shop, document, *names, related={"owner": {"5" * 24: there}})
    assert row == {"owner.age": "44", "owner.home.street": "'@home", "owner.home.zip": "", "owner.version": "3"}
    assert set(shown(shop, document, *names, related={"owner": {}}).values()) == {""}
    nobody = {**document, "owner": None}
    assert set(shown(shop, nobody, *names, related={"owner": {"5" * 24: there}}).values()) == {""}


def test_the_longest_list_at_a_path_is_told_over_all_that_is_around_it(shop):
    entity = shop.compiled.app.entities["things"]
    record = {"addresses": [{"phones": ["1", "2"]}, {"phones": []}, {}], "tags": None}
    lengths = {path: longest(record, entity.field_at(path)) for path in ("addresses", "addresses.phones", "tags")}
    assert lengths == {"addresses": 3, "addresses.phones": 2, "tags": 0}


def test_rows_survive_the_csv_module(shop):
    document = shop.create({"name": 'a "b"\r\nc, d\n', "tags": ["\t", "x"]}).document
    row = shown(shop, document, "name", "tags", widths={"tags": 2})
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow(row.values())
    assert next(csv.reader(io.StringIO(text.getvalue(), newline=""), strict=True)) == list(row.values())
