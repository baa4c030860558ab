"""Tokens to Callers: in goes what a request shows and where it comes from, out comes who asks.

A token and its user are read from the database at most once in BELIEVED seconds, more often for short sessions; the
address is judged each time.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from engine.errors import Forbidden, Unauthorized
from engine.permissions.addresses import Address
from engine.permissions.scopes import parse_scopes
from server.runtime.auth.desk import BELIEVED, Recognised
from server.runtime.auth.people import USERS, Person, read_person
from server.runtime.auth.tokens import SESSION, Token, find_token, is_token, note_use, token_id, write_every
from server.runtime.running import Caller, RunningApp

ANONYMOUS_GROUP = "anonymous"
"""The group whose rights serve requests without a token, where the app defines it."""


async def authenticate(running: RunningApp, token: str | None, address: Address | None) -> Caller:
    """Who shows the token, or the anonymous caller. Raises Unauthorized where the token is not valid (any more) or
    none is shown and the app serves nobody without, Forbidden where the user may not come from the address."""
    if token is None:
        if ANONYMOUS_GROUP not in running.compiled.app.groups:
            raise Unauthorized("A token is needed: log in, and send it in the header token")
        return Caller(groups=(ANONYMOUS_GROUP,), address=address)
    key = token_id(token)
    known = running.desk.known
    recognised = known.get(key)
    if recognised is None:
        state, read_at = known.state, known.timer()
        recognised = await _recognise(running, token, key, read_at, address)
        known.keep(key, recognised, state)
    if recognised.valid_until is not None and running.clock() >= recognised.valid_until:
        raise _not_valid()
    if not all(membership.admits(address) for membership in recognised.memberships):
        raise Forbidden("This user may not use the app from this address")
    caller = recognised.caller
    return caller if caller.address is address else replace(caller, address=address)


async def _recognise(running: RunningApp, text: str, key: str, read_at: float, address: Address | None) -> Recognised:
    token = await find_token(running.store, key) if is_token(text) else None
    if token is None:
        raise _not_valid()
    ids = (token.user,) if token.admin is None else (token.user, token.admin)
    people = await asyncio.gather(*(read_person(running, one) for one in ids))
    valid = [person for person in people if person is not None and person.is_active]
    if len(valid) < len(ids) or not _still_holds(token, valid):
        raise _not_valid()
    user = valid[0]
    now, timeout = running.clock(), min(person.membership.session_timeout for person in valid)
    valid_until = token.valid_until(timeout)
    if valid_until is None or now < valid_until:
        await note_use(running.store, token, now, timeout)
        valid_until = replace(token, used=now).valid_until(timeout)
    admin = _record(running, valid[1]) if token.admin is not None else None
    scopes = None if token.scopes is None else parse_scopes(token.scopes)
    groups, developer = user.membership.groups, user.is_developer
    caller = Caller(_record(running, user), admin, token.id, scopes, groups, developer, address)
    memberships = tuple(person.membership for person in valid)
    kept_until = read_at + min(BELIEVED, write_every(timeout) / 1000)
    return Recognised(caller, frozenset(ids), memberships, valid_until, kept_until)


def _still_holds(token: Token, people: list[Person]) -> bool:
    """Whether no password was changed and nobody was shut out since the session began, and whether who impersonates
    still may."""
    if token.kind != SESSION:
        return True
    if tuple(person.epoch for person in people) != token.epochs:
        return False
    return len(people) == 1 or may_impersonate(people[1], people[0])


def may_impersonate(person: Person, other: Person) -> bool:
    """Whether one may act as the other; nobody becomes a developer who is none."""
    return person.may_impersonate and (person.is_developer or not other.is_developer)


def _record(running: RunningApp, person: Person) -> dict[str, Any]:
    """The user's record in value form, as expressions and conditions read it; for the fields of users that is JSON."""
    return running.entity(USERS).rules.load(person.document)


def _not_valid() -> Unauthorized:
    return Unauthorized("The token is not valid any more: log in again")


__all__ = ["ANONYMOUS_GROUP", "authenticate", "may_impersonate"]
