"""Transitions to writes: in go a job, a transition and what came with it; out come the job afterwards and its write.

The write is a compare-and-set: it asks for the state and the fence that the transition was planned on, so that of two
writers one wins and the other learns of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.jobs.job import FIELDS, Document, Job, to_searched, to_values
from engine.jobs.states import Command, Transition


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a transition brings along; `now` is in ms, the rest is of use to the commands that it names."""

    now: int
    worker: str | None = None  # claim
    slot: str | None = None
    session: Mapping[str, Any] | None = None
    not_before: int = 0  # retry
    error: str | None = None  # finish, join: why the job failed
    has_errors: bool = False
    results: Mapping[str, Any] | None = None


def apply(job: Job, transition: Transition, given: Circumstances) -> Job:
    """The job after the transition."""
    return replace(job, **_changed(job, transition, given))


def to_filter(job: Job, transition: Transition) -> Document:
    """Selects the job as long as it is what the transition was planned on."""
    return {"_id": job.id, FIELDS["state"]: transition.source.value, FIELDS["fence"]: job.fence}


def to_change(job: Job, transition: Transition, given: Circumstances) -> Document:
    """The update that makes the job what `apply` says."""
    changed = _changed(job, transition, given)
    after = replace(job, **changed)
    return {"$set": to_values(after, changed) | to_searched(after)}


def _changed(job: Job, transition: Transition, given: Circumstances) -> dict[str, Any]:
    target = transition.target
    changed: dict[str, Any] = {"state": target}
    if transition.fences:
        changed["fence"] = job.fence + 1
    if not target.held:
        changed |= {"worker": None, "slot": None, "session": None}
    if target.ended:
        changed["end_date"] = given.now
    changed |= _OWN_CHANGES[transition.command](job, given) if transition.command in _OWN_CHANGES else {}
    return changed


def _claim(job: Job, given: Circumstances) -> dict[str, Any]:
    held = {"worker": given.worker, "slot": given.slot, "session": given.session}
    return held | {"start_date": given.now if job.start_date is None else job.start_date, "not_before": 0}


def _finish(job: Job, given: Circumstances) -> dict[str, Any]:
    failed = given.error is not None
    changed: dict[str, Any] = {"has_errors": job.has_errors or given.has_errors or failed, "error": given.error}
    if given.results is not None:
        changed["results"] = given.results
    return changed if failed else changed | {"progress": 100}


def _retry(job: Job, given: Circumstances) -> dict[str, Any]:
    return {"failures": job.failures + 1, "not_before": given.not_before, "error": given.error}


def _lose(job: Job, given: Circumstances) -> dict[str, Any]:
    return {"failures": job.failures + 1}


def _resume(job: Job, given: Circumstances) -> dict[str, Any]:
    return {"failures": 0, "not_before": 0}


_OWN_CHANGES = {
    Command.CLAIM: _claim,
    Command.FINISH: _finish,
    Command.JOIN: _finish,
    Command.RETRY: _retry,
    Command.LOSE: _lose,
    Command.RESUME: _resume,
}
"""What a command changes besides what its transition does by itself."""


__all__ = ["Circumstances", "apply", "to_change", "to_filter"]
