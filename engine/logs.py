"""The app's log: in go what happened and what clients post, out come stored lines and their JSON.

A line is told who and what, never values of records: no bodies, no query strings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from bson import ObjectId

from engine.errors import FieldProblem, ValidationErrors, did_you_mean
from engine.fields.json_text import encode_json
from engine.jobs import to_storable
from engine.query.lines import Level
from engine.routes import Operation, Permission, Route, Scope

Json = dict[str, Any]
Document = dict[str, Any]

MOST_MESSAGE: Final = 10_000
"""Characters of a message; a longer one is cut where the app says it, refused where a client posts it."""
MOST_INFO: Final = 64 * 1024
"""Bytes of what a client adds to a message."""
TEXTS: Final = ("userEmail",)
"""Parts of a line, besides its message, that may be searched for a text."""


class Origin(StrEnum):
    """Who says a line: the app, or somebody outside through the API. Clients know it as its type."""

    APP = "APP"
    EXTERNAL = "EXTERNAL"


class Event(StrEnum):
    """What a line of the app's is about. Clients know it as its subType."""

    LOGIN = "LOGIN"
    CREATED = "REST_API_RECORD_CREATED"
    READ = "REST_API_RECORD_READ"
    UPDATED = "REST_API_RECORD_UPDATED"
    DELETED = "REST_API_RECORD_DELETED"
    ACTION = "REST_API_ACTION_EXECUTED"
    SCRIPT = "SCRIPT"
    CALLED = "FUNCTION_CALLED"


@dataclass(frozen=True, slots=True)
class Speaker:
    """Whom a line comes from: e-mail addresses of the user and of whoever impersonates them, and the IP address as
    answers show it."""

    user: str | None = None
    admin: str | None = None
    ip: str | None = None


NOBODY: Final = Speaker()


@dataclass(frozen=True, slots=True)
class Line:
    """One line before it is stored."""

    level: Level
    message: str
    by: Speaker = NOBODY
    event: Event | None = None
    origin: Origin = Origin.APP
    info: Mapping[str, Any] | None = None


_BY_RIGHT: Final[Mapping[Permission, Event]] = {
    Permission.CREATE: Event.CREATED,
    Permission.READ: Event.READ,
    Permission.UPDATE: Event.UPDATED,
    Permission.DELETE: Event.DELETED,
    Permission.ACTION: Event.ACTION,
    Permission.AUDIT_LOGS: Event.READ,
}
_BY_OPERATION: Final[Mapping[Operation, Event]] = {
    Operation.LOGIN: Event.LOGIN,
}


_PROVING: Final = frozenset({Operation.LOGIN, Operation.CHANGE_PASSWORD})
_DENIED: Final = frozenset({401, 403})
"""Statuses of requests whose password was looked at."""


def event_of(route: Route) -> Event | None:
    """What a request of a route is about; None for what has no name of its own."""
    return _BY_OPERATION.get(route.operation) or _BY_RIGHT.get(route.permission)


def only_reads(route: Route) -> bool:
    """Whether requests of a route change nothing."""
    return route.method == "GET" or route.permission is Permission.READ


def tells_of(route: Route, status: int, *, known: bool, reads: bool) -> bool:
    """Whether a request is worth a line. `known` is whether a user asked, `reads` whether reads are to be told.

    What strangers are refused is told of passwords only, whose trials are few: else anybody could push the lines of
    others out of the log."""
    if only_reads(route) and route.scope is Scope.PUBLIC:
        return False
    if status >= 500:
        return True
    if status >= 400:
        return known or (route.operation in _PROVING and status in _DENIED)
    if route.operation is Operation.CREATE_LOG:
        return False  # it is a line itself
    return reads or not only_reads(route)


def level_of(status: int) -> Level:
    """How much a request matters, by the status of its answer."""
    if status >= 500:
        return Level.ERROR
    return Level.WARN if status >= 400 else Level.INFO


