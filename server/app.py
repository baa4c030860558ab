"""One server: in go the apps of a path and settings, out come their APIs until the server is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.compiler import CompiledApp, compile_app
from engine.definitions import KnownFiles, find_apps, read_sources
from engine.errors import CastworkError
from server.http.serving import Edition, ServedApp, index_routes
from server.runtime.audit import prepare_audit
from server.runtime.auth.start import make_first_developer, purge_ended
from server.runtime.calls import Calls
from server.runtime.cancelling import end_tasks
from server.runtime.files.reading import prepare_shares
from server.runtime.files.sweeping import keep_sweeping_files
from server.runtime.hooks import BadHooks, Hooks, load_hooks
from server.runtime.idempotency import prepare_idempotency
from server.runtime.jobs import keep_shapes, prepare_jobs
from server.runtime.logs import AppLog
from server.runtime.outbox import keep_sweeping
from server.runtime.running import RunningApp
from server.runtime.waiting import WaitingRoom
from server.settings import Settings
from server.store import Store, StoreError
from server.store.indexes import Report, reconcile_indexes

logger = logging.getLogger(__name__)

Connect = Callable[[str], Awaitable[Store]]
"""From the name of an app to its database; raises StoreUnavailable while that is out of reach."""

Tell = Callable[[str], None]
"""Gets what people at the terminal should know."""

FIRST_TRY = 5.0
"""Seconds that the start waits for the databases. A server whose database is late serves, but is not ready."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 4.0
"""Seconds between tries to reach a database; they double from the first to the longest."""
LAST_WORK = 2.0
"""Seconds that are left to what follows the last writes; the rest waits for the next start."""
CANCEL_AGAIN = 1.0
"""Seconds after which a task that forgot its cancellation is cancelled again."""


class CannotServe(CastworkError):
    """The server cannot be started as it was asked to; the message says what to do."""


@dataclass(frozen=True, slots=True)
class LoadedApp:
    """One app's folder and what its definitions compiled to."""

    folder: Path
    compiled: CompiledApp

    @property
    def name(self) -> str:
        """The app's name in URLs and the name of its database."""
        return self.compiled.app.name


def compile_apps(path: Path) -> tuple[LoadedApp, ...]:
    """The apps at a path; raises NoApp, DefinitionErrors, and CannotServe where two have one name."""
    loaded = tuple(load_app(folder) for folder in find_apps(path))
    for name, count in Counter(one.name for one in loaded).items():
        if count > 1:
            raise CannotServe(f"{count} apps are named {name}: give each a name of its own in its app.yaml")
    return loaded


def load_app(folder: Path, known: KnownFiles | None = None) -> LoadedApp:
    """The app in a folder, of files that are `known` where they have not changed; raises DefinitionErrors."""
    return LoadedApp(folder, compile_app(read_sources(folder), known))


def prefix_of(loaded: Sequence[LoadedApp], settings: Settings) -> str:
    """Where the API begins: under the app's name when there are several."""
    return settings.base_path if len(loaded) == 1 else "/{app}" + settings.base_path


def homes_of(loaded: Sequence[LoadedApp]) -> dict[str, Path]:
    """The folder of each app, by its name."""
    return {one.name: one.folder for one in loaded}


