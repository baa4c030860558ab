"""Values with an order or a form of their own: color and rank. Values are str."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from engine.errors import InvalidValue
from engine.fields.base import Capability, FieldType, Supply
from engine.fields.capabilities import CHOICE_OPERATORS, GENERAL, READ_ONLY, TEXT_OPERATORS, WRITABLE

_is_color = re.compile("#[0-9a-f]{6}").fullmatch


@dataclass(frozen=True)
class ColorType(FieldType):
    """A color as #rrggbb, in small letters from the moment it is written."""

    name: ClassVar[str] = "color"
    expected: ClassVar[str] = "a color as #rrggbb"
    capabilities: ClassVar[frozenset[Capability]] = GENERAL | CHOICE_OPERATORS
    sample: ClassVar[object] = "#f5a9a9"

    def parse_json(self, value: Any) -> Any:
        """Six hexadecimal digits behind a #, in any case."""
        if isinstance(value, str) and len(value) == 7:
            lowered = value.lower()
            if _is_color(lowered) is not None:
                return lowered
        raise self.refuse(value)

    def parse_text(self, text: str) -> Any:
        """As in a body; the # may be missing, since URLs use it themselves."""
        return self.parse_json(text if text.startswith("#") else f"#{text}")

    def csv_in(self, text: str) -> Any:
        """As in a body."""
        return self.parse_json(text)

    def json_schema(self) -> dict[str, Any]:
        """The form as a pattern."""
        return {"type": "string", "pattern": "^#[0-9a-fA-F]{6}$"}


_RANK_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_BASE: Final = len(_RANK_DIGITS)
_HEAD: Final = 5
"""Digits of a rank that count; the rest is room for ranks between."""
_TAIL: Final = "00000"
_MIDDLE: Final = int("i" * _HEAD, _BASE)
_TOP: Final = _BASE**_HEAD - 1
_LONGEST_RANK: Final = 128
_is_rank = re.compile(f"[0-9a-z]{{1,{_LONGEST_RANK}}}").fullmatch


@dataclass(frozen=True)
class RankType(FieldType):
    """A place in an order that people make by hand: text that sorts. New records come last."""

    name: ClassVar[str] = "rank"
    expected: ClassVar[str] = "a rank: 1 to 128 of the characters 0-9 and a-z"
    capabilities: ClassVar[frozenset[Capability]] = READ_ONLY | TEXT_OPERATORS | WRITABLE | {Capability.UNIQUE}
    supply: ClassVar[Supply | None] = Supply.NUMBER
    sample: ClassVar[object] = "iiiii00000"

    def parse_json(self, value: Any) -> Any:
        """Digits and small letters."""
        if isinstance(value, str) and _is_rank(value) is not None:
            return value
        raise self.refuse(value)

    def supplied(self, given: int) -> Any:
        """The rank of the n-th record, behind those of all records before."""
        head = _MIDDLE + given
        if head < _TOP:
            return _in_base(head, _HEAD) + _TAIL
        return _in_base(_TOP, _HEAD) + _in_base(head - _TOP, 13)

    def json_schema(self) -> dict[str, Any]:
        """The form as a pattern."""
        return {"type": "string", "pattern": f"^[0-9a-z]{{1,{_LONGEST_RANK}}}$"}


def rank_after(rank: str) -> str:
    """A rank behind another, with room between them; raises InvalidValue when there is none left."""
    head = int(_checked(rank)[:_HEAD].ljust(_HEAD, "0"), _BASE) + 1
    if head < _TOP:
        return _in_base(head, _HEAD) + _TAIL
    return _checked(f"{rank}i")


def rank_before(rank: str) -> str:
    """A rank in front of another, with room between them; raises InvalidValue when there is none left."""
    head = int(_checked(rank)[:_HEAD].ljust(_HEAD, "0"), _BASE) - 1
    if head > 0:
        return _in_base(head, _HEAD) + _TAIL
    return _halfway("", rank)


def rank_between(first: str, second: str) -> str:
    """A rank behind the first and in front of the second; raises InvalidValue where that is not possible."""
    if _checked(first) >= _checked(second):
        raise InvalidValue("The first rank must stand before the second", first)
    return _halfway(first, second)


def _halfway(first: str, second: str) -> str:
    """The middle of two ranks read as fractions of base 36."""
    length = max(len(first), len(second)) + 1
    low, high = (int(rank.ljust(length, "0"), _BASE) for rank in (first, second))
    if high - low < 2:
        raise InvalidValue("There is no room for a rank in front of this one", second)
    return _checked(_in_base((low + high) // 2, length).rstrip("0"))


def _checked(rank: str) -> str:
    if not isinstance(rank, str) or _is_rank(rank) is None:
        raise InvalidValue(f"Expected {RankType.expected}", rank)
    return rank


def _in_base(number: int, width: int) -> str:
    digits = []
    while number:
        number, digit = divmod(number, _BASE)
        digits.append(_RANK_DIGITS[digit])
    return "".join(reversed(digits)).rjust(width, "0")


TYPES: tuple[type[FieldType], ...] = (ColorType, RankType)
