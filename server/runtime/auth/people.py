"""Users as logging in sees them, and their credentials: in go e-mail addresses and ids, out come Persons.

The password's hash stands in `sys.credentials` under the user's id and never in the user's record, so that no query,
export or audit trail can come near it. Documents of `sys.credentials`:

  _id    the user's id (ObjectId)     hash   argon2id, PHC text     changed   when the password was set (ms)
  epoch  an ObjectId that every session carries; giving the user another one ends all sessions at once
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson import ObjectId

from engine.permissions.membership import Membership
from server.store import DuplicateKey, Store

if TYPE_CHECKING:
    from server.runtime.running import RunningApp

USERS = "sys.users"
CREDENTIALS = "sys.credentials"
ACTIVE, BLOCKED, INACTIVE = "ACTIVE", "BLOCKED", "INACTIVE"


@dataclass(frozen=True, slots=True)
class Person:
    """One user: the document of the record, what the groups mean, and the credentials."""

    document: Mapping[str, Any]
    membership: Membership
    hash: str | None = None
    epoch: ObjectId | None = None

    @property
    def id(self) -> ObjectId:
        """The record's id."""
        found: ObjectId = self.document["_id"]
        return found

    @property
    def email(self) -> str:
        """The address as it was written."""
        return str(self.document["email"])

    @property
    def name(self) -> str:
        """First and last name."""
        return str(self.document["label"])

    @property
    def status(self) -> str:
        """ACTIVE, BLOCKED or INACTIVE."""
        return str(self.document.get("status"))

    @property
    def is_active(self) -> bool:
        """Whether the user may be here at all."""
        return self.status == ACTIVE

    @property
    def is_developer(self) -> bool:
        """Whether all permissions are passed."""
        return is_developer(self.document)

    @property
    def must_change_password(self) -> bool:
        """Whether the password only serves to set another one."""
        return bool((self.document.get("authentication") or {}).get("passwordExpired"))

    @property
    def may_impersonate(self) -> bool:
        """Whether the user may log in as somebody else."""
        return self.is_developer or self.membership.impersonate


def is_developer(document: Mapping[str, Any]) -> bool:
    """Whether a user's record is that of a developer."""
    return bool((document.get("permissions") or {}).get("developer"))


def standardize_email(email: str) -> str:
    """The form in which two spellings of one address are the same; `emailStandardized` of the record is made so."""
    return unicodedata.normalize("NFC", email).strip().lower()


async def find_person(running: RunningApp, email: str) -> Person | None:
    """The user with that address. Takes as many questions to the database for an unknown one as for a known one."""
    wanted = {"emailStandardized": standardize_email(email)}
    found = await running.store.find(USERS, wanted, limit=1)
    document = found[0] if found else None
    credentials = await running.store.get(CREDENTIALS, document["_id"] if document else ObjectId())
    return None if document is None else _person(running, document, credentials)


async def read_person(running: RunningApp, user: ObjectId) -> Person | None:
    """The user with that id."""
    document, credentials = await asyncio.gather(running.store.get(USERS, user), running.store.get(CREDENTIALS, user))
    return None if document is None else _person(running, document, credentials)


def _person(running: RunningApp, document: Mapping[str, Any], credentials: Mapping[str, Any] | None) -> Person:
    membership = running.compiled.memberships.of(document.get("groups") or ())
    if credentials is None:
        return Person(document, membership)
    return Person(document, membership, credentials["hash"], credentials["epoch"])


async def store_hash(store: Store, user: ObjectId, hashed: str, now: int) -> ObjectId:
    """Sets the password and ends all sessions of the user in one write; gives the new epoch."""
    epoch = ObjectId()
    values = {"hash": hashed, "changed": now, "epoch": epoch}
    if not await store.update(CREDENTIALS, {"_id": user}, {"$set": values}):
        try:
            await store.insert(CREDENTIALS, {"_id": user, **values})
        except DuplicateKey:
            await store.update(CREDENTIALS, {"_id": user}, {"$set": values})
    return epoch


async def exchange_hash(store: Store, person: Person, hashed: str, now: int) -> ObjectId | None:
    """As `store_hash`, if the password is still the one that the person was read with; None where it is not."""
    epoch = ObjectId()
    unchanged = {"_id": person.id, "hash": person.hash}
    values = {"hash": hashed, "changed": now, "epoch": epoch}
    return epoch if await store.update(CREDENTIALS, unchanged, {"$set": values}) else None


async def replace_hash(store: Store, person: Person, hashed: str) -> None:
    """The same password under better parameters, unless it was changed meanwhile."""
    await store.update(CREDENTIALS, {"_id": person.id, "hash": person.hash}, {"$set": {"hash": hashed}})


async def end_sessions(store: Store, user: ObjectId) -> None:
    """Ends all sessions of the user, and those in which they impersonate somebody."""
    await store.update(CREDENTIALS, {"_id": user}, {"$set": {"epoch": ObjectId()}})


async def remove_credentials(store: Store, user: ObjectId) -> None:
    """Forgets the password of a user who is no more."""
    await store.delete(CREDENTIALS, {"_id": user})


__all__ = [
    "ACTIVE",
    "BLOCKED",
    "CREDENTIALS",
    "INACTIVE",
    "USERS",
    "Person",
    "end_sessions",
    "exchange_hash",
    "find_person",
    "is_developer",
    "read_person",
    "remove_credentials",
    "replace_hash",
    "standardize_email",
    "store_hash",
]
