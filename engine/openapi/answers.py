"""What operations take and answer as JSON Schema: in goes the place of one in its app, out come schemas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from engine.aggregate import STAGES
from engine.aggregate.parse import MOST_STAGES
from engine.logs import MOST_MESSAGE, Event, Origin
from engine.openapi.parameters import import_fields
from engine.openapi.schemas import ANYTHING, ID, INSTANT, TEXT, Parts, Schema, page_of
from engine.query.lines import Level
from engine.routes import Route
from engine.schema import App, Entity

COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
MAYBE_TEXT: Final[Schema] = {"type": ["string", "null"]}
LEVEL: Final[Schema] = {"enum": [one.value for one in Level]}


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


def fixed(schema: Schema) -> Callable[[Place], Schema]:
    """The same schema at every place."""
    return lambda place: schema


def fields_of(**given: Schema) -> Schema:
    """An object with these properties, all of them there."""
    return {"type": "object", "properties": given, "required": list(given)}


def body_of(needed: Mapping[str, Schema], more: Mapping[str, Schema] | None = None) -> Schema:
    """A body of these properties and no others; those in `more` may be left out."""
    properties = {**needed, **(more or {})}
    return {"type": "object", "properties": properties, "required": list(needed), "additionalProperties": False}


def job_link(place: Place) -> Schema:
    """Where to follow what is done in the background."""
    return place.parts.refer("JobLink", lambda: fields_of(jobLink=TEXT, jobId=ID))


def results(place: Place) -> Schema:
    """What became of each of many records, by id."""
    entry = {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"enum": ["ok", "error"]}, "errorMessage": TEXT, "response": ANYTHING},
    }
    return place.parts.refer("Results", lambda: {"type": "object", "additionalProperties": entry})


def job(place: Place) -> Schema:
    """One job."""

    def build() -> Schema:
        link = {"anyOf": [fields_of(id=ID, label=TEXT), {"type": "null"}]}
        person = fields_of(id=ID, fullName=MAYBE_TEXT)
        person["properties"]["adminUser"] = TEXT  # where somebody acted for them
        runner = {"anyOf": [person, {"type": "null"}]}
        instant = {"type": ["integer", "null"]}
        statuses = ["PENDING", "RUNNING", "STOPPING", "STOPPED", "FINISHED", "CANCELED"]
        return fields_of(
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
            recordsProcessed=COUNT,
            childrenJobsCount=COUNT,
            childrenJobsProcessed=COUNT,
            stoppable={"type": "boolean"},
            lowPriority={"type": "boolean"},
            data={"type": "object"},
            results={"type": "object"},
        )

    return place.parts.refer("Job", build)


def session(place: Place) -> Schema:
    """What a login answers."""
    return place.parts.refer(
        "Session",
        lambda: fields_of(
            app=TEXT, adminUserEmail=MAYBE_TEXT, ip=MAYBE_TEXT, userEmail=TEXT, userName=TEXT, userId=ID, token=TEXT
        ),
    )


def log_line(place: Place) -> Schema:
    """One line of the app's log."""

    def build() -> Schema:
        line = fields_of(
            id=ID,
            type={"enum": [one.value for one in Origin]},
            subType={"enum": [*(one.value for one in Event), None]},
            level=LEVEL,
            message=TEXT,
            userEmail=MAYBE_TEXT,
            adminUserEmail=MAYBE_TEXT,
            timestamp=INSTANT,
            ip=MAYBE_TEXT,
        )
        line["properties"]["additionalInfo"] = {"type": "object"}
        return line

    return place.parts.refer("LogLine", build)


def audit_row(place: Place) -> Schema:
    """One row of an audit trail."""

    def build() -> Schema:
        state: Schema = {"type": ["object", "null"]}
        return fields_of(
            id=ID,
            entityId=ID,
            entityName=TEXT,
            entityVersion=COUNT,
            recordId=ID,
            recordName=MAYBE_TEXT,
            user=MAYBE_TEXT,
            timestamp=INSTANT,
            ip=MAYBE_TEXT,
            eventType=TEXT,
            eventCategory=TEXT,
            contextPath=MAYBE_TEXT,
            recordDeleted={"type": ["boolean", "null"]},
            deletionDate={"type": ["integer", "null"]},
            oldRecord=state,
            newRecord=state,
        )

    return place.parts.refer("AuditRow", build)


def record(place: Place) -> Schema:
    """A record as writes answer it."""
    return place.parts.native(place.entity)


def one_or_many(place: Place) -> Schema:
    """What a path with one id or several answers."""
    return {"anyOf": [place.parts.native(place.entity), results(place), job_link(place)]}


def results_or_job(place: Place) -> Schema:
    """What became of many records, or the job that sees to them."""
    return {"anyOf": [results(place), job_link(place)]}


def paged(item: Callable[[Place], Schema]) -> Callable[[Place], Schema]:
    """One page of such items."""
    return lambda place: page_of(item(place))


def records_page(place: Place) -> Schema:
    """A page of records, or how they would be found."""
    explained = fields_of(filter={"type": "object"}, index=TEXT)
    return {"anyOf": [place.parts.page(place.entity), place.parts.refer("Explanation", lambda: explained)]}


def aggregation() -> Schema:
    """A pipeline, or its only stage: an object whose one key says what it does."""
    stages = [body_of({name: ANYTHING}) for name in STAGES]
    stage: Schema = {"oneOf": stages}
    return {"anyOf": [{"type": "array", "items": stage, "maxItems": MOST_STAGES}, *stages]}


def action_parameters(place: Place) -> Schema:
    """The parameters of an action."""
    assert place.route.action is not None
    return place.parts.parameters(place.entity, place.entity.actions[place.route.action])


_WORD: Final[Schema] = {"type": "string", "minLength": 1}
_FILE: Final[Schema] = {"type": "string", "contentMediaType": "application/octet-stream"}
_STORED_FILE: Final = fields_of(fileId=ID, fileLink=TEXT)
STORED_FILES: Final[Schema] = {"anyOf": [_STORED_FILE, {"type": "array", "items": _STORED_FILE}]}
UPLOAD: Final[Schema] = {"type": "object", "minProperties": 1, "additionalProperties": _FILE}
IMPORTED: Final = body_of({"file": _FILE}, import_fields())
JOB_LINE: Final = fields_of(timestamp=INSTANT, level=LEVEL, message=TEXT)
STATUS: Final = fields_of(status=TEXT)
LOGIN: Final = body_of({"email": _WORD, "password": _WORD}, {"emailImpersonatedUser": MAYBE_TEXT})
EXPIRED: Final = body_of({"email": _WORD, "password": _WORD, "newPassword": _WORD})
PASSWORDS: Final = body_of({"password": _WORD, "newPassword": _WORD})
LINE: Final = body_of(
    {"level": LEVEL, "message": {"type": "string", "minLength": 1, "maxLength": MOST_MESSAGE}},
    {"additionalInfo": {"type": ["object", "null"]}},
)

__all__ = [
    "COUNT",
    "EXPIRED",
    "IMPORTED",
    "JOB_LINE",
    "LEVEL",
    "LINE",
    "LOGIN",
    "PASSWORDS",
    "STATUS",
    "STORED_FILES",
    "UPLOAD",
    "Place",
    "action_parameters",
    "aggregation",
    "audit_row",
    "fields_of",
    "fixed",
    "job",
    "job_link",
    "log_line",
    "one_or_many",
    "paged",
    "record",
    "records_page",
    "results_or_job",
    "session",
]
