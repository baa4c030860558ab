"""Routes as plain data: in goes the resolved app, out comes every route that it answers to.

A shape is a path with its variables (`/data/{entity}/{id}`); a route is one method of a shape for one entity. A new
operation of the product is one member of Operation, one record in SHAPES and its handler.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from engine.errors import CastworkError
from engine.fields.reference import points_to_file
from engine.schema import ActionKind, App, Entity


class Operation(StrEnum):
    """What a route does; each has exactly one handler."""

    LIST = "list"
    CREATE = "create"
    DELETE_BY_QUERY = "deleteByQuery"
    AGGREGATE = "aggregate"
    EXPORT = "export"
    IMPORT = "import"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"
    REVERT = "revert"
    EXPLAIN_RIGHTS = "explainRights"
    RECORD_TRAIL = "recordTrail"
    ENTITY_TRAIL = "entityTrail"
    ACT = "act"
    ACT_BY_QUERY = "actByQuery"
    LOGIN = "login"
    LOGOUT = "logout"
    CHANGE_PASSWORD = "changePassword"  # noqa: S105 - the name of an operation
    CURRENT_USER = "currentUser"
    CHANGE_CURRENT_PASSWORD = "changeCurrentPassword"  # noqa: S105 - the name of an operation
    UPLOAD_FILES = "uploadFiles"
    READ_FILE = "readFile"
    READ_RECORD_FILE = "readRecordFile"
    SHARE_FILE = "shareFile"
    READ_SHARED_FILE = "readSharedFile"
    LIST_JOBS = "listJobs"
    READ_JOB = "readJob"
    LIST_JOB_LOGS = "listJobLogs"
    STOP_JOB = "stopJob"
    FORCE_STOP_JOB = "forceStopJob"
    CANCEL_JOB = "cancelJob"
    RESUME_JOB = "resumeJob"
    UNDO_JOB = "undoJob"
    LIST_LOGS = "listLogs"
    CREATE_LOG = "createLog"
    DESCRIBE = "describe"
    HEALTH = "health"
    READINESS = "readiness"


class Permission(StrEnum):
    """The right on the entity without which a route is forbidden; NONE is for routes that are about no entity."""

    NONE = "none"
    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    ACTION = "action"
    AUDIT_LOGS = "auditLogs"
    EXPORT = "export"
    IMPORT = "import"


class Scope(StrEnum):
    """The switch in a group's `api` block that opens a route. PUBLIC routes ask nobody who they are; OWN routes are
    about the caller alone and open to every user, DEVELOPERS routes are open to developers only."""

    PUBLIC = "public"
    OWN = "own"
    DATA = "data"
    JOBS = "jobs"
    READ_FILES = "readFiles"
    UPLOAD_FILES = "uploadFiles"
    DEVELOPERS = "developers"


@dataclass(frozen=True, slots=True)
class Shape:
    """One method of a path with variables. A path with `{entity}` is served once for each entity, one with `{action}`
    once for each action of each entity. `kinds` are those of the actions that it serves. Requests for `once` may be
    sent again without being carried out again."""

    operation: Operation
    method: str
    path: str
    permission: Permission
    scope: Scope
    kinds: frozenset[ActionKind] = frozenset()
    once: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path that the app answers to; `shape` is the path before the entity's name was put in."""

    method: str
    path: str
    operation: Operation
    entity: str | None
    action: str | None
    permission: Permission
    scope: Scope
    shape: str
    brings_files: bool = False
    """Whether a body may bring files along, for fields of records or parameters of actions."""
    once: bool = False
    """Whether an idempotency key is heeded, so that a request which is sent again gets the answer of the first."""


RECORDS = "/data/{entity}"
"""The path of an entity's records as a whole."""
_RECORD = "/data/{entity}/{id}"
ACTIONS = "/data/{entity}/{action}"
"""The path of actions that are given no id."""
_JOB = "/status/jobs/{id}"

_ON_RECORDS = frozenset({ActionKind.ONE, ActionKind.MANY})

