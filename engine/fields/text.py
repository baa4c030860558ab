"""Text as it was typed (text, longText, qr) and text in a fixed mask (maskedText).

Values are str. Lengths count characters. A masked value holds only what fills the mask's places.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, Self

from engine.errors import InvalidValue
from engine.fields.base import BadOption, Capability, FieldType, Key
from engine.fields.capabilities import GENERAL, TEXT_OPERATORS
from engine.fields.patterns import compile_pattern, is_text

_LENGTH = {"type": "integer", "minimum": 0, "maximum": 1_000_000}

TEXT_KEYS = (
    Key("minLength", _LENGTH, "The least number of characters."),
    Key("maxLength", _LENGTH, "The greatest number of characters."),
    Key("length", _LENGTH, "The exact number of characters; instead of minLength and maxLength."),
    Key("pattern", {"type": "string", "minLength": 1}, "An RE2 pattern that the whole value must match."),
    Key("patternHint", {"type": "string", "minLength": 1}, "What to answer when the pattern does not match."),
    Key("patternIgnoreCase", {"type": "boolean"}, "Whether the pattern takes capitals and small letters as the same."),
)


@dataclass(frozen=True)
class LongTextType(FieldType):
    """Text of any length, with rules on length and form."""

    name: ClassVar[str] = "longText"
    expected: ClassVar[str] = "text"
    capabilities: ClassVar[frozenset[Capability]] = GENERAL | TEXT_OPERATORS | {Capability.UNIQUE}
    keys: ClassVar[tuple[Key, ...]] = TEXT_KEYS
    sample: ClassVar[object] = "Calls back on Monday"
    schema_gap: ClassVar[str | None] = "A pattern with patternIgnoreCase is left out of the schema."

    min_length: int | None = None
    max_length: int | None = None
    length: int | None = None
    pattern: str | None = None
    pattern_hint: str | None = None
    pattern_ignore_case: bool = False
    matcher: Any = field(default=None, compare=False, repr=False)

    @classmethod
    def configure(cls, options: Mapping[str, Any]) -> Self:
        """Refuses lengths that exclude each other, patterns RE2 cannot run, and pattern keys without a pattern."""
        least, most, exact = options.get("minLength"), options.get("maxLength"), options.get("length")
        if exact is not None and (least is not None or most is not None):
            raise BadOption("length", "length fixes the number of characters; leave minLength and maxLength out")
        if most is None and exact is None:
            most = cls.max_length
        if least is not None and most is not None and least > most:
            raise BadOption("minLength", f"minLength {least} is greater than maxLength {most}")
        pattern = options.get("pattern")
        ignore_case = options.get("patternIgnoreCase", False)
        for key in ("patternHint", "patternIgnoreCase"):
            if pattern is None and key in options:
                raise BadOption(key, f"{key} says nothing without a pattern", "add pattern or remove this key")
        matcher = None if pattern is None else compile_pattern(pattern, ignore_case=ignore_case)
        return cls(least, most, exact, pattern, options.get("patternHint"), ignore_case, matcher)

    def parse_json(self, value: Any) -> Any:
        """Any text."""
        if is_text(value):
            return value
        raise self.refuse(value)

    def check(self, value: Any) -> None:
        """Lengths first, then the pattern."""
        size = len(value)
        if self.max_length is not None and size > self.max_length:
            raise InvalidValue(
                f"Must have at most {_characters(self.max_length)}", value, rule="maxLength", limit=self.max_length
            )
        if self.min_length is not None and size < self.min_length:
            raise InvalidValue(
                f"Must have at least {_characters(self.min_length)}", value, rule="minLength", limit=self.min_length
            )
        if self.length is not None and size != self.length:
            raise InvalidValue(f"Must have exactly {_characters(self.length)}", value, rule="length", limit=self.length)
        if self.matcher is not None and self.matcher.fullmatch(value.encode()) is None:
            message = self.pattern_hint or f"Must match the pattern {self.pattern}"
            raise InvalidValue(message, value, rule="pattern", limit=self.pattern)

    def fit(self, value: Any) -> Any:
        """Numbers and booleans become the text that JSON has for them."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (int, Decimal, float)):
            return str(value)
        return self.parse_json(value)

    def json_schema(self) -> dict[str, Any]:
        """Lengths and pattern, as far as JSON Schema has them."""
        schema: dict[str, Any] = {"type": "string"}
        least = self.length if self.length is not None else self.min_length
        most = self.length if self.length is not None else self.max_length
        if least is not None:
            schema["minLength"] = least
        if most is not None:
            schema["maxLength"] = most
        if self.pattern is not None and not self.pattern_ignore_case:
            schema["pattern"] = f"^(?:{self.pattern})$"
        return schema


