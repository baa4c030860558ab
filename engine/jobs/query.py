"""What clients ask of jobs and their logs: in go the pairs of a query string, out come checked queries and filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from bson import ObjectId

from engine.jobs.job import FIELDS, STATUS, Document, Status
from engine.query import lines
from engine.query.given import (
    Bounds,
    Pairs,
    parse_given,
    parse_id,
    parse_instant,
    parse_names,
    parse_offset,
    parse_size,
    take_given,
    to_any_of,
    to_between,
)
from engine.query.lines import Level, LogQuery, parse_log_query

JOBS_SIZE: Final = 20


class JobType(StrEnum):
    """Every type of job that clients may ask for, whether or not this server runs such jobs."""

    IMPORT_RECORDS = "IMPORT_RECORDS"
    EXPORT_RECORDS = "EXPORT_RECORDS"
    EXECUTE_ACTION = "EXECUTE_ACTION"
    DELETE_RECORDS = "DELETE_RECORDS"
    EXECUTE_LISTENER = "EXECUTE_LISTENER"
    UNDO_IMPORT = "UNDO_IMPORT"
    IMPORT_USERS = "IMPORT_USERS"
    EXPORT_USERS = "EXPORT_USERS"
    STOP_APP = "STOP_APP"
    START_APP = "START_APP"
    DEPLOY_ENDPOINT = "DEPLOY_ENDPOINT"
    UNDEPLOY_ENDPOINT = "UNDEPLOY_ENDPOINT"
    SYSTEM_CASCADE = "SYSTEM_CASCADE"
    SYSTEM_REFACTORING = "SYSTEM_REFACTORING"


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


_DATES: Final = {"start": "start_date", "end": "end_date", "create": "create_date"}
_JOB_PARAMETERS: Final = (
    *("type", "status", "hasErrors", "_size", "_offset"),
    *(f"{name}{end}" for name in _DATES for end in ("From", "To")),
)


def parse_job_query(pairs: Pairs) -> JobQuery:
    """Raises BadRequest for an unknown parameter and for a value that it does not take."""
    given = take_given(pairs, _JOB_PARAMETERS)
    dates = {
        name: bounds
        for prefix, name in _DATES.items()
        if (bounds := (parse_instant(given, f"{prefix}From"), parse_instant(given, f"{prefix}To"))) != (None, None)
    }
    return JobQuery(
        types=parse_names(given, "type", [item.value for item in JobType]),
        statuses=parse_names(given, "status", STATUSES),
        has_errors=parse_given(given, "hasErrors", {"true": True, "false": False}.__getitem__, "true or false"),
        dates=dates,
        size=parse_size(given, JOBS_SIZE),
        after=parse_offset(given),
    )


def to_job_filter(query: JobQuery, user: str | None) -> Document:
    """The filter for all pages together; `user` keeps it to the jobs that this user started."""
    wanted: Document = {}
    if user is not None:
        wanted[f"{FIELDS['starter']}.user"] = user
    if query.types:
        wanted[FIELDS["type"]] = to_any_of(query.types)
    if query.statuses:
        wanted[STATUS] = to_any_of(query.statuses)
    if query.has_errors is not None:
        wanted[FIELDS["has_errors"]] = query.has_errors
    wanted |= {FIELDS[name]: to_between(bounds) for name, bounds in query.dates.items()}
    return wanted


def to_log_filter(query: LogQuery, job: ObjectId) -> Document:
    """The filter for all pages of a job's log together."""
    return {"job": job} | lines.to_log_filter(query)


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
