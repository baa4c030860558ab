"""Jobs and their logs to the JSON that clients see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.jobs.job import Job, JobLink, Starter

Json = dict[str, Any]


def render_job(job: Job, entries: Iterable[Mapping[str, Any]] = ()) -> Json:
    """A job with its results; `entries` are those of its single items, as `entry_document` stored them."""
    results = dict(job.results or {})
    results.update((entry["key"], entry["result"]) for entry in entries)
    return {
        "id": job.id,
        "label": job.label,
        "type": job.type,
        "runBy": _runner(job.starter),
        "parentJob": _link(job.parent),
        "rootJob": _link(job.root),
        "createDate": job.create_date,
        "startDate": job.start_date,
        "endDate": job.end_date,
        "status": job.state.status,
        "hasErrors": job.has_errors,
        "progress": job.progress,
        "recordsCount": job.records_count,
        "recordsProcessed": job.records_processed,
        "childrenJobsCount": job.children_count,
        "childrenJobsProcessed": job.children_processed,
        "stoppable": job.stoppable,
        "lowPriority": job.low_priority,
        "data": dict(job.data or {}),
        "results": results,
    }


def render_log(entry: Mapping[str, Any]) -> Json:
    """One line of a job's log."""
    return {"timestamp": entry["timestamp"], "level": entry["level"], "message": entry["message"]}


def _runner(starter: Starter) -> Json | None:
    """Who started a job; whoever acted in their name stands beside them, as in the audit trail."""
    if starter.user is None:
        return None
    admin = {} if starter.admin is None else {"adminUser": starter.admin_email}
    return {"id": starter.user, "fullName": starter.name, **admin}


def _link(link: JobLink | None) -> Json | None:
    return None if link is None else {"id": link.id, "label": link.label}


__all__ = ["render_job", "render_log"]
