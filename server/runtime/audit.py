"""The audit trail: rows written as intents bring them, and read under the caller's rights on the records."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bson import ObjectId

from engine.compiler import CompiledEntity
from engine.errors import BadRequest, Forbidden
from engine.fields.base import Locale
from engine.permissions import Access
from engine.query import ALWAYS, all_of, join_filters, to_filter
from engine.records.audit import AUDIT, Event, row_of
from engine.records.outbox import OUTBOX, PENDING, Intent, Kind
from engine.records.trail import (
    NEWEST_FIRST,
    OF_ENTITY,
    OF_RECORD,
    TrailQuery,
    TrailView,
    behind,
    last_state,
    parse_trail_query,
    to_trail_filter,
)
from server.runtime.outbox import REMOVALS
from server.runtime.records import object_id
from server.runtime.running import Caller, RunningApp
from server.store import DuplicateKey, Store, StoreError, StoreUnavailable

logger = logging.getLogger(__name__)

Json = dict[str, Any]
Document = dict[str, Any]
Pairs = Sequence[tuple[str, str]]

OLDEST_FIRST = [("at", 1), ("_id", 1)]


async def prepare_audit(store: Store) -> None:
    """Makes the indexes of the trail. Where the database cannot remove what expired, it is left out of answers only."""
    await store.create_index(AUDIT, "cw_record", (("record", 1), ("at", -1), ("_id", -1)), {})
    await store.create_index(AUDIT, "cw_entity", (("entity", 1), ("at", -1), ("_id", -1)), {})
    try:
        await store.create_index(AUDIT, "cw_expires", (("expires", 1),), {"expireAfterSeconds": 0, "sparse": True})
    except StoreUnavailable:
        raise
    except StoreError as error:
        logger.warning("The database does not remove what expired from %s: %s", AUDIT, error)


async def tell(running: RunningApp, name: str, key: ObjectId, intent: Intent, removed: Document | None) -> None:
    """Writes the row that an intent brings; the deletion of a record whose trail is erased takes all others away."""
    row = row_of(intent)
    with contextlib.suppress(DuplicateKey):
        await running.store.insert(AUDIT, row)
    if running.compiled.following[name].trail.audit.on_delete == "erase":
        tombstone = {"record": key, "event": Event.DELETED.value}
        if row["event"] == Event.DELETED or await running.store.find(AUDIT, tombstone, limit=1):
            others = [event.value for event in Event if event is not Event.DELETED]
            await running.store.delete_many(AUDIT, {"record": key, "event": {"$in": others}})


async def list_record_trail(running: RunningApp, caller: Caller, name: str, record_id: str, pairs: Pairs) -> Json:
    """What happened to one record, deleted or not: `{total, offset, items}`, newest first.

    Raises BadRequest for an entity without a trail, Forbidden (or NotFound) for a record that may not be read.
    """
    compiled, access = _open(running, caller, name)
    query = parse_trail_query(pairs, OF_RECORD)
    key = object_id(compiled, record_id)
    document = await current(running, compiled, key)
    state = document if document is not None else await _last_state(running, compiled, key)
    if state is not None:
        record = compiled.rules.load(state)
        compiled.rules.rights.check_read(record, access)
        if not access.allows_audit(record):
            raise Forbidden(f"You have no right to see what happened to this record in {name}")
    elif _is_conditional(access):
        if running.compiled.app.forbidden == "hide":  # as for a record that is there and may not be read
            raise compiled.rules.rights.missing(str(key))
        return {"total": 0, "items": []}
    wanted = {"record": key, **_filter(running, compiled, query)}
    return await _page(running, caller, compiled, access, query, wanted)


async def list_entity_trail(running: RunningApp, caller: Caller, name: str, pairs: Pairs) -> Json:
    """What happened to all records of an entity that the caller may read, deleted ones among them."""
    compiled, access = _open(running, caller, name)
    query = parse_trail_query(pairs, OF_ENTITY)
    pending = await running.store.find(compiled.collection, PENDING, projection={OUTBOX: 1})
    await _tell_pending(running, compiled.collection, pending, {"entity": compiled.collection})
    wanted = _filter(running, compiled, query)
    if _is_conditional(access):
        wanted["record"] = {"$in": await _visible(running, compiled, access, wanted)}
    return await _page(running, caller, compiled, access, query, wanted)


def _open(running: RunningApp, caller: Caller, name: str) -> tuple[CompiledEntity, Access]:
    compiled = running.entity(name)
    if not compiled.entity.audit.on:
        raise BadRequest(f"{name} has no audit logs: set auditLogs in its definition")
    return compiled, running.access(caller, name)


def _filter(running: RunningApp, compiled: CompiledEntity, query: TrailQuery) -> Document:
    keep = compiled.entity.audit.keep
    living_since = None if keep is None else running.clock() - keep
    return to_trail_filter(query, compiled.entity.name, living_since=living_since)


async def current(running: RunningApp, compiled: CompiledEntity, key: ObjectId) -> Document | None:
    """The record as it is; all that happened to it stands in the trail afterwards."""
    document: Document | None = await running.store.get(compiled.collection, key)
    await _tell_pending(running, compiled.collection, [] if document is None else [document], {"record": key})
    return document


async def _tell_pending(
    running: RunningApp, name: str, documents: Iterable[Document], removals: Mapping[str, Any]
) -> None:
    """Writes the rows that still wait in outboxes; all else that waits there is not waited for."""
    for document in documents:
        await _tell_all(running, name, document["_id"], document.get(OUTBOX) or ())
    for row in await running.store.find(REMOVALS, removals, projection={"record": 1, "intents": 1}):
        if await running.store.get(name, row["record"], {"_id": 1}) is None:
            await _tell_all(running, name, row["record"], row["intents"])


async def _tell_all(running: RunningApp, name: str, key: ObjectId, intents: Iterable[Intent]) -> None:
    for intent in intents:
        if intent["kind"] == Kind.AUDIT:
            await tell(running, name, key, intent, None)


def _is_conditional(access: Access) -> bool:
    return access.row_filter is not None or access.audit_logs != ALWAYS


async def _last_state(running: RunningApp, compiled: CompiledEntity, key: ObjectId) -> Document | None:
    wanted = {"record": key, "entity": compiled.entity.name}
    return last_state(await running.store.find(AUDIT, wanted, sort=OLDEST_FIRST))


async def _visible(
    running: RunningApp, compiled: CompiledEntity, access: Access, wanted: Mapping[str, Any]
) -> list[ObjectId]:
    """The records with rows in the trail of which the caller may know."""
    found = await running.store.aggregate(AUDIT, [{"$match": wanted}, {"$group": {"_id": "$record"}}])
    ids = [one["_id"] for one in found]
    readable = to_filter(all_of((access.read, access.audit_logs)))
    living = await running.store.get_many(compiled.collection, ids, {"_id": 1})
    there = {one["_id"] for one in living}
    shown = await running.store.find(
        compiled.collection, join_filters(({"_id": {"$in": list(there)}}, readable)), projection={"_id": 1}
    )
    visible = [one["_id"] for one in shown]
    for key in ids:
        if key not in there and (state := await _last_state(running, compiled, key)) is not None:
            record = compiled.rules.load(state)
            if access.allows_read(record) and access.allows_audit(record):
                visible.append(key)
    return visible


async def _page(
    running: RunningApp,
    caller: Caller,
    compiled: CompiledEntity,
    access: Access,
    query: TrailQuery,
    wanted: Mapping[str, Any],
) -> Json:
    store = running.store
    page: Mapping[str, Any] = wanted
    if query.after is not None:
        seen = await store.find(AUDIT, join_filters(({"_id": query.after}, wanted)), limit=1, projection={"at": 1})
        unseen = {"_id": query.after, "at": int(query.after.generation_time.timestamp() * 1000)}
        page = join_filters((wanted, behind(seen[0] if seen else unseen)))
    rows, total = await asyncio.gather(
        store.find(AUDIT, page, sort=NEWEST_FIRST, limit=query.size), store.count(AUDIT, wanted)
    )
    answer: Json = {"total": total}
    if rows:
        answer["offset"] = rows[-1]["_id"]
    answer["items"] = await _render(running, caller, compiled, access, rows)
    return answer


async def _render(
    running: RunningApp, caller: Caller, compiled: CompiledEntity, access: Access, rows: Sequence[Document]
) -> list[Json]:
    ids = list({row["record"] for row in rows})
    living = {one["_id"]: one for one in await running.store.get_many(compiled.collection, ids)}
    deletions = await _deletions(running, [key for key in ids if key not in living])
    app = running.compiled.app
    locale = Locale(app.timezone, app.language, app.currency)
    view = TrailView(compiled.entity, compiled.views, access, running.moment(caller).scope, locale)
    items = []
    for row in rows:
        key = row["record"]
        deleted = deletions.get(key)
        state = living.get(key) or (None if deleted is None else last_state([deleted]))
        items.append(view.render(row, state, deleted, key not in living))
    return items


async def _deletions(running: RunningApp, ids: Iterable[ObjectId]) -> dict[ObjectId, Document]:
    wanted = list(ids)
    if not wanted:
        return {}
    found = await running.store.find(AUDIT, {"record": {"$in": wanted}, "event": Event.DELETED.value})
    return {row["record"]: row for row in found}


__all__ = ["current", "list_entity_trail", "list_record_trail", "prepare_audit", "tell"]
