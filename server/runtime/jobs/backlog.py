"""How much work waits: in goes an app, out comes what is in each of its queues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.jobs import FIELDS, STATUS, Status
from server.runtime.jobs.stored import JOBS
from server.runtime.running import RunningApp

OPEN = (Status.PENDING, Status.RUNNING, Status.STOPPING, Status.STOPPED)


@dataclass(frozen=True, slots=True)
class Backlog:
    """One queue: its jobs by status, and for how long (ms) the oldest pending one has waited."""

    queue: str
    counts: Mapping[str, int]
    age: int


async def read_backlogs(running: RunningApp) -> list[Backlog]:
    """Every queue of the app and every status of a job that is not over, whether or not there is one."""
    group = {
        "_id": {"queue": f"${FIELDS['queue']}", "status": f"${STATUS}"},
        "count": {"$sum": 1},
        "oldest": {"$min": f"${FIELDS['create_date']}"},
    }
    found = await running.store.aggregate(
        JOBS, [{"$match": {STATUS: {"$in": [one.value for one in OPEN]}}}, {"$group": group}]
    )
    known = {(one["_id"]["queue"], one["_id"]["status"]): one for one in found}
    queues = dict.fromkeys([*running.compiled.app.queues, *(queue for queue, _ in known)])
    now = running.clock()
    backlogs = []
    for queue in queues:
        waiting = known.get((queue, Status.PENDING.value))
        counts = {
            one.value: int(known[queue, one.value]["count"]) if (queue, one.value) in known else 0 for one in OPEN
        }
        backlogs.append(Backlog(queue, counts, max(0, now - int(waiting["oldest"])) if waiting else 0))
    return backlogs


__all__ = ["Backlog", "read_backlogs"]
