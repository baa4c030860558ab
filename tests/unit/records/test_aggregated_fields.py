"""Fields calculated over other records: what they ask, whom a change of those concerns, and exact results."""

from decimal import Decimal

import pytest
from bson import Decimal128, ObjectId

from engine.query import Clock, to_filter
from engine.records.aggregated import find_aggregated
from tests.unit.records.conftest import NOW

ONE, OTHER = ObjectId("1" * 24), ObjectId("2" * 24)
COMPANIES = """
fields:
  region: {type: text}
  deals:  {type: integer, calculated: {aggregate: {entity: deals, where: {company.id: $record.id, state: open}}}}
  worth:
    type: decimal
    decimals: 2
    calculated: {aggregate: {entity: deals, where: {company.id: $record.id}, operation: sum, field: rows.amount}}
  mean:
    type: decimal
    decimals: 3
    calculated: {aggregate: {entity: deals, where: {region: $record.region}, operation: avg, field: amount}}
  whole:  {type: integer, calculated: {aggregate: {entity: deals, where: {state: open}, operation: sum, field: amount}}}
  ranked: {type: integer, calculated: {aggregate: {entity: deals, where: {state: $record.region}}}}
  either: {type: integer, calculated: {aggregate: {entity: deals, where: {_or: [{region: $record.region}, {state: won}]}}}}
  inside: {type: integer, calculated: {aggregate: {entity: deals, where: {rows: {title: $record.region}}}}}
"""
DEALS = """
fields:
  title:   {type: text}
  state:   {type: text}
  region:  {type: text}
  amount:  {type: decimal, decimals: 2}
  rows:    {type: nested, many: true, fields: {title: {type: text}, amount: {type: decimal}}}
  company: {type: relationship, entity: things}
"""


@pytest.fixture
def fields(bench):
    app = bench(COMPANIES, others={"deals": DEALS}).compiled.app
    return {one.path.name: one for one in find_aggregated(app)}


def test_every_aggregate_field_of_an_app_is_found(fields):
    assert list(fields) == ["deals", "worth", "mean", "whole", "ranked", "either", "inside"]
    assert {one.key for one in fields.values()} == {f"things/{name}" for name in fields}
    assert {(one.entity, one.source) for one in fields.values()} == {("things", "deals")}


def test_those_of_copied_fields_are_not_found_again(bench):
    copied = "fields:\n  thing: {type: relationship, entity: things, copy: [deals]}\n"
    app = bench(COMPANIES, others={"deals": DEALS, "notes": copied}).compiled.app
    assert {one.entity for one in find_aggregated(app)} == {"things"}


def test_what_is_asked_is_filled_in_from_the_record(fields):
    bound = fields["deals"].bound({"id": str(ONE), "region": "n"}, Clock(NOW, "UTC"))
    assert to_filter(bound) == {"company.id": ONE, "state": "open"}


def test_fields_that_count_and_fields_that_ask_are_told(fields):
    reads = {name: set(one.reads) for name, one in fields.items()}
    asks = {name: set(one.asks) for name, one in fields.items()}
    assert reads == {
        "deals": {"company", "state"},
        "worth": {"company", "rows"},
        "mean": {"region", "amount"},
        "whole": {"state", "amount"},
        "ranked": {"state"},
        "either": {"region", "state"},
        "inside": {"rows"},
    }
    assert asks == {
        "deals": {"id"},
        "worth": {"id"},
        "mean": {"region"},
        "whole": set(),
        "ranked": {"region"},
        "either": {"region"},
        "inside": {"region"},
    }


def test_only_what_is_found_by_its_new_id_starts_right(fields):
    assert {name for name, one in fields.items() if one.starts_right} == {"deals", "worth"}


def test_a_changed_record_leads_to_those_that_it_belonged_and_belongs_to(fields):
    before, after = {"company": {"id": ONE}}, {"company": {"id": OTHER}}
    found = fields["deals"].anchors((before, after, None, {"company": None}, after))
    assert found == [ONE, OTHER]
    assert fields["deals"].concerned(found) == {"_id": {"$in": [ONE, OTHER]}}
    assert fields["mean"].concerned(fields["mean"].anchors([{"region": "n"}])) == {"region": {"$in": ["n"]}}


@pytest.mark.parametrize("name", ["whole", "either", "inside"])
def test_without_a_comparison_that_every_match_must_meet_all_records_are_concerned(fields, name):
    assert fields[name].anchors([{"region": "n"}]) is None
    assert fields[name].concerned(None) == {}


def test_fields_of_different_types_lead_nowhere(bench):
    # a phone as stored is not the same text as a text of the same digits
    text = "fields:\n  call: {type: text}\n  n: {type: integer, calculated: {aggregate: {entity: deals, where: {phone: $record.call}}}}\n"
    app = bench(text, others={"deals": "fields:\n  phone: {type: phone}\n"}).compiled.app
    (found,) = find_aggregated(app)
    assert found.anchor is None
    assert found.asks == {"call"}


def test_values_are_all_those_of_a_document(fields):
    document = {"rows": [{"amount": Decimal128("0.1")}, {"amount": None}, {}, {"amount": Decimal128("2")}]}
    assert list(fields["worth"].values(document)) == [Decimal("0.1"), Decimal(2)]
    assert list(fields["worth"].values({})) == []


def test_counts_do_not_look_at_values(fields):
    assert fields["deals"].compute(3, ()) == 3


def test_sums_are_exact_over_all_sizes(fields):
    values = [Decimal("12345678901234567890.01"), Decimal("0.1"), Decimal("-12345678901234567890")]
    assert fields["worth"].compute(3, values) == Decimal128("0.11")
    assert fields["worth"].compute(0, ()) == Decimal128("0")


def test_an_average_is_rounded_as_its_field_says_and_null_of_nothing(fields):
    assert fields["mean"].compute(3, [Decimal(1), Decimal(1), Decimal(0)]) == Decimal128("0.667")
    assert fields["mean"].compute(3, ()) is None


def test_what_the_field_cannot_hold_is_null(fields):
    assert fields["whole"].compute(1, [Decimal("2.5"), Decimal("2.5")]) == 5
    assert fields["whole"].compute(1, [Decimal("2.5")]) is None
    assert fields["whole"].compute(1, [Decimal(2) ** 64]) is None