SHAPES: tuple[Shape, ...] = (
    Shape(Operation.AGGREGATE, "PUT", f"{RECORDS}/aggregate", Permission.READ, Scope.DATA),
    Shape(Operation.EXPORT, "PUT", f"{RECORDS}/export", Permission.EXPORT, Scope.DATA, once=True),
    Shape(Operation.IMPORT, "POST", f"{RECORDS}/import", Permission.IMPORT, Scope.DATA),
    Shape(Operation.ENTITY_TRAIL, "GET", f"{RECORDS}/auditLogs", Permission.AUDIT_LOGS, Scope.DATA),
    Shape(Operation.ENTITY_TRAIL, "GET", f"{RECORDS}/history", Permission.AUDIT_LOGS, Scope.DATA),  # its older name
    Shape(Operation.READ, "GET", _RECORD, Permission.READ, Scope.DATA),
    Shape(Operation.UPDATE, "PUT", _RECORD, Permission.UPDATE, Scope.DATA, once=True),
    Shape(Operation.DELETE, "DELETE", _RECORD, Permission.DELETE, Scope.DATA, once=True),
    Shape(Operation.LIST, "GET", RECORDS, Permission.READ, Scope.DATA),
    Shape(Operation.CREATE, "POST", RECORDS, Permission.CREATE, Scope.DATA, once=True),
    Shape(Operation.DELETE_BY_QUERY, "DELETE", RECORDS, Permission.DELETE, Scope.DATA, once=True),
    Shape(Operation.REVERT, "PUT", f"{_RECORD}/revert", Permission.UPDATE, Scope.DATA, once=True),
    Shape(Operation.EXPLAIN_RIGHTS, "GET", f"{_RECORD}/_access", Permission.NONE, Scope.DEVELOPERS),
    Shape(Operation.RECORD_TRAIL, "GET", f"{_RECORD}/auditLogs", Permission.AUDIT_LOGS, Scope.DATA),
    Shape(Operation.RECORD_TRAIL, "GET", f"{_RECORD}/history", Permission.AUDIT_LOGS, Scope.DATA),
    Shape(Operation.READ_RECORD_FILE, "GET", f"{_RECORD}/files/{{file}}", Permission.READ, Scope.READ_FILES),
    Shape(Operation.ACT, "PUT", f"{_RECORD}/{{action}}", Permission.ACTION, Scope.DATA, kinds=_ON_RECORDS, once=True),
    Shape(
        Operation.ACT_BY_QUERY, "PUT", ACTIONS, Permission.ACTION, Scope.DATA, kinds=frozenset(ActionKind), once=True
    ),
    Shape(Operation.LOGIN, "POST", "/auth/login", Permission.NONE, Scope.PUBLIC),
    Shape(Operation.LOGOUT, "POST", "/auth/logout", Permission.NONE, Scope.OWN),
    Shape(Operation.CHANGE_PASSWORD, "PUT", "/auth/password", Permission.NONE, Scope.PUBLIC),
    Shape(Operation.CURRENT_USER, "GET", "/users/current", Permission.NONE, Scope.OWN),
    Shape(Operation.CHANGE_CURRENT_PASSWORD, "PUT", "/users/current/password", Permission.NONE, Scope.OWN),
    Shape(Operation.UPLOAD_FILES, "POST", "/files", Permission.NONE, Scope.UPLOAD_FILES),
    Shape(Operation.READ_SHARED_FILE, "GET", "/files/shared/{id}", Permission.NONE, Scope.PUBLIC),
    Shape(Operation.READ_FILE, "GET", "/files/{id}", Permission.NONE, Scope.READ_FILES),
    Shape(Operation.SHARE_FILE, "PUT", "/files/{id}/share", Permission.NONE, Scope.READ_FILES),
    Shape(Operation.LIST_JOBS, "GET", "/status/jobs", Permission.NONE, Scope.JOBS),
    Shape(Operation.READ_JOB, "GET", _JOB, Permission.NONE, Scope.JOBS),
    Shape(Operation.LIST_JOB_LOGS, "GET", f"{_JOB}/logs", Permission.NONE, Scope.JOBS),
    Shape(Operation.LIST_JOB_LOGS, "GET", "/status/job/{id}/logs", Permission.NONE, Scope.JOBS),  # as clients spell it
    Shape(Operation.STOP_JOB, "PUT", f"{_JOB}/stop", Permission.NONE, Scope.JOBS, once=True),
    Shape(Operation.FORCE_STOP_JOB, "PUT", f"{_JOB}/forceStop", Permission.NONE, Scope.JOBS, once=True),
    Shape(Operation.CANCEL_JOB, "PUT", f"{_JOB}/cancel", Permission.NONE, Scope.JOBS, once=True),
    Shape(Operation.RESUME_JOB, "PUT", f"{_JOB}/resume", Permission.NONE, Scope.JOBS, once=True),
    Shape(Operation.UNDO_JOB, "PUT", f"{_JOB}/undo", Permission.NONE, Scope.JOBS, once=True),
    Shape(Operation.LIST_LOGS, "GET", "/status/logs", Permission.NONE, Scope.DEVELOPERS),
    Shape(Operation.CREATE_LOG, "POST", "/status/logs", Permission.NONE, Scope.DEVELOPERS, once=True),
    Shape(Operation.DESCRIBE, "GET", "/openapi.json", Permission.NONE, Scope.DEVELOPERS),
    Shape(Operation.HEALTH, "GET", "/healthz", Permission.NONE, Scope.PUBLIC),
    Shape(Operation.READINESS, "GET", "/readyz", Permission.NONE, Scope.PUBLIC),
)
"""Every shape; a server tries paths in this order, so fixed words stand before variables and the rest by how often it
is asked."""


