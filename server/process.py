"""One serving process: in go an ASGI app and a listening socket, out come answers until somebody says stop."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from engine.errors import CastworkError
from server.http.protocol import build_protocol
from server.http.serving import Host
from server.settings import Settings

BACKLOG = 2048


class CannotListen(CastworkError):
    """The address cannot be listened on; the message says why and what to do."""


def open_socket(host: str, port: int) -> socket.socket:
    """A listening socket; raises CannotListen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise CannotListen(f"Cannot listen on {host}:{port}: {reason}; choose another --port") from error


def address(listener: socket.socket) -> str:
    """The address of a socket as the start of a URL."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class GracefulServer(uvicorn.Server):
    """Uvicorn that tells readiness first when it is stopped, drains, and then exits with 0.

    SIGTERM lets it accept requests for `drain` seconds more, so that balancers can turn away; SIGINT does not wait. A
    second signal cuts the requests under way.
    """

    def __init__(self, config: uvicorn.Config, host: Host, drain: float, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._host = host
        self._drain = drain
        self._on_start = on_start
        self._stop_at = float("inf")

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends the start: what lives now lives for ever, so the collector need not look at it again."""
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        self._on_start()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Notes that the server shall stop; runs inside a signal handler, so it does no more."""
        if self._host.stopping:
            self.should_exit = self.force_exit = True
        self.stop(self._drain if sig == signal.SIGTERM else 0)

    def stop(self, drain: float) -> None:
        """Stops after `drain` seconds; readiness says so at once."""
        self._host.stopping = True
        self._stop_at = time.monotonic() + drain

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second."""
        self.should_exit = self.should_exit or time.monotonic() >= self._stop_at
        now = asyncio.get_running_loop().time()
        for connection in tuple(self.server_state.connections):
            connection.end_if_slow(now)  # type: ignore[union-attr]  # all are BoundedProtocol
        return await super().on_tick(counter)


async def run_server(
    app: ASGIApp,
    host: Host,
    settings: Settings,
    listener: socket.socket,
    on_start: Callable[[], None],
    lifeline: int | None = None,
) -> None:
    """Serves until it is told to stop and everything under way has ended.

    `lifeline` is the file descriptor of a pipe whose other end a parent holds: the server stops when it closes.
    """
    config = uvicorn.Config(
        app,
        http=build_protocol(settings),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=settings.keep_alive,
        timeout_graceful_shutdown=settings.stop_timeout,
    )
    server = GracefulServer(config, host, settings.drain, on_start)
    if lifeline is not None:
        asyncio.get_running_loop().add_reader(lifeline, server.stop, 0.0)
    await server.serve(sockets=[listener])


__all__ = ["CannotListen", "GracefulServer", "address", "open_socket", "run_server"]
