"""What is told of each request once it is answered: a count, a line on standard error and one in the app's log, a span.

Values of records, query strings and bodies are in none of them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.logs import Line, Speaker, event_of, level_of, tells_of
from engine.query.lines import Level
from engine.routes import Route
from server.log import REQUEST_ID
from server.metrics import count_request
from server.runtime.logs import speaker_of
from server.runtime.running import Caller, RunningApp
from server.settings import Settings
from server.tracing import tracing

logger = logging.getLogger("castwork.requests")

KEY = "castwork.exchange"
NO_SHAPE = "none"
"""The route of requests that found none."""
CLIENT_GONE = 499
"""The status of a request whose client did not wait for the answer."""
MOST_PATH = 300
"""Bytes of a path that the log tells."""
_NO_SPAN = nullcontext()
_LEVELS: Mapping[Level, int] = {Level.INFO: logging.INFO, Level.WARN: logging.WARNING, Level.ERROR: logging.ERROR}


@dataclass(slots=True)
class Exchange:
    """One request on its way, filled in by whoever finds out more."""

    shape: str = NO_SHAPE
    app: str = ""
    running: RunningApp | None = None
    route: Route | None = None
    caller: Caller | None = None
    login: Speaker | None = None
    status: int = CLIENT_GONE

    @property
    def known(self) -> bool:
        """Whether a user asked."""
        return self.login is not None or (self.caller is not None and self.caller.user is not None)

    @property
    def speaker(self) -> Speaker:
        """Who asked, as far as it is known."""
        if self.login is not None:
            return self.login
        return Speaker() if self.caller is None else speaker_of(self.caller)


def exchange_of(scope: Scope) -> Exchange:
    """What is known of a request; where nobody will tell it, it is kept for nobody."""
    found: Exchange | None = scope.get(KEY)
    if found is None:
        found = scope[KEY] = Exchange()
    return found


def note_login(scope: Scope, answer: Mapping[str, Any]) -> None:
    """Notes who has just logged in."""
    exchange_of(scope).login = Speaker(answer["userEmail"], answer["adminUserEmail"], answer["ip"])


class Telling:
    """Tells of every request as soon as it has been answered. Costs some microseconds, and waits for nothing."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._every = settings.access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on and looks at the answer's status."""
        exchange = scope[KEY] = Exchange()
        began = perf_counter()

        def send_and_note(message: Message) -> object:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
            return send(message)

        present = tracing()
        method = scope["method"]
        span_of: AbstractContextManager[Any] = _NO_SPAN
        if present is not None:
            span_of = present.request(method, scope["headers"])
        with span_of as span:
            try:
                await self._app(scope, receive, send_and_note)  # type: ignore[arg-type]  # send's awaitable is handed on
            finally:
                seconds = perf_counter() - began
                count_request(exchange.app, exchange.shape, method, exchange.status, seconds)
                self._tell(scope, exchange, seconds)
                if present is not None:
                    present.end_request(span, f"{method} {exchange.shape}", exchange.status, _attributes(exchange))

    def _tell(self, scope: Scope, exchange: Exchange, seconds: float) -> None:
        route, running = exchange.route, exchange.running
        kept = (
            route is not None
            and running is not None
            and tells_of(route, exchange.status, known=exchange.known, reads=running.log.reads)
        )
        if not kept and not self._every:
            return
        level = level_of(exchange.status)
        if logger.isEnabledFor(_LEVELS[level]):
            told = _told(scope, exchange, seconds)
            logger.log(
                _LEVELS[level],
                "%s %s %d",
                scope["method"],
                exchange.shape,
                exchange.status,
                extra={"told": told},
            )
        if kept and route is not None and running is not None:
            path = scope["raw_path"][:MOST_PATH].decode("latin-1")
            info = {"requestId": REQUEST_ID.get(), "status": exchange.status}
            line = Line(level, f"{scope['method']} {path}", exchange.speaker, event_of(route), info=info)
            running.log.add(line, running.clock())


def _told(scope: Scope, exchange: Exchange, seconds: float) -> dict[str, object]:
    """The parts of a line on standard error."""
    caller = exchange.caller
    told: dict[str, object] = {
        "app": exchange.app,
        "method": scope["method"],
        "route": exchange.shape,
        "entity": None if exchange.route is None else exchange.route.entity,
        "status": exchange.status,
        "ms": round(seconds * 1000, 3),
        "user": _id_of(None if caller is None else caller.user),
        "admin": _id_of(None if caller is None else caller.admin),
    }
    return {name: value for name, value in told.items() if value not in (None, "")}


def _id_of(person: Mapping[str, Any] | None) -> str | None:
    return str(person["id"]) if person and "id" in person else None


def _attributes(exchange: Exchange) -> dict[str, str]:
    found = {
        "http.route": exchange.shape,
        "castwork.app": exchange.app,
        "castwork.request.id": REQUEST_ID.get() or "",
        "castwork.entity": (exchange.route and exchange.route.entity) or "",
    }
    return {name: value for name, value in found.items() if value}


__all__ = ["KEY", "Exchange", "Telling", "exchange_of", "note_login"]
