"""Writes of users: what a body says of a password goes to their credentials, and a status that changes ends sessions.

Passwords come as `authentication.newPassword` with `authentication.passwordConfirmation`, or are made where
`authentication.generatePassword` is true; they leave the body here, and only a hash goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from bson import ObjectId

from engine.errors import BadRequest, Conflict, FieldProblem, Forbidden, ValidationErrors
from engine.fields.plain import find_language
from engine.permissions.access import WriteMask
from engine.permissions.passwords import make_password, validate_password
from engine.records import Write
from engine.records.outbox import REVISION
from engine.schema import PasswordRules
from server.runtime.auth.people import (
    ACTIVE,
    BLOCKED,
    USERS,
    Person,
    end_sessions,
    is_developer,
    read_person,
    remove_credentials,
    store_hash,
)
from server.runtime.auth.throttle import Throttle
from server.runtime.running import SYSTEM, Caller, RunningApp
from server.runtime.units import finally_do, run_unit

if TYPE_CHECKING:
    from server.runtime.keepers import Writing

GROUP = "authentication"
NEW, CONFIRMATION, GENERATE = "newPassword", "passwordConfirmation", "generatePassword"
TEMPORARY = "temporaryPassword"
"""The field of an answer that tells a password that was made."""
EMAIL, STANDARDIZED = "email", "emailStandardized"
KEPT_BY_SERVER = ("lastPasswordChange", "failedLoginAttempts")
"""Fields of the group that only the engine itself sets; what others send of them is ignored."""
TELLING = frozenset({"resetPassword"})
"""Actions that answer a password."""
ACTIVE_DEVELOPER: Mapping[str, Any] = {"status": ACTIVE, "permissions.developer": True}
"""Finds the developers who can log in."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A body without its password: the `password` to set (None: none is wanted), what is wrong with it, and whether it
    was `made` here, so that the answer must tell it."""

    body: Any
    password: str | None = None
    problems: tuple[FieldProblem, ...] = ()
    made: bool = False

    def tell(self, running: RunningApp, written: Write) -> None:
        """Puts a password that was made into the answer, which is the one place where it is ever seen."""
        if self.made:
            written.answer[TEMPORARY] = self.password
            running.discretion.needed = True


class UserKeeper:
    """The keeper of users' records."""

    async def create(self, running: RunningApp, caller: Caller, body: Any, write: Writing) -> Write:
        """A new user; without a password nobody can log in as them."""
        mask = running.access(caller, USERS).creating
        rules = _rules_of_groups(running, mask, body) or PasswordRules()
        chosen = _choose(body, mask, rules, running.clock(), caller)
        hashed = await _hash(running, chosen)

        async def work(scope: RunningApp) -> Write:
            written = await write(scope, chosen.body, chosen.problems)
            user = ObjectId(written.record["id"])
            if hashed is not None and await _allows_password(scope, mask, user):
                await store_hash(scope.store, user, hashed, scope.clock())
                chosen.tell(scope, written)
            return written

        with _problems_of_email():
            return await (work(running) if hashed is None else run_unit(running, work))

    async def update(self, running: RunningApp, caller: Caller, key: ObjectId, body: Any, write: Writing) -> Write:
        """The user after the change; a new password or another status ends all sessions of the user. Raises Forbidden
        for a developer's record."""
        person = await find_user(running, caller, key)
        check_developer(caller, person.document)
        mask = running.access(caller, USERS).updating.on(running.entity(USERS).rules.load(person.document))
        rules = _rules_of_groups(running, mask, body) or person.membership.password
        chosen = _choose(body, mask, rules, running.clock(), caller)
        hashed = await _hash(running, chosen)

        async def work(scope: RunningApp) -> Write:
            written = await write(scope, chosen.body, chosen.problems)
            if hashed is not None:
                await store_hash(scope.store, key, hashed, scope.clock())
                finally_do(scope, partial(scope.desk.known.forget_person, key))
                chosen.tell(scope, written)
            return written

        with _problems_of_email():
            return await (work(running) if hashed is None else run_unit(running, work))

    def check_removal(self, caller: Caller, document: Mapping[str, Any]) -> None:
        """Developers are deleted by developers only."""
        check_developer(caller, document)

    def check_action(self, running: RunningApp, caller: Caller, name: str, document: Mapping[str, Any]) -> None:
        """Actions ask for the right to change the user; what is done to developers, and passwords that are told, are
        for developers only."""
        rules = running.entity(USERS).rules
        rules.rights.check_change_of(rules.load(document), running.access(caller, USERS))
        check_developer(caller, document)
        if name in TELLING and not caller.developer:
            raise Forbidden("Only a developer may reset a password")

    def check_job(self, name: str) -> None:
        """A password is told once, to whoever waits for it, and kept nowhere."""
        if name in TELLING:
            raise BadRequest(f"{name} tells a password, which no job may keep; leave _async out")

    async def check_change(
        self,
        scope: RunningApp,
        caller: Caller,
        key: ObjectId,
        old: Mapping[str, Any],
        new: Mapping[str, Any] | None = None,
    ) -> None:
        """One active developer stays, as nobody else could make another; the server's own blocks are none of this."""
        leaves = _is_active_developer(old) and (new is None or not _is_active_developer(new))
        if not leaves or caller.origin == SYSTEM.origin:
            return
        others = {"_id": {"$ne": key}, **ACTIVE_DEVELOPER}
        if not await scope.store.update(USERS, others, {"$inc": {REVISION: 1}}):  # so that nobody shuts them out now
            raise Conflict("This is the last active developer; make somebody else one first")

    async def written(self, scope: RunningApp, write: Write) -> None:
        """Another status ends all sessions, and the failures of who is no longer blocked count anew; whatever else
        changed is seen by the user's next request."""
        if write.old is None:
            return
        key = ObjectId(write.record["id"])
        if write.old["status"] != write.record["status"]:
            await end_sessions(scope.store, key)
            if write.old["status"] == BLOCKED:
                await Throttle(scope.store, scope.desk.policy).forgive(write.record[STANDARDIZED])
        finally_do(scope, partial(scope.desk.known.forget_person, key))

    async def removed(self, scope: RunningApp, key: ObjectId) -> None:
        """Tokens and passwords of who is gone are worth nothing any more."""
        await remove_credentials(scope.store, key)
        finally_do(scope, partial(scope.desk.known.forget_person, key))


