"""What clients see of jobs and do to them: in go callers and their questions, out comes JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from bson import ObjectId

from engine.errors import Forbidden
from engine.jobs import (
    Command,
    Job,
    load_job,
    parse_id,
    parse_job_query,
    parse_log_query,
    render_job,
    render_log,
    to_job_filter,
    to_log_filter,
)
from server.runtime.jobs.callers import sees_all_jobs, started_by
from server.runtime.jobs.moves import command_job, no_job
from server.runtime.jobs.stored import JOBS, LOGS, PAGE_OUT, RESULTS, read_job
from server.runtime.running import Caller, RunningApp
from server.store import Store

Json = dict[str, Any]
Pairs = Sequence[tuple[str, str]]

NOBODY = ""
"""A user whom no job belongs to."""


async def list_jobs(running: RunningApp, caller: Caller, pairs: Pairs) -> Json:
    """A page of jobs, the newest first; results of single items are shown where a job is read by itself."""
    query = parse_job_query(pairs)
    user = None if sees_all_jobs(caller) else str(caller.user["id"]) if caller.user else NOBODY
    wanted = to_job_filter(query, user)
    page = {} if query.after is None else {"_id": {"$lt": query.after}}
    found, total = await asyncio.gather(
        running.store.find(JOBS, wanted | page, sort=[("_id", -1)], limit=query.size, projection=PAGE_OUT),
        running.store.count(JOBS, wanted),
    )
    return _page(total, found, [render_job(load_job(document)) for document in found])


async def show_job(running: RunningApp, caller: Caller, job_id: str) -> Json:
    """One job with all its results. Raises NotFound, and Forbidden for a job of somebody else."""
    job = await find_visible(running, caller, job_id)
    return await _render_whole(running.store, job)


async def list_logs(running: RunningApp, caller: Caller, job_id: str, pairs: Pairs) -> Json:
    """A page of a job's log, the oldest line first. Raises as `show_job`."""
    job = await find_visible(running, caller, job_id)
    query = parse_log_query(pairs, running.query_clock())
    wanted = to_log_filter(query, job.id)
    page = {} if query.after is None else {"_id": {"$gt": query.after}}
    found, total = await asyncio.gather(
        running.store.find(LOGS, wanted | page, sort=[("_id", 1)], limit=query.size),
        running.store.count(LOGS, wanted),
    )
    return _page(total, found, [render_log(line) for line in found])


async def do_command(running: RunningApp, caller: Caller, job_id: str, command: Command) -> Json:
    """The job after a command. Raises as `show_job`, and BadRequest where the job's state does not allow it."""
    job = await find_visible(running, caller, job_id)
    return await _render_whole(running.store, await command_job(running, job.id, command))


async def find_visible(running: RunningApp, caller: Caller, job_id: str) -> Job:
    """The job, for a caller who may see it. Raises as `show_job`."""
    key = parse_id(job_id)
    job = None if key is None else await read_job(running.store, key, PAGE_OUT)
    if job is None:
        raise no_job(job_id)
    if not sees_all_jobs(caller) and not started_by(caller, job):
        raise (
            no_job(job_id)
            if running.compiled.app.forbidden == "hide"
            else Forbidden("You may only see and command jobs that you started")
        )
    return job


async def _render_whole(store: Store, job: Job) -> Json:
    entries = await _entries(store, job.id) if job.entries else []
    return render_job(job, entries)


async def _entries(store: Store, job: ObjectId) -> list[Json]:
    return await store.find(RESULTS, {"job": job}, sort=[("number", 1)])


def _page(total: int, found: Sequence[Mapping[str, Any]], items: list[Json]) -> Json:
    page: Json = {"total": total}
    if found:
        page["offset"] = found[-1]["_id"]
    page["items"] = items
    return page


__all__ = ["do_command", "find_visible", "list_jobs", "list_logs", "show_job"]
