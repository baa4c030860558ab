"""Who sends a request: in go its headers and the peer of its connection, out come an address and a Caller.

A token is taken from the header `token`, else from `Authorization: Bearer`, else from the cookie `token`. Browsers send
cookies along whoever made the page that asks, so a cookie serves for reading only.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.types import Scope

from engine.permissions.addresses import Address, AllowList, find_client
from server.http.responses import Header
from server.runtime.auth.callers import authenticate
from server.runtime.running import Caller, RunningApp

Identify = Callable[[Scope, RunningApp, Address | None], Awaitable[Caller]]

COOKIE = "token"
READING = frozenset({"GET", "HEAD"})
_BEARER = "bearer "


async def identify(scope: Scope, running: RunningApp, address: Address | None) -> Caller:
    """The caller; raises Unauthorized and Forbidden, see authenticate."""
    return await authenticate(running, read_token(scope), address)


def read_token(scope: Scope) -> str | None:
    """The token that a request shows; None where it shows none, or none that may be used for its method."""
    found: dict[bytes, str] = {
        name: value.decode("latin-1") for name, value in scope["headers"] if name in _CARRIERS and value
    }
    if b"token" in found:
        return found[b"token"]
    authorization = found.get(b"authorization", "")
    if authorization[: len(_BEARER)].lower() == _BEARER:
        return authorization[len(_BEARER) :].strip()
    if b"cookie" in found and scope["method"] in READING:
        return _from_cookie(found[b"cookie"])
    return None


_CARRIERS = frozenset({b"token", b"authorization", b"cookie"})


def _from_cookie(text: str) -> str | None:
    for pair in text.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE and value:
            return value
    return None


def read_address(scope: Scope, trusted: AllowList) -> Address | None:
    """The client's address: the peer's, or what trusted proxies say that they were asked from."""
    peer = scope.get("client")
    forwarded = []
    if trusted:
        forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return find_client(peer[0] if peer else None, forwarded, trusted)


def token_cookie(scope: Scope, token: str | None, path: str) -> Header:
    """The header that gives a browser the token, or takes it away (None)."""
    secure = "; Secure" if scope["scheme"] == "https" else ""
    ended = "; Max-Age=0" if token is None else ""
    text = f"{COOKIE}={token or ''}; Path={path or '/'}; HttpOnly; SameSite=Lax{secure}{ended}"
    return b"set-cookie", text.encode()


__all__ = ["Identify", "identify", "read_address", "read_token", "token_cookie"]
