"""UNDO_IMPORT: in goes a job that imported rows, out come its records as they were before, as far as they are its own.

What the import wrote is taken back from its end: new records are deleted, changed ones get their old values again, each
through the steps that any write takes, with the rights of whoever undoes. A record that somebody changed since stays as
it is and is told. Every record is an item of the job, as in a deletion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bson import ObjectId

from engine.errors import BadRequest, Conflict, OptimisticLocking
from engine.jobs import Command, Job, JobType, Note, State, Status
from engine.records.options import MARK
from server.runtime.jobs.context import SKIPPED, JobContext, Work
from server.runtime.jobs.enqueue import enqueue
from server.runtime.jobs.imports.ledger import IMPORTED, of_job
from server.runtime.jobs.kinds import JobKind
from server.runtime.jobs.moves import command_job
from server.runtime.jobs.reading import find_visible
from server.runtime.jobs.stored import JOBS
from server.runtime.past import body_of_past
from server.runtime.records import delete_document, update_record
from server.runtime.running import Caller, RunningApp
from server.runtime.units import run_unit

Document = dict[str, Any]

MOST_KEYS = 1_000
"""Ids of the ledger that a run reads at once."""
UNDONE = "undoneBy"
"""The key of an import's document that holds the job by which it was undone."""


async def undo_later(running: RunningApp, caller: Caller, job_id: str) -> Job:
    """A job that undoes an import which has ended or was stopped; a stopped one is canceled with it. Raises NotFound,
    Forbidden for a job of somebody else, BadRequest for what cannot be undone, Conflict for what was undone already."""
    job = await find_visible(running, caller, job_id)
    if job.type != JobType.IMPORT_RECORDS or (job.data or {}).get("options", {}).get("preview"):
        raise BadRequest("Only imports can be undone")
    if job.state.status not in (Status.FINISHED, Status.STOPPED):
        raise BadRequest(
            f"Only imports that are {Status.FINISHED} or {Status.STOPPED} can be undone; this one is {job.state.status}"
        )
    name = (job.data or {})["entityName"]
    label = f"Undoing an import of {running.entity(name).entity.label}"

    async def begin(scope: RunningApp) -> Job:
        if job.state is not State.FINISHED:
            await command_job(scope, job.id, Command.CANCEL)
        undo = ObjectId()
        if not await scope.store.update(JOBS, {"_id": job.id, UNDONE: {"$exists": False}}, {"$set": {UNDONE: undo}}):
            raise Conflict("This import is undone already")
        data = {"entityName": name, "importJobId": str(job.id)}
        return await enqueue(scope, UNDO_IMPORT, caller, label, data=data, payload={"job": job.id}, key=undo)

    return await run_unit(running, begin)


async def _run(context: JobContext) -> None:
    store = context.running.store
    job: ObjectId = (context.job.payload or {})["job"]
    if context.job.checkpoint is None:
        await context.note(Note(checkpoint=f"{job}0", records_count=await store.count(IMPORTED, of_job(job))))

    async def load(running: RunningApp, keys: Sequence[str]) -> dict[str, Document]:
        return {_row_of(one["_id"]): one for one in await running.store.get_many(IMPORTED, list(keys))}

    async def take_back(running: RunningApp, key: str, written: Document | None, again: bool) -> Any:
        if written is None:
            return SKIPPED
        return await _take_back(running, context.caller, job, written)

    work = Work(load, take_back, key=_row_of, checkpoint=str)
    while keys := await _next_keys(context, job):
        await context.each(keys, work)


def _row_of(key: str) -> str:
    """How a job's results name a part of a row: the row's number, and which of its records it is."""
    _, row, number = key.split("/")
    return f"{int(row)}/{int(number)}"


async def _next_keys(context: JobContext, job: ObjectId) -> list[str]:
    """The last rows before those that are done."""
    wanted = {"_id": {"$gt": f"{job}/", "$lt": context.job.checkpoint}}
    found = await context.running.store.find(
        IMPORTED, wanted, sort=[("_id", -1)], limit=MOST_KEYS, projection={"_id": 1}
    )
    return [document["_id"] for document in found]


async def _take_back(running: RunningApp, caller: Caller, job: ObjectId, written: Document) -> Any:
    """What becomes of one record; raises RequestError where it cannot be taken back."""
    name, key, before = written["entity"], written["record"], written["before"]
    compiled = running.entity(name)
    document = await running.store.get(compiled.collection, key)
    version = _version_left(written, document)
    if version is None:
        return SKIPPED  # its worker was lost before it wrote
    changed = Conflict(f"The record {key} of {name} was changed since it was imported, and is left as it is")
    if document is None:
        if before is None:
            return SKIPPED  # it is gone already
        raise changed
    if document["version"] != version:
        raise changed
    if before is None:
        access = running.access(caller, name)
        await delete_document(running, caller, compiled, access, str(key), document)
        return {"record": str(key), "entityName": name, "undone": "created"}
    body = body_of_past(running, caller, compiled, before, document)
    try:
        record = await update_record(running, caller, name, str(key), {**body, "version": version})
    except OptimisticLocking:
        raise changed from None
    await _hand_on(running, job, written, int(record["version"]))
    return {"record": str(key), "entityName": name, "undone": "changed"}


def _version_left(written: Mapping[str, Any], document: Mapping[str, Any] | None) -> int | None:
    """The version that the import's write left; None where it was never made. A row that was cut off did not get to
    tell it, but left its mark in the record."""
    if written["version"] is not None or document is None or document.get(MARK) != written["mark"]:
        return None if written["version"] is None else int(written["version"])
    return int(document["version"])


async def _hand_on(running: RunningApp, job: ObjectId, written: Mapping[str, Any], version: int) -> None:
    """Notes that the record is again as an earlier row of the same import left it, under another version."""
    earlier = {
        "_id": {"$gt": f"{job}/", "$lt": written["_id"]},
        "entity": written["entity"],
        "record": written["record"],
        "version": written["before"]["version"],
    }
    await running.store.update_many(IMPORTED, earlier, {"$set": {"version": version}})


UNDO_IMPORT = JobKind(JobType.UNDO_IMPORT, _run)

__all__ = ["UNDO_IMPORT", "undo_later"]
