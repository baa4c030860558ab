"""Whose rights a job has: in goes who asks, out comes who started the job; and back, judged anew when the job runs."""

from __future__ import annotations

from dataclasses import replace

from bson import ObjectId

from engine.errors import Forbidden
from engine.jobs import Job, Starter
from server.runtime.auth.callers import may_impersonate
from server.runtime.auth.people import USERS, Person, read_person
from server.runtime.running import SYSTEM, Caller, RunningApp

ENGINE = Starter(engine=True)


def starter_of(caller: Caller) -> Starter:
    """What a job remembers of the caller who started it."""
    if caller.user is SYSTEM.user:
        return ENGINE
    if caller.user is None:
        return Starter(groups=caller.groups)
    started = Starter(str(caller.user["id"]), str(caller.user["label"]), groups=caller.groups)
    if caller.admin is None:
        return started
    return replace(started, admin=str(caller.admin["id"]), admin_email=str(caller.admin["email"]))


async def caller_of(running: RunningApp, job: Job) -> Caller:
    """The starter with the rights of this moment; raises Forbidden where they may not use the app any more."""
    starter = job.starter
    if starter.engine:
        return SYSTEM
    if starter.user is None:
        return Caller(groups=tuple(name for name in starter.groups if name in running.compiled.app.groups))
    person = await _active(running, starter.user)
    admin = None
    if starter.admin is not None:
        admin = await _active(running, starter.admin)
        if not may_impersonate(admin, person):
            raise Forbidden("Who started this job in the name of another user may not do so any more")
    return Caller(
        user=_record(running, person),
        admin=None if admin is None else _record(running, admin),
        groups=person.membership.groups,
        developer=person.is_developer,
    )


def sees_all_jobs(caller: Caller) -> bool:
    """Whether the caller may see and command the jobs of others."""
    return caller.developer


def started_by(caller: Caller, job: Job) -> bool:
    """Whether the job is the caller's own; what nobody in particular started belongs to nobody."""
    return caller.user is not None and job.starter.user == str(caller.user["id"])


async def _active(running: RunningApp, user: str) -> Person:
    person = await read_person(running, ObjectId(user))
    if person is None or not person.is_active:
        raise Forbidden("The user who started this job may not use the app any more")
    return person


def _record(running: RunningApp, person: Person) -> dict[str, object]:
    return running.entity(USERS).rules.load(person.document)


__all__ = ["ENGINE", "caller_of", "sees_all_jobs", "started_by", "starter_of"]
