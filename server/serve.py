"""`castwork serve`: in go a path and settings, out comes a running server; returns when it was told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import tempfile
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from pathlib import Path

from server.app import CannotServe, LoadedApp, Tell, compile_apps, deployed, homes_of, prefix_of
from server.background import working
from server.database import Databases, open_databases
from server.http.dispatch import build_http
from server.http.serving import Host
from server.metrics import FOLDER as COUNTS
from server.metrics import forget_counts
from server.process import address, open_socket, run_server
from server.reload import reloading
from server.settings import Settings, to_environment
from server.store import count_connections
from server.tracing import configure_tracing
from server.workers import Workers

STOP_MARGIN = 5.0
"""Seconds that workers get beyond what their requests may take."""


def serve_path(path: Path, settings: Settings, environment: Mapping[str, str], tell: Tell) -> None:
    """Serves the apps at a path until SIGTERM or SIGINT; `tell` gets what people at the terminal should know.

    Raises NoApp, DefinitionErrors, CannotServe, CannotListen, WorkersFailed and the errors of the embedded database.
    """
    loaded = compile_apps(path)
    listener = open_socket(settings.host, settings.port)
    if settings.workers > 1:
        _run(_serve_by_workers(path, loaded, settings, listener, environment, tell))
    else:
        _run(_serve_here(loaded, settings, listener, environment, tell))


def serve_as_worker(
    path: Path, settings: Settings, listener_fd: int, environment: Mapping[str, str], tell: Tell
) -> None:
    """Serves on a socket that the parent opened, until told to or until the parent is gone."""
    listener = socket.socket(fileno=listener_fd)
    loaded = compile_apps(path)
    _run(_serve_here(loaded, settings, listener, environment, tell, parent=sys.stdin.fileno()))


async def _serve_here(
    loaded: Sequence[LoadedApp],
    settings: Settings,
    listener: socket.socket,
    environment: Mapping[str, str],
    tell: Tell,
    parent: int | None = None,
) -> None:
    """`parent` is a pipe from the parent of a worker, which holds the databases and has told where the APIs are."""
    count_connections()
    configure_tracing(environment)
    async with contextlib.AsyncExitStack() as stack:
        opening = open_databases(settings.db, homes_of(loaded), join=parent is not None)
        databases = await stack.enter_async_context(opening)
        deployments = await stack.enter_async_context(deployed(loaded, settings, databases.connect, tell))
        if settings.reload:
            await stack.enter_async_context(reloading(deployments, tell))
        host = Host(one.served for one in deployments)
        if settings.jobs:
            await stack.enter_async_context(working(deployments, settings, stopping=lambda: host.stopping))
        http = build_http(host, settings, prefix_of(loaded, settings))

        def greet() -> None:
            if parent is None:
                tell(_greeting(loaded, settings, listener, databases))

        await run_server(http, host, settings, listener, greet, lifeline=parent)


async def _serve_by_workers(
    path: Path,
    loaded: Sequence[LoadedApp],
    settings: Settings,
    listener: socket.socket,
    environment: Mapping[str, str],
    tell: Tell,
) -> None:
    """The parent holds the socket and the embedded databases; workers answer."""
    async with contextlib.AsyncExitStack() as stack:
        databases = await stack.enter_async_context(open_databases(settings.db, homes_of(loaded)))
        if not databases.shared:
            raise CannotServe("Workers cannot share a database in memory: leave --workers out or give another --db")
        command = [sys.executable, "-m", "server", "serve", str(path), "--listener", str(listener.fileno())]
        counts = stack.enter_context(tempfile.TemporaryDirectory(prefix="castwork-counts-"))
        inherited = {**environment, **to_environment(settings, workers=1), COUNTS: counts}
        workers = Workers(command, inherited, listener, partial(forget_counts, counts))
        tell(_greeting(loaded, settings, listener, databases))
        await workers.run(settings.workers, settings.drain + settings.stop_timeout + STOP_MARGIN)


def _greeting(loaded: Sequence[LoadedApp], settings: Settings, listener: socket.socket, databases: Databases) -> str:
    where = address(listener) + prefix_of(loaded, settings)
    lines = [
        f"{one.compiled.app.label}: {where.format(app=one.name)} ({databases.of[one.name].described})" for one in loaded
    ]
    return "\n".join(lines)


def _run(serving: Coroutine[object, object, None]) -> None:
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(serving)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


__all__ = ["serve_as_worker", "serve_path"]