async def find_user(running: RunningApp, caller: Caller, key: ObjectId) -> Person:
    """The user with that id; raises NotFound, and what the app says of records that the caller may not read."""
    rules = running.entity(USERS).rules
    person = await read_person(running, key)
    if person is None:
        raise rules.rights.missing(str(key))
    rules.rights.check_read(rules.load(person.document), running.access(caller, USERS))
    return person


def check_developer(caller: Caller, document: Mapping[str, Any]) -> None:
    """Raises Forbidden where others than developers touch the record of one."""
    if is_developer(document) and not caller.developer:
        raise Forbidden("Only a developer may change a developer")


def _is_active_developer(user: Mapping[str, Any]) -> bool:
    return user["status"] == ACTIVE and is_developer(user)


async def _allows_password(running: RunningApp, mask: WriteMask, user: ObjectId) -> bool:
    """Whether a condition on new users, if there is one, lets the one that was made have a password."""
    if GROUP not in mask.conditions:
        return True
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


async def _hash(running: RunningApp, chosen: Chosen) -> str | None:
    if chosen.password is None or chosen.problems:
        return None
    return await running.desk.hasher.hash(chosen.password)


def _rules_of_groups(running: RunningApp, mask: WriteMask, body: Any) -> PasswordRules | None:
    """The password rules of the groups that a body gives the user; None where it gives none, or may not."""
    if not isinstance(body, Mapping) or not mask.may_write("groups.group"):
        return None
    return running.compiled.memberships.rules_for(body.get("groups"))


def _choose(body: Any, mask: WriteMask, rules: PasswordRules, now: int, caller: Caller) -> Chosen:
    """As _take_password, with everything that is wrong with what the record's own rules cannot judge."""
    chosen = _take_password(body, mask, rules, now, caller)
    return replace(chosen, problems=(*chosen.problems, *_place_problems(body, mask)))


def _take_password(body: Any, mask: WriteMask, rules: PasswordRules, now: int, caller: Caller) -> Chosen:
    """The body as the record's write takes it, and the password that was in it."""
    if not isinstance(body, Mapping) or not isinstance(body.get(GROUP), Mapping) or mask.hides(GROUP):
        return Chosen(body)  # nothing to take, or for the write itself to refuse
    group = dict(body[GROUP])
    password, confirmation, generate = (group.pop(name, None) for name in (NEW, CONFIRMATION, GENERATE))
    for name in KEPT_BY_SERVER if caller.origin != SYSTEM.origin else ():
        group.pop(name, None)
    rest = {**body, GROUP: group}
    given = password not in (None, "") or confirmation not in (None, "")
    if not (given or generate) or not mask.may_write(f"{GROUP}.{NEW}"):
        return Chosen(rest)
    problems = _password_problems(password, confirmation, rules) if given else ()
    problems += _generating_problems(generate, given=given)
    if problems:
        return Chosen(rest, None, problems)
    group["lastPasswordChange"] = now
    if given:
        return Chosen(rest, password)
    group["passwordExpired"] = True
    return Chosen(rest, make_password(rules.min_length), made=True)


def _generating_problems(generate: Any, *, given: bool) -> tuple[FieldProblem, ...]:
    if generate is not None and not isinstance(generate, bool):
        return (_problem(GENERATE, "invalid", "Expected true or false", {"rejectedValue": generate}),)
    if generate and given:
        return (_problem(GENERATE, "invalid", "Either a password is given, or one is made"),)
    return ()


def _place_problems(body: Any, mask: WriteMask) -> tuple[FieldProblem, ...]:
    """What is wrong with the time zone and the language; texts only, the rest is for the write itself to refuse."""
    group = body.get(PLACE) if isinstance(body, Mapping) else None
    if not isinstance(group, Mapping):
        return ()
    problems = []
    for name, (label, is_known, expected) in _PLACES.items():
        sent, where = group.get(name), f"{PLACE}.{name}"
        if isinstance(sent, str) and sent and not is_known(sent) and mask.may_write(where):
            problems.append(FieldProblem(where, label, "invalid", f"Expected {expected}", {"rejectedValue": sent}))
    return tuple(problems)


@cache
def _zones() -> frozenset[str]:
    """The names of the IANA database."""
    return frozenset(available_timezones())


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


_LABELS = {NEW: "New password", CONFIRMATION: "Password confirmation", GENERATE: "Generate password"}
PLACE = "localization"
_PLACES: Mapping[str, tuple[str, Callable[[str], object], str]] = {
    "timezone": ("Timezone", lambda text: text in _zones(), "a time zone such as Europe/Berlin or UTC"),
    "language": ("Language", find_language, "a language such as english, spanish, de or pt-BR"),
}
"""What a user's localization says: label, whether a text is one, what is expected."""


def _problem(name: str, code: str, message: str, info: Mapping[str, object] | None = None) -> FieldProblem:
    return FieldProblem(f"{GROUP}.{name}", _LABELS[name], code, message, info)


__all__ = ["GROUP", "TEMPORARY", "UserKeeper"]