IN_PLACE_OF_ID: Mapping[str, str] = {_RECORD: ACTIONS}
"""Paths that look like others: where the name of an action stands in the place of an id, the second is meant."""


class OpenDoors(CastworkError):
    """Shapes whose routes nobody would guard; `faults` says of each what is wrong with it."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("These routes cannot be served: " + "; ".join(self.faults))


def validate_shapes(shapes: Sequence[Shape]) -> Iterator[str]:
    """What is wrong with shapes: every route says which right and which switch it asks for, and nothing that it says
    would be asked of nobody."""
    asking = {shape.path for shape in shapes if shape.scope is not Scope.PUBLIC}
    for shape in shapes:
        place = f"{shape.method} {shape.path}"
        yield from (f"{place} {fault}" for fault in _faults(shape))
        if shape.scope is Scope.PUBLIC and shape.path in asking:
            yield f"{place} asks nobody who they are, and another method of its path does"


def _faults(shape: Shape) -> Iterator[str]:
    if not isinstance(shape.permission, Permission) or not isinstance(shape.scope, Scope):
        yield "names no permission or no scope"
        return
    about_records = "{entity}" in shape.path
    if shape.path.startswith("/data") and not about_records:
        yield "lies among the records and is about no entity"
    if about_records and shape.scope in _ASKS_NO_RIGHT:
        yield f"is about an entity, whose rights the scope {shape.scope} does not ask"
    if about_records and shape.permission is Permission.NONE and shape.scope is not Scope.DEVELOPERS:
        yield "is about an entity and asks for no right on it"
    if not about_records and shape.permission is not Permission.NONE:
        yield f"asks for the right {shape.permission} on no entity"
    if ("{action}" in shape.path) != (shape.permission is Permission.ACTION):
        yield f"asks for the right {shape.permission}, where actions ask for {Permission.ACTION} and nothing else does"
    if ("{action}" in shape.path) != bool(shape.kinds):
        yield "says for which kinds of actions it is, or does not, against its path"


_ASKS_NO_RIGHT = (Scope.PUBLIC, Scope.OWN)


def build_route_table(app: App, shapes: Sequence[Shape] = SHAPES) -> tuple[Route, ...]:
    """Every route of the app, by shape and then by entity in definition order. Raises OpenDoors."""
    faults = tuple(validate_shapes(shapes))
    if faults:
        raise OpenDoors(faults)
    bringing = {name for name, entity in app.entities.items() if _brings_files(entity)}
    return tuple(route for shape in shapes for route in _routes(app, shape, bringing))


def _routes(app: App, shape: Shape, bringing: Collection[str | None]) -> Iterator[Route]:
    entities: Iterable[str | None] = app.entities if "{entity}" in shape.path else (None,)
    for entity in entities:
        for action in _actions(app, shape, entity):
            path = shape.path.replace("{entity}", entity or "").replace("{action}", action or "")
            yield Route(
                method=shape.method,
                path=path,
                operation=shape.operation,
                entity=entity,
                action=action,
                permission=shape.permission,
                scope=shape.scope,
                shape=shape.path,
                brings_files=entity in bringing,
                once=shape.once,
            )


def _brings_files(entity: Entity) -> bool:
    """Whether its records, or the parameters of its actions, point to stored files."""
    parameters = [Entity(action.name, action.label, action.parameters) for action in entity.actions.values()]
    return any(points_to_file(path.field.type) for one in (entity, *parameters) for path in one.all_paths())


def _actions(app: App, shape: Shape, entity: str | None) -> Iterable[str | None]:
    if entity is None or "{action}" not in shape.path:
        return (None,)
    return [name for name, action in app.entities[entity].actions.items() if action.kind in shape.kinds]


__all__ = [
    "ACTIONS",
    "IN_PLACE_OF_ID",
    "RECORDS",
    "SHAPES",
    "OpenDoors",
    "Operation",
    "Permission",
    "Route",
    "Scope",
    "Shape",
    "build_route_table",
    "validate_shapes",
]
