"""What clients ask of jobs and their logs: in go the pairs of a query string, out come checked queries and filters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeVar

from bson import ObjectId, Regex

from engine.errors import BadRequest, did_you_mean
from engine.jobs.job import FIELDS, STATUS, Document, Status
from engine.query.patterns import MOST_PATTERN, Kind, build_pattern
from engine.query.periods import Clock, parse_period
from engine.query.spans import parse_span

Pairs = Sequence[tuple[str, str]]
Bounds = tuple[int | None, int | None]
T = TypeVar("T")

JOBS_SIZE: Final = 20
LOGS_SIZE: Final = 200
MOST_SIZE: Final = 1_000
LATEST: Final = 253_402_300_799_999


class JobType(StrEnum):
    """Every type of job that clients may ask for, whether or not this server runs such jobs."""

    IMPORT_RECORDS = "IMPORT_RECORDS"
    EXPORT_RECORDS = "EXPORT_RECORDS"
    EXECUTE_ACTION = "EXECUTE_ACTION"
    DELETE_RECORDS = "DELETE_RECORDS"
    EXECUTE_LISTENER = "EXECUTE_LISTENER"
    IMPORT_USERS = "IMPORT_USERS"
    EXPORT_USERS = "EXPORT_USERS"
    STOP_APP = "STOP_APP"
    START_APP = "START_APP"
    DEPLOY_ENDPOINT = "DEPLOY_ENDPOINT"
    UNDEPLOY_ENDPOINT = "UNDEPLOY_ENDPOINT"
    SYSTEM_CASCADE = "SYSTEM_CASCADE"
    SYSTEM_REFACTORING = "SYSTEM_REFACTORING"


class Level(StrEnum):
    """How much a line of a log matters."""

    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


STATUSES: Final = (*(status.value for status in Status), "CANCELING")
"""What `status` takes; no job is ever CANCELING here."""


@dataclass(frozen=True, slots=True)
class JobQuery:
    """A checked query for jobs; `dates` are bounds in ms, both included, by attribute of Job."""

    types: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    has_errors: bool | None = None
    dates: Mapping[str, Bounds] = field(default_factory=dict)
    size: int = JOBS_SIZE
    after: ObjectId | None = None


@dataclass(frozen=True, slots=True)
class LogQuery:
    """A checked query for lines of a log; bounds are in ms, both included."""

    bounds: Bounds = (None, None)
    levels: tuple[str, ...] = ()
    message: str = ""
    size: int = LOGS_SIZE
    after: ObjectId | None = None


_DATES: Final = {"start": "start_date", "end": "end_date", "create": "create_date"}
_JOB_PARAMETERS: Final = (
    *("type", "status", "hasErrors", "_size", "_offset"),
    *(f"{name}{end}" for name in _DATES for end in ("From", "To")),
)
_LOG_PARAMETERS: Final = ("period", "from", "to", "level", "message", "_size", "_offset")


def parse_job_query(pairs: Pairs) -> JobQuery:
    """Raises BadRequest for an unknown parameter and for a value that it does not take."""
    given = _take(pairs, _JOB_PARAMETERS)
    dates = {
        name: bounds
        for prefix, name in _DATES.items()
        if (bounds := (_instant(given, f"{prefix}From"), _instant(given, f"{prefix}To"))) != (None, None)
    }
    return JobQuery(
        types=_names(given, "type", [item.value for item in JobType]),
        statuses=_names(given, "status", STATUSES),
        has_errors=_read(given, "hasErrors", {"true": True, "false": False}.__getitem__, "true or false"),
        dates=dates,
        size=_size(given, JOBS_SIZE),
        after=_offset(given),
    )


def parse_log_query(pairs: Pairs, clock: Clock) -> LogQuery:
    """As `parse_job_query`; `period` wins over `from` and `to`."""
    given = _take(pairs, _LOG_PARAMETERS)
    bounds = _instant(given, "from"), _instant(given, "to")
    message = given.get("message", "")
    if len(message) > MOST_PATTERN:
        raise BadRequest(f"message may have at most {MOST_PATTERN} characters, not {len(message)}")
    return LogQuery(
        bounds=_period(given["period"], clock) if given.get("period") else bounds,
        levels=_names(given, "level", [item.value for item in Level]),
        message=message,
        size=_size(given, LOGS_SIZE),
        after=_offset(given),
    )


def to_job_filter(query: JobQuery, user: str | None) -> Document:
    """The filter for all pages together; `user` keeps it to the jobs that this user started."""
    wanted: Document = {}
    if user is not None:
        wanted[f"{FIELDS['starter']}.user"] = user
    if query.types:
        wanted[FIELDS["type"]] = _any_of(query.types)
    if query.statuses:
        wanted[STATUS] = _any_of(query.statuses)
    if query.has_errors is not None:
        wanted[FIELDS["has_errors"]] = query.has_errors
    wanted |= {FIELDS[name]: _between(bounds) for name, bounds in query.dates.items()}
    return wanted


def to_log_filter(query: LogQuery, job: ObjectId) -> Document:
    """The filter for all pages of a job's log together."""
    wanted: Document = {"job": job}
    if query.bounds != (None, None):
        wanted["timestamp"] = _between(query.bounds)
    if query.levels:
        wanted["level"] = _any_of(query.levels)
    if query.message:
        wanted["message"] = Regex(build_pattern(Kind.CONTAINS, query.message).portable)
    return wanted


