"""An app's examples: definitions without errors in, what is to be tried out, each with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.definitions.load import load_definitions
from engine.definitions.model_examples import CanDef, ExamplesDef, PermissionExampleDef, RequestExampleDef
from engine.definitions.nodes import Node, Scalar
from engine.definitions.source import Sources
from engine.definitions.takes import Named
from engine.errors import Position
from engine.fields.base import MISSING

DEVELOPER, ANONYMOUS = "developer", "anonymous"
"""Callers of requests that are neither groups nor people."""
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What somebody should or should not be able to do: an operation of rights (`update`, `action.X`: true or false),
    or `field.PATH` (none, readOnly or readWrite)."""

    operation: str
    expected: bool | str
    at: Position


@dataclass(frozen=True, slots=True)
class PermissionExample:
    """Rights of groups on one record, as JSON data; None where it is not given."""

    name: str | None
    at: Position
    groups: tuple[str, ...]
    entity: str
    user: Mapping[str, Any] | None
    record: Mapping[str, Any] | None
    becomes: Mapping[str, Any] | None
    expectations: tuple[Expectation, ...]


@dataclass(frozen=True, slots=True)
class RequestExample:
    """A request and its answer. `caller` is an e-mail address, DEVELOPER or ANONYMOUS, or a tuple of groups. `body` is
    JSON data (MISSING: none), `response` keeps its nodes, so that every part of it has a place."""

    name: str | None
    at: Position
    caller: str | tuple[str, ...]
    address: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    status: int
    status_at: Position
    response: Node | None

    @property
    def described(self) -> str:
        """What it is called in reports."""
        asked = f"{self.method} {self.path}"
        return asked if self.name is None else f"{self.name} ({asked})"


@dataclass(frozen=True, slots=True)
class Examples:
    """One file of examples. `data` says that its requests begin with the app's starting records."""

    file: str
    data: bool
    permissions: tuple[PermissionExample, ...]
    requests: tuple[RequestExample, ...]


def load_examples(sources: Sources) -> tuple[Examples, ...]:
    """The examples of an app whose files have no errors, by file."""
    written = load_definitions(sources)
    return tuple(_examples(file, one, frozenset(written.groups)) for file, one in written.examples.items())


def _examples(file: str, written: ExamplesDef, groups: frozenset[str]) -> Examples:
    address = LOOPBACK if written.address is None else str(written.address.value)
    return Examples(
        file,
        written.data,
        tuple(_permission(one) for one in written.permissions),
        tuple(_request(one, address, groups) for one in written.requests),
    )


def _permission(written: PermissionExampleDef) -> PermissionExample:
    return PermissionExample(
        name=written.name,
        at=written.at,
        groups=callers_of(written.callers),
        entity=str(written.on.value),
        user=_values(written.user),
        record=_values(written.record),
        becomes=_values(written.becomes),
        expectations=_expectations(written.can),
    )


def _expectations(can: CanDef) -> tuple[Expectation, ...]:
    """In the order of the file."""
    found: list[Expectation] = []
    for key in can.node.keys:
        expected = getattr(can, can.table()[key].attribute)
        if isinstance(expected, Named):
            kind, at = key.removesuffix("s"), expected.node.key_at
            found += [Expectation(f"{kind}.{name}", one, at(name)) for name, one in expected.entries.items()]
        else:
            found.append(Expectation(key, expected, can.key_at(key)))
    return tuple(found)


def _request(written: RequestExampleDef, address: str, groups: frozenset[str]) -> RequestExample:
    return RequestExample(
        name=written.name,
        at=written.at,
        caller=_caller(written.callers, groups),
        address=address if written.address is None else str(written.address.value),
        method=written.method,
        path=str(written.path.value),
        headers={} if written.headers is None else dict(written.headers.entries),
        body=MISSING if written.body is None else written.body.data,
        status=written.status,
        status_at=written.value_at("status"),
        response=written.response,
    )


def _caller(written: Scalar | tuple[Scalar, ...] | None, groups: frozenset[str]) -> str | tuple[str, ...]:
    """Nobody is a member of the group that serves requests without a token."""
    if written is None:
        return DEVELOPER
    names = callers_of(written)
    is_person = isinstance(written, Scalar) and (names[0] not in groups or names[0] == ANONYMOUS)
    return names[0] if is_person else names


def callers_of(written: Scalar | tuple[Scalar, ...]) -> tuple[str, ...]:
    """The names under `as`."""
    return tuple(str(one.value) for one in ((written,) if isinstance(written, Scalar) else written))


def _values(named: Named | None) -> Mapping[str, Any] | None:
    return None if named is None else {name: node.data for name, node in named.entries.items()}


__all__ = [
    "ANONYMOUS",
    "DEVELOPER",
    "Examples",
    "Expectation",
    "PermissionExample",
    "RequestExample",
    "callers_of",
    "load_examples",
]
