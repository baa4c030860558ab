"""Writes that are followed: the write and its intents reach the database as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bson import ObjectId

from engine.compiler import CompiledEntity
from engine.permissions.addresses import render_address
from engine.records import Write
from engine.records.audit import AUDIT, Cause, row_of
from engine.records.following import Following
from engine.records.outbox import OUTBOX, REVISION, Intent, pushing, with_intents
from server.log import REQUEST_ID
from server.runtime.outbox import REMOVALS
from server.runtime.running import Caller, RunningApp
from server.runtime.units import finally_do
from server.store import Store, run_bound

Document = dict[str, Any]


async def follow_write(
    running: RunningApp, caller: Caller, compiled: CompiledEntity, following: Following, write: Write
) -> bool:
    """Writes what was planned with all that must follow it; tells whether the record still had the version on which it
    was planned."""
    assert write.values is not None
    intents = following.of_write(
        write, cause_of(running, caller), cascading=running.cascading, relabelling=running.relabelling
    )
    key = write.planned["_id"]
    if write.expected is None:
        await running.store.insert(compiled.collection, with_intents(write.values, intents))
    else:
        guard = {"_id": key, "version": write.expected}
        if following.guarded:
            guard[REVISION] = write.planned.get(REVISION)
        if not await running.store.update(compiled.collection, guard, pushing({"$set": write.values}, intents)):
            return False
    if intents:
        wake(running, compiled.collection, key, intents)
    return True


async def follow_removal(
    running: RunningApp, caller: Caller, compiled: CompiledEntity, following: Following, document: Document
) -> bool:
    """Deletes a record that is still as it was read, and notes all that must follow.

    The note comes first: where there are no transactions it is void for as long as the document is there.
    """
    intents: list[Intent] = [
        *(document.get(OUTBOX) or ()),
        *following.of_removal(document, cause_of(running, caller), cascading=running.cascading, depth=running.depth),
    ]
    guard = {"_id": document["_id"], "version": document["version"], REVISION: document.get(REVISION)}
    if not intents:
        return await running.store.delete(compiled.collection, guard)
    kept = {name: value for name, value in document.items() if name not in (OUTBOX, REVISION)}
    row = {
        "_id": ObjectId(),
        "entity": compiled.collection,
        "record": document["_id"],
        "at": running.clock(),
        "document": kept,
        "intents": intents,
    }

    async def remove(store: Store) -> bool:
        await store.insert(REMOVALS, dict(row))
        if await store.delete(compiled.collection, guard):
            return True
        await store.delete(REMOVALS, {"_id": row["_id"]})
        return False

    if not await run_bound(running.store, remove):
        return False
    wake(running, REMOVALS, row["_id"])
    return True


async def follow_action(running: RunningApp, caller: Caller, compiled: CompiledEntity, document: Document) -> None:
    """Records that an action ran on a record (or left it so), in the unit at hand."""
    following = running.compiled.following[compiled.entity.name]
    for intent in following.trail.of_action(document, cause_of(running, caller)):
        await running.store.insert(AUDIT, row_of(intent))


def cause_of(running: RunningApp, caller: Caller, *, cascade: bool = False) -> Cause:
    """Who writes, as the audit trail tells it."""
    user, admin = caller.user or {}, caller.admin or {}
    context = caller.context
    if context is None and running.chain:
        context = f"listeners.{running.chain[-1]}"
    return Cause(
        at=running.clock(),
        origin=caller.origin,
        cascade=cascade or running.depth > 0,
        context=context,
        user=user.get("email"),
        admin=admin.get("email"),
        ip=render_address(caller.address),
        request=REQUEST_ID.get(),
    )


def wake(running: RunningApp, entity: str, key: ObjectId, written: Sequence[Intent] = ()) -> None:
    """Has a document followed as soon as the unit at hand is written, with the intents that were written there."""
    finally_do(running, lambda: running.outbox.wake(entity, key, written))


__all__ = ["cause_of", "follow_action", "follow_removal", "follow_write", "wake"]
