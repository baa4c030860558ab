"""Use cases on the records of users: what any record's write does, and what a password or a status means beside it.

Each answers like the use case on records of the same name. Passwords come as `authentication.newPassword` with
`authentication.passwordConfirmation`; they leave the body here, and only a hash goes on, to the user's credentials.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from bson import ObjectId

from engine.errors import BadRequest, Conflict, FieldProblem, Forbidden, NotFound, ValidationErrors
from engine.permissions.access import WriteMask
from engine.permissions.passwords import make_password, validate_password
from engine.schema import PasswordRules
from server.runtime import lists, records
from server.runtime.auth.people import (
    ACTIVE,
    BLOCKED,
    INACTIVE,
    USERS,
    Person,
    end_sessions,
    exchange_hash,
    read_person,
    remove_credentials,
    store_hash,
)
from server.runtime.auth.throttle import Throttle
from server.runtime.running import SYSTEM, Caller, RunningApp

Json = dict[str, Any]
Pairs = Sequence[tuple[str, str]]

GROUP = "authentication"
NEW, CONFIRMATION = "newPassword", "passwordConfirmation"
EMAIL, STANDARDIZED = "email", "emailStandardized"
KEPT_BY_SERVER = ("lastPasswordChange", "failedLoginAttempts")
"""Fields of the group that bodies do not set; what a client sends back of them is ignored."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A body without its password: the `password` to set (None: none was sent), and what is wrong with it."""

    body: Any
    password: str | None = None
    problems: tuple[FieldProblem, ...] = ()


async def create_user(running: RunningApp, caller: Caller, body: Any) -> Json:
    """A new user; without a password nobody can log in as them. Raises what create_record raises."""
    mask = running.access(caller, USERS).creating
    rules = _rules_of_groups(running, mask, body) or PasswordRules()
    chosen = _take_password(body, mask, rules, running.clock())
    hashed = await _hash(running, chosen)
    with _problems_of_email():
        record = await records.create_record(running, caller, USERS, chosen.body, problems=chosen.problems)
    user = ObjectId(record["id"])
    if hashed is not None and (GROUP not in mask.conditions or await _allows_password(running, mask, user)):
        await store_hash(running.store, user, hashed, running.clock())
    return record


async def update_user(running: RunningApp, caller: Caller, user_id: str, body: Any) -> Json:
    """The user after the change; a new password or another status ends all sessions of the user. Raises what
    update_record raises, and Forbidden for a developer's record."""
    person = await _touch(running, caller, user_id)
    mask = running.access(caller, USERS).updating.on(running.entity(USERS).rules.load(person.document))
    rules = _rules_of_groups(running, mask, body) or person.membership.password
    chosen = _take_password(body, mask, rules, running.clock())
    hashed = await _hash(running, chosen)
    with _problems_of_email():
        record = await records.update_record(running, caller, USERS, user_id, chosen.body, problems=chosen.problems)
    if hashed is not None:
        await store_hash(running.store, person.id, hashed, running.clock())
    elif isinstance(body, Mapping) and "status" in body:
        changed = await read_person(running, person.id)
        if changed is None or changed.status != person.status:
            await end_sessions(running.store, person.id)
    running.desk.known.forget_person(person.id)
    return record


async def delete_users(running: RunningApp, caller: Caller, ids: str, pairs: Pairs) -> Json:
    """What delete_by_ids answers; tokens and passwords of who is gone are worth nothing any more. Raises what it
    raises, and Forbidden where one of them is a developer's record."""
    for user_id in ids.split(","):
        try:
            person = await _find(running, caller, user_id.strip())
        except (NotFound, Forbidden):
            continue  # for the deletion to tell
        _check_developer(caller, person)
    answer = await lists.delete_by_ids(running, caller, USERS, ids, pairs)
    await _forget_deleted(running, ids.split(","))
    return answer


async def delete_users_by_query(running: RunningApp, caller: Caller, pairs: Pairs) -> Json:
    """What delete_by_query answers. For developers, since a query may match them too."""
    if not caller.developer:
        raise Forbidden("Only a developer may delete users by a query; give their ids")
    answer = await lists.delete_by_query(running, caller, USERS, pairs)
    await _forget_deleted(running, answer)
    return answer


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
    await end_sessions(running.store, person.id)
    running.desk.known.forget_person(person.id)


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
    await end_sessions(running.store, person.id)
    record = await records.update_record(running, SYSTEM, USERS, str(person.id), values, reader=caller)
    await end_sessions(running.store, person.id)
    running.desk.known.forget_person(person.id)
    return record


async def _touch(running: RunningApp, caller: Caller, user_id: str) -> Person:
    """The user whom somebody wants to do something to; raises Forbidden where others than developers touch one."""
    person = await _find(running, caller, user_id)
    _check_developer(caller, person)
    return person


