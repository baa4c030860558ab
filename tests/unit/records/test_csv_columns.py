"""Columns of a CSV file, and the bodies that their rows become."""

from decimal import Decimal

import pytest

from engine.errors import BadRequest
from engine.fields import FIELD_TYPES
from engine.fields.base import Capability, Shape
from engine.records.columns import Columns

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


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
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
        (["logo"], "cannot be read from CSV"),
        (["name", "title"], "The columns name and title are the same field"),
        (["owner", "owner.name"], "the same field"),
    ],
)
def test_headers_that_fit_no_field_are_refused_by_name(columns, headers, told):
    with pytest.raises(BadRequest, match=told):
        columns(*headers)


def test_more_cells_than_columns_are_refused(columns):
    with pytest.raises(BadRequest, match="2 cells for 1 columns"):
        columns("name").read(["a", "b"])


@pytest.mark.parametrize(
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
