"""Arithmetic of moments: a date text and a duration in, a date text out; durations are whole milliseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from engine.errors import ExpressionError

DAY = 86_400_000
HOUR = 3_600_000
MINUTE = 60_000

_FORM = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d)?", re.ASCII)
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Duration(int):
    """Milliseconds that know they are a span of time, so that they can be added to a date.

    Plus, minus and whole multiples of durations are durations; everything else that is done with one gives a number.
    """

    __slots__ = ()

    def __add__(self, other: int) -> int:
        total = int(self) + int(other)
        return Duration(total) if isinstance(other, Duration) else total

    def __sub__(self, other: int) -> int:
        total = int(self) - int(other)
        return Duration(total) if isinstance(other, Duration) else total

    def __mul__(self, factor: int) -> int:
        product = int(self) * int(factor)
        return product if isinstance(factor, Duration) else Duration(product)

    __rmul__ = __mul__

    def __neg__(self) -> int:
        return Duration(-int(self))


def _read(text: str) -> datetime:
    if _FORM.fullmatch(text):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass  # the 30th of February; the message below fits
    raise ExpressionError(
        "Only a date (yyyy-MM-dd) or a date with time (yyyy-MM-dd HH:mm) can be moved or measured",
        hint="join texts with +, or with a template",
    )


def shift(text: str, duration: int) -> str:
    """The date or date with time that lies so many ms later, in the form of `text`; a date counts as its midnight."""
    try:
        moved = _read(text) + int(duration) * _MILLISECOND
    except OverflowError:
        raise ExpressionError("The date leaves the years 0001 to 9999") from None
    return moved.isoformat(" ", "minutes")[: len(text)]


def difference(later: str, earlier: str) -> Duration:
    """The time between two dates, or two dates with time."""
    return Duration((_read(later) - _read(earlier)) // _MILLISECOND)


@lru_cache(maxsize=16)  # an expression may ask for each item of a list, always at the moment of one request
def date_at(instant: int, timezone: str) -> str:
    """The date, yyyy-MM-dd, that a calendar in that time zone shows at an instant in ms."""
    try:
        return (_EPOCH + instant * _MILLISECOND).astimezone(ZoneInfo(timezone)).date().isoformat()
    except (KeyError, ValueError, OSError):  # what ZoneInfo raises for a name that it does not know
        raise ExpressionError(f'There is no time zone "{timezone}"', hint="write an IANA name: Europe/Berlin") from None
    except OverflowError:
        raise ExpressionError("The date leaves the years 0001 to 9999") from None
