"""Relative words of queries (`today`, `last 3 days`): text in, a first and a last millisecond out.

`this|last|next unit` are periods of the calendar, weeks starting on Monday; `last|next N units` roll from now.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from engine.errors import InvalidValue

MOST_UNITS = 100_000
"""The greatest N of `last N units`."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Now, as one query sees it: milliseconds since the epoch, and the IANA zone in which days begin."""

    now: int
    timezone: str = "UTC"


Bounds = tuple[datetime, datetime]
"""From the first moment to the one after the last."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WHOLE_DAYS: Final = {"yesterday": -1, "today": 0, "tomorrow": 1}
_DIRECTIONS: Final = {"last": -1, "this": 0, "next": 1}


@dataclass(frozen=True, slots=True)
class Period:
    """Relative words, read but not yet placed in time."""

    words: str
    place: Callable[[datetime], Bounds]

    def bounds(self, clock: Clock) -> tuple[int, int]:
        """First and last millisecond; raises InvalidValue outside the years 1 to 9999."""
        try:
            now = (_EPOCH + timedelta(milliseconds=clock.now)).astimezone(ZoneInfo(clock.timezone))
            start, end = self.place(now)
            first, after = _to_ms(start), _to_ms(end)
        except (OverflowError, ValueError):
            raise InvalidValue("Expected a time in the years 1 to 9999", self.words) from None
        return first, max(first, after - 1)


def parse_period(text: str) -> Period | None:
    """The period that the text names; None for other text. Raises InvalidValue for too large an N."""
    words = text.split(" ")
    if len(words) == 1:
        if text == "now":
            return Period(text, _instant)
        return Period(text, partial(_calendar, "day", _WHOLE_DAYS[text])) if text in _WHOLE_DAYS else None
    direction = _DIRECTIONS.get(words[0])
    if direction is None:
        return None
    if len(words) == 2 and words[1] in _STARTS:
        return Period(text, partial(_calendar, words[1], direction))
    unit = words[-1].removesuffix("s")
    if len(words) != 3 or not direction or unit not in _STARTS or not (words[1].isascii() and words[1].isdigit()):
        return None
    if len(words[1]) > 6 or not 1 <= int(words[1]) <= MOST_UNITS:
        raise InvalidValue(f"Expected a number from 1 to {MOST_UNITS} in relative words", text)
    return Period(text, partial(_rolling, unit, direction * int(words[1])))


def _instant(now: datetime) -> Bounds:
    return now, now + timedelta(milliseconds=1)


def _rolling(unit: str, count: int, now: datetime) -> Bounds:
    other = _shift(now, unit, count)
    return (other, _instant(now)[1]) if count < 0 else (now, _instant(other)[1])


def _calendar(unit: str, count: int, now: datetime) -> Bounds:
    start = _shift(_STARTS[unit](now), unit, count)
    return start, _shift(start, unit, 1)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


_STARTS: Final[Mapping[str, Callable[[datetime], datetime]]] = {
    "hour": lambda now: now.replace(minute=0, second=0, microsecond=0),
    "day": _midnight,
    "week": lambda now: _midnight(now) - timedelta(days=now.weekday()),
    "month": lambda now: _midnight(now).replace(day=1),
    "year": lambda now: _midnight(now).replace(month=1, day=1),
}
"""The beginning of the unit that a moment lies in. Each unit that may be named is a key."""
_MONTHS: Final = {"month": 1, "year": 12}
_DAYS: Final = {"day": 1, "week": 7}


def _shift(moment: datetime, unit: str, count: int) -> datetime:
    """So many units later: hours by elapsed time, all else by the calendar, at the same time of day."""
    if unit in _DAYS:
        return moment + timedelta(days=count * _DAYS[unit])
    if unit in _MONTHS:
        months = moment.year * 12 + moment.month - 1 + count * _MONTHS[unit]
        year, month = divmod(months, 12)
        last = monthrange(year, month + 1)[1]
        return moment.replace(year=year, month=month + 1, day=min(moment.day, last))
    return (moment.astimezone(UTC) + timedelta(hours=count)).astimezone(moment.tzinfo)


def _to_ms(moment: datetime) -> int:
    return (moment.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)


__all__ = ["MOST_UNITS", "Clock", "Period", "parse_period"]
