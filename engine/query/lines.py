"""What clients ask of a log, a job's or the app's: the pairs of a query string in, a query and its filter out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from bson import ObjectId, Regex

from engine.errors import BadRequest
from engine.query.given import (
    Bounds,
    Given,
    Pairs,
    parse_instant,
    parse_names,
    parse_offset,
    parse_size,
    take_given,
    to_any_of,
    to_between,
)
from engine.query.patterns import MOST_PATTERN, Kind, build_pattern
from engine.query.periods import Clock, parse_period
from engine.query.spans import parse_span

LOGS_SIZE: Final = 200
LOG_PARAMETERS: Final = ("period", "from", "to", "level", "message", "_size", "_offset")


class Level(StrEnum):
    """How much a line of a log matters."""

    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class LogQuery:
    """A checked query for lines of a log; `contains` are texts that must stand in a line, by the name of its part."""

    bounds: Bounds = (None, None)
    levels: tuple[str, ...] = ()
    contains: tuple[tuple[str, str], ...] = ()
    size: int = LOGS_SIZE
    after: ObjectId | None = None


def parse_log_query(pairs: Pairs, clock: Clock, texts: tuple[str, ...] = ()) -> LogQuery:
    """`texts` are the parts of a line, besides its message, that may be asked for; `period` wins over `from` and `to`.

    Raises BadRequest for an unknown parameter and for a value that it does not take."""
    given = take_given(pairs, (*texts, *LOG_PARAMETERS))
    bounds = parse_instant(given, "from"), parse_instant(given, "to")
    return LogQuery(
        bounds=_period(given["period"], clock) if given.get("period") else bounds,
        levels=parse_names(given, "level", [item.value for item in Level]),
        contains=tuple((name, _text(given, name)) for name in (*texts, "message") if given.get(name)),
        size=parse_size(given, LOGS_SIZE),
        after=parse_offset(given),
    )


def to_log_filter(query: LogQuery) -> dict[str, Any]:
    """The filter for all pages together."""
    wanted: dict[str, Any] = {}
    if query.bounds != (None, None):
        wanted["timestamp"] = to_between(query.bounds)
    if query.levels:
        wanted["level"] = to_any_of(query.levels)
    for name, text in query.contains:
        wanted[name] = Regex(build_pattern(Kind.CONTAINS, text).portable)
    return wanted


def _text(given: Given, name: str) -> str:
    if len(given[name]) > MOST_PATTERN:
        raise BadRequest(f"{name} may have at most {MOST_PATTERN} characters, not {len(given[name])}")
    return given[name]


def _period(text: str, clock: Clock) -> Bounds:
    words = parse_period(text) if text in ("today", "yesterday") else None
    if words is not None:
        return words.bounds(clock)
    span = parse_span(text)
    if span is None:
        raise BadRequest(f"period takes a span such as 3h 30m, today or yesterday, not {text[:64]}")
    return clock.now - span, None


__all__ = ["LOG_PARAMETERS", "Level", "LogQuery", "parse_log_query", "to_log_filter"]
