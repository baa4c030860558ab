"""Instants and spans: dateTime, dateRecordCreated, dateRecordModified, duration. Values are int milliseconds.

An instant counts from 1970-01-01T00:00Z and stays within the years 0001 to 9999; it is stored as a BSON date.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from bson import Int64
from bson.datetime_ms import DatetimeMS

from engine.fields import plain
from engine.fields.base import BadOption, Capability, FieldType, Key, Locale, Supply
from engine.fields.calendar import at_zone, format_key
from engine.fields.capabilities import GENERAL, NUMBER_OPERATORS, ORDERED_OPERATORS, READ_ONLY
from engine.fields.number import to_integer

EARLIEST: Final = -62_135_596_800_000
LATEST: Final = 253_402_300_799_999
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

_DATE_TIME = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_is_date_time = re.compile(_DATE_TIME).fullmatch
_is_milliseconds = re.compile("-?[0-9]{1,16}").fullmatch


def _instant_of_text(text: str) -> int | None:
    """RFC 3339 with a zone as ms; finer fractions are cut off."""
    if _is_date_time(text) is None:
        return None
    try:
        return (datetime.fromisoformat(text.upper()) - _EPOCH) // _MILLISECOND
    except ValueError:
        return None


@dataclass(frozen=True)
class DateTimeType(FieldType):
    """An instant."""

    name: ClassVar[str] = "dateTime"
    expected: ClassVar[str] = "milliseconds since 1970 or a date and time with zone, as 2016-07-12T19:00:00Z"
    capabilities: ClassVar[frozenset[Capability]] = GENERAL | ORDERED_OPERATORS | {Capability.INSTANT}
    display_keys: ClassVar[tuple[Key, ...]] = (format_key("yyyy-MM-dd HH:mm"),)
    lowest: ClassVar[object] = DatetimeMS(EARLIEST)
    stored_classes: ClassVar[tuple[type, ...]] = (DatetimeMS,)
    same_stored: ClassVar[bool] = False
    sample: ClassVar[object] = 1484578380000
    schema_gap: ClassVar[str | None] = "That a date written as text exists is checked by the server only."

    def parse_json(self, value: Any) -> Any:
        """Whole milliseconds, or RFC 3339 text with a zone."""
        instant = _instant_of_text(value) if isinstance(value, str) else to_integer(value)
        if instant is None or not EARLIEST <= instant <= LATEST:
            raise self.refuse(value)
        return instant

    def parse_text(self, text: str) -> Any:
        """Milliseconds in digits, or RFC 3339 text with a zone."""
        return self.parse_json(int(text) if _is_milliseconds(text) is not None else text)

    def from_instant(self, instant: int, timezone: str) -> Any:
        """The instant itself, wherever it is seen."""
        return instant

    def to_stored(self, value: Any) -> Any:
        """A BSON date."""
        return DatetimeMS(value)

    def from_stored(self, stored: Any) -> Any:
        """Milliseconds."""
        return int(stored)

    def check_display(self, display: Mapping[str, Any]) -> None:
        """The pattern may have every letter."""
        if "format" in display:
            plain.check_pattern(display["format"], "GyMwDdEaHhmsSz")

    def plain_text(self, value: Any, display: Mapping[str, Any], locale: Locale) -> Any:
        """By the pattern of `display`, on the reader's clock and in the reader's language."""
        moment = at_zone(value, locale.timezone)
        return plain.format_moment(moment, display.get("format", "yyyy-MM-dd HH:mm"), locale.language)

    def csv_out(self, value: Any) -> str:
        """yyyy-MM-ddTHH:mm:ss.SSSZ, in UTC."""
        moment = (_EPOCH + value * _MILLISECOND).replace(tzinfo=None)
        return f"{moment.isoformat(timespec='milliseconds')}Z"

    def json_schema(self) -> dict[str, Any]:
        """Milliseconds or text."""
        return {
            "anyOf": [
                {"type": "integer", "minimum": EARLIEST, "maximum": LATEST},
                {"type": "string", "pattern": f"^{_DATE_TIME}$"},
            ]
        }


@dataclass(frozen=True)
class DateRecordCreatedType(DateTimeType):
    """The instant at which the record was created."""

    name: ClassVar[str] = "dateRecordCreated"
    capabilities: ClassVar[frozenset[Capability]] = READ_ONLY | ORDERED_OPERATORS | {Capability.INSTANT}
    supply: ClassVar[Supply | None] = Supply.CREATED


@dataclass(frozen=True)
class DateRecordModifiedType(DateTimeType):
    """The instant of the record's last change."""

    name: ClassVar[str] = "dateRecordModified"
    capabilities: ClassVar[frozenset[Capability]] = READ_ONLY | ORDERED_OPERATORS | {Capability.INSTANT}
    supply: ClassVar[Supply | None] = Supply.MODIFIED


