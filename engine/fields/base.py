"""What a field type is: one class that knows every form of its values; all else asks it and names no type.

A value lives in four forms:
  JSON    what clients send and get (decoded: str, int, Decimal, bool, list, dict, None; floats arrive as Decimal)
  text    what a URL holds (`numberOfEmployees=greater(100)`)
  value   what the engine computes with: str, int, Decimal, bool, dict; ids are 24-hex str, instants are ms int
  stored  what BSON holds: Decimal128, DatetimeMS, ObjectId, ...; msgspec's hook renders these three by itself
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Self

from engine.errors import InvalidValue

MISSING: Any = type("Missing", (), {"__repr__": lambda self: "MISSING", "__bool__": lambda self: False})()
"""Stands for a key that is not there, where None is a value."""


class Capability(StrEnum):
    """What a type can do. Operators, accumulators and definition laws ask for one of these, never for a type."""

    # query operators
    EQUALS = "equals"
    NOT_EQUALS = "notEquals"
    EMPTY = "empty"
    LIKE = "like"
    ORDER = "order"
    NEAR = "near"
    # aggregation
    SUM = "sum"
    EXTREMES = "extremes"
    FIRST_LAST = "firstLast"
    # definition keys that a field of this type may carry
    MANY = "many"
    DEFAULT = "default"
    UNIQUE = "unique"
    REQUIRED = "required"
    INDEX = "index"
    SENSITIVE = "sensitive"
    CALCULATED = "calculated"
    AGGREGATE = "aggregate"  # may be calculated over the records of another entity
    # the rest
    INSTANT = "instant"  # a query may use relative words (`today`, `last 3 days`), see `from_instant`
    SORT = "sort"
    WRITE = "write"  # a body may set it
    IMPORT = "import"  # a CSV column may set it


class Shape(StrEnum):
    """How a value is built; the write pipeline has one way for each shape."""

    SCALAR = "scalar"  # one value that the type parses by itself
    NESTED = "nested"  # an object of inner fields with an id and a label of its own
    REFERENCE = "reference"  # points to something stored elsewhere: {id, label, ...}


class Supply(StrEnum):
    """Who gives the value of a field that bodies may not set, or that they may leave out (a rank)."""

    CREATED = "created"  # the moment of creation
    MODIFIED = "modified"  # the moment of the last change
    NUMBER = "number"  # the next number of an atomic counter


@dataclass(frozen=True, slots=True)
class Key:
    """One definition key of a field type.

    `schema` is the JSON Schema (draft 2020-12) of what authors may write; the loader, the editor schema and the
    documentation are made from it. `lists` says of what a list holds the names ("group"), so that editors offer them.
    """

    name: str
    schema: Mapping[str, object]
    description: str
    lists: str | None = None


class BadOption(Exception):
    """A type's own keys contradict each other or hold a value that makes no sense; `key` says which one."""

    def __init__(self, key: str, message: str, hint: str | None = None) -> None:
        self.key = key
        self.message = message
        self.hint = hint
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Locale:
    """How plain text is written for one reader: IANA zone, language, ISO 4217 currency."""

    timezone: str = "UTC"
    language: str = "en"
    currency: str = "USD"


