"""UNDO_IMPORT: in goes a job that imported rows, out come its records as they were before, as far as they are its own.

What the import wrote is taken back from its end: new records are deleted, changed ones get their old values again, each
through the steps that any write takes, with the rights of whoever undoes. A record that somebody changed since stays as
it is and is told. Every record is an item of the job, as in a deletion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bson import ObjectId

from engine.errors import BadRequest, Conflict
from engine.jobs import Command, Job, JobType, Note, State, Status
from engine.records.options import MARK, WriteOptions
from server.runtime.jobs.context import SKIPPED, JobContext, Work
from server.runtime.jobs.enqueue import enqueue
from server.runtime.jobs.imports.job import IMPORTS
from server.runtime.jobs.imports.ledger import IMPORTED, of_job
from server.runtime.jobs.kinds import JobKind
from server.runtime.jobs.moves import command_job
from server.runtime.jobs.reading import find_visible
from server.runtime.jobs.stored import JOBS
from server.runtime.past import body_of_past
from server.runtime.records import change_record, delete_document
from server.runtime.running import Caller, RunningApp
from server.runtime.units import run_unit

Document = dict[str, Any]

UNDONE = "undoneBy"
"""The key of an import's document that holds the job by which it was undone."""


async def undo_later(running: RunningApp, caller: Caller, job_id: str) -> Job:
    """A job that undoes an import which has ended or was stopped; a stopped one is canceled with it. Raises NotFound,
    Forbidden for a job of somebody else, BadRequest for what cannot be undone, Conflict for what was undone already."""
    job = await find_visible(running, caller, job_id)
    if job.type not in IMPORTS or (job.data or {}).get("options", {}).get("preview"):
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
    """The checkpoint is the document of the ledger that is at hand, and how many of its writes are left."""
    store = context.running.store
    job: ObjectId = (context.job.payload or {})["job"]
    if context.job.checkpoint is None:
        adding = {"$group": {"_id": None, "n": {"$sum": "$count"}}}
        counted = await store.aggregate(IMPORTED, [{"$match": of_job(job)}, adding])
        count = counted[0]["n"] if counted else 0
        await context.note(Note(checkpoint={"at": f"{job}0", "left": 0}, records_count=count))
    while (found := await _next(context, job)) is not None:
        await _take_back_all(context, job, found)


async def _next(context: JobContext, job: ObjectId) -> Document | None:
    """The ledger's document at hand, or the one before where nothing of it is left."""
    at, left = context.job.checkpoint["at"], context.job.checkpoint["left"]
    wanted = {"_id": at} if left else {"_id": {"$gt": f"{job}/", "$lt": at}}
    found = await context.running.store.find(IMPORTED, wanted, sort=[("_id", -1)], limit=1)
    return found[0] if found else None


async def _take_back_all(context: JobContext, job: ObjectId, found: Document) -> None:
    """Takes back, from the end, what is left of writes that were made together."""
    writes: Sequence[Document] = found["writes"]
    at, left = context.job.checkpoint["at"], context.job.checkpoint["left"]

    async def load(running: RunningApp, places: Sequence[int]) -> dict[str, Document]:
        return {}

    async def take_back(running: RunningApp, place: int, loaded: Any, again: bool) -> Any:
        return await _take_back(running, context.caller, job, writes[place], again=again)

    work = Work(
        load,
        take_back,
        key=lambda place: f"{writes[place]['row']}/{writes[place]['number']}",
        checkpoint=lambda place: {"at": found["_id"], "left": place},
    )
    await context.each(range(left if at == found["_id"] else len(writes))[::-1], work)


async def _take_back(running: RunningApp, caller: Caller, job: ObjectId, written: Document, *, again: bool) -> Any:
    """What becomes of one record; raises RequestError where it cannot be taken back."""
    name, key, before = written["entity"], written["record"], written["before"]
    compiled = running.entity(name)
    document = await running.store.get(compiled.collection, key)
    if not _was_made(written, document):
        return SKIPPED  # its worker was lost before it wrote
    if document is None and before is None:
        return SKIPPED  # it is gone already
    if again and _is_taken_back(job, before, document):
        return SKIPPED  # just before its worker was lost
    if document is None or not _is_as_left(job, written, document):
        raise Conflict(f"The record {key} of {name} was changed since it was imported, and is left as it is")
    if before is None:
        access = running.access(caller, name)
        await delete_document(running, caller, compiled, access, str(key), document)
        return {"record": str(key), "entityName": name, "undone": "created"}
    body = {**body_of_past(running, caller, compiled, before, document), "version": document["version"]}
    options = WriteOptions(mark=_mark(job, before["version"], document["version"] + 1))
    await change_record(running, caller, name, key, body, options, document)
    return {"record": str(key), "entityName": name, "undone": "changed"}


def _was_made(written: Mapping[str, Any], document: Mapping[str, Any] | None) -> bool:
    """Whether a write was made at all. A row that was cut off did not get to tell it, but left its mark."""
    return written["version"] is not None or (document is not None and document.get(MARK) == written["mark"])


def _is_as_left(job: ObjectId, written: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    """Whether a record is still as the import left it; or is so again, because later rows of the same import that
    changed it have been taken back."""
    left = written["version"]
    if left is None:
        left = 0 if written["before"] is None else written["before"]["version"] + 1
    return document["version"] == left or document.get(MARK) == _mark(job, left, document["version"])


def _is_taken_back(job: ObjectId, before: Mapping[str, Any] | None, document: Mapping[str, Any] | None) -> bool:
    """Whether a record that was changed has its old values again."""
    if before is None or document is None:
        return False
    return document.get(MARK) == _mark(job, before["version"], document["version"])


def _mark(job: ObjectId, as_version: int, version: int) -> str:
    """What a record keeps that was taken back: it is as it was in one version, as long as it has the other one."""
    return f"{job} undone: {as_version} as {version}"


UNDO_IMPORT = JobKind(JobType.UNDO_IMPORT, _run)

__all__ = ["UNDO_IMPORT", "undo_later"]
