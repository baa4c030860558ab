"""New jobs: in go a kind and what it shall do, out comes a job that waits for a worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bson import ObjectId

from engine.errors import TooManyRequests
from engine.jobs import FIELDS, TURN, Job, JobLink, State, to_document
from server.log import REQUEST_ID
from server.runtime.jobs.callers import starter_of
from server.runtime.jobs.kinds import JobKind
from server.runtime.jobs.stored import JOBS
from server.runtime.running import Caller, RunningApp
from server.runtime.units import finally_do
from server.store import Store, run_bound

RETRY_AFTER = 30
"""Seconds after which a user whose jobs pile up may ask again."""


async def enqueue(
    running: RunningApp,
    kind: JobKind,
    caller: Caller,
    label: str,
    *,
    data: Mapping[str, Any],
    payload: Mapping[str, Any],
    queue: str | None = None,
    low_priority: bool = False,
    parent: Job | None = None,
    key: ObjectId | None = None,
) -> Job:
    """Stores a job that will run with the caller's rights. `data` is shown to clients, `payload` is for the kind.

    A part of a running job names it as `parent`, and is enqueued inside of its `fenced`, so that it is made once. Where
    another has the `key` already, raises DuplicateKey. A user whose jobs pile up gets TooManyRequests.
    """
    job = Job(
        id=key or ObjectId(),
        type=kind.type.value,
        label=label,
        queue=queue or kind.queue,
        state=State.FRESH,
        create_date=running.clock(),
        starter=starter_of(caller) if parent is None else parent.starter,
        low_priority=low_priority,
        stoppable=kind.stoppable,
        parent=None if parent is None else JobLink(parent.id, parent.label),
        root=None if parent is None else parent.root or JobLink(parent.id, parent.label),
        data=data,
        payload=payload,
        request=REQUEST_ID.get() if parent is None else parent.request,
    )

    if parent is None and caller.origin == "user":
        await _check_room(running, job)

    async def body(store: Store) -> None:
        await store.insert(JOBS, to_document(job))
        if parent is not None:
            await store.update(JOBS, {"_id": parent.id}, {"$inc": {FIELDS["children_count"]: 1}})

    if parent is None:
        await body(running.store)
    else:
        await run_bound(running.store, body)
    finally_do(running, running.job_added.set)
    return job


async def _check_room(running: RunningApp, job: Job) -> None:
    turn, most = job.turn, running.waiting.most
    assert turn is not None, "a new job waits"

    async def ask() -> bool:
        return await running.store.has_more_than(JOBS, {TURN: turn}, most - 1)

    if await running.waiting.is_full(turn, running.clock(), ask):
        raise TooManyRequests(
            f"{most:,} of your jobs wait in the queue {job.queue} already; try again when some have begun",
            retry_after=RETRY_AFTER,
        )


__all__ = ["enqueue"]
