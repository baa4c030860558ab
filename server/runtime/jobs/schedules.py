"""Schedules: in go an app's timetables and the present, out comes one job for each time that has come, whichever of
the app's servers notices it first.

Of each schedule the database knows up to when its times are dealt with. Who moves that on, in one statement that asks
for it to be as it was read, has dealt with what came in between. The same statement notes the job that is to be made,
whose id follows from the schedule and the time; so it is made by whoever comes next if the first one got no further.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging

from bson import ObjectId

from engine.compiler import CompiledApp
from engine.jobs import Timetable
from engine.schema import Schedule
from server.runtime.jobs.execution import act_on_schedule
from server.runtime.jobs.stored import SCHEDULES
from server.runtime.running import RunningApp
from server.store import DuplicateKey

logger = logging.getLogger(__name__)

GRACE = 5 * 60_000
"""How late, in ms, a time is still kept by schedules that skip what was missed: restarts and short troubles take no
time away."""
NEVER = 2**63


class Scheduler:
    """Makes the jobs of an app's schedules on behalf of one worker. All times are in ms."""

    def __init__(self) -> None:
        self._compiled: CompiledApp | None = None
        self._begun = 0
        self._next: dict[str, int] = {}

    async def look(self, running: RunningApp, now: int) -> None:
        """Makes the jobs of the times that have come by now; `now` is by the clock that all workers share."""
        compiled = running.compiled
        if compiled is not self._compiled:
            await _forget_others(running)
            self._compiled, self._begun, self._next = compiled, now, {}
        for schedule in compiled.app.schedules:
            if self._next.get(schedule.name, 0) <= now:
                timetable = compiled.timetables[schedule.name]
                settled = await self._settle(running, schedule, timetable, now)
                first = timetable.first(settled)
                self._next[schedule.name] = NEVER if first is None else first

    async def _settle(self, running: RunningApp, schedule: Schedule, timetable: Timetable, now: int) -> int:
        """Deals with all times of a schedule up to now; tells up to when that is done."""
        store, name = running.store, name_of(schedule, timetable)
        while True:
            state = await store.get(SCHEDULES, name)
            if state is None:  # it is new: nothing was missed yet
                with contextlib.suppress(DuplicateKey):
                    await store.insert(SCHEDULES, {"_id": name, "settled": self._begun, "due": None})
                continue
            if state["due"] is not None:
                await _make(running, schedule, name, state["due"])
            last = timetable.last(state["settled"], now)
            if last is None:
                return max(int(state["settled"]), now)
            due = last if schedule.missed == "run" or now - last <= GRACE else None
            as_read = {"_id": name, "settled": state["settled"], "due": None}
            moved = await store.update(SCHEDULES, as_read, {"$set": {"settled": last, "due": due}})
            if moved and due is None:
                logger.warning("The schedule %s was missed, and is not made up for", schedule.name)


def name_of(schedule: Schedule, timetable: Timetable) -> str:
    """What the database calls a schedule: one that gets another time is another one, of which nothing was missed."""
    return f"{schedule.name} {timetable.cron} {timetable.timezone}"


def job_id(name: str, at: int) -> ObjectId:
    """The id of the job for one time of a schedule; it is as old as that time."""
    digest = hashlib.sha256(f"{name} {at}".encode()).digest()
    return ObjectId((at // 1000).to_bytes(4, "big") + digest[:8])


async def _make(running: RunningApp, schedule: Schedule, name: str, at: int) -> None:
    with contextlib.suppress(DuplicateKey):  # another worker did it
        await act_on_schedule(running, schedule, at, job_id(name, at))
    await running.store.update(SCHEDULES, {"_id": name, "due": at}, {"$set": {"due": None}})


async def _forget_others(running: RunningApp) -> None:
    """What is not defined any more counts from anew should it come back."""
    compiled = running.compiled
    names = [name_of(one, compiled.timetables[one.name]) for one in compiled.app.schedules]
    await running.store.delete_many(SCHEDULES, {"_id": {"$nin": names}})


__all__ = ["GRACE", "SCHEDULES", "Scheduler", "job_id", "name_of"]
