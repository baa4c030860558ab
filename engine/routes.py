"""Routes as plain data: in goes the resolved app, out comes every route that it answers to.

A shape is a path with its variables (`/data/{entity}/{id}`); a route is one method of a shape for one entity. A new
operation of the product is one member of Operation, one record in SHAPES and its handler.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from engine.schema import App


class Operation(StrEnum):
    """What a route does; each has exactly one handler."""

    LIST = "list"
    CREATE = "create"
    DELETE_BY_QUERY = "deleteByQuery"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"
    HEALTH = "health"
    READINESS = "readiness"


class Permission(StrEnum):
    """The right on the entity without which a route is forbidden; NONE is for routes that are about no entity."""

    NONE = "none"
    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Scope(StrEnum):
    """The switch in a group's `api` block that opens a route; PUBLIC routes ask nobody who they are."""

    PUBLIC = "public"
    DATA = "data"


@dataclass(frozen=True, slots=True)
class Shape:
    """One method of a path with variables. A path with `{entity}` is served once for each entity."""

    operation: Operation
    method: str
    path: str
    permission: Permission
    scope: Scope


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


_RECORDS = "/data/{entity}"
_RECORD = "/data/{entity}/{id}"

SHAPES: tuple[Shape, ...] = (
    Shape(Operation.READ, "GET", _RECORD, Permission.READ, Scope.DATA),
    Shape(Operation.UPDATE, "PUT", _RECORD, Permission.UPDATE, Scope.DATA),
    Shape(Operation.DELETE, "DELETE", _RECORD, Permission.DELETE, Scope.DATA),
    Shape(Operation.LIST, "GET", _RECORDS, Permission.READ, Scope.DATA),
    Shape(Operation.CREATE, "POST", _RECORDS, Permission.CREATE, Scope.DATA),
    Shape(Operation.DELETE_BY_QUERY, "DELETE", _RECORDS, Permission.DELETE, Scope.DATA),
    Shape(Operation.HEALTH, "GET", "/healthz", Permission.NONE, Scope.PUBLIC),
    Shape(Operation.READINESS, "GET", "/readyz", Permission.NONE, Scope.PUBLIC),
)
"""Every shape, those that are asked most first: a server tries paths in this order."""


def build_route_table(app: App) -> tuple[Route, ...]:
    """Every route of the app, by shape and then by entity in definition order."""
    return tuple(route for shape in SHAPES for route in _routes(app, shape))


def _routes(app: App, shape: Shape) -> Iterator[Route]:
    for entity in app.entities if "{entity}" in shape.path else (None,):
        yield Route(
            method=shape.method,
            path=shape.path.replace("{entity}", entity) if entity else shape.path,
            operation=shape.operation,
            entity=entity,
            action=None,
            permission=shape.permission,
            scope=shape.scope,
            shape=shape.path,
        )


__all__ = ["SHAPES", "Operation", "Permission", "Route", "Scope", "Shape", "build_route_table"]
