"""Intents to deeds: one function for each kind of intent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bson import ObjectId

from engine.records.outbox import Intent, Kind
from server.runtime import aggregated, audit, cascades
from server.runtime.running import RunningApp

Document = dict[str, Any]
Deed = Callable[[RunningApp, str, ObjectId, Intent, Document | None], Awaitable[None]]
"""Gets the entity, the record's id, the intent and, after a deletion, the document as it was."""

DEEDS: Mapping[Kind, Deed] = {
    Kind.PUSH: cascades.push,
    Kind.CHECK: cascades.check,
    Kind.COUNT: aggregated.count,
    Kind.RECOUNT: aggregated.recount,
    Kind.AUDIT: audit.tell,
    Kind.REMOVED: cascades.let_go,
}


async def apply(
    running: RunningApp, entity: str, key: ObjectId, intent: Intent, removed: Document | None = None
) -> None:
    """Does what an intent asks for; an entity that is not defined any more is followed by nothing."""
    if entity in running.compiled.following:
        await DEEDS[Kind(intent["kind"])](running, entity, key, intent, removed)


__all__ = ["DEEDS", "apply"]
