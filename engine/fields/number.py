"""Whole numbers: integer and autoIncrement, int of 64 bits; and what turns JSON and text into int and Decimal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow
from typing import Any, ClassVar, Final, Self

from bson import Int64

from engine.errors import InvalidValue
from engine.fields import plain
from engine.fields.base import BadOption, Capability, FieldType, Key, Locale, Supply
from engine.fields.capabilities import GENERAL, NUMBER_OPERATORS, READ_ONLY

LEAST_INTEGER: Final = -(2**63)
GREATEST_INTEGER: Final = 2**63 - 1

_EXACT = Context(prec=34, Emin=-6143, Emax=6144, clamp=1, traps=[InvalidOperation, Overflow, Inexact])
"""What Decimal128 can hold; anything else raises."""

NUMBER_PATTERN: Final = r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,4})?"
LONGEST_NUMBER: Final = 100
"""Characters of a number that is written as text."""
is_number = re.compile(NUMBER_PATTERN).fullmatch
"""A match where text is a number as JSON writes it."""
_is_integer = re.compile(r"-?[0-9]{1,40}(?:\.0{1,40})?").fullmatch


def to_decimal(value: Any) -> Decimal | None:
    """A number or numeric text as a Decimal that Decimal128 holds exactly; None where there is none."""
    kind = type(value)
    if kind is str:
        if len(value) > LONGEST_NUMBER or is_number(value) is None:
            return None
    elif kind is float:
        value = repr(value)
    elif kind is not Decimal and (kind is bool or not isinstance(value, int) or value.bit_length() > 22_000):
        return None
    try:
        number = _EXACT.create_decimal(value)
    except DecimalException:
        return None
    if number.is_finite():
        return number if number else number.copy_abs()
    return None


def to_integer(value: Any) -> int | None:
    """A JSON number without a fraction, as int of 64 bits; None where there is none."""
    kind = type(value)
    if kind is not int:
        if kind is Decimal:
            if not value:
                return 0
            if not value.is_finite() or value.adjusted() > 20 or value != value.to_integral_value():
                return None
        elif kind is float:
            if not value.is_integer():
                return None
        elif kind is bool or not isinstance(value, int):
            return None
        value = int(value)
    return value if LEAST_INTEGER <= value <= GREATEST_INTEGER else None


def _integer_of_text(kind: FieldType, text: str) -> int:
    number = to_integer(int(text.partition(".")[0])) if _is_integer(text) is not None else None
    if number is None:
        raise kind.refuse(text)
    return number


SEPARATOR_KEY = Key("showThousandsSeparator", {"type": "boolean"}, "Whether thousands are separated; false.")


@dataclass(frozen=True)
class IntegerType(FieldType):
    """A whole number of 64 bits; 5.0 is one, "5" is not."""

    name: ClassVar[str] = "integer"
    expected: ClassVar[str] = "a whole number"
    capabilities: ClassVar[frozenset[Capability]] = (
        GENERAL | NUMBER_OPERATORS | {Capability.UNIQUE, Capability.AGGREGATE}
    )
    keys: ClassVar[tuple[Key, ...]] = (
        Key("min", {"type": "integer"}, "The least value."),
        Key("max", {"type": "integer"}, "The greatest value."),
    )
    display_keys: ClassVar[tuple[Key, ...]] = (SEPARATOR_KEY,)
    lowest: ClassVar[object] = Int64(LEAST_INTEGER)
    stored_classes: ClassVar[tuple[type, ...]] = (int, Int64)
    sample: ClassVar[object] = 1383

    min: int | None = None
    max: int | None = None

    @classmethod
    def configure(cls, options: Mapping[str, Any]) -> Self:
        """Refuses limits outside 64 bits and limits that exclude each other."""
        for key in ("min", "max"):
            if key in options and to_integer(options[key]) is None:
                raise BadOption(key, f"{key} must be a whole number of 64 bits")
        least, most = (to_integer(options.get(key)) for key in ("min", "max"))
        if least is not None and most is not None and least > most:
            raise BadOption("min", f"min {least} is greater than max {most}")
        return cls(least, most)

    def parse_json(self, value: Any) -> Any:
        """Numbers without a fraction."""
        number = to_integer(value)
        if number is None:
            raise self.refuse(value)
        return number

    def check(self, value: Any) -> None:
        """Between min and max, both included."""
        if self.min is not None and value < self.min:
            raise InvalidValue(f"Must be at least {self.min}", value, rule="min", limit=self.min)
        if self.max is not None and value > self.max:
            raise InvalidValue(f"Must be at most {self.max}", value, rule="max", limit=self.max)

    def parse_text(self, text: str) -> Any:
        """Digits with an optional minus."""
        return _integer_of_text(self, text)

    def plain_text(self, value: Any, display: Mapping[str, Any], locale: Locale) -> Any:
        """Digits, with thousands separated where `display` says so."""
        return plain.format_number(
            Decimal(value), locale.language, grouping=display.get("showThousandsSeparator", False)
        )

    def json_schema(self) -> dict[str, Any]:
        """A bounded integer."""
        return {
            "type": "integer",
            "minimum": LEAST_INTEGER if self.min is None else self.min,
            "maximum": GREATEST_INTEGER if self.max is None else self.max,
        }


@dataclass(frozen=True)
class AutoIncrementType(FieldType):
    """The next number of the entity's counter, given when a record is created and never changed."""

    name: ClassVar[str] = "autoIncrement"
    expected: ClassVar[str] = "a whole number"
    capabilities: ClassVar[frozenset[Capability]] = READ_ONLY | NUMBER_OPERATORS
    keys: ClassVar[tuple[Key, ...]] = (
        Key("start", {"type": "integer", "minimum": 0, "maximum": GREATEST_INTEGER}, "The first number; 1."),
    )
    supply: ClassVar[Supply | None] = Supply.NUMBER
    lowest: ClassVar[object] = Int64(LEAST_INTEGER)
    stored_classes: ClassVar[tuple[type, ...]] = (int, Int64)
    sample: ClassVar[object] = 8

    start: int = 1

    @classmethod
    def configure(cls, options: Mapping[str, Any]) -> Self:
        """Takes `start`."""
        return cls(options.get("start", 1))

    def first_number(self) -> int:
        """`start`."""
        return self.start

    def parse_json(self, value: Any) -> Any:
        """Numbers without a fraction."""
        number = to_integer(value)
        if number is None:
            raise self.refuse(value)
        return number

    def parse_text(self, text: str) -> Any:
        """Digits with an optional minus."""
        return _integer_of_text(self, text)

    def json_schema(self) -> dict[str, Any]:
        """An integer of 64 bits."""
        return {"type": "integer", "minimum": LEAST_INTEGER, "maximum": GREATEST_INTEGER}


TYPES: tuple[type[FieldType], ...] = (IntegerType, AutoIncrementType)
