"""Tokens as stored: in goes a token that somebody shows, out comes what the database knows of it.

The database never holds a token, only its SHA-256, which is the document's `_id`; a token has 190 bits of chance, so
that needs no salt. Documents of `sys.tokens`:

  _id    SHA-256 of the token, hexadecimal        kind     session or api
  user   whose rights it gives (ObjectId)         admin    who impersonates the user, or null
  epochs the session epochs of user and admin at login; a session whose user has another one by now is over
  created, used   ms; `used` see `write_every`      ends     when it may be purged (date), null: never
  name, scopes    of API tokens; scopes null: whatever the user may do
"""

from __future__ import annotations

import hashlib
import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bson import ObjectId
from bson.datetime_ms import DatetimeMS

from engine.permissions.throttling import MINUTE
from server.store import Store

TOKENS = "sys.tokens"
SESSION = "session"
API = "api"

LENGTH = 32
_ALPHABET = string.ascii_letters + string.digits
_CHARACTERS = frozenset(_ALPHABET)

WRITE_EVERY = MINUTE
"""A use is written down this long after the last one that was, in ms, where sessions are not short."""
LONGEST_SESSION = 30 * 24 * 60 * MINUTE
"""A session ends this long after the login, however busy it is, in ms."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token that exists; the fields of the same names in the document."""

    id: str
    kind: str
    user: ObjectId
    admin: ObjectId | None
    epochs: tuple[ObjectId | None, ...]
    created: int
    used: int
    ends: int | None
    scopes: tuple[str, ...] | None

    def valid_until(self, idle: int) -> int | None:
        """The moment (ms) at which it ends unless it is used; None: never."""
        if self.kind == API:
            return self.ends
        return min(self.used + idle, self.created + LONGEST_SESSION)


def make_token() -> str:
    """A new token: 32 letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))


def is_token(text: str) -> bool:
    """Whether a text has the form of a token; nothing else is looked for in the database."""
    return len(text) == LENGTH and _CHARACTERS.issuperset(text)


def token_id(token: str) -> str:
    """Under what a token is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


async def start_session(
    store: Store, user: ObjectId, admin: ObjectId | None, epochs: Sequence[ObjectId | None], now: int, idle: int
) -> str:
    """The token of a new session, which ends when it was not used for `idle` ms."""
    token = make_token()
    await store.insert(
        TOKENS,
        {
            "_id": token_id(token),
            "kind": SESSION,
            "user": user,
            "admin": admin,
            "epochs": list(epochs),
            "created": now,
            "used": now,
            "ends": DatetimeMS(now + idle),
        },
    )
    return token


async def create_api_token(
    store: Store, user: ObjectId, name: str, scopes: Sequence[str] | None, now: int, ends: int | None
) -> str:
    """The token, which nobody can read again. `ends` is in ms; None: it does not end by itself."""
    token = make_token()
    await store.insert(
        TOKENS,
        {
            "_id": token_id(token),
            "kind": API,
            "user": user,
            "admin": None,
            "epochs": [],
            "created": now,
            "used": now,
            "ends": None if ends is None else DatetimeMS(ends),
            "name": name,
            "scopes": None if scopes is None else list(scopes),
        },
    )
    return token


async def find_token(store: Store, key: str) -> Token | None:
    """What is stored under a token's id."""
    found = await store.get(TOKENS, key)
    return None if found is None else _token(found)


def _token(found: Mapping[str, Any]) -> Token:
    scopes = found.get("scopes")
    ends = found["ends"]
    return Token(
        id=found["_id"],
        kind=found["kind"],
        user=found["user"],
        admin=found["admin"],
        epochs=tuple(found["epochs"]),
        created=found["created"],
        used=found["used"],
        ends=None if ends is None else int(ends),
        scopes=None if scopes is None else tuple(scopes),
    )


def write_every(idle: int) -> int:
    """How long after the last use that was written down the next one is, in ms: a tenth of the time after which an
    unused session ends, at most a minute."""
    return min(WRITE_EVERY, idle // 10)


async def note_use(store: Store, token: Token, now: int, idle: int) -> None:
    """Writes down that the token is in use, as often as `write_every` says."""
    if now - token.used < write_every(idle):
        return
    change: dict[str, Any] = {"used": now}
    if token.kind == SESSION:
        change["ends"] = DatetimeMS(now + idle)
    await store.update(TOKENS, {"_id": token.id}, {"$set": change})


async def end_token(store: Store, key: str) -> None:
    """Ends one token; one that ended already is fine."""
    await store.delete(TOKENS, {"_id": key})


__all__ = [
    "API",
    "LONGEST_SESSION",
    "SESSION",
    "TOKENS",
    "Token",
    "create_api_token",
    "end_token",
    "find_token",
    "is_token",
    "make_token",
    "note_use",
    "start_session",
    "token_id",
    "write_every",
]
