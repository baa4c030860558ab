"""The worker: in go the jobs of an app's queues, out come they done, one process's share of them.

It takes jobs while it has places for them, runs each as a task, watches over those that it holds, takes over those of
workers that are gone, and makes those whose scheduled time has come.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass

from bson import ObjectId

from engine.jobs import (
    FIELDS,
    Circumstances,
    Command,
    Job,
    State,
    find_transition,
    lane_of,
    may_take_low_priority,
    pick,
    within_share,
)
from engine.schema import Queue
from server.runtime.cancelling import check_cancelled, end_tasks
from server.runtime.jobs.context import JobContext
from server.runtime.jobs.kinds import JobKinds
from server.runtime.jobs.lanes import LaneReader
from server.runtime.jobs.moves import join_split, move
from server.runtime.jobs.presence import Presence, WorkerRecord, read_machine
from server.runtime.jobs.runs import HAND_BACK_TIME, hand_back, run_job
from server.runtime.jobs.schedules import Scheduler
from server.runtime.jobs.stored import JOBS, read_held, read_job
from server.runtime.jobs.takeover import take_over
from server.runtime.jobs.timing import Timing
from server.runtime.running import RunningApp
from server.store import DuplicateKey, Session, StoreError

logger = logging.getLogger(__name__)

Running = Callable[[], RunningApp | None]
"""The app as it is now, None while its database has not answered yet."""

LEAVING_TIME = 5.0
"""How long a worker that ends tries to say so, in seconds."""


@dataclass
class _Held:
    """A job that this worker holds, its place in the queue, and the task that runs it."""

    context: JobContext
    place: int
    task: asyncio.Task[None]


class Worker:
    """Runs background jobs of one app in this process.

    `queues` are the names of those to serve, None for all. How many jobs of a queue run at once is bounded for all
    workers of a machine together, because no two of them can take one place.
    """

    def __init__(
        self, running: Running, kinds: JobKinds, timing: Timing | None = None, queues: Collection[str] | None = None
    ) -> None:
        self._running = running
        self._kinds = kinds
        self._timing = timing or Timing()
        self._queues = queues
        self._lanes = LaneReader()
        self._record = WorkerRecord(read_machine(), self._timing.lease)
        self._presence: Presence | None = None
        self._scheduler = Scheduler()
        self._held: dict[ObjectId, _Held] = {}
        self._claiming: set[ObjectId] = set()
        self._favourite: dict[str, int] = {}
        self._quiet = True
        """Whether nothing waited when this worker last looked closely, as far as it knows."""

    async def run(self) -> None:
        """Works until it is cancelled; then it hands back the jobs that it holds, and ends."""
        watching = asyncio.create_task(self._watch())
        try:
            await self._take_jobs()
        finally:
            await end_tasks([watching, *(held.task for held in self._held.values())], HAND_BACK_TIME + 1)
            for held in self._held.values():  # cancelled before they began
                await hand_back(held.context)
            await self._leave()

    async def _leave(self) -> None:
        running = self._running()
        if running is not None and self._presence is not None:
            with contextlib.suppress(StoreError, TimeoutError):
                async with asyncio.timeout(LEAVING_TIME):
                    await self._record.leave(running.store)

    # taking jobs

    async def _take_jobs(self) -> None:
        pause = self._timing.first_poll
        while True:
            check_cancelled()
            running = self._running()
            if running is None or self._presence is None:
                await asyncio.sleep(self._timing.first_poll)
                continue
            running.job_added.clear()
            if await self._try_round(running, self._presence):
                pause = self._timing.first_poll
            try:
                async with asyncio.timeout(pause):
                    await running.job_added.wait()
                pause, self._quiet = self._timing.first_poll, False
            except TimeoutError:
                pause = min(pause * 2, self._timing.longest_poll)

    async def _try_round(self, running: RunningApp, presence: Presence) -> bool:
        """Takes as many jobs as there are places for; tells whether it took any."""
        taken = False
        try:
            if self._quiet and not await self._lanes.any_waits(running.store):
                return False
            self._quiet = True
            for queue in running.compiled.app.queues.values():
                if self._queues is None or queue.name in self._queues:
                    while self._busy(queue) < queue.workers and await self._take_one(running, presence, queue):
                        taken = True
        except StoreError as error:
            logger.warning("Background jobs wait for the database: %s", error)
        except Exception:  # whatever it is, the next round may do better, and no worker at all surely does worse
            logger.exception("Background jobs could not be taken")
        return taken

    def _busy(self, queue: Queue) -> int:
        return sum(held.context.job.queue == queue.name for held in self._held.values())

    async def _take_one(self, running: RunningApp, presence: Presence, queue: Queue) -> bool:
        jobs = await self._candidates(running, presence, queue)
        self._quiet = self._quiet and not jobs
        while jobs:
            job = pick(jobs, len(presence.alive), random.random())  # noqa: S311 - spreads rivals, guards no secret
            jobs = [other for other in jobs if other is not job]
            for place in self._free_places(queue):
                try:
                    if await self._claim(running, job, place):
                        return True
                    break  # somebody else was faster: another job may still be free
                except DuplicateKey:  # a worker of another process has this place
                    continue
            else:
                return False
        return False

    async def _candidates(self, running: RunningApp, presence: Presence, queue: Queue) -> list[Job]:
        """The jobs of a queue from which the next one is to be taken."""
        store, now, places = running.store, self._record.now(), queue.workers * presence.machines
        lane = lane_of(queue.name, low_priority=False)
        jobs = self._own_kinds(await self._lanes.first(store, lane, now))
        if not jobs:
            jobs = self._own_kinds(await self._lanes.first(store, lane_of(queue.name, low_priority=True), now))
            busy = len(await read_held(store, queue.name)) if jobs else 0
            return jobs if may_take_low_priority(busy, places) else []
        if all(job.starter.user is None for job in jobs):
            return jobs
        busy_by = Counter(job.starter.user for job in await read_held(store, queue.name) if job.starter.user)
        fair = within_share(jobs, busy_by, places)
        if not fair:
            greedy = sorted({job.starter.user for job in jobs if job.starter.user})
            fair = within_share(self._own_kinds(await self._lanes.others(store, lane, now, greedy)), busy_by, places)
        return fair or jobs

    def _own_kinds(self, jobs: list[Job]) -> list[Job]:
        """Those that this worker knows how to run; a newer server may have made others."""
        return [job for job in jobs if job.type in self._kinds]

    def _free_places(self, queue: Queue) -> list[int]:
        """The places that no other job of this worker takes up; the one that was free last time comes first."""
        taken = {held.place for held in self._held.values() if held.context.job.queue == queue.name}
        favourite = self._favourite.get(queue.name)
        free = [place for place in range(queue.workers) if place not in taken]
        return sorted(free, key=lambda place: place != favourite)

    async def _claim(self, running: RunningApp, job: Job, place: int) -> bool:
        """Takes the job and starts it; raises DuplicateKey where the place is taken."""
        transition = find_transition(Command.CLAIM, job)
        assert transition is not None
        self._claiming.add(job.id)
        try:
            async with contextlib.AsyncExitStack() as stack:
                session: Session | None = None
                if running.store.transactions:
                    session = await stack.enter_async_context(running.store.session())
                given = Circumstances(
                    now=running.clock(),
                    worker=self._record.id,
                    slot=f"{self._record.machine}/{job.queue}/{place}",
                    session=None if session is None else session.session_id,
                )
                claimed = await move(running, job, transition, given)
                whole = await read_job(running.store, job.id) if claimed is not None else None
                if claimed is None or whole is None or whole.fence != claimed.fence:
                    return False
                self._favourite[job.queue] = place
                context = JobContext(running, whole, self._timing, session, self._record.now)
                task = asyncio.create_task(self._run(context, stack.pop_all()))
                self._held[job.id] = _Held(context, place, task)
                return True
        finally:
            self._claiming.discard(job.id)

    async def _run(self, context: JobContext, resources: contextlib.AsyncExitStack) -> None:
        """Runs a job to whatever end, and makes its place free."""
        async with resources:
            try:
                await run_job(context, self._kinds[context.job.type])
            except asyncio.CancelledError:
                await hand_back(context)
                raise
            except Exception:
                logger.exception("The job %s could not be brought to an end; it will be taken over", context.job.id)
            finally:
                held = self._held.get(context.job.id)
                if held is not None and held.context is context:  # else it was claimed anew in the meantime
                    del self._held[context.job.id]
                context.running.job_added.set()

    # watching over jobs

    async def _watch(self) -> None:
        beaten = float("-inf")
        while True:
            check_cancelled()
            running = self._running()
            if running is not None:
                try:
                    if time.monotonic() - beaten >= self._timing.beat:
                        self._presence = await self._record.beat(running.store, running.clock())
                        beaten = time.monotonic()
                        await take_over(running, self._presence, self._record.id, self._is_known)
                        await join_split(running, running.clock())
                    await self._look_after_own(running)
                    await self._scheduler.look(running, self._record.now())
                except StoreError as error:
                    logger.warning("Background jobs cannot be watched: %s", error)
                except Exception:  # as above
                    logger.exception("Background jobs could not be watched")
            await asyncio.sleep(self._timing.watch)

    def _is_known(self, job: ObjectId) -> bool:
        return job in self._held or job in self._claiming

    async def _look_after_own(self, running: RunningApp) -> None:
        """Lets jobs know that they shall stop, and ends those that are not this worker's any more."""
        asked = dict(self._held)
        if not asked:
            return
        shown = {FIELDS["state"]: 1, FIELDS["fence"]: 1}
        found = {one["_id"]: one for one in await running.store.get_many(JOBS, list(asked), shown)}
        for key, held in asked.items():
            now = found.get(key)
            if now is None or now[FIELDS["fence"]] != held.context.job.fence:
                held.task.cancel()
            elif now[FIELDS["state"]] == State.STOPPING.value:
                held.context.stop_asked = True


__all__ = ["LEAVING_TIME", "Running", "Worker"]
