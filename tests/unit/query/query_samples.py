"""The entity that query tests ask about, the clock they ask by, and MongoDB data as the JSON that cases are written in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bson import Decimal128, ObjectId, Regex
from bson.datetime_ms import DatetimeMS

from engine.definitions import Sources, resolve_app
from engine.query import Clock

FIELDS = """
label: Things
fields:
  name: {type: text, aliases: [title]}
  notes: {type: longText}
  size: {type: integer}
  price: {type: decimal}
  active: {type: boolean}
  state: {type: choice, options: [new, open, done]}
  tags: {type: text, many: true}
  scores: {type: integer, many: true}
  seen: {type: dateTime}
  day: {type: date}
  secret: {type: text, sensitive: true}
  pin: {type: integer, sensitive: true}
  draft: {type: text, transient: true}
  phone: {type: phone}
  page: {type: html}
  place: {type: geoPoint}
  option: {type: dynamicChoice}
  owner: {type: relationship, entity: things, copy: [size]}
  friends: {type: relationship, entity: things, many: true}
  contact:
    type: nested
    fields:
      email: {type: text}
      phones: {type: text, many: true}
      on: {type: boolean}
  addresses:
    type: nested
    many: true
    fields:
      city: {type: text}
      zip: {type: integer}
      main: {type: boolean}
      lines:
        type: nested
        many: true
        fields: {text: {type: text}, n: {type: integer}, ns: {type: integer, many: true}}
      geo: {type: nested, fields: {a: {type: text}, b: {type: integer}}}
indexes:
  - {name: words, type: text, fields: [name, notes]}
  - {name: sizes, fields: [size]}
"""

CLOCK = Clock(1_795_284_040_432, "Europe/Berlin")
"""Saturday, 21 November 2026, 19:00:40.432 in Berlin."""


def entity_of(text: str):
    """The entity `things` of the given YAML."""
    files = {"app.yaml": "name: shop", "entities/things.yaml": text}
    return resolve_app(Sources("shop", files)).entities["things"]


THINGS = entity_of(FIELDS)


@dataclass
class Rights:
    """What a caller may see, for planners."""

    row_filter: object = None
    hidden: frozenset[str] = frozenset()
    guards: Mapping[str, object] = field(default_factory=dict)

    def hides(self, path):
        return any(path == one or path.startswith(f"{one}.") for one in self.hidden)

    def guard(self, path):
        return self.guards.get(path)


EVERYTHING = Rights()


def as_json(value):
    """MongoDB data in the spelling of MongoDB's extended JSON."""
    match value:
        case dict():
            return {key: as_json(one) for key, one in value.items()}
        case list() | tuple():
            return [as_json(one) for one in value]
        case ObjectId():
            return {"$oid": str(value)}
        case DatetimeMS():
            return {"$date": int(value)}
        case Decimal128():
            return {"$numberDecimal": str(value)}
        case Regex():
            assert value.flags == 0
            return {"$regularExpression": value.pattern}
        case _:
            return value
