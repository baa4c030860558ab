"""OpenAPI links: in goes a route among all, out come the operations that its answer leads to, and by which ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine.routes import Operation, Route

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Lead:
    """Operations that take something of an answer: `given` are runtime expressions by the names of parameters."""

    operations: frozenset[Operation]
    given: Mapping[str, str]


def _by(place: str, *operations: Operation) -> Lead:
    return Lead(frozenset(operations), {"id": f"$response.body#/{place}"})


_OF_RECORDS: Final = (
    Operation.READ,
    Operation.UPDATE,
    Operation.DELETE,
    Operation.ACT,
    Operation.RECORD_TRAIL,
    Operation.EXPLAIN_RIGHTS,
)
_OF_JOBS: Final = (
    *(Operation.READ_JOB, Operation.LIST_JOB_LOGS, Operation.STOP_JOB, Operation.FORCE_STOP_JOB),
    *(Operation.CANCEL_JOB, Operation.RESUME_JOB),
)
_REVERT: Final = Lead(frozenset({Operation.REVERT}), {"id": "$response.body#/id", "to": "$response.body#/version"})
_RECORD: Final = (_by("id", *_OF_RECORDS), _REVERT)
_IN_BACKGROUND: Final = (_by("jobId", *_OF_JOBS),)
_LEADS: Final[Mapping[Operation, tuple[Lead, ...]]] = {
    Operation.CREATE: _RECORD,
    Operation.UPDATE: _RECORD,
    Operation.LIST: (_by("items/0/id", *_OF_RECORDS),),
    Operation.DELETE_BY_QUERY: _IN_BACKGROUND,
    Operation.ACT_BY_QUERY: _IN_BACKGROUND,
    Operation.ACT: _IN_BACKGROUND,
    Operation.EXPORT: _IN_BACKGROUND,
    Operation.IMPORT: (_by("jobId", *_OF_JOBS, Operation.UNDO_JOB),),
    Operation.UNDO_JOB: _IN_BACKGROUND,
    Operation.LIST_JOBS: (_by("items/0/id", *_OF_JOBS),),
    Operation.STOP_JOB: (_by("id", Operation.FORCE_STOP_JOB, Operation.CANCEL_JOB, Operation.RESUME_JOB),),
    Operation.UPLOAD_FILES: (_by("fileId", Operation.READ_FILE, Operation.SHARE_FILE),),
    Operation.SHARE_FILE: (_by("sharedFileId", Operation.READ_SHARED_FILE),),
}
"""What an answer leads to, by the operation that gives it."""


def build_links(routes: Iterable[Route], names: Iterable[str]) -> Callable[[Route], dict[str, Json]]:
    """From a route to the links of its answer, by the ids of the operations that they lead to: `names`, one for each
    route. Records lead to operations of their own entity."""
    found: dict[tuple[Operation, str | None], list[str]] = {}
    for route, name in zip(routes, names, strict=True):
        found.setdefault((route.operation, route.entity), []).append(name)

    def links_of(route: Route) -> dict[str, Json]:
        return {
            name: {"operationId": name, "parameters": dict(lead.given)}
            for lead in _LEADS.get(route.operation, ())
            for operation in sorted(lead.operations)
            for name in (*found.get((operation, route.entity), ()), *_elsewhere(found, operation, route.entity))
        }

    return links_of


def _elsewhere(
    found: Mapping[tuple[Operation, str | None], list[str]], operation: Operation, entity: str | None
) -> list[str]:
    """Operations on jobs and files, which are of no entity, as a route of an entity leads to them."""
    return [] if entity is None else found.get((operation, None), [])


__all__ = ["build_links"]
