"""Use cases on users beside the writes of their records: passwords that are reset or changed, and shutting out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from engine.errors import Conflict
from engine.permissions.passwords import make_password
from server.runtime import records
from server.runtime.auth.people import BLOCKED, USERS, Person, exchange_hash, store_hash
from server.runtime.auth.user_keeper import GROUP, TEMPORARY
from server.runtime.running import SYSTEM, Caller, RunningApp
from server.runtime.units import finally_do

Json = dict[str, Any]


async def reset_password(running: RunningApp, caller: Caller, document: Mapping[str, Any]) -> Json:
    """{temporaryPassword}: it is shown this once, and serves only to set another one. Raises Conflict where somebody
    changed the user since the document was read."""
    compiled, user = running.entity(USERS), document["_id"]
    password = make_password(running.compiled.memberships.of(document.get("groups") or ()).password.min_length)
    hashed, now = await running.desk.hasher.hash(password), running.clock()
    noted = {GROUP: {"passwordExpired": True, "lastPasswordChange": now}}  # before it can be used
    if await records.change_document(running, caller, compiled, dict(document), noted) is None:
        raise Conflict("The user was changed at this very moment; try again")
    await store_hash(running.store, user, hashed, now)
    finally_do(running, partial(running.desk.known.forget_person, user))
    running.discretion.needed = True
    return {TEMPORARY: password}


async def change_password(running: RunningApp, person: Person, password: str) -> Person:
    """The person, who just proved the old password, with the new one and without any session. Raises Conflict where
    somebody was faster: a password is good for one change."""
    hashed, now = await running.desk.hasher.hash(password), running.clock()
    epoch = await exchange_hash(running.store, person, hashed, now)
    if epoch is None:
        raise Conflict("The password was changed at this very moment; log in with the new one")
    noted = {GROUP: {"passwordExpired": False, "lastPasswordChange": now}}
    await records.update_record(running, SYSTEM, USERS, str(person.id), noted)
    running.desk.known.forget_person(person.id)
    return replace(person, hash=hashed, epoch=epoch)


async def block(running: RunningApp, person: Person, failures: int) -> None:
    """Shuts out somebody whose password was guessed at too often."""
    values = {"status": BLOCKED, GROUP: {"failedLoginAttempts": failures}}
    await records.update_record(running, SYSTEM, USERS, str(person.id), values)


__all__ = [
    "block",
    "change_password",
    "reset_password",
]
