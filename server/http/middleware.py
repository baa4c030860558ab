"""What surrounds every request, as plain ASGI: ids, headers, limits, counting, and the last word on errors."""

from __future__ import annotations

import os
from functools import partial

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.errors import RequestError, UriTooLong
from server.http.problems import handle_error
from server.http.responses import Header
from server.http.serving import Host
from server.log import REQUEST_ID
from server.runtime.large import in_thread

ID_ALPHABET = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-"
MAX_ID_LENGTH = 64
MANY_PROBLEMS = 1_000
"""From how many problems on an answer is written in a thread."""

STANDARD_HEADERS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
TLS_HEADERS: tuple[Header, ...] = (
    *STANDARD_HEADERS,
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
)


class InFlight:
    """Counts the requests under way, so that a stopping server can say what it waits for."""

    def __init__(self, app: ASGIApp, host: Host) -> None:
        self._app = app
        self._host = host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on between two counts."""
        self._host.in_flight += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._host.in_flight -= 1


class StandardHeaders:
    """Gives the request its id, and every answer that id and the security headers that it does not set itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A sane X-Request-ID of the client's is kept; else one is made."""
        request_id = _given_id(scope["headers"]) or os.urandom(12).hex()
        REQUEST_ID.set(request_id)
        standard = TLS_HEADERS if scope["scheme"] == "https" else STANDARD_HEADERS

        def send_with_headers(message: Message) -> object:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                given = {name for name, _ in headers}
                headers.extend(header for header in standard if header[0] not in given)
                headers.append((b"x-request-id", request_id.encode()))
            return send(message)

        await self._app(scope, receive, send_with_headers)  # type: ignore[arg-type]  # send's awaitable is handed on


def _given_id(headers: list[Header]) -> str | None:
    for name, value in headers:
        if name == b"x-request-id":
            sane = 0 < len(value) <= MAX_ID_LENGTH and not value.translate(None, ID_ALPHABET)
            return value.decode() if sane else None
    return None


class Problems:
    """Turns every error of a request into its answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An error after the answer began cannot be told any more: it goes to the server, which closes the line."""
        started = False

        def send_and_note(message: Message) -> object:
            nonlocal started
            started = True
            return send(message)

        try:
            await self._app(scope, receive, send_and_note)  # type: ignore[arg-type]  # send's awaitable is handed on
        except ClientDisconnect:
            return
        except Exception as error:
            if started:
                raise
            tell = partial(handle_error, error)
            many = isinstance(error, RequestError) and len(error.problems) > MANY_PROBLEMS
            answer = await in_thread(tell) if many else tell()
            await answer(scope, receive, send)


class Paths:
    """Refuses URLs over the limit, and reads a path with one slash at its end as the path without."""

    def __init__(self, app: ASGIApp, max_url: int) -> None:
        self._app = app
        self._max_url = max_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on with its path in the one form that routes know."""
        if len(scope["raw_path"]) + len(scope["query_string"]) > self._max_url:
            raise UriTooLong(f"The URL is too long: at most {self._max_url} bytes are allowed")
        path = scope["path"]
        if path[-1:] == "/" and path != "/":
            scope["path"] = path[:-1]
        await self._app(scope, receive, send)


__all__ = ["MAX_ID_LENGTH", "STANDARD_HEADERS", "TLS_HEADERS", "InFlight", "Paths", "Problems", "StandardHeaders"]
