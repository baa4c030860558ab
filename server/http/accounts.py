"""The handlers about people: logging in and out, passwords, and the caller's own record."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp

from server.http.exchange import note_login
from server.http.identity import token_cookie
from server.http.requests import Call, read_object, read_pairs
from server.http.responses import Header, answer_json
from server.runtime.auth import login
from server.runtime.parameters import refuse_parameters, take_flags

LOGIN_FLAGS: Mapping[str, str] = {"cookie": "cookie"}


async def log_in(call: Call) -> ASGIApp:
    """POST /auth/login; with `cookie=true` the token is set as a cookie too."""
    cookie = _wants_cookie(call)
    answer = await login.login(call.running, await read_object(call), call.caller.address)
    note_login(call.scope, answer)
    return answer_json(answer, headers=_cookies(call, "/auth/login", answer["token"]) if cookie else ())


async def log_out(call: Call) -> ASGIApp:
    """POST /auth/logout; takes the cookie away where there is one."""
    refuse_parameters(read_pairs(call))
    answer = await login.logout(call.running, call.caller)
    has_cookie = any(name == b"cookie" for name, _ in call.scope["headers"])
    return answer_json(answer, headers=_cookies(call, "/auth/logout", None) if has_cookie else ())


async def change_password(call: Call) -> ASGIApp:
    """PUT /auth/password; needs no token, answers like a login."""
    cookie = _wants_cookie(call)
    answer = await login.change_password(call.running, await read_object(call), call.caller.address)
    note_login(call.scope, answer)
    return answer_json(answer, headers=_cookies(call, "/auth/password", answer["token"]) if cookie else ())


async def tell_current_user(call: Call) -> ASGIApp:
    """GET /users/current."""
    refuse_parameters(read_pairs(call))
    return answer_json(await login.current_user(call.running, call.caller))


async def change_current_password(call: Call) -> ASGIApp:
    """PUT /users/current/password; answers like a login."""
    refuse_parameters(read_pairs(call))
    return answer_json(await login.change_current_password(call.running, call.caller, await read_object(call)))


def _wants_cookie(call: Call) -> bool:
    flags, rest = take_flags(read_pairs(call), LOGIN_FLAGS)
    refuse_parameters(rest, LOGIN_FLAGS)
    return flags.get("cookie", False)


def _cookies(call: Call, path: str, token: str | None) -> tuple[Header, ...]:
    """The cookie for all of the app, whose API begins where `path` stands in it."""
    here: str = call.scope["path"]
    return (token_cookie(call.scope, token, here.removesuffix(path)),)


__all__ = [
    "change_current_password",
    "change_password",
    "log_in",
    "log_out",
    "tell_current_user",
]
