"""Conditions as functions of a record: one table for each way in which values can stand in it."""

from decimal import Decimal

import pytest

from engine.query import parse_filter_map, plan_filter, to_predicate
from engine.query.matches import EARTH_RADIUS, Near
from tests.every import every
from tests.unit.query.query_samples import CLOCK, THINGS


def holds(written, record):
    return to_predicate(plan_filter(THINGS, parse_filter_map(written), clock=CLOCK))(record)


BOB = {"id": "57fd2d64e4b0b2f2a4f7a1c3", "label": "Bob", "size": 3}
ROME = {
    "city": "Rome",
    "zip": 5,
    "main": True,
    "lines": [{"n": 1, "ns": [1, 9]}, {"n": 2, "ns": []}],
    "geo": {"a": "x"},
}
OSLO = {"city": "Oslo", "zip": None, "main": False, "lines": [], "geo": None}


@every(
    ("written", "record", "expected"),
    [
        # equality
        ({"name": "a"}, {"name": "a"}, True),
        ({"name": "a"}, {"name": "A"}, False),
        ({"name": "a"}, {"name": None}, False),
        ({"name": "a"}, {}, False),
        ({"name": ["a", "b"]}, {"name": "b"}, True),
        ({"name": "notEquals(a)"}, {"name": "b"}, True),
        ({"name": "notEquals(a)"}, {"name": None}, True),
        ({"name": "notEquals(a)"}, {}, True),
        ({"name": "notEquals(a,)"}, {}, False),
        ({"price": "1.50"}, {"price": Decimal("1.5")}, True),
        ({"price": 2}, {"price": Decimal("2.0")}, True),
        ({"active": False}, {"active": False}, True),
        ({"active": False}, {"active": None}, True),
        ({"active": False}, {}, True),
        ({"active": False}, {"active": True}, False),
        ({"active": "notEquals(false)"}, {}, False),
        # many values
        ({"tags": "a"}, {"tags": ["b", "a"]}, True),
        ({"tags": "a"}, {"tags": []}, False),
        ({"tags": "a"}, {"tags": None}, False),
        ({"tags": "notEquals(a)"}, {"tags": ["b", "a"]}, False),
        ({"tags": "notEquals(a)"}, {"tags": []}, True),
        ({"tags": "like(B)"}, {"tags": ["a", "abc"]}, True),
        ({"scores": "between(3,5)"}, {"scores": [1, 9]}, False),
        ({"scores": "between(3,5)"}, {"scores": [1, 4]}, True),
        ({"scores": "greater(3)", "_and": {"scores": "less(5)"}}, {"scores": [1, 9]}, True),
        # emptiness
        ({"name": "empty()"}, {}, True),
        ({"name": "empty()"}, {"name": ""}, True),
        ({"name": "notEmpty()"}, {"name": "a"}, True),
        ({"tags": "empty()"}, {"tags": []}, True),
        ({"tags": "empty()"}, {"tags": None}, True),
        ({"tags": "empty()"}, {"tags": ["a"]}, False),
        ({"size": "notEmpty()"}, {"size": 0}, True),
        # order
        ({"size": "less(5)"}, {"size": None}, False),
        ({"size": "lessOrEquals(5)"}, {"size": 5}, True),
        ({"size": "less(5)"}, {"size": 5}, False),
        ({"size": "less(5)"}, {"size": "text of an older definition"}, False),
        ({"name": "greater(Z)"}, {"name": "a"}, True),
        ({"name": "greater(\uffff)"}, {"name": "\U00010000"}, True),
        # references
        ({"owner": "Bob"}, {"owner": BOB}, True),
        ({"owner": "Bob"}, {"owner": None}, False),
        ({"owner": "like(/bo)"}, {"owner": BOB}, True),
        ({"owner.id": BOB["id"].upper()}, {"owner": BOB}, True),
        ({"owner.size": "greater(2)"}, {"owner": BOB}, True),
        ({"owner": "notEquals(Bob)"}, {"owner": None}, True),
        ({"owner": "empty()"}, {"owner": None}, True),
        ({"owner": "empty()"}, {"owner": {"id": BOB["id"], "label": ""}}, False),
        ({"friends": "Bob"}, {"friends": [{"id": "0" * 24, "label": "Ann"}, BOB]}, True),
        ({"friends": "empty()"}, {"friends": []}, True),
        ({"friends": {"label": "Bob", "id": "0" * 24}}, {"friends": [{"id": "0" * 24, "label": "Ann"}, BOB]}, False),
        # a group
        ({"contact.email": "a"}, {"contact": {"email": "a"}}, True),
        ({"contact.email": "empty()"}, {"contact": None}, True),
        ({"contact.on": False}, {}, True),
        (
            {"contact": "empty()"},
            {"contact": {"id": "1", "label": "x", "email": None, "phones": [], "on": False}},
            True,
        ),
        ({"contact": "empty()"}, {"contact": {"on": True}}, False),
        ({"contact": "notEmpty()"}, {"contact": {"phones": ["1"]}}, True),
        ({"contact": {"email": "a", "phones": "2"}}, {"contact": {"email": "a", "phones": ["1", "2"]}}, True),
        # groups
        ({"addresses.city": "Rome"}, {"addresses": [OSLO, ROME]}, True),
        ({"addresses.city": "Rome", "addresses.main": False}, {"addresses": [OSLO, ROME]}, True),
        ({"addresses": {"city": "Rome", "main": False}}, {"addresses": [OSLO, ROME]}, False),
        ({"addresses": {"city": "Oslo", "main": False}}, {"addresses": [OSLO, ROME]}, True),
        ({"addresses.main": False}, {"addresses": [ROME]}, False),
        ({"addresses.main": False}, {"addresses": []}, False),
        ({"addresses.main": False}, {"addresses": [{}]}, True),
        ({"addresses.zip": "empty()"}, {"addresses": [ROME]}, False),
        ({"addresses.zip": "empty()"}, {"addresses": [ROME, OSLO]}, True),
        ({"addresses.zip": "empty()"}, {"addresses": []}, True),
        ({"addresses.zip": "notEmpty()"}, {"addresses": []}, False),
        ({"addresses.zip": "notEmpty()"}, {"addresses": [ROME]}, True),
        ({"addresses.lines.n": 2}, {"addresses": [OSLO, ROME]}, True),
        ({"addresses.lines.ns": "between(2,8)"}, {"addresses": [ROME]}, False),
        ({"addresses.lines.ns": "between(8,10)"}, {"addresses": [ROME]}, True),
        ({"addresses.lines.ns": "empty()"}, {"addresses": [ROME]}, True),
        ({"addresses": {"lines": {"n": 1, "ns": 9}}}, {"addresses": [ROME]}, True),
        ({"addresses": {"lines": {"n": 2, "ns": 9}}}, {"addresses": [ROME]}, False),
        ({"addresses.geo.a": "x"}, {"addresses": [OSLO, ROME]}, True),
        ({"addresses.geo": "empty()"}, {"addresses": [ROME]}, False),
        ({"addresses.geo": "empty()"}, {"addresses": [ROME, OSLO]}, True),
        ({"addresses": {"_or": {"city": "Rome", "zip": 9}}}, {"addresses": [OSLO]}, False),
        ({"addresses": "notEmpty()"}, {"addresses": [OSLO]}, True),
        ({"addresses": {"city": "Rome"}}, {"addresses": None}, False),
        # all and any
        ({}, {}, True),
        ({"name": "a", "size": 1}, {"name": "a", "size": 2}, False),
        ({"name": "a", "size": 1, "state": "new"}, {"name": "a", "size": 1, "state": "new"}, True),
        ({"_or": {"name": "a", "size": 1}}, {"name": "b", "size": 1}, True),
        ({"_or": [{"name": "a", "size": 1}, {"name": "b"}]}, {"name": "a", "size": 2}, False),
        # others
        ({"page": "a b"}, {"page": "<p>a <b>b</b></p>"}, True),
        (
            {"option": "Alaska"},
            {"option": {"options": [{"name": "AK", "label": "Alaska"}], "selectedValue": "AK"}},
            True,
        ),
        ({"place": "near(10,20,0,1000)"}, {"place": {"latitude": Decimal("10.001"), "longitude": 20}}, True),
        ({"place": "near(10,20,500)"}, {"place": {"latitude": Decimal("10.001"), "longitude": 20}}, False),
        ({"place": "near(10,20)"}, {"place": None}, False),
        ({"seen": "today"}, {"seen": CLOCK.now}, True),
        ({"day": "yesterday"}, {"day": "2026-11-20"}, True),
    ],
)
def test_records_are_told_apart(written, record, expected):
    assert holds(written, record) is expected


def test_distances_are_those_of_the_sphere():
    assert Near(0, 0).distance(0, 180) == pytest.approx(EARTH_RADIUS * 3.14159265, rel=1e-6)
    assert Near(48.8566, 2.3522).distance(51.5074, -0.1278) == pytest.approx(344_000, rel=0.01)
    assert Near(90, 0).distance(90, 77) == pytest.approx(0, abs=1e-6)
