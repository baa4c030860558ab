"""Dates and times that no time zone moves: date, dateYearMonth, dateMonthDay, dateTimeNoTimezone, time.

Value, JSON, query, CSV and stored form are one: text that sorts as the calendar does. Years run from 0001 to 9999.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from engine.fields import plain
from engine.fields.base import Capability, FieldType, Key, Locale
from engine.fields.capabilities import GENERAL, ORDERED_OPERATORS

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def at_zone(instant: int, timezone: str) -> datetime:
    """An instant in ms as the clock of an IANA time zone shows it; in UTC where the years end."""
    moment = _EPOCH + timedelta(milliseconds=instant)
    try:
        return moment.astimezone(ZoneInfo(timezone))
    except OverflowError:
        return moment


def format_key(default: str) -> Key:
    """The display key of types that people read by a pattern."""
    return Key("format", {"type": "string", "minLength": 1, "maxLength": 100}, f"The pattern of plain text; {default}.")


_YEAR = "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
_MONTH = "(?:0[1-9]|1[0-2])"
_MONTH_DAY = (
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|[12][0-9]))"
)
_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_LEAP_GAP = "That 29 February exists only in leap years is checked by the server only."


@dataclass(frozen=True)
class CalendarType(FieldType):
    """What these types share: a part of the text `yyyy-MM-dd HH:mm`, checked by the calendar, shown by a pattern."""

    capabilities: ClassVar[frozenset[Capability]] = GENERAL | ORDERED_OPERATORS
    before: ClassVar[str] = ""
    after: ClassVar[str] = ""
    """What makes the whole text `yyyy-MM-dd HH:mm` of a value."""
    form: ClassVar[str]
    """A pattern of the value's text."""
    letters: ClassVar[str]
    """Pattern letters that the value can fill."""

    def parse_json(self, value: Any) -> Any:
        """Text in the one form, for a day and time that exist."""
        if isinstance(value, str):
            text = f"{self.before}{value}{self.after}"
            try:
                if datetime.fromisoformat(text).isoformat(" ", "minutes") == text:
                    return value
            except ValueError:
                pass
        raise self.refuse(value)

    def check_display(self, display: Mapping[str, Any]) -> None:
        """The pattern may show only what the value has."""
        if "format" in display:
            plain.check_pattern(display["format"], self.letters)

    def plain_text(self, value: Any, display: Mapping[str, Any], locale: Locale) -> Any:
        """By the pattern of `display`, with the names that the reader's language has; a text of another form stands for
        itself."""
        pattern = display.get("format")
        if pattern is None:
            return value
        try:
            moment = datetime.fromisoformat(f"{self.before}{value}{self.after}")
        except ValueError:
            return value
        return plain.format_moment(moment, pattern, locale.language)

    def json_schema(self) -> dict[str, Any]:
        """The form as a pattern."""
        return {"type": "string", "pattern": f"^{self.form}$"}


@dataclass(frozen=True)
class DateType(CalendarType):
    """A day."""

    name: ClassVar[str] = "date"
    expected: ClassVar[str] = "a date as yyyy-MM-dd"
    capabilities: ClassVar[frozenset[Capability]] = CalendarType.capabilities | {Capability.INSTANT}
    display_keys: ClassVar[tuple[Key, ...]] = (format_key("yyyy-MM-dd"),)
    sample: ClassVar[object] = "2016-07-12"
    schema_gap: ClassVar[str | None] = _LEAP_GAP
    after: ClassVar[str] = " 00:00"
    form: ClassVar[str] = f"{_YEAR}-{_MONTH_DAY}"
    letters: ClassVar[str] = "GyMwDdE"

    def from_instant(self, instant: int, timezone: str) -> Any:
        """The day in the time zone."""
        return at_zone(instant, timezone).date().isoformat()


@dataclass(frozen=True)
class DateYearMonthType(CalendarType):
    """A month of a year."""

    name: ClassVar[str] = "dateYearMonth"
    expected: ClassVar[str] = "a month as yyyy-MM"
    display_keys: ClassVar[tuple[Key, ...]] = (format_key("yyyy-MM"),)
    sample: ClassVar[object] = "2016-07"
    after: ClassVar[str] = "-01 00:00"
    form: ClassVar[str] = f"{_YEAR}-{_MONTH}"
    letters: ClassVar[str] = "GyM"


@dataclass(frozen=True)
class DateMonthDayType(CalendarType):
    """A day of every year, 29 February included."""

    name: ClassVar[str] = "dateMonthDay"
    expected: ClassVar[str] = "a day of the year as MM-dd"
    display_keys: ClassVar[tuple[Key, ...]] = (format_key("MM-dd"),)
    sample: ClassVar[object] = "04-16"
    before: ClassVar[str] = "2000-"
    after: ClassVar[str] = " 00:00"
    form: ClassVar[str] = _MONTH_DAY
    letters: ClassVar[str] = "Md"


@dataclass(frozen=True)
class DateTimeNoTimezoneType(CalendarType):
    """A day and a time as a wall clock shows them, the same for every reader."""

    name: ClassVar[str] = "dateTimeNoTimezone"
    expected: ClassVar[str] = "a date and time as yyyy-MM-dd HH:mm"
    capabilities: ClassVar[frozenset[Capability]] = CalendarType.capabilities | {Capability.INSTANT}
    display_keys: ClassVar[tuple[Key, ...]] = (format_key("yyyy-MM-dd HH:mm"),)
    sample: ClassVar[object] = "2016-11-05 19:00"
    schema_gap: ClassVar[str | None] = _LEAP_GAP
    form: ClassVar[str] = f"{_YEAR}-{_MONTH_DAY} {_TIME}"
    letters: ClassVar[str] = "GyMwDdEaHhmsS"

    def from_instant(self, instant: int, timezone: str) -> Any:
        """Day and minute in the time zone."""
        return at_zone(instant, timezone).replace(tzinfo=None).isoformat(" ", "minutes")


@dataclass(frozen=True)
class TimeType(CalendarType):
    """A time of day, in minutes."""

    name: ClassVar[str] = "time"
    expected: ClassVar[str] = "a time as HH:mm"
    sample: ClassVar[object] = "08:00"
    before: ClassVar[str] = "2000-01-01 "
    form: ClassVar[str] = _TIME
    letters: ClassVar[str] = "aHhm"


TYPES: tuple[type[FieldType], ...] = (
    DateType,
    DateYearMonthType,
    DateMonthDayType,
    DateTimeNoTimezoneType,
    TimeType,
)
