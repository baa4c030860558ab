"""DELETE_RECORDS: in go ids or a query, out come records deleted one by one, through the same steps as in a request.

The job remembers the query as it was written. Each run plans it anew with the rights that the starter then has, and
goes on after the last record that was done; records made after the job began are not concerned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bson import ObjectId

from engine.compiler import CompiledEntity
from engine.errors import Forbidden
from engine.jobs import Job, JobType, Note
from engine.permissions import Access
from engine.query import Clock, parse_query, plan_selection, to_filter
from server.runtime.jobs.context import SKIPPED, JobContext, Work
from server.runtime.jobs.enqueue import enqueue
from server.runtime.jobs.kinds import JobKind
from server.runtime.jobs.selected import work_on_selected
from server.runtime.parameters import DELETE_FLAGS, refuse_parameters, take_flags
from server.runtime.records import check_removal, delete_document, object_id
from server.runtime.running import Caller, RunningApp

Document = dict[str, Any]
Pairs = Sequence[tuple[str, str]]


async def delete_ids_later(running: RunningApp, caller: Caller, name: str, ids: str, pairs: Pairs) -> Job:
    """A job that deletes the records with these ids, joined by commas. Of a single id it raises what a deletion that is
    waited for raises."""
    flags, rest = take_flags(pairs, DELETE_FLAGS)
    refuse_parameters(rest, DELETE_FLAGS)
    if "," not in ids:
        compiled = running.entity(name)
        document = await running.store.get(compiled.collection, object_id(compiled, ids))
        check_removal(caller, compiled, running.access(caller, name), ids, document)
    wanted = list(dict.fromkeys(one.strip().lower() for one in ids.split(",")))
    return await _enqueue(running, caller, name, flags, {"ids": wanted})


async def delete_query_later(running: RunningApp, caller: Caller, name: str, pairs: Pairs) -> Job:
    """A job that deletes the records that a query matches; raises what a deletion that is waited for raises."""
    flags, rest = take_flags(pairs, DELETE_FLAGS)
    payload = {"pairs": [list(pair) for pair in rest], "all": flags.get("all", False), "asked": running.clock()}
    _selection(running, running.entity(name), running.access(caller, name), payload)
    return await _enqueue(running, caller, name, flags, payload)


async def _enqueue(running: RunningApp, caller: Caller, name: str, flags: Mapping[str, bool], payload: Document) -> Job:
    compiled = running.entity(name)
    return await enqueue(
        running,
        DELETE_RECORDS,
        caller,
        f"Deleting records of {compiled.entity.label}",
        data={"entityName": name},
        payload=payload | {"entity": name, "flags": dict(flags)},
        low_priority=flags.get("low_priority", False),
    )


async def _run(context: JobContext) -> None:
    running, payload = context.running, context.job.payload or {}
    compiled = running.entity(payload["entity"])
    access = running.access(context.caller, compiled.entity.name)
    if not access.may("delete"):
        raise Forbidden(f"You have no right to delete records of {compiled.entity.name}")
    if "ids" in payload:
        await _delete_ids(context, compiled, access, payload["ids"])
    else:
        await _delete_matches(context, compiled, access, _selection(running, compiled, access, payload))


def _selection(
    running: RunningApp, compiled: CompiledEntity, access: Access, payload: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The filter of the job's query; times such as `today` are those of the moment at which it was asked."""
    query = parse_query([(name, text) for name, text in payload["pairs"]], DELETE_FLAGS)
    clock = Clock(payload["asked"], running.compiled.app.timezone)
    return to_filter(plan_selection(compiled.entity, query, access, clock, everything=payload["all"]))


def _flags(context: JobContext) -> Mapping[str, bool]:
    """What the starter asked of each deletion."""
    flags: Mapping[str, bool] = (context.job.payload or {}).get("flags", {})
    return flags


# by ids: the checkpoint is how many of them are done


async def _delete_ids(context: JobContext, compiled: CompiledEntity, access: Access, ids: Sequence[str]) -> None:
    flags = _flags(context)
    if context.job.checkpoint is None:
        await context.note(Note(checkpoint=0, records_count=len(ids)))

    async def load(running: RunningApp, places: Sequence[int]) -> dict[str, Document]:
        keys = [ObjectId(ids[place]) for place in places if ObjectId.is_valid(ids[place])]
        found = {str(one["_id"]): one for one in await running.store.get_many(compiled.collection, keys)}
        return {ids[place]: found[ids[place].lower()] for place in places if ids[place].lower() in found}

    async def delete(running: RunningApp, place: int, document: Document | None, again: bool) -> Any:
        if document is None and again:
            return SKIPPED
        return await delete_document(running.asked(flags), context.caller, compiled, access, ids[place], document)

    places = range(context.job.checkpoint, len(ids))
    await context.each(places, Work(load, delete, key=ids.__getitem__, checkpoint=lambda place: place + 1))


# by a query


async def _delete_matches(
    context: JobContext, compiled: CompiledEntity, access: Access, selection: Mapping[str, Any]
) -> None:
    flags = _flags(context)

    async def delete(running: RunningApp, key: ObjectId, document: Document | None, again: bool) -> Any:
        if document is None:  # somebody deleted it, or it does not match any more
            return SKIPPED
        return await delete_document(running.asked(flags), context.caller, compiled, access, str(key), document)

    await work_on_selected(context, compiled.collection, selection, delete)


DELETE_RECORDS = JobKind(JobType.DELETE_RECORDS, _run)

__all__ = ["DELETE_RECORDS", "delete_ids_later", "delete_query_later"]
