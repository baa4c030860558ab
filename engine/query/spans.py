"""Spans of time as people write them (`3h 30m`): text in, milliseconds out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_SECOND: Final = 1_000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR

UNITS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("M", "month", "months"), 30 * _DAY),
    **dict.fromkeys(("d", "day", "days"), _DAY),
    **dict.fromkeys(("h", "H", "hour", "hours"), _HOUR),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), _MINUTE),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), _SECOND),
}
"""Every spelling of a unit, and its length in ms; a month has 30 days."""

_find_parts = re.compile(r"(?<![0-9])([0-9]{1,9}) ?([A-Za-z]+)").findall


def parse_span(text: str) -> int | None:
    """The parts of the text that are a number and a unit, in any order, added up; all other text is ignored.

    None where there is no such part.
    """
    parts = [int(count) * UNITS[unit] for count, unit in _find_parts(text) if unit in UNITS]
    return sum(parts) if parts else None


__all__ = ["UNITS", "parse_span"]
