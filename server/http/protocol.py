"""HTTP as uvicorn reads it, with bounds on the heads and the pace of requests, and refusals in the error shape."""

from __future__ import annotations

import asyncio
import os

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from engine.errors import BadRequest, HeadTooLarge, RequestError
from server.http.middleware import STANDARD_HEADERS
from server.http.problems import handle_error
from server.log import REQUEST_ID
from server.settings import Settings


class BoundedProtocol(HttpToolsProtocol):
    """One connection; subclasses carry the settings.

    `head_since` is the loop's time at which an unfinished head began, `body_since` the one at which the last of an
    unfinished body came; None while there is none.
    """

    settings: Settings
    head_since: float | None = None
    body_since: float | None = None
    _head_size = 0
    _refusal: RequestError = BadRequest("The request is not valid HTTP")

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A connection counts as an unfinished head until its first request is read."""
        super().connection_made(transport)
        self.head_since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        """Cuts a head that goes on and on: the parser would gather it without end."""
        if self.head_since is not None:
            if self._head_size > self.settings.max_headers:
                self._refuse_head()
                return self.send_400_response("")
            self._head_size += len(data)
        if self.body_since is not None:
            self.body_since = self.loop.time()
        return super().data_received(data)

    def on_message_begin(self) -> None:
        """Called by the parser when a request begins."""
        super().on_message_begin()
        if self.head_since is None:
            self.head_since = self.loop.time()
            self._head_size = 0

    def on_headers_complete(self) -> None:
        """Called by the parser when the head has ended; uvicorn answers any error here with send_400_response."""
        self.head_since = None
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > self.settings.max_headers:
            self._refuse_head()
            raise self._refusal
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            self._refusal = BadRequest("A request needs one Host header, and no second one")
            raise self._refusal
        super().on_headers_complete()
        self.body_since = self.loop.time()

    def on_message_complete(self) -> None:
        """Called by the parser when the body has ended, at once where a request has none."""
        self.body_since = None
        super().on_message_complete()

    def _refuse_head(self) -> None:
        limit = self.settings.max_headers
        self._refusal = HeadTooLarge(f"The head of the request is too large: at most {limit} bytes are allowed")

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn instead of the app. Answers the refusal and closes the connection."""
        REQUEST_ID.set(os.urandom(12).hex())
        answer = handle_error(self._refusal)
        headers = [*answer.headers, *STANDARD_HEADERS, (b"connection", b"close")]
        lines = [name + b": " + value + b"\r\n" for name, value in headers]
        self.transport.write(b"".join([STATUS_LINE[answer.status], *lines, b"\r\n", answer.body]))
        self.transport.close()

    def end_if_slow(self, now: float) -> None:
        """Closes a connection whose client takes too long over the head of a request, or sends no more of its body."""
        if self.head_since is not None and now - self.head_since > self.settings.header_timeout:
            self.transport.close()
        elif self.body_since is not None:
            if self.flow.read_paused or self.cycle.waiting_for_100_continue:  # the client waits, and not the server
                self.body_since = now
            elif now - self.body_since > self.settings.body_timeout:
                self.transport.close()


def build_protocol(bounds: Settings) -> type[BoundedProtocol]:
    """The protocol with its settings, as a class that uvicorn makes connections of."""
    return type("Protocol", (BoundedProtocol,), {"settings": bounds})


__all__ = ["BoundedProtocol", "build_protocol"]