LONGEST_DURATION: Final = 3_660 * 86_400_000
"""Ten years, in ms."""

_UNITS: Mapping[str, tuple[str, int]] = {
    "days": ("d", 86_400_000),
    "hours": ("h", 3_600_000),
    "minutes": ("m", 60_000),
    "seconds": ("s", 1_000),
}
"""Display name of a unit: its sign and its length in ms; from long to short."""

_spans = re.compile(
    r"\s*(?:([0-9]{1,12})d)?\s*(?:([0-9]{1,12})h)?\s*(?:([0-9]{1,12})m)?\s*(?:([0-9]{1,12})s)?\s*(?:([0-9]{1,12})ms)?\s*"
).fullmatch
_LENGTHS: Final = (86_400_000, 3_600_000, 60_000, 1_000, 1)


@dataclass(frozen=True)
class DurationType(FieldType):
    """A span of time from nothing to ten years."""

    name: ClassVar[str] = "duration"
    expected: ClassVar[str] = "milliseconds, from 0 to 3,660 days"
    capabilities: ClassVar[frozenset[Capability]] = GENERAL | NUMBER_OPERATORS
    display_keys: ClassVar[tuple[Key, ...]] = (
        Key("formatUpTo", {"enum": list(_UNITS)}, "The longest unit shown; days."),
        Key("formatDownTo", {"enum": list(_UNITS)}, "The shortest unit shown, the rest is cut off; seconds."),
    )
    lowest: ClassVar[object] = -1
    stored_classes: ClassVar[tuple[type, ...]] = (int, Int64)
    sample: ClassVar[object] = 16_200_000

    def check_display(self, display: Mapping[str, Any]) -> None:
        """The longest unit is not shorter than the shortest."""
        units = list(_UNITS)
        up_to, down_to = display.get("formatUpTo", "days"), display.get("formatDownTo", "seconds")
        if units.index(up_to) > units.index(down_to):
            raise BadOption("formatUpTo", f"formatUpTo {up_to} is shorter than formatDownTo {down_to}")

    def parse_json(self, value: Any) -> Any:
        """Whole milliseconds."""
        span = to_integer(value)
        if span is None or not 0 <= span <= LONGEST_DURATION:
            raise self.refuse(value)
        return span

    def parse_text(self, text: str) -> Any:
        """Milliseconds in digits."""
        if _is_milliseconds(text) is None:
            raise self.refuse(text)
        return self.parse_json(int(text))

    def plain_text(self, value: Any, display: Mapping[str, Any], locale: Locale) -> Any:
        """`1d 16h`, or `40h` where hours are the longest unit; units without any are left out."""
        names = list(_UNITS)
        first = names.index(display.get("formatUpTo", "days"))
        last = names.index(display.get("formatDownTo", "seconds"))
        return _spelled(value, [_UNITS[name] for name in names[first : last + 1]])

    def csv_out(self, value: Any) -> str:
        """`4h 30m`; milliseconds are written only where there are some."""
        return _spelled(value, [*_UNITS.values(), ("ms", 1)] if value % 1_000 else list(_UNITS.values()))

    def csv_in(self, text: str) -> Any:
        """Units in falling order: `3d`, `4h 30m`, `1d 2h 3m 4s`."""
        found = _spans(text)
        if found is None or not any(found.groups()):
            raise self.refuse(text)
        return self.parse_json(sum(int(part) * size for part, size in zip(found.groups("0"), _LENGTHS, strict=True)))

    def json_schema(self) -> dict[str, Any]:
        """A bounded integer."""
        return {"type": "integer", "minimum": 0, "maximum": LONGEST_DURATION}


def _spelled(span: int, units: list[tuple[str, int]]) -> str:
    parts = []
    for sign, size in units:
        count, span = divmod(span, size)
        if count:
            parts.append(f"{count}{sign}")
    return " ".join(parts) or f"0{units[-1][0]}"


TYPES: tuple[type[FieldType], ...] = (DateTimeType, DateRecordCreatedType, DateRecordModifiedType, DurationType)