def make_id(instant: int, process: bytes, count: int) -> ObjectId:
    """An id by which lines of all processes stand in the order of their instants (ms), and lines of one process in the
    order of their counts. `process` are three bytes of its own."""
    seconds, millis = divmod(instant, 1000)
    return ObjectId((seconds & 0xFFFFFFFF).to_bytes(4) + millis.to_bytes(2) + process + (count & 0xFFFFFF).to_bytes(3))


def to_stored(line: Line, key: ObjectId, instant: int) -> Document:
    """The line as the database keeps it; whatever stands in its message, it can be stored."""
    document: Document = {
        "_id": key,
        "timestamp": instant,
        "type": line.origin.value,
        "subType": None if line.event is None else line.event.value,
        "level": line.level.value,
        "message": line.message[:MOST_MESSAGE].encode("utf-8", "replace").decode(),
        "userEmail": line.by.user,
        "adminUserEmail": line.by.admin,
        "ip": line.by.ip,
    }
    return document if line.info is None else document | {"additionalInfo": to_storable(line.info)}


def render_line(stored: Mapping[str, Any]) -> Json:
    """A stored line as clients see it."""
    shown = {"id": stored["_id"]}
    names = ("type", "subType", "level", "message", "userEmail", "adminUserEmail", "timestamp", "ip", "additionalInfo")
    return shown | {name: stored[name] for name in names if name in stored}


_POSTED: Final = ("level", "message", "additionalInfo")


def plan_line(body: Mapping[str, Any], by: Speaker) -> Line:
    """The line that somebody posts as {level, message, additionalInfo?}; raises ValidationErrors with all problems."""
    problems = [*_check_level(body), *_check_message(body), *_check_info(body), *_check_names(body)]
    if problems:
        raise ValidationErrors(problems)
    return Line(Level(body["level"]), body["message"], by, origin=Origin.EXTERNAL, info=body.get("additionalInfo"))


def _check_level(body: Mapping[str, Any]) -> Iterable[FieldProblem]:
    level = body.get("level")
    if level is None or level == "":
        yield FieldProblem("level", None, "required", "Level cannot be empty")
    elif not isinstance(level, str) or level not in list(Level):
        yield _invalid("level", f"Must be one of {', '.join(Level)}", level)


def _check_message(body: Mapping[str, Any]) -> Iterable[FieldProblem]:
    message = body.get("message")
    if message is None or message == "":
        yield FieldProblem("message", None, "required", "Message cannot be empty")
    elif not isinstance(message, str):
        yield _invalid("message", "Expected a text", message)
    elif len(message) > MOST_MESSAGE:
        info = {"rejectedValue": None, "rule": "maxLength", "limit": MOST_MESSAGE}
        yield FieldProblem("message", None, "invalid", f"Must have at most {MOST_MESSAGE:,} characters", info)


def _check_info(body: Mapping[str, Any]) -> Iterable[FieldProblem]:
    info = body.get("additionalInfo")
    if info is not None and not isinstance(info, dict):
        yield _invalid("additionalInfo", "Expected an object", info)
    elif info is not None and len(encode_json(info)) > MOST_INFO:
        yield FieldProblem("additionalInfo", None, "invalid", f"Must take at most {MOST_INFO:,} bytes")


def _check_names(body: Mapping[str, Any]) -> Iterable[FieldProblem]:
    for name in body:
        if name not in _POSTED:
            hint = did_you_mean(name, _POSTED) or f"known are {', '.join(_POSTED)}"
            yield FieldProblem(name, None, "invalidStructure", f"There is no {name[:64]} in a log; {hint}")


def _invalid(field: str, message: str, rejected: object) -> FieldProblem:
    return FieldProblem(field, None, "invalid", message, {"rejectedValue": rejected})


__all__ = [
    "MOST_INFO",
    "MOST_MESSAGE",
    "NOBODY",
    "TEXTS",
    "Event",
    "Line",
    "Origin",
    "Speaker",
    "event_of",
    "level_of",
    "make_id",
    "only_reads",
    "plan_line",
    "render_line",
    "tells_of",
    "to_stored",
]