@dataclass(frozen=True)
class FieldType:
    """Base of all types: a frozen, configured instance serves one field.

    Subclasses are frozen dataclasses whose dataclass fields are the configured options, set the class attributes
    below and override the forms that differ from plain text. Register the class in its family file's TYPES tuple.
    """

    name: ClassVar[str]
    expected: ClassVar[str]
    """What a refused value should have been, for messages: "a whole number", "a date as yyyy-MM-dd"."""
    capabilities: ClassVar[frozenset[Capability]]
    keys: ClassVar[tuple[Key, ...]] = ()
    """Definition keys that only this type takes."""
    display_keys: ClassVar[tuple[Key, ...]] = ()
    """Keys inside `display`."""
    shape: ClassVar[Shape] = Shape.SCALAR
    supply: ClassVar[Supply | None] = None
    empty: ClassVar[object] = None
    """The value of an unset single field (False for boolean)."""
    query_part: ClassVar[str | None] = None
    """The key inside the stored value that a bare filter or sort on the field means (`label` of a relationship)."""
    lowest: ClassVar[object] = ""
    """A stored value not above any real one: unique indexes cover what is greater or equal (`""` covers strings
    above it), so that empties are ignored. Its BSON type is the type's stored type."""
    stored_classes: ClassVar[tuple[type, ...]] = (str,)
    """What the driver gives for stored values."""
    stored_mark: ClassVar[tuple[str, type] | None] = None
    """A key that all stored values have, being objects, and the class of what is there."""
    sample: ClassVar[object]
    """A value (value form) that an instance configured with `sample_options` holds; documentation shows it."""
    sample_options: ClassVar[Mapping[str, object]] = {}
    schema_gap: ClassVar[str | None] = None
    """What is refused although `json_schema` cannot say so; None when schema and parser accept the same."""
    same_stored: ClassVar[bool] = True
    """True when value and stored form are one, so that nobody calls to_stored/from_stored."""
    same_json: ClassVar[bool] = True
    """True when the stored form encodes to the right JSON by itself (str, int, bool, or one of the hook's types)."""

    @classmethod
    def configure(cls, options: Mapping[str, Any]) -> Self:
        """Builds the instance from the written keys (already checked against `keys`); raises BadOption."""
        return cls()

    def reading_options(self) -> Mapping[str, Any]:
        """The keys, as `configure` takes them, without which stored values could not be read any more once the
        definition has changed."""
        return {}

    def check_display(self, display: Mapping[str, Any]) -> None:
        """What `display_keys` alone cannot say about a field's `display` (a bad pattern, keys that contradict each
        other); raises BadOption. Called once at start-up."""

    def among(self, groups: Iterable[str]) -> Self:
        """The type as it is in an app whose groups of permissions have these names."""
        return self

    def doubts(self) -> Iterable[BadOption]:
        """What the type takes although it is most likely a mistake, as warnings to the author."""
        return ()

    # JSON
    def parse_json(self, value: Any) -> Any:
        """JSON to value; raises InvalidValue when type or format are wrong. Never called with None or ""."""
        raise NotImplementedError

    def check(self, value: Any) -> None:
        """The rules of the definition (min, max, pattern, ...); raises InvalidValue with rule and limit."""

    def conditions(self) -> Mapping[Any, Any]:
        """Values that are allowed only under a condition, each with the condition as its author wrote it."""
        return {}

    def fit(self, value: Any) -> Any:
        """A computed value (any value form but None and "") as this type holds it; raises InvalidValue."""
        return self.parse_json(value)

    def render(self, value: Any) -> Any:
        """Value to JSON. Never called with None."""
        return value

    # text
    def parse_text(self, text: str) -> Any:
        """A query value to a value comparable with the field's; raises InvalidValue."""
        return self.parse_json(text)

    def parse_like(self, text: str) -> str:
        """The text that `like` looks for in what `query_value` gives (a phone's digits, say); raises InvalidValue."""
        return text

    def identify(self, text: str) -> str | None:
        """The id of what a bare filter's text names, where the type knows it by itself; None leaves `query_part`."""
        return None

    def query_value(self, value: Any) -> Any:
        """What a bare filter compares with the results of `parse_text`: the value itself or, with `query_part`, that
        part of it. A list means any of its items, as MongoDB reads it. Never called with None."""
        return value if self.query_part is None else value.get(self.query_part)

    def from_instant(self, instant: int, timezone: str) -> Any:
        """The value for an instant (ms) as seen in an IANA time zone; only for types with Capability.INSTANT."""
        raise NotImplementedError

    def first_number(self) -> int:
        """The least number that the counter of a type with Supply.NUMBER gives."""
        return 1

    def supplied(self, given: int) -> Any:
        """The value made of what the type's Supply gives: an instant in ms, or the next number of a counter."""
        return given

    # BSON
    def to_stored(self, value: Any) -> Any:
        """Value to stored form. Never called with None."""
        return value

    def from_stored(self, stored: Any) -> Any:
        """Stored form to value. Called with what `is_stored` only."""
        return stored

    def is_stored(self, stored: Any) -> bool:
        """Whether this is a stored value of the type, and not what a field of another type left behind. Takes anything
        but None, and never fails."""
        known = self.stored_classes
        if not isinstance(stored, known) or (isinstance(stored, bool) and bool not in known):
            return False
        mark = self.stored_mark
        return mark is None or (isinstance(stored, Mapping) and isinstance(stored.get(mark[0]), mark[1]))

    def render_stored(self, stored: Any) -> Any:
        """Stored form straight to JSON, for reads; called only when `same_json` is False."""
        return self.render(self.from_stored(stored))

    # other formats
    def plain_text(self, value: Any, display: Mapping[str, Any], locale: Locale) -> Any:
        """The value as people read it (`_format=plainText`)."""
        return str(self.render(value))

    def csv_out(self, value: Any) -> str:
        """The value as a CSV cell, without formula guard and quoting."""
        return str(self.render(value))

    def csv_in(self, text: str) -> Any:
        """A CSV cell to a value; raises InvalidValue."""
        return self.parse_text(text)

    def csv_unread(self, text: str) -> Any:
        """What stands in a body for a cell that `csv_in` refuses: something that `parse_json` refuses, too."""
        return text

    def json_schema(self) -> dict[str, Any]:
        """JSON Schema of what `parse_json` and `check` accept together."""
        return {"type": "string"}

    def refuse(self, value: Any) -> InvalidValue:
        """The error for a value of the wrong type or format."""
        return InvalidValue(f"Expected {self.expected}", value)


__all__ = ["MISSING", "BadOption", "Capability", "FieldType", "Key", "Locale", "Shape", "Supply"]
