"""The one place where a password is compared: in go an e-mail address and a guess, out comes the person it proves.

Unknown addresses and wrong passwords are alike in answer, in work and in questions to the database.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import BadRequest, TooManyRequests, Unauthorized
from engine.permissions.addresses import Address
from engine.permissions.passwords import MOST_BYTES, MOST_CHARACTERS, is_hashable
from server.runtime import users
from server.runtime.auth.people import Person, find_person, replace_hash, standardize_email
from server.runtime.auth.throttle import Throttle, Try
from server.runtime.running import RunningApp

PATIENCE = 1_000
"""A wait of at most this long (ms) is waited out here, so that people hardly notice it; longer ones are refused."""

LONGEST_EMAIL = 320


@dataclass(frozen=True, slots=True)
class Proven:
    """Somebody who knows the password. The try counts as a success once `confirm` was called."""

    person: Person
    throttle: Throttle
    tried: Try

    async def confirm(self, now: int) -> None:
        """Starts the count of failures anew: nothing else speaks against the login."""
        await self.throttle.note_success(self.tried, now)


async def prove_password(running: RunningApp, email: str, password: str, address: Address | None) -> Proven:
    """Raises Unauthorized; TooManyRequests with the wait; Unavailable when too many ask; BadRequest for long texts."""
    if not is_hashable(password):
        raise BadRequest(f"No password is longer than {MOST_CHARACTERS} characters ({MOST_BYTES} bytes)")
    email = standardize_email(email)
    if len(email) > LONGEST_EMAIL:
        raise BadRequest(f"No e-mail address is longer than {LONGEST_EMAIL} characters")
    throttle = Throttle(running.store, running.desk.policy)
    for patience in (PATIENCE, 0):
        async with running.desk.turn():
            tried = await throttle.admit(email, address, running.clock())
            if not tried.wait:
                return Proven(await _compare(running, email, password, throttle, tried), throttle, tried)
        if tried.wait > patience:
            break
        await running.pause(tried.wait / 1000)
    seconds = -(-tried.wait // 1000)
    raise TooManyRequests(f"Too many failed logins; try again in {seconds} s", retry_after=seconds)


async def _compare(running: RunningApp, email: str, password: str, throttle: Throttle, tried: Try) -> Person:
    person = await find_person(running, email)
    stored = None if person is None else person.hash
    if await running.desk.hasher.verify(password, stored) and person is not None and person.hash is not None:
        if running.desk.hasher.is_outdated(person.hash):
            await replace_hash(running.store, person, await running.desk.hasher.hash(password))
        return person
    failures = await throttle.note_failure(tried, running.clock())
    if person is not None and person.is_active:
        most = person.membership.max_login_attempts
        if most is not None and failures >= most:
            await users.block(running, person, failures)
    raise Unauthorized("The e-mail address or the password is wrong")


__all__ = ["PATIENCE", "Proven", "prove_password"]
