"""Jobs from state to state: in goes a command, out comes the job afterwards, its log and its parent included."""

from __future__ import annotations

from collections.abc import Sequence

from bson import ObjectId

from engine.errors import Conflict, NotFound
from engine.jobs import (
    FIELDS,
    Circumstances,
    Command,
    Job,
    Level,
    State,
    Status,
    Transition,
    apply,
    find_transition,
    load_job,
    plan_child_command,
    plan_command,
    to_change,
    to_filter,
)
from server.runtime.jobs.desk import clear_desk
from server.runtime.jobs.stored import JOBS, PAGE_OUT, read_job, write_log
from server.runtime.running import RunningApp
from server.store import Store, run_bound

Line = tuple[Level, str]

MOST_ATTEMPTS = 20
"""How often a command is planned again because the job changed in between."""


async def move(running: RunningApp, job: Job, transition: Transition, given: Circumstances, *lines: Line) -> Job | None:
    """Makes a transition and writes the lines to the job's log; None where the job is not any more what it was planned
    on. A part of a larger job that ends is counted there, and the last one ends it.
    """

    async def body(store: Store) -> Job | None:
        if not await store.update(JOBS, to_filter(job, transition), to_change(job, transition, given)):
            return None
        after = apply(job, transition, given)
        for level, message in lines:
            await write_log(store, job.id, given.now, level, message)
        if transition.command is Command.FORCE_STOP:
            await clear_desk(store, job)
        if after.state.ended and after.parent is not None:
            await _count_child(store, after.parent.id, given, failed=after.has_errors)
        return after

    alone = not lines and (job.parent is None or not transition.target.ended)
    return await (body(running.store) if alone else run_bound(running.store, body))


async def settle(
    running: RunningApp, job: Job, command: Command, given: Circumstances, lines: Sequence[Line] = ()
) -> Job | None:
    """What a worker does with a job that it holds, whether or not the job was asked to stop meanwhile; None where the
    worker does not hold it any more."""
    for _ in range(MOST_ATTEMPTS):
        now = await read_job(running.store, job.id, PAGE_OUT)
        transition = find_transition(command, now) if now is not None and now.fence == job.fence else None
        if now is None or transition is None:
            return None
        if command is Command.FINISH and now.children_processed < now.children_count and given.error is None:
            transition = find_transition(Command.SPLIT, now) or transition
        done = await move(running, now, transition, given, *lines)
        if done is not None:
            return done
    return None


async def join_split(running: RunningApp, now: int) -> None:
    """Ends jobs whose last part ended at the moment in which they began to wait for it."""
    waiting = {"status": Status.RUNNING.value, FIELDS["state"]: State.SPLIT.value}
    for job in map(load_job, await running.store.find(JOBS, waiting, projection=PAGE_OUT)):
        transition = find_transition(Command.JOIN, job)
        if transition is not None and job.children_processed >= job.children_count:
            await move(running, job, transition, Circumstances(now), (Level.INFO, "All parts have ended"))


async def command_job(running: RunningApp, key: ObjectId, command: Command) -> Job:
    """Carries out a client's command on a whole job and its parts. Raises NotFound, and BadRequest with the reason why
    the command cannot be carried out."""
    for _ in range(MOST_ATTEMPTS):
        job = await read_job(running.store, key, PAGE_OUT)
        if job is None:
            raise no_job(str(key))
        given = Circumstances(running.clock())
        done = await move(running, job, plan_command(command, job), given, (Level.INFO, _LINES[command]))
        if done is not None:
            await _command_parts(running, done, command)
            return await _joined(running, done, command)
    raise Conflict("The job changes faster than it can be commanded; try again")


def no_job(text: str) -> NotFound:
    """The answer to an id that no job has."""
    return NotFound(f"There is no job with the id {text[:64]}")


async def _command_parts(running: RunningApp, root: Job, command: Command) -> None:
    parts = {f"{FIELDS['root']}.id": root.id, FIELDS["end_date"]: None}
    for found in await running.store.find(JOBS, parts, projection=PAGE_OUT):
        job: Job | None = load_job(found)
        for _ in range(MOST_ATTEMPTS):
            transition = plan_child_command(command, job) if job is not None else None
            if job is None or transition is None:
                break
            given = Circumstances(running.clock())
            if await move(running, job, transition, given, (Level.INFO, _LINES[command])) is not None:
                break
            job = await read_job(running.store, job.id, PAGE_OUT)


async def _joined(running: RunningApp, job: Job, command: Command) -> Job:
    """A resumed job of which no part was left to do ends at once."""
    if command is not Command.RESUME or job.state is not State.SPLIT:
        return job
    await join_split(running, running.clock())
    return await read_job(running.store, job.id, PAGE_OUT) or job


async def _count_child(store: Store, parent: ObjectId, given: Circumstances, *, failed: bool) -> None:
    change = {"$inc": {FIELDS["children_processed"]: 1}}
    await store.update(JOBS, {"_id": parent}, change | ({"$set": {FIELDS["has_errors"]: True}} if failed else {}))
    job = await read_job(store, parent, PAGE_OUT)
    transition = find_transition(Command.JOIN, job) if job is not None else None
    if job is None or transition is None or job.children_processed < job.children_count:
        return
    ended = Circumstances(given.now)
    if await store.update(JOBS, to_filter(job, transition), to_change(job, transition, ended)):
        await write_log(store, job.id, given.now, Level.INFO, "All parts have ended")
        if job.parent is not None:
            await _count_child(store, job.parent.id, given, failed=job.has_errors)


_LINES = {
    Command.STOP: "Asked to stop",
    Command.FORCE_STOP: "Stopped by force",
    Command.CANCEL: "Canceled",
    Command.RESUME: "Resumed",
}

__all__ = ["Line", "command_job", "join_split", "move", "no_job", "settle"]
