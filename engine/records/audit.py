"""The audit trail: in go writes as they are planned and who makes them, out come the rows that tell of them; pure.

A row is BSON data and holds the changed top-level fields as they are stored, so that what records looked like can be
told from it. It travels as an intent inside the very write that it tells of, and its id is the intent's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from bson import Int64
from bson.datetime_ms import DatetimeMS

from engine.fields.base import Supply
from engine.records.difference import differs
from engine.records.forms import stored_fields
from engine.records.outbox import Intent, Kind, make_intent
from engine.schema import Audit, Entity

AUDIT: Final = "sys.audit"
"""The collection of all rows: _id, entity, record, label, version, event, origin, cascade, context, user, admin, ip,
request, at (ms), old, new, and expires where rows do not live forever."""


class Event(StrEnum):
    """What happened to a record."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"
    ACTION = "action"
    REFACTORED = "refactored"  # brought to changed definitions, in the version that it had


@dataclass(frozen=True, slots=True)
class Cause:
    """Who writes, when and why. `origin` is user, script or system; a `cascade` follows from another write. `context`
    says where in the definitions the write stands; None is the write itself."""

    at: int
    origin: str = "system"
    cascade: bool = False
    context: str | None = None
    user: str | None = None
    admin: str | None = None
    ip: str | None = None
    request: str | None = None
    """The id of the request that it all began with."""


class AuditRules:
    """What of one entity's writes is recorded; built once."""

    def __init__(self, entity: Entity) -> None:
        self.audit: Audit = entity.audit
        self._entity = entity.name
        self._names = ("label", *(item.name for item in stored_fields(entity.fields)))
        whole = {path for path in self.audit.ignore if "." not in path}
        self._kept = tuple(name for name in self._names if name not in whole)
        self._stamps = {item.name for item in entity.fields if item.type.supply is Supply.MODIFIED}
        self._inside: dict[str, list[list[str]]] = {}
        for path in self.audit.ignore:
            root, *rest = path.split(".")
            if rest:
                self._inside.setdefault(root, []).append(rest)

    def of_creation(self, document: Mapping[str, Any], cause: Cause) -> Iterable[Intent]:
        """The row of a new record."""
        if self.audit.created:
            yield self._intent(Event.CREATED, document, cause, {}, self._values(document))

    def of_change(
        self,
        before: Mapping[str, Any],
        planned: Mapping[str, Any],
        values: Iterable[str],
        cause: Cause,
        event: Event = Event.CHANGED,
    ) -> Iterable[Intent]:
        """The row of a change of some top-level keys; none where all that changed is ignored."""
        if self.audit.changed:
            old, new = self._values(before), self._values(planned)
            names = [name for name in values if name in new and differs(old.get(name), new[name])]
            if not self._stamps.issuperset(names):
                yield self._intent(
                    event, planned, cause, {name: old.get(name) for name in names}, {n: new[n] for n in names}
                )

    def of_removal(self, document: Mapping[str, Any], cause: Cause) -> Iterable[Intent]:
        """The row of a deletion; of an erased trail it is the only one, and tells nothing but that."""
        erases = self.audit.on and self.audit.on_delete == "erase"
        if self.audit.deleted or erases:
            yield self._intent(Event.DELETED, document, cause, {} if erases else self._values(document), {})

    def of_action(self, document: Mapping[str, Any], cause: Cause) -> Iterable[Intent]:
        """The row of an action; what it changed has a row of its own."""
        if self.audit.actions:
            yield self._intent(Event.ACTION, document, cause, {}, {})

    def _values(self, document: Mapping[str, Any]) -> dict[str, Any]:
        values = {name: document.get(name) for name in self._kept}
        for root, paths in self._inside.items():
            for path in paths:
                values[root] = _without(values.get(root), path)
        return values

    def _intent(
        self, event: Event, document: Mapping[str, Any], cause: Cause, old: dict[str, Any], new: dict[str, Any]
    ) -> Intent:
        erased = event is Event.DELETED and self.audit.on_delete == "erase"
        row = {
            "entity": self._entity,
            "record": document["_id"],
            "label": "" if erased else document["label"],
            "version": document["version"],
            "event": event.value,
            "origin": cause.origin,
            "cascade": cause.cascade,
            "context": cause.context or f"entities.{self._entity}.{_DEEDS[event]}",
            "user": cause.user,
            "admin": cause.admin,
            "ip": cause.ip,
            "request": cause.request,
            "at": Int64(cause.at),
            "old": old,
            "new": new,
        }
        if self.audit.keep is not None:
            row["expires"] = DatetimeMS(cause.at + self.audit.keep)
        return make_intent(Kind.AUDIT, row=row)


_DEEDS: Final[Mapping[Event, str]] = {
    Event.CREATED: "create",
    Event.CHANGED: "update",
    Event.DELETED: "delete",
    Event.ACTION: "actions",
    Event.REFACTORED: "fields",
}


def _without(value: Any, path: list[str]) -> Any:
    """A stored value without what stands at a path in it."""
    if isinstance(value, list):
        return [_without(one, path) for one in value]
    if not isinstance(value, Mapping) or path[0] not in value:
        return value
    name, *rest = path
    if not rest:
        return {key: one for key, one in value.items() if key != name}
    return {**value, name: _without(value[name], rest)}


def row_of(intent: Intent) -> dict[str, Any]:
    """The row that an intent of the trail brings."""
    return {"_id": intent["id"], **intent["row"]}


def event_type(row: Mapping[str, Any]) -> str:
    """The public name of what a row tells: USER_RECORD_CHANGED, SYSTEM_CASCADE_UPDATE, …"""
    return EVENT_TYPES[row["origin"], row["event"], bool(row["cascade"])]


EVENT_TYPES: Final[Mapping[tuple[str, str, bool], str]] = {
    (origin, event.value, cascade): (
        "SYSTEM_CASCADE_UPDATE"
        if cascade and event is Event.CHANGED
        else f"{origin.upper()}_{'ACTION_PERFORMED' if event is Event.ACTION else f'RECORD_{event.name}'}"
    )
    for origin in ("user", "script", "system")
    for event in (Event.CREATED, Event.CHANGED, Event.DELETED, Event.ACTION)
    for cascade in (False, True)
} | {("system", Event.REFACTORED.value, False): "SYSTEM_REFACTORING"}
"""By origin, event, and whether it follows from another write."""


def rebuild(document: Mapping[str, Any] | None, rows: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What a record looked like before `rows` (newest first) happened to what is there now; None: it was not there."""
    found = None if document is None else dict(document)
    for row in rows:
        if row["event"] == Event.CREATED:
            found = None
        elif row["event"] == Event.DELETED:
            found = {"_id": row["record"], "version": row["version"], **row["old"]}
        elif row["event"] == Event.CHANGED and found is not None:
            found = {**found, **row["old"], "version": row["version"] - 1}
        elif row["event"] == Event.REFACTORED and found is not None:
            found = {**found, **row["old"]}
    return found


__all__ = [
    "AUDIT",
    "EVENT_TYPES",
    "AuditRules",
    "Cause",
    "Event",
    "event_type",
    "rebuild",
    "row_of",
]
