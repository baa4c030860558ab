"""What each operation takes and answers: one record for each, from an entity and the document's parts to OpenAPI.

An operation without a record is told by its path and its right alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine.aggregate import STAGES
from engine.logs import MOST_MESSAGE, Event, Origin
from engine.openapi.parameters import FLAGS, OF_READS, OF_SELECTIONS, filter_of, flags, query, system
from engine.openapi.schemas import ANYTHING, ID, INSTANT, TEXT, Parts, Schema, page_of
from engine.query import PARAMETERS
from engine.query.lines import Level
from engine.records.export_options import OF_LISTS, OPTIONS, Form
from engine.records.import_options import OPTIONS as IMPORT_OPTIONS
from engine.routes import Route
from engine.schema import App, Entity

Json = dict[str, Any]
JSON: Final = "application/json"
FORM: Final = "multipart/form-data"
BYTES: Final = "application/force-download"
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_MAYBE_TEXT: Final[Schema] = {"type": ["string", "null"]}
_LEVEL: Final[Schema] = {"enum": [one.value for one in Level]}


@dataclass(frozen=True, slots=True)
class Place:
    """One route in its app, and the document that tells of it."""

    app: App
    route: Route
    parts: Parts

    @property
    def entity(self) -> Entity:
        """The entity of a route that has one."""
        assert self.route.entity is not None
        return self.app.entities[self.route.entity]


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


def _fixed(schema: Schema) -> Callable[[Place], Schema]:
    return lambda place: schema


def _fields(**given: Schema) -> Schema:
    return {"type": "object", "properties": given, "required": list(given)}


def _body_of(needed: Mapping[str, Schema], more: Mapping[str, Schema] | None = None) -> Callable[[Place], Schema]:
    properties = {**needed, **(more or {})}
    schema = {"type": "object", "properties": properties, "required": list(needed), "additionalProperties": False}
    return _fixed(schema)


# parts that several operations share


def _job_link(place: Place) -> Schema:
    return place.parts.refer("JobLink", lambda: _fields(jobLink=TEXT, jobId=ID))


def _results(place: Place) -> Schema:
    """What became of each of many records, by id."""
    entry = {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"enum": ["ok", "error"]}, "errorMessage": TEXT, "response": ANYTHING},
    }
    return place.parts.refer("Results", lambda: {"type": "object", "additionalProperties": entry})


def _job(place: Place) -> Schema:
    def build() -> Schema:
        link = {"anyOf": [_fields(id=ID, label=TEXT), {"type": "null"}]}
        person = _fields(id=ID, fullName=_MAYBE_TEXT)
        person["properties"]["adminUser"] = TEXT  # where somebody acted for them
        runner = {"anyOf": [person, {"type": "null"}]}
        instant = {"type": ["integer", "null"]}
        statuses = ["PENDING", "RUNNING", "STOPPING", "STOPPED", "FINISHED", "CANCELED"]
        return _fields(
            id=ID,
            label=TEXT,
            type=TEXT,
            runBy=runner,
            parentJob=link,
            rootJob=link,
            createDate=INSTANT,
            startDate=instant,
            endDate=instant,
            status={"enum": statuses},
            hasErrors={"type": "boolean"},
            progress={"type": ["integer", "null"]},
            recordsCount={"type": ["integer", "null"]},
            recordsProcessed=_COUNT,
            childrenJobsCount=_COUNT,
            childrenJobsProcessed=_COUNT,
            stoppable={"type": "boolean"},
            lowPriority={"type": "boolean"},
            data={"type": "object"},
            results={"type": "object"},
        )

    return place.parts.refer("Job", build)


def _login(place: Place) -> Schema:
    return place.parts.refer(
        "Session",
        lambda: _fields(
            app=TEXT, adminUserEmail=_MAYBE_TEXT, ip=_MAYBE_TEXT, userEmail=TEXT, userName=TEXT, userId=ID, token=TEXT
        ),
    )


def _log_line(place: Place) -> Schema:
    def build() -> Schema:
        line = _fields(
            id=ID,
            type={"enum": [one.value for one in Origin]},
            subType={"enum": [*(one.value for one in Event), None]},
            level=_LEVEL,
            message=TEXT,
            userEmail=_MAYBE_TEXT,
            adminUserEmail=_MAYBE_TEXT,
            timestamp=INSTANT,
            ip=_MAYBE_TEXT,
        )
        line["properties"]["additionalInfo"] = {"type": "object"}
        return line

    return place.parts.refer("LogLine", build)


def _audit_row(place: Place) -> Schema:
    def build() -> Schema:
        state: Schema = {"type": ["object", "null"]}
        return _fields(
            id=ID,
            entityId=ID,
            entityName=TEXT,
            entityVersion=_COUNT,
            recordId=ID,
            recordName=_MAYBE_TEXT,
            user=_MAYBE_TEXT,
            timestamp=INSTANT,
            ip=_MAYBE_TEXT,
            eventType=TEXT,
            eventCategory=TEXT,
            contextPath=_MAYBE_TEXT,
            recordDeleted={"type": ["boolean", "null"]},
            deletionDate={"type": ["integer", "null"]},
            oldRecord=state,
            newRecord=state,
        )

    return place.parts.refer("AuditRow", build)


def _record(place: Place) -> Schema:
    return place.parts.native(place.entity)


def _many(place: Place) -> Schema:
    return {"anyOf": [place.parts.native(place.entity), _results(place), _job_link(place)]}


def _results_or_job(place: Place) -> Schema:
    return {"anyOf": [_results(place), _job_link(place)]}


def _page(item: Callable[[Place], Schema]) -> Callable[[Place], Schema]:
    return lambda place: page_of(item(place))


def _records_page(place: Place) -> Schema:
    explained = _fields(filter={"type": "object"}, index=TEXT)
    return {"anyOf": [place.parts.page(place.entity), place.parts.refer("Explanation", lambda: explained)]}


# query parameters


def _selecting(*names: str) -> Callable[[Place], list[Json]]:
    return lambda place: [filter_of(place.entity), *system(OF_SELECTIONS), *flags(names)]


def _listing(place: Place) -> list[Json]:
    return [filter_of(place.entity), *system(PARAMETERS)]


def _exporting(place: Place) -> list[Json]:
    most = query("_size", "how many records to write; all unless given", {"type": "integer", "minimum": 1})
    listed = [most if one["name"] == "_size" else one for one in system(OF_LISTS)]
    schemas: Mapping[str, Schema] = {"_format": {"enum": [form.value for form in Form]}}
    own = [query(name, option.description, schemas.get(name, {"type": "boolean"})) for name, option in OPTIONS.items()]
    return [filter_of(place.entity), *listed, *own]


def _reading(place: Place) -> list[Json]:
    number = {"type": "integer", "minimum": 0}
    past = [
        query("_version", "the record as it was at this version, from its audit trail", number),
        query("_asOf", "the record as it was then, in ms since 1970", number),
    ]
    return [*system(OF_READS), *past]


def _flagged(*names: str) -> Callable[[Place], list[Json]]:
    return lambda place: flags(names)


_PAGE: Final = (
    query("_size", "how many items to return, 1 to 1000", {"type": "integer", "minimum": 1, "maximum": 1000}),
    query("_offset", "the offset that the page before answered", {"type": "string", "pattern": "^[0-9a-fA-F]{24}$"}),
)
_SPAN: Final = (query("from", "ms since 1970", INSTANT), query("to", "ms since 1970", INSTANT))
_LOG: Final = (
    query("period", "a span such as 3h 30m, today or yesterday; wins over from and to"),
    *_SPAN,
    query("level", "INFO, WARN and ERROR, separated by commas"),
    query("message", "a part of the message"),
    *_PAGE,
)
_JOBS: Final = (
    query("type", "types of jobs, separated by commas"),
    query("status", "statuses, separated by commas"),
    query("hasErrors", "whether something went wrong", {"type": "boolean"}),
    *(query(f"{name}{end}", "ms since 1970", INSTANT) for name in ("start", "end", "create") for end in ("From", "To")),
    *_PAGE,
)


def _importing(place: Place) -> list[Json]:
    texts = {"encoding": "how the file is encoded, where it does not tell by itself"}
    return [
        query(name, texts.get(name, "for developers only" if option.developers else ""), _option_schema(name in texts))
        for name, option in IMPORT_OPTIONS.items()
    ]


def _option_schema(is_text: bool) -> Schema:
    return TEXT if is_text else {"type": "boolean"}


def _aggregation(place: Place) -> Schema:
    stage = {"type": "object", "properties": dict.fromkeys(STAGES, ANYTHING), "additionalProperties": False}
    return {"anyOf": [{"type": "array", "items": stage, "maxItems": 20}, stage]}


def _parameters(place: Place) -> Schema:
    assert place.route.action is not None
    return place.parts.parameters(place.entity, place.entity.actions[place.route.action])


_NAMED: Final = {"email": TEXT, "password": TEXT}
_DELETING: Final = tuple(name for name in FLAGS if name != "_all")
_COOKIE: Final = (query("cookie", "true sets the token as a cookie, too", {"type": "boolean"}),)
_FILE: Final[Schema] = {"type": "string", "contentMediaType": "application/octet-stream"}
_STORED_FILE: Final = _fields(fileId=ID, fileLink=TEXT)
_LINES: Final = _fields(timestamp=INSTANT, level=_LEVEL, message=TEXT)
_STATUS: Final = _fixed(_fields(status=TEXT))

DESCRIBED: Mapping[str, Described] = {
    "list": Described("Get records of {entity}", _records_page, query=_listing),
    "create": Described("Create a record of {entity}", _record, lambda at: at.parts.creation(at.entity)),
    "deleteByQuery": Described("Delete what a query finds of {entity}", _results_or_job, query=_selecting(*FLAGS)),
    "aggregate": Described(
        "Count, sum, group and join records of {entity}",
        _fixed(_fields(total=_COUNT, items={"type": "array", "items": {"type": "object"}})),
        _aggregation,
        body_needed=False,
    ),
    "read": Described("Get one record of {entity}", lambda at: at.parts.record(at.entity), query=_reading),
    "update": Described(
        "Change a record of {entity}",
        _record,
        lambda at: at.parts.change(at.entity),
        body_needed=False,
    ),
    "delete": Described("Delete one record of {entity}, or several: {{id}},{{id}}", _many, query=_flagged(*_DELETING)),
    "revert": Described(
        "Make a record of {entity} what it was at a version",
        _record,
        query=lambda at: [query("to", "the version", {"type": "integer", "minimum": 0}, required=True)],
    ),
    "explainRights": Described(
        "What may be done with a record of {entity}, and which rules decide it",
        query=lambda at: [
            query("groups", "members of these groups, separated by commas; the caller unless given"),
            query("user", "the user with this e-mail address"),
        ],
    ),
    "recordTrail": Described("What happened to a record of {entity}", _page(_audit_row), query=lambda at: [*_PAGE]),
    "entityTrail": Described(
        "What happened to records of {entity}",
        _page(_audit_row),
        query=lambda at: [query("eventTypes", "types of events, separated by commas"), *_SPAN, *_PAGE],
    ),
    "act": Described(
        "{action}: on one record of {entity}, or on several",
        body=_parameters,
        query=_flagged("_async", "_lowPriority"),
        body_needed=False,
    ),
    "actByQuery": Described(
        "{action}: on what a query finds of {entity}",
        body=_parameters,
        query=_selecting("_async", "_lowPriority", "_all"),
        body_needed=False,
    ),
    "export": Described(
        "Write what a query finds of {entity} to a file",
        _job_link,
        query=_exporting,
    ),
    "import": Described(
        "Create and change records of {entity} from a CSV file",
        _job_link,
        _fixed({"type": "object", "required": ["file"], "properties": {"file": _FILE}}),
        query=_importing,
        takes=FORM,
    ),
    "login": Described(
        "Log in", _login, _body_of(_NAMED, {"emailImpersonatedUser": _MAYBE_TEXT}), query=lambda at: [*_COOKIE]
    ),
    "logout": Described("End the token", _fixed({"type": "object"})),
    "changePassword": Described(
        "Set one's own password, an expired one too",
        _login,
        _body_of({**_NAMED, "newPassword": TEXT}),
        query=lambda at: [*_COOKIE],
    ),
    "currentUser": Described("The user who asks", _fixed({"type": "object"})),
    "changeCurrentPassword": Described(
        "Set one's own password", _login, _body_of({"password": TEXT, "newPassword": TEXT})
    ),
    "uploadFiles": Described(
        "Upload files",
        _fixed({"anyOf": [_STORED_FILE, {"type": "array", "items": _STORED_FILE}]}),
        _fixed({"type": "object", "additionalProperties": _FILE}),
        takes=FORM,
    ),
    "readFile": Described("Download a file", gives=BYTES),
    "readRecordFile": Described("Download a file of a record of {entity}", gives=BYTES),
    "readSharedFile": Described("Download a file by a link that was shared", gives=BYTES),
    "shareFile": Described(
        "Make a link to a file that serves without a token",
        _fixed(_fields(sharedFileId=TEXT, sharedFileLink=TEXT)),
        query=lambda at: [query("ttl", "for how many ms", {"type": "integer", "minimum": 1})],
    ),
    "listJobs": Described("Get background jobs", _page(_job), query=lambda at: [*_JOBS]),
    "readJob": Described("Get a background job", _job),
    "listJobLogs": Described("Get the log of a job", _page(lambda at: _LINES), query=lambda at: [*_LOG]),
    "stopJob": Described("Ask a job to stop", _job),
    "forceStopJob": Described("Stop a job that does not stop by itself", _job),
    "cancelJob": Described("Cancel a stopped job", _job),
    "resumeJob": Described("Let a stopped job go on", _job),
    "undoJob": Described("Take back what an import wrote", _job_link),
    "listLogs": Described(
        "Get the app's log",
        _page(_log_line),
        query=lambda at: [query("userEmail", "a part of the user's e-mail address"), *_LOG],
    ),
    "createLog": Described(
        "Add a line to the app's log",
        _log_line,
        _body_of(
            {"level": _LEVEL, "message": {"type": "string", "minLength": 1, "maxLength": MOST_MESSAGE}},
            {"additionalInfo": {"type": ["object", "null"]}},
        ),
    ),
    "describe": Described("This document", _fixed({"type": "object"})),
    "health": Described("Whether the process lives", _STATUS),
    "readiness": Described("Whether requests would be served well", _STATUS),
}
"""By operation."""


def describe(route: Route) -> Described:
    """How an operation is told; by its name where it has no record."""
    known = DESCRIBED.get(route.operation)
    return Described(str(route.operation)) if known is None else known


__all__ = ["DESCRIBED", "Described", "Place", "describe"]
