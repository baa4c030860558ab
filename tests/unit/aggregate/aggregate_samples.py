"""The app that tests of aggregation ask about, its records, and MongoDB data as the JSON that cases are written in."""

from decimal import Decimal

from bson import MaxKey

from engine.aggregate import parse_pipeline, plan_aggregate, to_pipeline
from engine.compiler import compile_app
from engine.definitions import Sources
from engine.permissions import FULL_ACCESS
from engine.query import Clock
from engine.records.forms import build_storer
from tests.unit.query.query_samples import as_json

FILES = {
    "app.yaml": "name: shop",
    "entities/companies.yaml": """
label: Companies
recordLabel: "{name}"
fields:
  name: {type: text, aliases: [title]}
  state: {type: choice, options: [active, closed]}
  size: {type: integer}
  price: {type: money}
  big: {type: bigNumber}
  rate: {type: percentage}
  active: {type: boolean}
  founded: {type: date}
  seen: {type: dateTime}
  phone: {type: phone}
  notes: {type: html}
  tags: {type: text, many: true}
  place: {type: geoPoint}
  option: {type: dynamicChoice}
  extra: {type: json}
  secret: {type: text, sensitive: true}
  draft: {type: text, transient: true}
  salary: {type: integer}
  margin: {type: integer, read: "state == 'active'"}
  owner: {type: relationship, entity: people, copy: [age]}
  team: {type: relationship, entity: people, many: true}
  agent: {type: relationship, entity: people, copy: [home]}
  contact: {type: nested, fields: {email: {type: text}, phones: {type: phone, many: true}, wage: {type: integer}}}
  offices:
    type: nested
    many: true
    recordLabel: "{city}"
    fields:
      city: {type: text}
      floors: {type: integer}
      main: {type: boolean}
      rooms: {type: text, many: true}
      head: {type: relationship, entity: people}
""",
    "entities/people.yaml": """
label: People
recordLabel: "{name}"
fields:
  name: {type: text}
  age: {type: integer}
  badge: {type: text}
  home: {type: geoPoint}
  work: {type: geoPoint}
  employer: {type: relationship, entity: companies}
""",
    "groups/sales.yaml": """
label: Sales
entities:
  companies:
    read: {state: active}
    fields: {salary: none, contact.wage: none, agent.label: none}
  people:
    read: {age: greater(30)}
    fields: {badge: none}
""",
    "groups/desk.yaml": """
label: Desk
entities:
  companies:
    read: always
    fields: {price: {read: {state: active}}, offices.floors: {read: {state: active}}}
""",
}
APP = compile_app(Sources("shop", FILES))
NOW = 1_795_284_040_432
CLOCK = Clock(NOW, "UTC")


def person(number):
    return f"{number:024x}"


def company(number):
    return f"{0xC0 + number:024x}"


def nested(number, label, **fields):
    return {"id": f"{0xE0 + number:024x}", "label": label, **fields}


def refer(number):
    name = PEOPLE[number - 1]["name"]
    return {"id": person(number), "label": name}


PEOPLE = [
    {"id": person(1), "name": "Ann", "age": 31, "badge": "a1", "employer": {"id": company(1), "label": "Acme"}},
    {"id": person(2), "name": "Bob", "age": 30, "badge": "b2", "employer": {"id": company(1), "label": "Acme"}},
    {"id": person(3), "name": "Cy", "age": None, "badge": None, "employer": None},
]
COMPANIES = [
    {
        "id": company(1),
        "name": "Acme",
        "state": "active",
        "size": 5,
        "price": Decimal("1.10"),
        "big": Decimal("12345678901234567890123"),
        "rate": Decimal("0.5"),
        "active": True,
        "founded": "2020-01-02",
        "seen": 1000,
        "phone": "7028459380",
        "notes": "<p>B</p>",
        "tags": ["p", "q"],
        "place": {"latitude": 1, "longitude": 2},
        "option": {"options": [{"label": "One", "name": "1"}], "selectedValue": "1"},
        "extra": {"a": 1},
        "secret": "s",
        "salary": 100,
        "margin": 7,
        "owner": {**refer(1), "age": 31},
        "team": [refer(1), refer(2)],
        "contact": nested(1, "Contact", email="x@y.com", phones=["1112223333"], wage=9),
        "offices": [
            nested(2, "Rome", city="Rome", floors=3, main=True, rooms=["r1", "r2"], head=refer(2)),
            nested(3, "Oslo", city="Oslo", floors=None, main=False, rooms=[], head=None),
        ],
    },
    {
        "id": company(2),
        "name": "Bit",
        "state": "active",
        "size": None,
        "price": Decimal("2.20"),
        "big": Decimal("1"),
        "rate": Decimal("0.25"),
        "active": False,
        "founded": "2019-05-06",
        "phone": "17028459380",
        "notes": "<b>A</b>",
        "tags": [],
        "place": {"latitude": 1, "longitude": 3},
        "salary": 50,
        "owner": {**refer(2), "age": 30},
        "team": [],
        "contact": nested(4, "Contact", email=None, phones=[], wage=None),
        "offices": [nested(5, "Rome", city="Rome", floors=1, main=False, rooms=["r3"], head=refer(1))],
    },
    {
        "id": company(3),
        "name": "Cat",
        "state": "closed",
        "size": 8,
        "price": None,
        "big": Decimal("1"),
        "active": False,
        "salary": 70,
        "margin": 3,
        "owner": {**refer(1), "label": "Anne", "age": 31},
        "team": [refer(2)],
        "contact": nested(6, "Contact", email="x@y.com", phones=[], wage=1),
        "offices": [],
    },
]


def documents(name, records):
    """The stored form of records of an entity."""
    store = build_storer(APP.entities[name].entity)
    return [store({"version": 0, "label": record["name"], **record}) for record in records]


def rights(group=None):
    """The access of a developer, or of one group, by entity."""
    if group is None:
        return lambda name: FULL_ACCESS
    return lambda name: APP.rights.access(frozenset({group}), name).bound(None, CLOCK)


def plan(pipeline, entity="companies", group=None):
    return plan_aggregate(APP.app, APP.entities[entity].entity, parse_pipeline(pipeline), rights(group), CLOCK)


def sent(pipeline, entity="companies", group=None):
    """The pipeline for the database, in the spelling of MongoDB's extended JSON, without the limit at its end."""
    *stages, end = to_pipeline(plan(pipeline, entity, group))
    assert end == {"$limit": 10_001}
    return as_extended(stages)


def as_extended(value):
    if isinstance(value, MaxKey):
        return {"$maxKey": 1}
    if isinstance(value, dict):
        return {key: as_extended(one) for key, one in value.items()}
    return [as_extended(one) for one in value] if isinstance(value, list) else as_json(value)