class Deployment:
    """One app between its definitions and the requests that it serves."""

    def __init__(
        self, loaded: LoadedApp, settings: Settings, connect: Connect, tell: Tell, *, inviting: bool = True
    ) -> None:
        """One that is `inviting` makes up a password for the first developer where the settings give none."""
        self.loaded = loaded
        self._inviting = inviting
        self._hooks = _load_hooks(loaded)
        self.served = ServedApp(loaded.name, Edition(index_routes(loaded.compiled.routes)), settings.ready_cache)
        self._settings = settings
        self._connect = connect
        self._tell = tell
        self._running: RunningApp | None = None
        self._sweeping: list[asyncio.Task[None]] = []
        self._writing: asyncio.Task[None] | None = None

    async def prepare(self) -> None:
        """Tries until the database can be used, then lets the app serve its present definitions.

        Raises BadAdministrator where the first developer cannot be made as the settings ask.
        """
        pause = FIRST_PAUSE
        while True:
            try:
                return await self._prepare()
            except StoreError as error:
                logger.warning("The database of %s cannot be used yet: %s", self.loaded.name, error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _prepare(self) -> None:
        compiled = self.loaded.compiled
        if self._running is None:
            running = RunningApp(
                compiled,
                await self._connect(self.loaded.name),
                hooks=self._hooks,
                calls=Calls(self._settings.allow_private_calls),
                action_timeout=self._settings.action_timeout,
                waiting=WaitingRoom(self._settings.max_waiting_jobs),
                log=AppLog(rows=self._settings.log_rows, days=self._settings.log_days, reads=self._settings.log_reads),
            )
        else:
            running = replace(self._running, compiled=compiled, hooks=self._hooks)
        self._running = running
        faults = _faults(await reconcile_indexes(running.store, compiled.indexes))
        await purge_ended(running.store)
        await prepare_jobs(running.store)
        await prepare_audit(running.store)
        await running.store.files.prepare()
        await prepare_shares(running.store)
        await prepare_idempotency(running.store)
        if self._inviting or self._settings.admin_password:
            await self._invite(running)
        await keep_shapes(running)
        self.served.edition = Edition(index_routes(compiled.routes), running, faults)
        if not self._sweeping:
            works = (keep_sweeping(self._serving), keep_sweeping_files(self._serving, self._settings.upload_keep))
            self._sweeping = [asyncio.create_task(work) for work in works]
            self._writing = asyncio.create_task(running.log.keep_writing(lambda: self.served.edition.running))

    async def _invite(self, running: RunningApp) -> None:
        made = await make_first_developer(running, self._settings.admin_email, self._settings.admin_password)
        if made is not None:
            shown = f" with the password {made.password}" if made.password else ""
            self._tell(f"{self.loaded.name}: log in as {made.email}{shown}")

    async def close(self) -> None:
        """Ends what follows writes, and lets go of the database."""
        await end_tasks(self._sweeping, CANCEL_AGAIN)
        if self._running is not None:
            await self._running.outbox.close(LAST_WORK)
        if self._writing is not None:
            await end_tasks([self._writing], CANCEL_AGAIN)
        if self._running is not None:
            await self._running.log.close(self._running.store, LAST_WORK)
            await self._running.store.close()

    def _serving(self) -> RunningApp | None:
        return self.served.edition.running

    def replace(self, loaded: LoadedApp) -> None:
        """Takes other definitions of the same app; they serve once `prepare` has run. Raises CannotServe."""
        hooks = _load_hooks(loaded)
        if loaded.name != self.loaded.name:
            raise CannotServe(f"The app {self.loaded.name} is now named {loaded.name}: restart to serve it so")
        self.loaded, self._hooks = loaded, hooks


def _load_hooks(loaded: LoadedApp) -> Hooks:
    """The functions of the app's hooks.py; raises CannotServe where it cannot be run."""
    try:
        return load_hooks(loaded.compiled.app, loaded.folder)
    except BadHooks as error:
        raise CannotServe(str(error)) from error


def _faults(report: Report) -> dict[str, str]:
    """The entities that cannot be served, and why; what else people should know of is told to the log."""
    for index in report.conflicting:
        logger.warning("%s is there already, made differently, and is left alone: drop it to have it made anew", index)
    for index in report.stale:
        logger.info("%s serves no definition any more: drop it when you like", index)
    for failure in report.failed:
        logger.error("%s is closed: %s", failure.collection, failure.reason)
    return {failure.collection: failure.reason for failure in report.failed}


@contextlib.asynccontextmanager
async def deployed(
    loaded: Sequence[LoadedApp], settings: Settings, connect: Connect, tell: Tell, *, inviting: bool = True
) -> AsyncIterator[list[Deployment]]:
    """While it is entered, every app is connected to its database or keeps trying to be.

    `tell` gets who was made the first developer of a new database; `inviting` is that of Deployment.
    """
    deployments = [Deployment(one, settings, connect, tell, inviting=inviting) for one in loaded]
    tries = [asyncio.create_task(one.prepare()) for one in deployments]
    try:
        done, _ = await asyncio.wait(tries, timeout=FIRST_TRY)
        for task in done:
            task.result()
        yield deployments
    finally:
        await end_tasks(tries, CANCEL_AGAIN)
        for one in deployments:
            await one.close()


__all__ = [
    "CannotServe",
    "Connect",
    "Deployment",
    "LoadedApp",
    "Tell",
    "compile_apps",
    "deployed",
    "homes_of",
    "load_app",
    "prefix_of",
]
