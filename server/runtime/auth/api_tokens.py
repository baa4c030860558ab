"""API tokens: in go a user's address, a name and scopes, out comes a token that programs show instead of logging in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import CastworkError
from engine.permissions.scopes import Vocabulary, parse_scopes, validate_scopes
from engine.routes import Permission, Scope
from server.runtime.auth.people import USERS, Person, find_person
from server.runtime.auth.tokens import API, TOKENS, create_api_token, end_token
from server.runtime.running import RunningApp

LONGEST_NAME = 100


class BadApiToken(CastworkError):
    """The API token cannot be made or found; the message says why."""


@dataclass(frozen=True, slots=True)
class ApiToken:
    """What may be told of an API token; times are in ms, `ends` None is never, `scopes` None all that the user may."""

    name: str
    email: str
    scopes: tuple[str, ...] | None
    created: int
    used: int
    ends: int | None


async def give_api_token(
    running: RunningApp, email: str, name: str, scopes: Sequence[str] | None, lifetime: int | None
) -> str:
    """A new token of the user, good for `lifetime` ms (None: until it is revoked). Nobody can read it again."""
    person = await _person(running, email)
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise BadApiToken(f"The name must be a line of at most {LONGEST_NAME} characters")
    if await running.store.find(TOKENS, {"user": person.id, "name": name}, limit=1):
        raise BadApiToken(f"{person.email} has a token named {name} already: revoke it, or choose another name")
    if scopes is not None:
        problems = validate_scopes(parse_scopes(scopes), _vocabulary(running))
        if problems:
            raise BadApiToken("; ".join(problems))
    now = running.clock()
    return await create_api_token(
        running.store, person.id, name, scopes, now, None if lifetime is None else now + lifetime
    )


async def list_api_tokens(running: RunningApp) -> list[ApiToken]:
    """All API tokens that have not ended, the oldest first."""
    found = await running.store.find(TOKENS, {"kind": API}, sort=[("created", 1)])
    users = {one["_id"]: one for one in await running.store.get_many(USERS, {token["user"] for token in found})}
    tokens = [
        ApiToken(
            name=token["name"],
            email=str(users[token["user"]]["email"]),
            scopes=None if token["scopes"] is None else tuple(token["scopes"]),
            created=token["created"],
            used=token["used"],
            ends=None if token["ends"] is None else int(token["ends"]),
        )
        for token in found
        if token["user"] in users
    ]
    return [token for token in tokens if token.ends is None or token.ends > running.clock()]


async def revoke_api_token(running: RunningApp, email: str, name: str) -> None:
    """Ends a token; servers take it for less than a second more."""
    person = await _person(running, email)
    found = await running.store.find(TOKENS, {"user": person.id, "name": name}, limit=1)
    if not found:
        raise BadApiToken(f"{person.email} has no token named {name}")
    await end_token(running.store, found[0]["_id"])


async def _person(running: RunningApp, email: str) -> Person:
    person = await find_person(running, email)
    if person is None:
        raise BadApiToken(f"There is no user with the e-mail address {email}")
    return person


def _vocabulary(running: RunningApp) -> Vocabulary:
    return Vocabulary(
        areas=[scope for scope in Scope if scope not in (Scope.PUBLIC, Scope.OWN)],
        entities=list(running.compiled.app.entities),
        rights=[right for right in Permission if right is not Permission.NONE],
    )


__all__ = ["ApiToken", "BadApiToken", "give_api_token", "list_api_tokens", "revoke_api_token"]
