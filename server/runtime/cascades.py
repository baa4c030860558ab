"""Cascades carried out: labels and copied fields brought up to date, references to what is gone taken out.

Nothing here adds to a record's `version` but the loss of a reference. Records change only while they are as they were
read, so that a cascade and a client never undo each other.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from bson import ObjectId

from engine.actions import CHANGED, CONDITION_MET, Heard
from engine.compiler import CompiledEntity
from engine.errors import RequestError
from engine.permissions import FULL_ACCESS
from engine.records import Change
from engine.records.audit import Event
from engine.records.cascades import Referrer
from engine.records.outbox import DEEPEST, REVISION, Intent, Kind, pushing
from server.runtime.following import cause_of, wake
from server.runtime.running import SYSTEM, RunningApp

logger = logging.getLogger(__name__)

Document = dict[str, Any]
Edit = Callable[[Document], object]
"""Changes a stored document in place."""

MOST_ATTEMPTS = 50
"""How often one record is tried while others change it."""


async def push(running: RunningApp, name: str, key: ObjectId, intent: Intent, removed: Document | None) -> None:
    """Brings all who keep something of a record up to date with it as it is now, until it does not change any more.
    An intent may name what of it is concerned."""
    names = intent.get("names")
    for referrer in running.compiled.following[name].cascades.pushing:
        kept: Mapping[str, Any] | None = None
        while (target := await running.store.get(name, key)) is not None and referrer.kept(target, names) != kept:
            kept = referrer.kept(target, names)
            if not kept:
                break
            await _bring_to_all(running, referrer, key, kept, intent["depth"] + 1)


async def _bring_to_all(
    running: RunningApp, referrer: Referrer, target: ObjectId, kept: Mapping[str, Any], depth: int
) -> None:
    update, filters = referrer.to_update(target, kept)
    async for stale in _chunks(running, referrer, target, lambda one: referrer.is_stale(one, target, kept)):
        if referrer.plain:
            found = {"_id": {"$in": stale}, referrer.id_path: target}
            change = {"$set": update, "$inc": {REVISION: 1}}
            await running.store.update_many(referrer.entity, found, change, array_filters=filters)
        else:
            for one in stale:
                await _edit(running, referrer.entity, one, lambda each: referrer.refresh(each, target, kept), depth)


async def _chunks(
    running: RunningApp, referrer: Referrer, target: ObjectId, wanted: Callable[[Document], bool]
) -> AsyncIterator[list[ObjectId]]:
    """The ids of the records that refer to the target and are wanted."""
    chunk: list[ObjectId] = []
    projection = {referrer.root: 1}
    async for document in running.store.stream(referrer.entity, {referrer.id_path: target}, projection=projection):
        if wanted(document):
            chunk.append(document["_id"])
        if len(chunk) == running.store.chunk:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


async def _edit(
    running: RunningApp,
    name: str,
    key: ObjectId,
    edit: Edit,
    depth: int,
    *,
    versioned: bool = False,
) -> None:
    """Edits one stored record, and all that is computed from what it holds. `versioned` edits add to its version and
    are recorded."""

    async def prepare(document: Document) -> Edit:
        return edit

    await edit_record(running, name, key, prepare, depth, versioned=versioned)


async def edit_record(
    running: RunningApp,
    name: str,
    key: ObjectId,
    prepare: Callable[[Document], Awaitable[Edit]],
    depth: int,
    *,
    versioned: bool = False,
    event: Event | None = None,
) -> None:
    """As `_edit`, where the edit is made anew of each state of the document that is tried. `event` is as what an edit
    is recorded that adds to no version."""
    from server.runtime.records import hearing  # what records do is followed by cascades

    following = running.compiled.following[name]
    compiled, moment = running.entity(name), running.moment(SYSTEM)
    heard = hearing(running, SYSTEM, compiled, (CHANGED, CONDITION_MET)) if versioned else []
    for _ in range(MOST_ATTEMPTS):
        document = await running.store.get(name, key)
        if document is None:
            return
        values = following.cascades.recalculation.plan(document, await prepare(document), moment)
        if values is None:
            return
        cause = None
        if versioned:
            values["version"] = document["version"] + 1
            if heard:
                try:
                    if await _change_heard(running, compiled, document, values, heard, depth):
                        return
                    continue
                except RequestError as error:
                    logger.warning("%s in %s changes unheard, as a listener failed: %s", key, name, error.message)
                    heard = []
        if versioned or event is not None:
            cause = cause_of(running, SYSTEM, cascade=versioned)
        intents = following.of_edit(document, values, depth, cause, event or Event.CHANGED)
        if depth > DEEPEST and any(one["kind"] != Kind.AUDIT for one in intents):
            logger.error("%s in %s is the end of a chain of more than %d labels or sums", key, name, DEEPEST)
            intents = [one for one in intents if one["kind"] == Kind.AUDIT]
        guard = {"_id": key, "version": document["version"], REVISION: document.get(REVISION)}
        change = pushing({"$set": values, "$inc": {REVISION: 1}}, intents)
        if await running.store.update(name, guard, change):
            if intents:
                wake(running, name, key)
            return
    logger.error("%s in %s changes faster than what it keeps of others can be brought up to date", key, name)


async def _change_heard(
    running: RunningApp,
    compiled: CompiledEntity,
    document: Document,
    values: Mapping[str, Any],
    heard: Sequence[Heard],
    depth: int,
) -> bool:
    """Writes a change of the engine's own with what its listeners make of it; tells whether the record still had the
    version that was read. Raises what listeners raise, and then nothing is written."""
    from server.runtime.listeners import save_heard  # listeners write records

    planned = {**document, **values}
    old, record = compiled.rules.load(document), compiled.rules.load(planned)
    change = Change(old, record, document["version"], dict(values), planned, planned, document)
    scope = replace(running, depth=max(depth, 1))
    return await save_heard(scope, SYSTEM, compiled, change, heard) is not None


async def check(running: RunningApp, name: str, key: ObjectId, intent: Intent, removed: Document | None) -> None:
    """Sees that what a record keeps of others is still so, and that they are still there; again until it is."""
    for _ in range(MOST_ATTEMPTS):
        document = await running.store.get(name, key)
        if document is None or not await _check_once(running, name, document):
            return


async def _check_once(running: RunningApp, name: str, document: Document) -> bool:
    """Whether something had to be changed."""
    changed = False
    for referrer in running.compiled.following[name].cascades.own:
        ids = {one["id"] for one in referrer.references(document)}
        if not ids:
            continue
        projection = dict.fromkeys(("_id", *referrer.keeps), 1)
        found = {one["_id"]: one for one in await running.store.get_many(referrer.target, ids, projection)}
        for target in ids:
            if target not in found:
                if referrer.on_delete != "none":
                    await _release(running, referrer, document["_id"], target, 0)
                    changed = True
                continue
            kept = referrer.kept(found[target])
            if referrer.is_stale(document, target, kept):
                await _edit(running, name, document["_id"], partial(referrer.refresh, target=target, kept=kept), 1)
                changed = True
    return changed


async def let_go(running: RunningApp, name: str, key: ObjectId, intent: Intent, removed: Document | None) -> None:
    """Does to all who refer to a deleted record what their relationship says."""
    depth = intent["depth"] + 1
    for referrer in running.compiled.following[name].cascades.removing:
        if depth > DEEPEST and referrer.on_delete == "delete":
            logger.error("Deleting %s in %s is the end of a chain of more than %d deletions", key, name, DEEPEST)
            continue
        async for chunk in _chunks(running, referrer, key, lambda one: True):
            for one in chunk:
                await _release(running, referrer, one, key, depth)


async def _release(running: RunningApp, referrer: Referrer, key: ObjectId, target: ObjectId, depth: int) -> None:
    """Does to one record what its relationship says about a target that is gone."""
    if referrer.on_delete == "remove":
        await _edit(running, referrer.entity, key, lambda one: referrer.remove(one, target), depth, versioned=True)
    elif referrer.on_delete == "delete":
        await _delete(running, referrer.entity, key, depth)


async def _delete(running: RunningApp, name: str, key: ObjectId, depth: int) -> None:
    from server.runtime.records import delete_document  # deletions are followed by deletions

    document = await running.store.get(name, key)
    if document is None:
        return
    try:
        await delete_document(
            replace(running, depth=depth), SYSTEM, running.entity(name), FULL_ACCESS, str(key), document
        )
    except RequestError as error:
        logger.warning("%s in %s should go with what it belonged to: %s", key, name, error.message)


__all__ = ["check", "edit_record", "let_go", "push"]
