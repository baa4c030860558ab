"""SYSTEM_REFACTORING: in go changed definitions, out come stored records that are as the definitions have them.

The database keeps how the records of each entity are stored. Who starts with other definitions moves that on, in one
statement that asks for it to be as it was read, and which notes the job that is to be made; so there is one job however
many servers start together, and whoever comes next makes it if the first one got no further. What records may look like
until the job is done is kept beside.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from bson import ObjectId

from engine.compiler import CompiledEntity
from engine.errors import Conflict
from engine.jobs import JobType, Level, State
from engine.records.audit import Event
from engine.records.refactoring import Edit, Refactoring
from engine.records.shapes import digest_of, shapes_of
from server.runtime import aggregated
from server.runtime.cascades import edit_record
from server.runtime.jobs.context import SKIPPED, JobContext
from server.runtime.jobs.enqueue import enqueue
from server.runtime.jobs.kinds import JobKind
from server.runtime.jobs.selected import work_on_selected
from server.runtime.jobs.stored import read_job
from server.runtime.records import answer_references
from server.runtime.running import SYSTEM, RunningApp
from server.store import DuplicateKey

logger = logging.getLogger(__name__)

Document = dict[str, Any]

SHAPES = "sys.shapes"
"""_id (an entity), shapes, digest (of the shapes), former (shapes that records may still have, the oldest first), job
(that brings them to the present shapes; None where there is nothing to do), made (whether the job is there)."""


class OtherDefinitions(Exception):
    """The worker's definitions are not those for which the job was made; another worker may have them."""


async def keep_shapes(running: RunningApp) -> None:
    """Makes a job for each entity whose records have to be brought to its definition."""
    for compiled in running.compiled.entities.values():
        await _keep(running, compiled)


async def _keep(running: RunningApp, compiled: CompiledEntity) -> None:
    store, name = running.store, compiled.entity.name
    shapes = shapes_of(compiled.entity.fields)
    digest = digest_of(shapes)
    while True:
        state = await store.get(SHAPES, name)
        if state is None:  # nothing is known of the records that may be there
            with contextlib.suppress(DuplicateKey):
                await store.insert(SHAPES, _state(name, shapes, digest, [], None))
            continue
        if state["digest"] != digest:
            former = [*state["former"], state["shapes"]]
            refactoring = Refactoring(compiled.entity, former[::-1])
            job = ObjectId() if refactoring.differences else None
            moved = _state(name, shapes, digest, former if job else [], job)
            if await store.update(SHAPES, {"_id": name, "digest": state["digest"]}, {"$set": moved}):
                _tell(name, refactoring)
            continue
        if state["job"] is not None and not state["made"]:
            await _make(running, compiled, state["job"], digest)
        elif state["job"] is not None and await _has_ended(running, state["job"]):
            again = {"$set": {"job": ObjectId(), "made": False}}
            await store.update(SHAPES, {"_id": name, "job": state["job"]}, again)
            continue
        return


def _state(name: str, shapes: Document, digest: str, former: Sequence[Document], job: ObjectId | None) -> Document:
    return {"_id": name, "shapes": shapes, "digest": digest, "former": list(former), "job": job, "made": False}


def _tell(name: str, refactoring: Refactoring) -> None:
    if refactoring.differences:
        changes = ", ".join(map(str, refactoring.differences))
        logger.info("Records of %s are brought to the changed definitions: %s", name, changes)


async def _make(running: RunningApp, compiled: CompiledEntity, key: ObjectId, digest: str) -> None:
    entity = compiled.entity
    with contextlib.suppress(DuplicateKey):  # another server did it
        await enqueue(
            running,
            SYSTEM_REFACTORING,
            SYSTEM,
            f"Bringing records of {entity.label} to the changed definitions",
            data={"entityName": entity.name},
            payload={"entity": entity.name, "digest": digest},
            key=key,
        )
    await running.store.update(SHAPES, {"_id": entity.name, "job": key}, {"$set": {"made": True}})


async def _has_ended(running: RunningApp, key: ObjectId) -> bool:
    """Whether the job will do nothing any more although records may still have former shapes."""
    job = await read_job(running.store, key)
    return job is None or job.state in (State.FINISHED, State.CANCELED)


async def _run(context: JobContext) -> None:
    running, payload = context.running, context.job.payload or {}
    name = payload["entity"]
    state = await running.store.get(SHAPES, name)
    if state is None or state["job"] != context.job.id:
        await context.log(Level.INFO, "The definitions have changed since: another job does the work")
        return
    compiled = running.compiled.entities.get(name)
    if compiled is None or digest_of(shapes_of(compiled.entity.fields)) != payload["digest"]:
        raise OtherDefinitions(f"This worker has other definitions of {name} than those that the job is for")
    refactoring = Refactoring(compiled.entity, state["former"][::-1])
    for difference in refactoring.differences:
        await context.log(Level.INFO, str(difference))
    event = Event.REFACTORED if compiled.entity.audit.changed else None

    async def bring(scope: RunningApp, key: ObjectId, document: Document | None, again: bool) -> Any:
        numbers: dict[str, int] = {}
        try:
            await edit_record(
                scope, name, key, partial(_prepare, scope, compiled, refactoring, numbers), 0, event=event
            )
        except DuplicateKey as error:
            raise Conflict("The record would repeat a value that is unique; it stays as it is") from error
        if refactoring.aggregates:
            await aggregated.recount(scope, name, key, {"depth": 0}, None)
        return SKIPPED

    await work_on_selected(context, compiled.collection, {}, bring)
    done: Document = {"$set": {"former": [], "job": None, "made": False}}
    await running.store.update(SHAPES, {"_id": name, "job": context.job.id}, done)


async def _prepare(
    running: RunningApp,
    compiled: CompiledEntity,
    refactoring: Refactoring,
    numbers: dict[str, int],
    document: Mapping[str, Any],
) -> Edit:
    """The edit of one state of a record; numbers that were taken for an earlier one are used again."""
    pending = refactoring.begin(document)
    await answer_references(running, SYSTEM, compiled.references, pending.draft)
    for item in pending.numbered:
        if item.name not in numbers:
            counter = f"{compiled.entity.name}.{item.name}"
            numbers[item.name] = await running.store.next_numbers(counter, at_least=item.type.first_number())
    return refactoring.finish(pending, numbers, running.moment(SYSTEM))


SYSTEM_REFACTORING = JobKind(JobType.SYSTEM_REFACTORING, _run)

__all__ = ["SHAPES", "SYSTEM_REFACTORING", "keep_shapes"]
