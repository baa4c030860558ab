"""Where jobs live in the database: the names of collections, their indexes, and the reads that need no thought."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from bson import ObjectId
from bson.datetime_ms import DatetimeMS

from engine.jobs import EXPIRES, FIELDS, LANE, RETENTION, STATUS, TURN, Job, Level, load_job
from server.store import Store, StoreError, StoreUnavailable

logger = logging.getLogger(__name__)

JOBS = "sys.jobs"
LOGS = "sys.jobLogs"
"""_id, job, timestamp (ms), level, message, expires."""
RESULTS = "sys.jobResults"
"""_id, job, number, key, result, expires: what became of one item of a job."""
DESKS = "sys.jobDesks"
"""_id (the job), fence, before (the job's checkpoint), note, pause, expires; see `jobs.desk`."""
IMPORTED, REFUSED = "sys.importedRows", "sys.refusedRows"
"""What imports wrote, and what they did not, see `imports.ledger`."""
WORKERS = "sys.workers"
"""_id, machine, pid, process, lease (ms), seen (by the database's clock), expires."""
SCHEDULES = "sys.schedules"
"""_id (name, cron expression and time zone), settled (ms: up to when its times are dealt with), due (ms: the time whose
job is to be made)."""

PAGE_OUT: Mapping[str, int] = {"payload": 0, "checkpoint": 0}
"""Leaves out what only the job's worker needs."""

_INDEXES: tuple[tuple[str, str, tuple[tuple[str, int], ...], Mapping[str, Any]], ...] = (
    (JOBS, "cw_lane", ((LANE, 1), ("_id", 1)), {}),
    (JOBS, "cw_turn", ((TURN, 1),), {}),
    (JOBS, "cw_worker", ((FIELDS["worker"], 1),), {}),
    (JOBS, "cw_slot", ((FIELDS["slot"], 1),), {"unique": True, "partialFilterExpression": {"slot": {"$gt": ""}}}),
    (JOBS, "cw_root", ((f"{FIELDS['root']}.id", 1),), {}),
    (JOBS, "cw_starter", ((f"{FIELDS['starter']}.user", 1), ("_id", -1)), {}),
    (JOBS, "cw_status", ((STATUS, 1), ("_id", -1)), {}),
    (LOGS, "cw_job", (("job", 1), ("_id", 1)), {}),
    (RESULTS, "cw_job", (("job", 1), ("number", 1)), {}),
)
_EXPIRING = (JOBS, LOGS, RESULTS, DESKS, IMPORTED, REFUSED, WORKERS)


async def prepare_jobs(store: Store) -> None:
    """Makes the indexes that jobs need. Where the database cannot remove what expired, it is used as it is."""
    for collection, name, keys, options in _INDEXES:
        await store.create_index(collection, name, keys, options)
    for collection in _EXPIRING:
        try:
            await store.create_index(collection, "cw_expires", ((EXPIRES, 1),), {"expireAfterSeconds": 0})
        except StoreUnavailable:
            raise
        except StoreError as error:
            logger.warning("The database does not remove what expired from %s: %s", collection, error)


async def read_job(store: Store, key: ObjectId, projection: Mapping[str, int] | None = None) -> Job | None:
    """The job with that id."""
    document = await store.get(JOBS, key, projection)
    return None if document is None else load_job(document)


async def read_held(store: Store, queue: str | None = None) -> list[Job]:
    """The jobs, of one queue or of all, that any worker holds."""
    jobs = map(load_job, await store.find(JOBS, {FIELDS["worker"]: {"$gt": ""}}, projection=PAGE_OUT))
    return [job for job in jobs if queue is None or job.queue == queue]


async def write_log(store: Store, job: ObjectId, now: int, level: Level, message: str) -> None:
    """Adds a line to a job's log."""
    await store.insert(LOGS, log_line(job, now, level, message))


def log_line(job: ObjectId, now: int, level: Level, message: str) -> dict[str, Any]:
    """A line of a job's log as it is stored."""
    line = {"_id": ObjectId(), "job": job, "timestamp": now, "level": level.value, "message": message}
    return line | {EXPIRES: expiry(now)}


def expiry(now: int) -> DatetimeMS:
    """When something that was written now is removed."""
    return DatetimeMS(now + RETENTION)


__all__ = [
    "DESKS",
    "IMPORTED",
    "JOBS",
    "LOGS",
    "PAGE_OUT",
    "REFUSED",
    "RESULTS",
    "SCHEDULES",
    "WORKERS",
    "expiry",
    "log_line",
    "prepare_jobs",
    "read_held",
    "read_job",
    "write_log",
]