async def _find(running: RunningApp, caller: Caller, user_id: str) -> Person:
    """The user with that id; raises NotFound, and what the app says of records that the caller may not read."""
    compiled = running.entity(USERS)
    key = records.object_id(compiled, user_id)
    person = await read_person(running, key)
    if person is None:
        raise compiled.rules.rights.missing(str(key))
    compiled.rules.rights.check_read(compiled.rules.load(person.document), running.access(caller, USERS))
    return person


def _check_developer(caller: Caller, person: Person) -> None:
    if person.is_developer and not caller.developer:
        raise Forbidden("Only a developer may change a developer")


async def _allows_password(running: RunningApp, mask: WriteMask, user: ObjectId) -> bool:
    """Whether a condition on new users lets the one that was made have a password."""
    document = await running.store.get(USERS, user)
    return document is not None and mask.allows(GROUP, running.entity(USERS).rules.load(document))


@contextmanager
def _problems_of_email() -> Iterator[None]:
    """Nobody can write the standardised address; what is wrong with it is wrong with the address as it was written."""
    try:
        yield
    except ValidationErrors as error:
        told = [
            replace(problem, field=EMAIL, label="Email") if problem.field == STANDARDIZED else problem
            for problem in error.problems
        ]
        once: dict[tuple[str | None, str], FieldProblem] = {}
        for problem in told:
            once.setdefault((problem.field, problem.code), problem)  # both spellings of one address may be taken
        raise ValidationErrors(once.values()) from error


async def _forget_deleted(running: RunningApp, ids: Iterable[str]) -> None:
    """Removes the credentials of those among the users who are not there any more."""
    keys = {ObjectId(one.strip()) for one in ids if ObjectId.is_valid(one.strip())}
    for document in await running.store.get_many(USERS, list(keys)):
        keys.discard(document["_id"])
    for key in keys:
        await remove_credentials(running.store, key)
        running.desk.known.forget_person(key)


async def _hash(running: RunningApp, chosen: Chosen) -> str | None:
    if chosen.password is None or chosen.problems:
        return None
    return await running.desk.hasher.hash(chosen.password)


def _rules_of_groups(running: RunningApp, mask: WriteMask, body: Any) -> PasswordRules | None:
    """The password rules of the groups that a body gives the user; None where it gives none, or may not."""
    if not isinstance(body, Mapping) or not mask.may_write("groups.group"):
        return None
    return running.compiled.memberships.rules_for(body.get("groups"))


def _take_password(body: Any, mask: WriteMask, rules: PasswordRules, now: int) -> Chosen:
    """The body as the record's write takes it, and the password that was in it."""
    if not isinstance(body, Mapping) or not isinstance(body.get(GROUP), Mapping) or mask.hides(GROUP):
        return Chosen(body)  # nothing to take, or for the write itself to refuse
    group = dict(body[GROUP])
    password, confirmation = group.pop(NEW, None), group.pop(CONFIRMATION, None)
    for name in KEPT_BY_SERVER:
        group.pop(name, None)
    rest = {**body, GROUP: group}
    given = password not in (None, "") or confirmation not in (None, "")
    if not given or not mask.may_write(f"{GROUP}.{NEW}"):
        return Chosen(rest)
    problems = _password_problems(password, confirmation, rules)
    if problems:
        return Chosen(rest, None, problems)
    group["lastPasswordChange"] = now
    return Chosen(rest, password)


def _password_problems(password: Any, confirmation: Any, rules: PasswordRules) -> tuple[FieldProblem, ...]:
    if not isinstance(password, str) or not password:
        return (
            _problem(NEW, "required" if password in (None, "") else "invalid", "Expected the new password, a text"),
        )
    problems = [
        _problem(NEW, "invalid", rule.message, {"rule": rule.rule, "limit": rule.limit})
        for rule in validate_password(password, rules)
    ]
    if confirmation in (None, ""):
        problems.append(_problem(CONFIRMATION, "required", "Repeat the new password here"))
    elif confirmation != password:
        problems.append(_problem(CONFIRMATION, "invalid", "The two passwords are not the same"))
    return tuple(problems)


_LABELS = {NEW: "New password", CONFIRMATION: "Password confirmation"}


def _problem(name: str, code: str, message: str, info: Mapping[str, object] | None = None) -> FieldProblem:
    return FieldProblem(f"{GROUP}.{name}", _LABELS[name], code, message, info)


__all__ = [
    "activate",
    "block",
    "change_password",
    "create_user",
    "deactivate",
    "delete_users",
    "delete_users_by_query",
    "reset_password",
    "unblock",
    "update_user",
]
