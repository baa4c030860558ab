"""What logging in needs when an app starts: in goes a running app, out come a purge of tokens and a first developer."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from engine.errors import CastworkError, ValidationErrors
from engine.permissions.passwords import make_password
from engine.permissions.throttling import MINUTE
from server.runtime.auth.people import CREDENTIALS, USERS, find_person, store_hash
from server.runtime.auth.throttle import THROTTLE
from server.runtime.auth.tokens import TOKENS
from server.runtime.records import create_record
from server.runtime.running import SYSTEM, RunningApp
from server.store import Store, StoreError, StoreUnavailable

logger = logging.getLogger(__name__)

DEFAULT_EMAIL = "admin@example.com"
PURGE_INDEX = "sys_purge"


class BadAdministrator(CastworkError):
    """The address or password given for the first developer cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class FirstDeveloper:
    """Who was made; `password` only where it had to be generated, for showing it this once."""

    email: str
    password: str | None = field(repr=False)


async def purge_ended(store: Store) -> None:
    """Has the database remove tokens and counters some time after they ended. Nothing but disk space relies on it, so a
    database that cannot do it is used as it is."""
    for collection in (TOKENS, THROTTLE):
        try:
            await store.create_index(collection, PURGE_INDEX, [("ends", 1)], {"expireAfterSeconds": 0})
        except StoreUnavailable:
            raise
        except StoreError as error:
            logger.warning("The database does not remove what ended from %s: %s", collection, error)


async def make_first_developer(
    running: RunningApp, email: str | None = None, password: str | None = None
) -> FirstDeveloper | None:
    """Makes a developer where nobody has a password yet; None where somebody has. Raises BadAdministrator."""
    if await running.store.find(CREDENTIALS, {}, limit=1):
        return None
    chosen, email = password or make_password(), email or DEFAULT_EMAIL
    body = {
        "firstName": "First",
        "lastName": "Developer",
        "email": email,
        "permissions": {"developer": True},
        "authentication": {"newPassword": chosen, "passwordConfirmation": chosen},
    }
    made = FirstDeveloper(email, None if password else chosen)
    try:
        await create_record(running, SYSTEM, USERS, body)
    except ValidationErrors as error:
        if any(problem.code != "notUnique" for problem in error.problems):
            said = "; ".join(f"{problem.field}: {problem.message}" for problem in error.problems)
            raise BadAdministrator(f"The first developer cannot be made: {said}") from error
        return made if await _complete(running, email, chosen) else None
    return made


async def _complete(running: RunningApp, email: str, password: str) -> bool:
    """Gives a password to the first developer of a start that was cut off; another process that starts at this moment
    does that by itself."""
    person = await find_person(running, email)
    if person is None or person.hash is not None or running.clock() - int(person.document["created"]) < MINUTE:
        return False
    await store_hash(running.store, person.id, await running.desk.hasher.hash(password), running.clock())
    return True


__all__ = ["DEFAULT_EMAIL", "BadAdministrator", "FirstDeveloper", "make_first_developer", "purge_ended"]
