"""What each operation takes and answers: one record for each, from an entity and the document's parts to OpenAPI.

An operation without a record is told by its path and its right alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine.openapi import answers
from engine.openapi.answers import Place, fixed, job, job_link, paged, record, results_or_job, session
from engine.openapi.parameters import (
    APP_LOG,
    COOKIE,
    FLAGS,
    JOBS,
    LOG,
    PAGE,
    REVERT,
    RIGHTS,
    TRAIL,
    flags,
    of_exports,
    of_imports,
    of_lists,
    of_reads,
    of_selections,
    query,
)
from engine.openapi.schemas import ANYTHING, TEXT, Schema
from engine.routes import Route

Json = dict[str, Any]
JSON: Final = "application/json"
FORM: Final = "multipart/form-data"
BYTES: Final = "application/force-download"
LONGEST_SHARE: Final = 30 * 86_400_000
"""For how many ms a link to a file may serve."""
_OBJECT: Final[Schema] = {"type": "object"}
_TTL: Final = query("ttl", "for how many ms", {"type": "integer", "minimum": 1, "maximum": LONGEST_SHARE})
_DELETING: Final = tuple(name for name in FLAGS if name != "_all")


@dataclass(frozen=True, slots=True)
class Described:
    """`summary` may hold {entity} and {action}, which stand for their labels. `takes` and `gives` are media types."""

    summary: str
    answer: Callable[[Place], Schema] = lambda place: ANYTHING
    body: Callable[[Place], Schema] | None = None
    query: Callable[[Place], list[Json]] = lambda place: []
    body_needed: bool = True
    takes: str = JSON
    gives: str = JSON


def _selecting(*names: str) -> Callable[[Place], list[Json]]:
    return lambda place: of_selections(place.entity, names)


def _taking(given: Iterable[Json]) -> Callable[[Place], list[Json]]:
    parameters = list(given)
    return lambda place: parameters


DESCRIBED: Mapping[str, Described] = {
    "list": Described("Get records of {entity}", answers.records_page, query=lambda at: of_lists(at.entity)),
    "create": Described("Create a record of {entity}", record, lambda at: at.parts.creation(at.entity)),
    "deleteByQuery": Described("Delete what a query finds of {entity}", results_or_job, query=_selecting(*FLAGS)),
    "aggregate": Described(
        "Count, sum, group and join records of {entity}",
        fixed(answers.fields_of(total=answers.COUNT, items={"type": "array", "items": {"type": "object"}})),
        fixed(answers.aggregation()),
        body_needed=False,
    ),
    "read": Described(
        "Get one record of {entity}", lambda at: at.parts.record(at.entity), query=lambda at: of_reads(at.entity)
    ),
    "update": Described(
        "Change a record of {entity}",
        record,
        lambda at: at.parts.change(at.entity),
        body_needed=False,
    ),
    "delete": Described(
        "Delete one record of {entity}, or several: {{id}},{{id}}", answers.one_or_many, query=_taking(flags(_DELETING))
    ),
    "revert": Described(
        "Make a record of {entity} what it was at a version",
        record,
        query=_taking(REVERT),
    ),
    "explainRights": Described(
        "What may be done with a record of {entity}, and which rules decide it",
        query=_taking(RIGHTS),
    ),
    "recordTrail": Described("What happened to a record of {entity}", paged(answers.audit_row), query=_taking(PAGE)),
    "entityTrail": Described(
        "What happened to records of {entity}",
        paged(answers.audit_row),
        query=_taking(TRAIL),
    ),
    "act": Described(
        "{action}: on one record of {entity}, or on several",
        body=answers.action_parameters,
        query=_taking(flags(("_async", "_lowPriority"))),
        body_needed=False,
    ),
    "actByQuery": Described(
        "{action}: on what a query finds of {entity}",
        body=answers.action_parameters,
        query=_selecting("_async", "_lowPriority", "_all"),
        body_needed=False,
    ),
    "export": Described(
        "Write what a query finds of {entity} to a file",
        job_link,
        query=lambda at: of_exports(at.entity),
    ),
    "import": Described(
        "Create and change records of {entity} from a CSV file",
        job_link,
        fixed(answers.IMPORTED),
        query=_taking(of_imports()),
        takes=FORM,
    ),
    "login": Described("Log in", session, fixed(answers.LOGIN), query=_taking(COOKIE)),
    "logout": Described("End the token", fixed(_OBJECT)),
    "changePassword": Described(
        "Set one's own password, an expired one too",
        session,
        fixed(answers.EXPIRED),
        query=_taking(COOKIE),
    ),
    "currentUser": Described("The user who asks", fixed(_OBJECT)),
    "changeCurrentPassword": Described("Set one's own password", session, fixed(answers.PASSWORDS)),
    "uploadFiles": Described(
        "Upload files",
        fixed(answers.STORED_FILES),
        fixed(answers.UPLOAD),
        takes=FORM,
    ),
    "readFile": Described("Download a file", gives=BYTES),
    "readRecordFile": Described("Download a file of a record of {entity}", gives=BYTES),
    "readSharedFile": Described("Download a file by a link that was shared", gives=BYTES),
    "shareFile": Described(
        "Make a link to a file that serves without a token",
        fixed(answers.fields_of(sharedFileId=TEXT, sharedFileLink=TEXT)),
        query=_taking([_TTL]),
    ),
    "listJobs": Described("Get background jobs", paged(job), query=_taking(JOBS)),
    "readJob": Described("Get a background job", job),
    "listJobLogs": Described("Get the log of a job", paged(fixed(answers.JOB_LINE)), query=_taking(LOG)),
    "stopJob": Described("Ask a job to stop", job),
    "forceStopJob": Described("Stop a job that does not stop by itself", job),
    "cancelJob": Described("Cancel a stopped job", job),
    "resumeJob": Described("Let a stopped job go on", job),
    "undoJob": Described("Take back what an import wrote", job_link),
    "listLogs": Described(
        "Get the app's log",
        paged(answers.log_line),
        query=_taking(APP_LOG),
    ),
    "createLog": Described(
        "Add a line to the app's log",
        answers.log_line,
        fixed(answers.LINE),
    ),
    "describe": Described("This document", fixed(_OBJECT)),
    "health": Described("Whether the process lives", fixed(answers.STATUS)),
    "readiness": Described("Whether requests would be served well", fixed(answers.STATUS)),
}
"""By operation."""


def describe(route: Route) -> Described:
    """How an operation is told; by its name where it has no record."""
    known = DESCRIBED.get(route.operation)
    return Described(str(route.operation)) if known is None else known


__all__ = ["BYTES", "DESCRIBED", "JSON", "LONGEST_SHARE", "Described", "describe"]
