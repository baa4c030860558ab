"""Logging in and out, and changing one's own password: in go bodies and addresses, out come sessions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import (
    BadRequest,
    FieldProblem,
    Forbidden,
    NotFound,
    PasswordExpired,
    Unauthorized,
    ValidationErrors,
    did_you_mean,
)
from engine.permissions.addresses import Address, render_address
from engine.permissions.passwords import validate_password
from server.runtime import users
from server.runtime.auth.callers import may_impersonate
from server.runtime.auth.people import Person, find_person, standardize_email
from server.runtime.auth.proving import Proven, prove_password
from server.runtime.auth.tokens import end_token, start_session
from server.runtime.running import Caller, RunningApp

Json = dict[str, Any]

EMAIL, PASSWORD, NEW_PASSWORD, IMPERSONATED = "email", "password", "newPassword", "emailImpersonatedUser"


async def login(running: RunningApp, body: Mapping[str, Any], address: Address | None) -> Json:
    """A new session: {app, adminUserEmail, ip, userEmail, userName, userId, token}.

    Raises BadRequest for a body that is not as it should be, Unauthorized for an unknown address or a wrong password,
    TooManyRequests after too many of these; with the right password Forbidden where the login is not allowed,
    PasswordExpired, NotFound where there is nobody to be impersonated.
    """
    given = _texts(body, (EMAIL, PASSWORD), (IMPERSONATED,))
    proven = await prove_password(running, given[EMAIL], given[PASSWORD], address)
    person = proven.person
    _check_welcome(person, address)
    if person.must_change_password:
        raise PasswordExpired("The password has expired: set a new one with PUT /auth/password")
    await proven.confirm(running.clock())
    if IMPERSONATED not in given:
        return await _start(running, person, None, address)
    return await _start(running, await _impersonated(running, person, given[IMPERSONATED], address), person, address)


async def logout(running: RunningApp, caller: Caller) -> Json:
    """Ends the token that the caller showed, at once in this process and in less than a second in all others."""
    if caller.token is None:
        raise Unauthorized("There is no token to end: send it in the header token")
    await end_token(running.store, caller.token)
    running.desk.known.forget_token(caller.token)
    return {}


async def change_password(running: RunningApp, body: Mapping[str, Any], address: Address | None) -> Json:
    """Sets one's own password, expired or not, and logs in: all sessions end, and the answer is that of `login`.

    Raises what `login` raises, and ValidationErrors where the new password breaks the rules.
    """
    given = _texts(body, (EMAIL, PASSWORD, NEW_PASSWORD))
    proven = await prove_password(running, given[EMAIL], given[PASSWORD], address)
    _check_welcome(proven.person, address)
    return await _set_password(running, proven, given, address)


async def change_current_password(running: RunningApp, caller: Caller, body: Mapping[str, Any]) -> Json:
    """As `change_password`, for the user of the session that asks; raises Forbidden for any other kind of token."""
    given = _texts(body, (PASSWORD, NEW_PASSWORD))
    if caller.user is None:
        raise Unauthorized("A token is needed: log in, or use PUT /auth/password")
    if caller.admin is not None or caller.scopes is not None:
        raise Forbidden("A password can be changed only by the person who logged in with it")
    proven = await prove_password(running, caller.user["email"], given[PASSWORD], caller.address)
    return await _set_password(running, proven, given, caller.address)


async def current_user(running: RunningApp, caller: Caller) -> Json:
    """The caller's own record; raises Unauthorized for callers without one."""
    if caller.user is None:
        raise Unauthorized("A token is needed: log in, and send it in the header token")
    return caller.user


async def _impersonated(running: RunningApp, person: Person, email: str, address: Address | None) -> Person:
    if not person.may_impersonate:
        raise Forbidden("You may not log in as somebody else")
    other = await find_person(running, standardize_email(email))
    if other is None:
        raise NotFound(f"There is no user with the e-mail address {email}")
    if not may_impersonate(person, other):
        raise Forbidden("Only a developer may log in as a developer")
    _check_welcome(other, address)
    return other


def _check_welcome(person: Person, address: Address | None) -> None:
    if not person.is_active:
        raise Forbidden(f"The user is {person.status}")
    if not person.membership.admits(address):
        raise Forbidden("This user may not use the app from this address")


async def _set_password(running: RunningApp, proven: Proven, given: Mapping[str, str], address: Address | None) -> Json:
    person, password = proven.person, given[NEW_PASSWORD]
    broken = [
        FieldProblem(NEW_PASSWORD, "New password", "invalid", rule.message, {"rule": rule.rule, "limit": rule.limit})
        for rule in validate_password(password, person.membership.password)
    ]
    if password == given[PASSWORD]:
        message = "Use another password than the present one"
        broken.append(FieldProblem(NEW_PASSWORD, "New password", "invalid", message, None))
    if broken:
        raise ValidationErrors(broken)
    await proven.confirm(running.clock())
    changed = await users.change_password(running, person, password)
    return await _start(running, changed, None, address)


async def _start(running: RunningApp, user: Person, admin: Person | None, address: Address | None) -> Json:
    people = (user,) if admin is None else (user, admin)
    token = await start_session(
        running.store,
        user.id,
        None if admin is None else admin.id,
        [person.epoch for person in people],
        running.clock(),
        min(person.membership.session_timeout for person in people),
    )
    return {
        "app": running.compiled.app.name,
        "adminUserEmail": None if admin is None else admin.email,
        "ip": render_address(address),
        "userEmail": user.email,
        "userName": user.name,
        "userId": str(user.id),
        "token": token,
    }


def _texts(body: Mapping[str, Any], needed: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, str]:
    """The texts of a body; raises BadRequest for what is missing, empty, no text or not known. Nothing else in it can
    reach the database."""
    known = (*needed, *optional)
    for name in body:
        if name not in known:
            raise BadRequest(f"There is no {name} here; {did_you_mean(name, known) or 'known are ' + ', '.join(known)}")
    given = {name: value for name, value in body.items() if value is not None and value != ""}
    missing = [name for name in needed if name not in given]
    if missing:
        raise BadRequest(f"Missing: {', '.join(missing)}")
    for name, value in given.items():
        if not isinstance(value, str):
            raise BadRequest(f"{name} must be a text")
    return given


__all__ = ["change_current_password", "change_password", "current_user", "login", "logout"]
