"""Free JSON: the type json, optionally held to a JSON Schema.

Values are JSON as bodies are decoded (fractions are Decimal). A fraction is stored as a float where that gives the
same number back, else as Decimal128; so numbers come back as they were sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import isfinite
from typing import Any, ClassVar, Final, Self

from bson import Decimal128, Int64

from engine.errors import InvalidValue
from engine.fields.base import Capability, FieldType, Key, Locale
from engine.fields.capabilities import GENERAL
from engine.fields.json_rules import Check, compile_schema
from engine.fields.json_text import decode_json, encode_json
from engine.fields.number import GREATEST_INTEGER, LEAST_INTEGER, to_decimal
from engine.fields.patterns import is_text

MOST_LEVELS: Final = 32
MOST_PARTS: Final = 100_000
"""How many values one value may be made of."""
MOST_CHECKED_PARTS: Final = 10_000
"""The same where there is a schema, which takes some 50 microseconds for each."""


@dataclass(frozen=True)
class JsonType(FieldType):
    """Any JSON value; with `schema`, one that the schema takes."""

    name: ClassVar[str] = "json"
    expected: ClassVar[str] = "JSON that is not null"
    capabilities: ClassVar[frozenset[Capability]] = (GENERAL - {Capability.MANY, Capability.INDEX}) | {
        Capability.EMPTY,
        Capability.FIRST_LAST,
    }
    keys: ClassVar[tuple[Key, ...]] = (
        Key("schema", {"type": ["object", "boolean"]}, "A JSON Schema (draft 2020-12) that values must fit."),
    )
    stored_classes: ClassVar[tuple[type, ...]] = (str, int, Int64, bool, float, Decimal128, dict, list)
    same_stored: ClassVar[bool] = False
    sample: ClassVar[object] = {"size": "L", "weight": Decimal("1.5"), "tags": ["new"]}
    schema_gap: ClassVar[str | None] = (
        "Null alone, names that are empty, begin with $ or hold a dot or NUL, more than 32 levels or 100,000 parts "
        "(10,000 under a schema), and numbers beyond 64 bits, 34 digits or 1.8e308 are refused."
    )

    schema: Any = field(default=None, hash=False)
    check_schema: Check | None = field(default=None, compare=False, repr=False)

    @classmethod
    def configure(cls, options: Mapping[str, Any]) -> Self:
        """Compiles the schema."""
        if "schema" not in options:
            return cls()
        return cls(options["schema"], compile_schema(options["schema"]))

    def parse_json(self, value: Any) -> Any:
        """A copy of the value, with floats as Decimal; null alone is no value."""
        if value is None:
            raise self.refuse(value)
        if isinstance(value, _Unread):
            return self.csv_in(str(value))  # for the reason why it could not be read
        return _Reader(MOST_PARTS if self.check_schema is None else MOST_CHECKED_PARTS).read(value, 1)

    def check(self, value: Any) -> None:
        """What the schema says."""
        if self.check_schema is not None:
            self.check_schema(value)

    def parse_text(self, text: str) -> Any:
        """A JSON text."""
        try:
            return self.parse_json(decode_json(text))
        except ValueError:
            raise self.refuse(text) from None

    def csv_in(self, text: str) -> Any:
        """A JSON text; any other text is itself, unless it begins as objects, lists and texts in quotes do."""
        try:
            value = decode_json(text)
        except ValueError:
            if text.lstrip().startswith(("{", "[", '"')):
                raise InvalidValue("Expected JSON, or text that does not begin as JSON does", text) from None
            value = text
        return self.parse_json(value)

    def csv_unread(self, text: str) -> Any:
        """A text that is told from all others, since every text is a value of this type."""
        return _Unread(text)

    def to_stored(self, value: Any) -> Any:
        """Decimals become float or Decimal128."""
        if isinstance(value, dict):
            return {name: self.to_stored(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.to_stored(each) for each in value]
        if isinstance(value, Decimal):
            near = float(value)
            return near if Decimal(repr(near)) == value else Decimal128(value)
        return value

    def from_stored(self, stored: Any) -> Any:
        """Float and Decimal128 become Decimal again; what is no JSON inside the value of another type is null."""
        if isinstance(stored, dict):
            return {name: self.from_stored(each) for name, each in stored.items()}
        if isinstance(stored, list):
            return [self.from_stored(each) for each in stored]
        if isinstance(stored, float):
            return Decimal(repr(stored))
        if isinstance(stored, Decimal128):
            return stored.to_decimal()
        if isinstance(stored, Int64):
            return int(stored)
        return stored if isinstance(stored, (str, int)) else None

    def plain_text(self, value: Any, display: Mapping[str, Any], locale: Locale) -> Any:
        """Compact JSON."""
        return encode_json(value)

    def csv_out(self, value: Any) -> str:
        """Compact JSON."""
        return encode_json(value)

    def json_schema(self) -> dict[str, Any]:
        """The author's schema, or anything."""
        if isinstance(self.schema, Mapping):
            return dict(self.schema)
        return {"not": {}} if self.schema is False else {}


class _Unread(str):
    """A cell of a table that could not be read."""

    __slots__ = ()


class _Reader:
    """Copies one value and counts its parts."""

    __slots__ = ("_most", "_parts")

    def __init__(self, most: int) -> None:
        self._most = most
        self._parts = 0

    def read(self, value: Any, level: int) -> Any:
        """The value at a nesting level, where the outermost is 1."""
        self._parts += 1
        if self._parts > self._most:
            raise InvalidValue(f"Expected JSON of at most {self._most:,} parts")
        if isinstance(value, dict):
            self._check_level(level)
            for name in value:
                _check_name(name)
            return {name: self.read(each, level + 1) for name, each in value.items()}
        if isinstance(value, list):
            self._check_level(level)
            return [self.read(each, level + 1) for each in value]
        return _scalar(value)

    @staticmethod
    def _check_level(level: int) -> None:
        if level > MOST_LEVELS:
            raise InvalidValue(f"Expected JSON of at most {MOST_LEVELS} levels")


def _check_name(name: Any) -> None:
    if not is_text(name) or not name or name[0] == "$" or "." in name or "\0" in name:
        raise InvalidValue("Expected names that are not empty, do not begin with $ and hold no dot and no NUL", name)


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool) or is_text(value):
        return value
    if isinstance(value, int):
        if LEAST_INTEGER <= value <= GREATEST_INTEGER:
            return int(value)
        raise InvalidValue("Expected whole numbers of 64 bits", value)
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal) and value.is_finite():
        if value.as_tuple().exponent == 0:
            return _scalar(int(value))  # JSON writes both alike
        near = float(value)
        if Decimal(repr(near)) == value:
            return value
        number = to_decimal(value)
        if number is not None and isfinite(near):
            return number
    raise InvalidValue("Expected JSON with numbers of at most 34 digits, less than 1.8e308", value)


TYPES: tuple[type[FieldType], ...] = (JsonType,)
