"""Background jobs in a process: in go deployed apps, out comes their work done until the process is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from pathlib import Path

from server.app import CannotServe, Deployment, LoadedApp, Tell, compile_apps, deployed, homes_of
from server.database import open_databases
from server.runtime.cancelling import end_tasks
from server.runtime.jobs import JOB_KINDS, Timing, Worker
from server.settings import Settings
from server.tracing import configure_tracing

GLANCE = 0.1
"""How often it is looked whether the process is being stopped, in seconds."""
LEAVING_TIME = 20.0
"""Seconds that workers have to hand back their jobs; then they are ended, and their leases run out."""
CANCEL_AGAIN = 1.0
"""Seconds after which a task that forgot its cancellation is cancelled again."""


@contextlib.asynccontextmanager
async def working(
    deployments: Sequence[Deployment],
    settings: Settings,
    queues: Collection[str] | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> AsyncIterator[None]:
    """While it is entered, the apps' background jobs are run. Jobs are handed back as soon as `stopping` says so, and
    at the end."""
    timing = Timing(lease=settings.job_lease)
    tasks = [asyncio.create_task(_worker_of(one, timing, queues).run()) for one in deployments]
    ending = asyncio.create_task(_cancel_when(stopping, tasks))
    try:
        yield
    finally:
        await end_tasks([ending], CANCEL_AGAIN)
        _cancel(tasks)
        late = (await asyncio.wait(tasks, timeout=LEAVING_TIME))[1] if tasks else ()
        await end_tasks(late, CANCEL_AGAIN)


def work_at(path: Path, settings: Settings, queues: Collection[str] | None, tell: Tell) -> None:
    """Runs background jobs of the apps at a path until SIGTERM or SIGINT.

    Raises NoApp, DefinitionErrors, CannotServe and the errors of the embedded database.
    """
    loaded = compile_apps(path)
    _check_queues(loaded, queues or ())
    configure_tracing(os.environ)
    asyncio.run(_work(loaded, settings, queues, tell))


async def _work(loaded: Sequence[LoadedApp], settings: Settings, queues: Collection[str] | None, tell: Tell) -> None:
    stop = asyncio.Event()
    for sig in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sig, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        databases = await stack.enter_async_context(open_databases(settings.db, homes_of(loaded), join=True))
        if not databases.shared:
            raise CannotServe("A database in memory is seen by its own process only: give a worker another --db")
        deploying = deployed(loaded, settings, databases.connect, tell, inviting=False)
        deployments = await stack.enter_async_context(deploying)
        await stack.enter_async_context(working(deployments, settings, queues))
        names = ", ".join(f"{one.name} ({databases.of[one.name].described})" for one in loaded)
        tell(f"Working on background jobs of {names}")
        await stop.wait()


def _worker_of(deployment: Deployment, timing: Timing, queues: Collection[str] | None) -> Worker:
    return Worker(lambda: deployment.served.edition.running, JOB_KINDS, timing, queues)


async def _cancel_when(stopping: Callable[[], bool], tasks: Sequence[asyncio.Task[None]]) -> None:
    while not stopping():  # noqa: ASYNC110 - told by a flag that a signal handler sets
        await asyncio.sleep(GLANCE)
    _cancel(tasks)


def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Each task is cancelled once, so that workers are not disturbed while they hand back their jobs."""
    for task in tasks:
        if not task.cancelling():
            task.cancel()


def _check_queues(loaded: Sequence[LoadedApp], queues: Collection[str]) -> None:
    known = dict.fromkeys(name for one in loaded for name in one.compiled.app.queues)
    for name in queues:
        if name not in known:
            raise CannotServe(f"There is no queue named {name}; known are {', '.join(known)}")


__all__ = ["work_at", "working"]
