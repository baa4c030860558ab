"""Reading an audit trail: in go the pairs of a query string and stored rows, out come filters and the items of a page.

What a caller may not see of a record, they do not see of its past either: rows are shown on the ground of the record as
it is now, or was at last.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bson import ObjectId

from engine.errors import BadRequest, did_you_mean
from engine.expressions import Scope
from engine.fields.base import Locale, Supply
from engine.permissions import Access
from engine.records.audit import EVENT_TYPES, Event, event_type
from engine.records.forms import build_loader
from engine.records.masking import mask, sensitive_paths
from engine.records.view import NO_MASKS, Frame, Masks, Views
from engine.schema import Entity

Pairs = Sequence[tuple[str, str]]
Json = dict[str, Any]
Row = Mapping[str, Any]

DEFAULT_SIZE: Final = 20
MOST_SIZE: Final = 1_000
LATEST: Final = 253_402_300_799_999

OF_RECORD: Final = ("_size", "_offset")
OF_ENTITY: Final = ("eventTypes", "from", "to", *OF_RECORD)
NEWEST_FIRST: Final = [("at", -1), ("_id", -1)]


@dataclass(frozen=True, slots=True)
class TrailQuery:
    """A checked query; bounds are in ms, both included."""

    types: frozenset[str] = frozenset()
    earliest: int | None = None
    latest: int | None = None
    size: int = DEFAULT_SIZE
    after: ObjectId | None = None


def parse_trail_query(pairs: Pairs, known: Sequence[str]) -> TrailQuery:
    """Raises BadRequest for an unknown parameter and for a value that it does not take."""
    given: dict[str, str] = {}
    for name, text in pairs:
        if name not in known or name in given:
            raise BadRequest(_unknown(name[:64], known, name in given))
        given[name] = text
    return TrailQuery(
        types=_types(given.get("eventTypes", "")),
        earliest=_number(given, "from", 0, LATEST),
        latest=_number(given, "to", 0, LATEST),
        size=_number(given, "_size", 1, MOST_SIZE) or DEFAULT_SIZE,
        after=_offset(given.get("_offset", "")),
    )


def _unknown(name: str, known: Sequence[str], again: bool) -> str:
    if again:
        return f"{name} may be given only once"
    hint = did_you_mean(name, known) or f"known are {', '.join(known)}"
    return f"There is no parameter {name}; {hint}"


def _types(text: str) -> frozenset[str]:
    names = frozenset(part.strip() for part in text.split(",")) if text else frozenset()
    for name in sorted(names - _KNOWN_TYPES):
        hint = did_you_mean(name[:64], _KNOWN_TYPES) or f"known are {', '.join(sorted(_KNOWN_TYPES))}"
        raise BadRequest(f"There is no event type {name[:64]}; {hint}")
    return names


_KNOWN_TYPES: Final = frozenset(EVENT_TYPES.values())


def _number(given: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    text = given.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 15 and least <= int(text) <= most):
        raise BadRequest(f"{name} takes a whole number from {least} to {most}, not {text[:64]}")
    return int(text)


def _offset(text: str) -> ObjectId | None:
    if not text:
        return None
    if len(text) != 24 or not ObjectId.is_valid(text):
        raise BadRequest(f"_offset takes the offset of the page before, not {text[:64]}")
    return ObjectId(text)


def to_trail_filter(query: TrailQuery, entity: str, *, living_since: int | None) -> dict[str, Any]:
    """The filter for all pages together; `living_since` is when the oldest row was written that is not too old."""
    wanted: dict[str, Any] = {"entity": entity}
    earliest = max((one for one in (query.earliest, living_since) if one is not None), default=None)
    at = ({} if earliest is None else {"$gte": earliest}) | ({} if query.latest is None else {"$lte": query.latest})
    if at:
        wanted["at"] = at
    if query.types:
        kinds = [kind for kind, name in EVENT_TYPES.items() if name in query.types]
        choices = [{"origin": origin, "event": event, "cascade": cascade} for origin, event, cascade in kinds]
        wanted["$or"] = choices
    return wanted


def behind(row: Row) -> dict[str, Any]:
    """The filter of the rows that come after one."""
    return {"$or": [{"at": {"$lt": row["at"]}}, {"at": row["at"], "_id": {"$lt": row["_id"]}}]}


def last_state(rows: Iterable[Row]) -> dict[str, Any] | None:
    """What a deleted record was at last, going by its rows, oldest first; None where they do not tell."""
    found: dict[str, Any] | None = None
    for row in rows:
        base = {"_id": row["record"], "version": row["version"]}
        if row["event"] == Event.CREATED:
            found = {**row["new"], **base}
        elif row["event"] == Event.DELETED and row["old"]:
            found = {**row["old"], **base}
        elif row["event"] in (Event.CHANGED, Event.REFACTORED) and found is not None:
            found = {**found, **row["new"], **base}
    return found


class TrailView:
    """Shows rows of one entity to one caller. `scope` is what read conditions of fields are asked in."""

    def __init__(
        self, entity: Entity, views: Views, access: Access, scope: Callable[[Any], Scope], locale: Locale
    ) -> None:
        self._entity = entity
        self._access = access
        self._scope = scope
        self._load = build_loader(entity)
        self._json = views.get(Frame(hidden=access.hidden))
        self._text = views.get(Frame(hidden=access.hidden, locale=locale))
        self._stamps = {item.name for item in entity.fields if item.type.supply is Supply.MODIFIED}
        self._sensitive = sensitive_paths(entity)
        self._conditional = [path for path in entity.all_paths() if path.field.read is not True]

    def render(self, row: Row, state: Mapping[str, Any] | None, deleted: Row | None, gone: bool) -> Json:
        """An item. `state` is the record's document as it is or was at last, None where nobody knows; `deleted` is the
        row of its deletion, where there is one."""
        masks = self._masks(state)
        hides_label = self._access.hides("label") or not masks.get("label", _always)(None)
        return {
            "id": row["_id"],
            "entityId": entity_id(self._entity.name),
            "entityName": self._entity.name,
            "entityVersion": row["version"],
            "recordId": row["record"],
            "recordName": str(row["record"]) if hides_label else row["label"],
            "user": row["user"],
            **({"adminUser": row["admin"]} if row["admin"] else {}),
            "timestamp": row["at"],
            "ip": row["ip"],
            "eventType": event_type(row),
            "eventCategory": row["origin"].upper(),
            "contextPath": row["context"],
            "recordDeleted": True if gone else None,
            "deletionDate": deleted["at"] if deleted is not None else None,
            "oldRecord": self._side(row, "old", state, masks),
            "newRecord": self._side(row, "new", state, masks),
        }

    def _masks(self, state: Mapping[str, Any] | None) -> Masks:
        """What the caller may see of the record as it is decides on its past as well; of one that nobody knows they
        see nothing that depends on it."""
        if not self._access.masks:
            return NO_MASKS
        record = None if state is None else self._load(state)
        return {
            path: _always if record is not None and allows(record) else _never
            for path, allows in self._access.masks.items()
        }

    def _side(self, row: Row, side: str, state: Mapping[str, Any] | None, masks: Masks) -> Json:
        values = row[side]
        if not values:
            return {}
        base = {"version": row["version"], "label": row["label"], **(state or {}), "_id": row["record"], **values}
        shown = self._render(self._json, base, masks, state is None)
        if row["event"] == Event.DELETED:
            return {name: shown[name] for name in shown if name in ("id", "version", "label") or name in values}
        names = [name for name in values if name != "label" and name in shown]
        if row["event"] == Event.CREATED:
            return {name: shown[name] for name in names}
        names = [name for name in names if name not in self._stamps]
        text = self._render(self._text, base, masks, state is None)
        return {name: {"json": shown[name], "text": _in_braces(name, text.get(name))} for name in names}

    def _render(self, view: Any, document: Mapping[str, Any], masks: Masks, blind: bool) -> Json:
        """The record, without what is sensitive, and without what depends on a record that nobody knows any more."""
        shown: Json = view.render(dict(document), self._scope, masks)
        for path in self._sensitive:
            mask(shown, path)
        if blind:
            for found in self._conditional:
                shown.pop(found.fields[0].name, None)
        return shown


def _always(record: object) -> bool:
    return True


def _never(record: object) -> bool:
    return False


def _in_braces(name: str, text: Any) -> str:
    flat = _flat(text)
    return f"{{{name}:{flat}}}" if flat else "{}"


def _flat(text: Any) -> str:
    if isinstance(text, list):
        return ", ".join(map(_flat, text))
    if isinstance(text, Mapping):
        return str(text.get("label", ""))
    return "" if text is None else str(text)


def entity_id(name: str) -> str:
    """The id of an entity: the same in every process and database."""
    return hashlib.sha256(f"entity:{name}".encode()).hexdigest()[:24]


__all__ = [
    "NEWEST_FIRST",
    "OF_ENTITY",
    "OF_RECORD",
    "TrailQuery",
    "TrailView",
    "behind",
    "entity_id",
    "last_state",
    "parse_trail_query",
    "to_trail_filter",
]