@dataclass(frozen=True)
class TextType(LongTextType):
    """A line of text; 300 characters unless its definition says otherwise."""

    name: ClassVar[str] = "text"
    sample: ClassVar[object] = "Acme"

    max_length: int | None = 300


@dataclass(frozen=True)
class QrType(LongTextType):
    """Text that clients show as a QR code."""

    name: ClassVar[str] = "qr"
    sample: ClassVar[object] = "https://www.example.com/tickets/17"


def _characters(count: int) -> str:
    return "1 character" if count == 1 else f"{count} characters"


_PLACES: Mapping[str, str] = {"9": "[0-9]", "a": "[A-Za-z]", "w": "[0-9A-Za-z]"}
"""Mask characters that stand for a place to fill; all others stand for themselves."""


@dataclass(frozen=True)
class MaskedTextType(FieldType):
    """Text in a mask: `999-aaa` takes 123-ABC or 123ABC, stores 123ABC and answers 123-ABC."""

    name: ClassVar[str] = "maskedText"
    expected: ClassVar[str] = "text that fills the mask"
    capabilities: ClassVar[frozenset[Capability]] = GENERAL | TEXT_OPERATORS | {Capability.UNIQUE}
    keys: ClassVar[tuple[Key, ...]] = (
        Key(
            "mask",
            {"type": "string", "minLength": 1, "maxLength": 100},
            "The form of the value: 9 is a digit, a is a letter, w is either, all else stands for itself.",
        ),
    )
    same_json: ClassVar[bool] = False
    sample: ClassVar[object] = "862SKB"
    sample_options: ClassVar[Mapping[str, object]] = {"mask": "999-aaa"}

    mask: str = "w"
    bare: Any = field(default=None, compare=False, repr=False)
    """Matches the value without the mask's fixed characters."""
    dressed: Any = field(default=None, compare=False, repr=False)
    """Matches the value with them; one group for each place."""

    @classmethod
    def configure(cls, options: Mapping[str, Any]) -> Self:
        """Refuses a missing mask and one with no place to fill."""
        mask = options.get("mask")
        if mask is None:
            raise BadOption("mask", "a masked text needs a mask", 'for example mask: "999-aaa"')
        if not any(place in _PLACES for place in mask):
            raise BadOption("mask", "the mask has no place to fill", "use 9 for a digit, a for a letter, w for either")
        bare, dressed = _mask_patterns(mask)
        return cls(mask, re.compile(bare), re.compile(dressed))

    def reading_options(self) -> Mapping[str, Any]:
        """The mask, which is not stored."""
        return {"mask": self.mask}

    def parse_json(self, value: Any) -> Any:
        """Takes the value with all of the mask's fixed characters or with none of them."""
        if is_text(value):
            if self.bare.fullmatch(value) is not None:
                return value
            dressed = self.dressed.fullmatch(value)
            if dressed is not None:
                return "".join(dressed.groups())
        raise InvalidValue(f"Expected text in the form {self.mask}", value, rule="mask", limit=self.mask)

    def render(self, value: Any) -> Any:
        """The places filled in order; a value of an older, different mask is answered as it is."""
        if self.bare.fullmatch(value) is None:
            return value
        places = iter(value)
        return "".join(next(places) if mark in _PLACES else mark for mark in self.mask)

    def parse_text(self, text: str) -> Any:
        """Either form, or any other text (to compare with a part of a value)."""
        try:
            return self.parse_json(text)
        except InvalidValue:
            return _queryable(self, text)

    def csv_in(self, text: str) -> Any:
        """Either form."""
        return self.parse_json(text)

    def json_schema(self) -> dict[str, Any]:
        """Both forms as one pattern."""
        bare, dressed = _mask_patterns(self.mask)
        return {"type": "string", "pattern": f"^(?:{bare}|{dressed})$"}


def _mask_patterns(mask: str) -> tuple[str, str]:
    """The patterns of a value without and with the mask's fixed characters."""
    bare = "".join(_PLACES[mark] for mark in mask if mark in _PLACES)
    dressed = "".join(f"({_PLACES[mark]})" if mark in _PLACES else _literal(mark) for mark in mask)
    return bare, dressed


def _literal(mark: str) -> str:
    """One character as a pattern that RE2 and ECMAScript read alike."""
    return mark if mark.isalnum() else f"[{mark}]" if mark not in "[]\\^" else f"\\{mark}"


def _queryable(kind: FieldType, text: str) -> str:
    if not is_text(text):
        raise kind.refuse(text)
    return text


TYPES: tuple[type[FieldType], ...] = (TextType, LongTextType, QrType, MaskedTextType)