def parse_id(text: str) -> ObjectId | None:
    """The id that a text is; None where it cannot be one."""
    return ObjectId(text) if len(text) == 24 and ObjectId.is_valid(text) else None


def _take(pairs: Pairs, known: Sequence[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, text in pairs:
        if name not in known:
            hint = did_you_mean(name[:64], known) or f"known are {', '.join(known)}"
            raise BadRequest(f"There is no parameter {name[:64]}; {hint}")
        if name in given:
            raise BadRequest(f"{name} may be given only once")
        given[name] = text
    return given


def _read(given: Mapping[str, str], name: str, parse: Callable[[str], T], expected: str) -> T | None:
    """The parsed value; None where the parameter is missing or empty."""
    text = given.get(name)
    if not text:
        return None
    try:
        return parse(text)
    except (KeyError, ValueError):
        raise BadRequest(f"{name} takes {expected}, not {text[:64]}") from None


def _names(given: Mapping[str, str], name: str, known: Iterable[str]) -> tuple[str, ...]:
    names = tuple(part.strip() for part in given[name].split(",")) if given.get(name) else ()
    for item in names:
        if item not in known:
            raise BadRequest(f"{name} takes {', '.join(known)}, not {item[:64]}")
    return names


def _instant(given: Mapping[str, str], name: str) -> int | None:
    return _read(given, name, _parse_instant, "milliseconds since 1970")


def _parse_instant(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 15 and int(text) <= LATEST):
        raise ValueError
    return int(text)


def _size(given: Mapping[str, str], default: int) -> int:
    size = _read(given, "_size", _parse_size, f"a whole number from 1 to {MOST_SIZE}")
    return default if size is None else size


def _parse_size(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MOST_SIZE):
        raise ValueError
    return int(text)


def _offset(given: Mapping[str, str]) -> ObjectId | None:
    return _read(given, "_offset", _parse_offset, "the offset of the page before")


def _parse_offset(text: str) -> ObjectId:
    found = parse_id(text)
    if found is None:
        raise ValueError
    return found


def _period(text: str, clock: Clock) -> Bounds:
    words = parse_period(text) if text in ("today", "yesterday") else None
    if words is not None:
        return words.bounds(clock)
    span = parse_span(text)
    if span is None:
        raise BadRequest(f"period takes a span such as 3h 30m, today or yesterday, not {text[:64]}")
    return clock.now - span, None


def _any_of(names: Sequence[str]) -> Any:
    return names[0] if len(names) == 1 else {"$in": list(names)}


def _between(bounds: Bounds) -> Document:
    low, high = bounds
    return ({} if low is None else {"$gte": low}) | ({} if high is None else {"$lte": high})


__all__ = [
    "JobQuery",
    "JobType",
    "Level",
    "LogQuery",
    "parse_id",
    "parse_job_query",
    "parse_log_query",
    "to_job_filter",
    "to_log_filter",
]
