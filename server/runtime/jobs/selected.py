"""Work on all records that a query selects: in go a filter and an effect, out come records done one after the other.

The checkpoint holds the last record that is done and the last one that is concerned. So a job that goes on repeats no
record, and those that were made after it began are not concerned.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from bson import ObjectId

from engine.jobs import Note
from engine.query import join_filters
from server.runtime.jobs.context import JobContext, Work
from server.runtime.running import RunningApp

Document = dict[str, Any]
Effect = Callable[[RunningApp, ObjectId, Document | None, bool], Awaitable[Any]]
"""As the effect of a Work; it gets None for a record that does not match any more, or is gone."""

MOST_IDS = 5_000
"""Ids that a run reads at once."""


async def work_on_selected(
    context: JobContext,
    collection: str,
    selection: Mapping[str, Any],
    effect: Effect,
    *,
    alone: bool = False,
    apart: bool = False,
) -> None:
    """Does the effect once on each record; `alone` and `apart` are those of Work. Raises Stopped and LeaseLost."""
    store = context.running.store
    if context.job.checkpoint is None:
        last = await store.find(collection, selection, sort=[("_id", -1)], limit=1, projection={"_id": 1})
        if not last:
            return
        bounds = {"after": None, "last": last[0]["_id"]}
        count = await store.count(collection, _within(selection, bounds))
        await context.note(Note(checkpoint=bounds, records_count=count))

    async def load(running: RunningApp, keys: Sequence[ObjectId]) -> dict[str, Document]:
        wanted = join_filters(({"_id": {"$in": list(keys)}}, selection))
        return {str(one["_id"]): one for one in await running.store.find(collection, wanted)}

    last_id = context.job.checkpoint["last"]
    work = Work(load, effect, str, lambda key: {"after": key, "last": last_id}, alone=alone, apart=apart)
    while keys := await _next_ids(context, collection, selection):
        await context.each(keys, work)


async def _next_ids(context: JobContext, collection: str, selection: Mapping[str, Any]) -> list[ObjectId]:
    wanted = _within(selection, context.job.checkpoint)
    found = await context.running.store.find(
        collection, wanted, sort=[("_id", 1)], limit=MOST_IDS, projection={"_id": 1}
    )
    return [document["_id"] for document in found]


def _within(selection: Mapping[str, Any], bounds: Mapping[str, Any]) -> Document:
    after = {} if bounds["after"] is None else {"$gt": bounds["after"]}
    return join_filters(({"_id": after | {"$lte": bounds["last"]}}, selection))


__all__ = ["Effect", "work_on_selected"]
