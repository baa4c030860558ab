"""Columns of a CSV file, and the bodies that their rows become."""

import re
from decimal import Decimal

import pytest

from engine.errors import BadRequest
from engine.fields import FIELD_TYPES
from engine.fields.base import Capability, Shape
from engine.permissions import Access
from engine.records.columns import Columns, MatchKey
from tests.every import every

FIELDS = """fields:
  name: {type: text, aliases: [title]}
  size: {type: integer}
  share: {type: percentage}
  state: {type: choice, options: {open: Is open, done: Is done}}
  tags: {type: text, many: true}
  total: {type: integer, calculated: size + 1}
  logo: {type: file}
  address: {type: nested, label: Home, fields: {city: {type: text}}}
  addresses: {type: nested, many: true, fields: {city: {type: text}, rooms: {type: integer}}}
  owner: {type: relationship, entity: things}
"""


@pytest.fixture
def columns(bench):
    entity = bench(FIELDS).compiled.app.entities["things"]
    return lambda *headers: Columns(entity, headers)


@every(
    ("header", "cell", "body"),
    [
        ("name", "Lamp", {"name": "Lamp"}),
        ("title", "Lamp", {"name": "Lamp"}),
        (" Name ", "Lamp", {"name": "Lamp"}),
        ("size", "12", {"size": 12}),
        ("share", "25", {"share": Decimal("0.25")}),
        ("state", "is OPEN", {"state": "open"}),
        ("tags[1]", "b", {"tags": ["b"]}),
        ("address.city", "Bern", {"address": {"city": "Bern"}}),
        ("Home > City", "Bern", {"address": {"city": "Bern"}}),
        ("Addresses[0] > City", "Bern", {"addresses": [{"city": "Bern"}]}),
        ("owner", "Lamp", {"owner": "Lamp"}),
        ("owner.name", "Lamp", {"owner": {"name": "Lamp"}}),
        ("name", "'=1+1", {"name": "=1+1"}),
        ("name", "'tis", {"name": "'tis"}),
        ("name", "", {}),
        ("size", "many", {"size": "many"}),
        ("total", "3", {}),
        ("id", "3", {}),
    ],
)
def test_a_cell_goes_where_its_header_says(columns, header, cell, body):
    assert columns(header).read([cell]) == body


def test_a_row_becomes_one_body_whose_lists_have_no_gaps(columns):
    table = columns("addresses[2].city", "addresses[0].city", "addresses[2].rooms", "addresses[1].city", "tags[0]")
    assert table.read(["Rome", "Bern", "4", "", "x"]) == {
        "addresses": [{"city": "Bern"}, {"city": "Rome", "rooms": 4}],
        "tags": ["x"],
    }
    assert table.read(["", "", ""]) == {}


@every(
    ("headers", "told"),
    [
        (["nam"], "no field for the column 'nam'"),
        ([""], "no field for the column ''"),
        (["address"], "is a group of fields"),
        (["address.town"], "no field for the column 'address.town'"),
        (["tags"], r"write tags\[0\]"),
        (["name[0]"], "write name"),
        (["name.first"], "has no fields inside"),
        (["owner.owner.name"], "has no fields inside"),
        (["name", "title"], "The columns name and title are the same field"),
        (["owner", "owner.name"], "the same field"),
    ],
)
def test_headers_that_fit_no_field_are_refused_by_name(columns, headers, told):
    with pytest.raises(BadRequest, match=told):
        columns(*headers)


def test_columns_of_files_are_dropped_as_those_that_nobody_may_write(columns):
    assert columns("name", "logo", "label").read(["Ann", "logo.png (41.5kB)", "x"]) == {"name": "Ann"}


def test_more_cells_than_columns_are_refused(columns):
    with pytest.raises(BadRequest, match="2 cells for 1 columns"):
        columns("name").read(["a", "b"])


@every(
    "kind",
    [
        kind
        for kind in FIELD_TYPES.values()
        if Capability.IMPORT in kind.capabilities and kind.shape is Shape.SCALAR and kind.name != "dynamicChoice"
    ],
    ids=lambda kind: kind.name,
)
def test_what_a_type_writes_to_csv_comes_back_as_the_same_value(kind):
    configured = kind.configure(dict(kind.sample_options))
    body = configured.render(configured.csv_in(configured.csv_out(kind.sample)))
    assert configured.parse_json(body) == kind.sample


# tables of records that are there already, and of others that belong to them

FAMILY = """fields:
  name: {type: text, unique: true}
  code: {type: integer, unique: true}
  tags: {type: text, many: true}
  home: {type: nested, fields: {city: {type: text}, key: {type: text, unique: true}}}
  rooms: {type: nested, many: true, fields: {size: {type: integer}, doors: {type: text, many: true}}}
  maker: {type: relationship, entity: makers}
  makers: {type: relationship, entity: makers, many: true}
"""
MAKERS = {
    "makers": "fields: {name: {type: text, unique: true}, taxId: {type: integer, unique: true, lookup: true}, town: {type: text}, boss: {type: relationship, entity: makers}}"
}


@pytest.fixture
def tables(bench):
    app = bench(FAMILY, others=MAKERS).compiled.app

    def make(*headers, hidden=(), hidden_there=()):
        there = app.entities["makers"], Access(hidden=frozenset(hidden_there))
        return Columns(app.entities["things"], headers, Access(hidden=frozenset(hidden)), lambda item: there)

    return make


