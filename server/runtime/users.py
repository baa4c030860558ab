"""Use cases on users beside the writes of their records: their status, and passwords that are reset or changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.errors import BadRequest, Conflict, Forbidden
from engine.permissions.passwords import make_password
from server.runtime import records
from server.runtime.auth.people import ACTIVE, BLOCKED, INACTIVE, USERS, Person, exchange_hash, store_hash
from server.runtime.auth.throttle import Throttle
from server.runtime.auth.user_keeper import GROUP, STANDARDIZED, check_developer, find_user
from server.runtime.running import SYSTEM, Caller, RunningApp

Json = dict[str, Any]


async def activate(running: RunningApp, caller: Caller, user_id: str) -> Json:
    """An INACTIVE user becomes ACTIVE; raises BadRequest for others."""
    return await _change_status(running, caller, await _touch(running, caller, user_id), INACTIVE, ACTIVE)


async def deactivate(running: RunningApp, caller: Caller, user_id: str) -> Json:
    """An ACTIVE user becomes INACTIVE and is out at once; raises BadRequest for others."""
    return await _change_status(running, caller, await _touch(running, caller, user_id), ACTIVE, INACTIVE)


async def unblock(running: RunningApp, caller: Caller, user_id: str) -> Json:
    """A user whom too many failed logins BLOCKED becomes ACTIVE; raises BadRequest for others."""
    person = await _touch(running, caller, user_id)
    record = await _change_status(running, caller, person, BLOCKED, ACTIVE, failures=0)
    await Throttle(running.store, running.desk.policy).forgive(person.document[STANDARDIZED])
    return record


async def reset_password(running: RunningApp, caller: Caller, user_id: str) -> Json:
    """{temporaryPassword}: it is shown this once, and serves only to set another one. For developers."""
    if not caller.developer:
        raise Forbidden("Only a developer may reset a password")
    person = await _touch(running, caller, user_id)
    password = make_password(person.membership.password.min_length)
    hashed, now = await running.desk.hasher.hash(password), running.clock()
    await _note_password(running, person, now, expired=True)  # before it can be used
    await store_hash(running.store, person.id, hashed, now)
    running.desk.known.forget_person(person.id)
    return {"temporaryPassword": password}


async def change_password(running: RunningApp, person: Person, password: str) -> Person:
    """The person, who just proved the old password, with the new one and without any session. Raises Conflict where
    somebody was faster: a password is good for one change."""
    hashed, now = await running.desk.hasher.hash(password), running.clock()
    epoch = await exchange_hash(running.store, person, hashed, now)
    if epoch is None:
        raise Conflict("The password was changed at this very moment; log in with the new one")
    await _note_password(running, person, now, expired=False)
    running.desk.known.forget_person(person.id)
    return replace(person, hash=hashed, epoch=epoch)


async def _note_password(running: RunningApp, person: Person, now: int, *, expired: bool) -> None:
    """Keeps in the record what may be known of the password."""
    values = {GROUP: {"passwordExpired": expired, "lastPasswordChange": now}}
    await records.update_record(running, SYSTEM, USERS, str(person.id), values)


async def block(running: RunningApp, person: Person, failures: int) -> None:
    """Shuts out somebody whose password was guessed at too often."""
    values = {"status": BLOCKED, GROUP: {"failedLoginAttempts": failures}}
    await records.update_record(running, SYSTEM, USERS, str(person.id), values)


async def _change_status(
    running: RunningApp, caller: Caller, person: Person, before: str, after: str, failures: int | None = None
) -> Json:
    compiled = running.entity(USERS)
    compiled.rules.rights.check_change_of(compiled.rules.load(person.document), running.access(caller, USERS))
    if person.status != before:
        raise BadRequest(f"This is for users who are {before}")
    values: Json = {"status": after}
    if failures is not None:
        values[GROUP] = {"failedLoginAttempts": failures}
    return await records.update_record(running, SYSTEM, USERS, str(person.id), values, reader=caller)


async def _touch(running: RunningApp, caller: Caller, user_id: str) -> Person:
    """The user whom somebody wants to do something to; raises Forbidden where others than developers touch one."""
    person = await find_user(running, caller, records.object_id(running.entity(USERS), user_id))
    check_developer(caller, person.document)
    return person


__all__ = [
    "activate",
    "block",
    "change_password",
    "deactivate",
    "reset_password",
    "unblock",
]