OLD = {
    "id": "0" * 24,
    "name": "a",
    "tags": ["x", "y", "z"],
    "rooms": [
        {"id": "1" * 24, "label": "", "size": 1, "doors": ["in"]},
        {"id": "2" * 24, "label": "", "size": 2, "doors": []},
    ],
    "makers": [{"id": "3" * 24, "label": "m"}],
}


@every(
    ("headers", "cells", "body"),
    [
        (["name", "code"], ["a", ""], {"name": "a", "code": None}),
        (["name", "code"], ["a"], {"name": "a", "code": None}),
        (["home.city", "home.key"], ["", ""], {"home": {"city": None, "key": None}}),
        (["tags[1]"], ["new"], {"tags": ["x", "new", "z"]}),
        (["tags[0]", "tags[1]", "tags[2]"], ["", "q", ""], {"tags": ["q"]}),
        (["tags[0]", "tags[1]", "tags[2]"], ["", "", ""], {"tags": []}),
        (["tags[7]"], ["late"], {"tags": ["x", "y", "z", "late"]}),
        (["rooms[0].size"], ["9"], {"rooms": [{"id": "1" * 24, "size": 9}, {"id": "2" * 24}]}),
        (["rooms[0].size"], [""], {"rooms": [{"id": "2" * 24}]}),
        (["rooms[2].size"], ["9"], {"rooms": [{"id": "1" * 24}, {"id": "2" * 24}, {"size": 9}]}),
        (
            ["rooms[0].size", "rooms[0].doors[1]"],
            ["", "out"],
            {"rooms": [{"id": "1" * 24, "size": None, "doors": ["in", "out"]}, {"id": "2" * 24}]},
        ),
        (["makers[1]"], ["n"], {"makers": [{"id": "3" * 24}, "n"]}),
        (["maker"], [""], {"maker": None}),
        (["maker.taxId"], ["7"], {"maker": {"taxId": 7}}),
        (["maker.taxId"], [""], {"maker": None}),
        (["maker.label"], ["m"], {"maker": {"label": "m"}}),
    ],
)
def test_a_row_about_a_record_says_what_becomes_of_every_field_that_has_a_column(tables, headers, cells, body):
    assert tables(*headers).read(cells, old=OLD) == body


def test_empty_cells_may_leave_a_record_as_it_is(tables):
    table = tables("code", "home.city", "tags[1]", "rooms[0].size", "rooms[0].doors[0]", "maker.taxId")
    assert table.read([""] * 6, old=OLD, clear=False) == {
        "tags": ["x", "y", "z"],
        "rooms": [{"id": "1" * 24}, {"id": "2" * 24}],
    }
    assert table.read(["", "", "n", "7"], old=OLD, clear=False) == {
        "tags": ["x", "n", "z"],
        "rooms": [{"id": "1" * 24, "size": 7, "doors": ["in"]}, {"id": "2" * 24}],
    }


def test_the_first_unique_column_tells_records_apart(tables):
    table = tables("tags[0]", "code", "name")
    assert table.unique.header == "code"
    assert table.match_key(["x", "12", "a"]) == MatchKey("code", 12)
    assert table.match_key(["x", "", "a"]) is None
    assert table.match_key(["x", "twelve", "a"]) is None
    assert tables("home.key").match_key(["k"]) == MatchKey("home.key", "k")
    assert tables("tags[0]", "home.city").unique is None


def test_columns_of_a_related_record_are_a_table_of_their_own(tables):
    table = tables("name", "maker.town", "maker.name", "tags[0]", "maker.boss.taxId", "makers[1].name")
    first, second = table.related
    assert (first.keys, [one.header for one in first.columns.columns]) == (
        ("maker",),
        ["maker.town", "maker.name", "maker.boss.taxId"],
    )
    row = ["a", "Bern", "Ann", "t", "5", ""]
    assert first.columns.match_key(row) == MatchKey("name", "Ann")
    assert first.columns.read(row) == {"town": "Bern", "name": "Ann", "boss": {"taxId": 5}}
    assert not first.columns.is_blank(row)
    assert second.columns.is_blank(row)
    linked = table.read(row, links={0: {"id": "f" * 24}, 1: None})
    assert linked == {"name": "a", "maker": {"id": "f" * 24}, "tags": ["t"]}
    assert table.read(["a"], links={}, old=OLD)["maker"] is None


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        (["maker", "maker.name"], "The columns maker and maker.name are the same field"),
        (["maker.name", "Maker > Name"], "are the same field"),
        (["maker.nam"], "no field for the column 'maker.nam' in makers"),
        (["maker.id", "maker.name"], "stands alone"),
        (["secret"], "no field for the column 'secret' in things"),
        (["nam"], 'did you mean "name"'),
        ([f"tags[{n}]" for n in range(20_000)], "20000 columns"),
    ],
)
def test_headers_of_related_records_are_checked_too(tables, headers, told):
    with pytest.raises(BadRequest, match=re.escape(told)):
        tables(*headers)


def test_hidden_fields_are_told_like_fields_that_do_not_exist(tables):
    for headers, options in (
        (["code"], {"hidden": ["code"]}),
        (["maker.town", "maker.name"], {"hidden_there": ["town"]}),
    ):
        with pytest.raises(BadRequest, match=f"There is no field for the column '{headers[0]}'"):
            tables(*headers, **options)
