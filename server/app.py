"""One server: in go the apps of a path and settings, out come their APIs until the server is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.compiler import CompiledApp, compile_app
from engine.definitions import find_apps, read_sources
from engine.errors import CastworkError
from server.http.serving import Edition, ServedApp, index_routes
from server.runtime.running import RunningApp
from server.settings import Settings
from server.store import Store, StoreError, StoreUnavailable, reconcile_indexes

logger = logging.getLogger(__name__)

Connect = Callable[[str], Awaitable[Store]]
"""From the name of an app to its database; raises StoreUnavailable while that is out of reach."""

FIRST_TRY = 5.0
"""Seconds that the start waits for the databases. A server whose database is late serves, but is not ready."""
PAUSE = 1.0
"""Seconds between tries to reach a database."""


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


def load_app(folder: Path) -> LoadedApp:
    """The app in a folder; raises DefinitionErrors."""
    return LoadedApp(folder, compile_app(read_sources(folder)))


def prefix_of(loaded: Sequence[LoadedApp], settings: Settings) -> str:
    """Where the API begins: under the app's name when there are several."""
    return settings.base_path if len(loaded) == 1 else "/{app}" + settings.base_path


class Deployment:
    """One app between its definitions and the requests that it serves."""

    def __init__(self, loaded: LoadedApp, connect: Connect, ready_cache: float) -> None:
        self.loaded = loaded
        self.served = ServedApp(loaded.name, Edition(index_routes(loaded.compiled.routes)), ready_cache)
        self._connect = connect
        self._store: Store | None = None

    async def prepare(self) -> None:
        """Tries until the database has its indexes, then lets the app serve its present definitions."""
        while True:
            try:
                self._store = self._store or await self._connect(self.loaded.name)
                self.served.edition = await _prepare_edition(self.loaded.compiled, self._store)
            except StoreUnavailable as error:
                logger.warning("The database of %s is out of reach: %s", self.loaded.name, error)
            except StoreError:
                logger.exception("The database of %s could not be prepared", self.loaded.name)
            else:
                return
            await asyncio.sleep(PAUSE)

    async def close(self) -> None:
        """Lets go of the database."""
        if self._store is not None:
            await self._store.close()

    def replace(self, loaded: LoadedApp) -> None:
        """Takes other definitions of the same app; they serve once `prepare` has run. Raises CannotServe."""
        if loaded.name != self.loaded.name:
            raise CannotServe(f"The app {self.loaded.name} is now named {loaded.name}: restart to serve it so")
        self.loaded = loaded


async def _prepare_edition(compiled: CompiledApp, store: Store) -> Edition:
    """Brings the database's indexes in line with the definitions, and gives what serves them."""
    report = await reconcile_indexes(store, compiled.indexes)
    for index in report.conflicting:
        logger.warning("%s: an index of that name is there already, made differently; it is left alone", index)
    for index in report.stale:
        logger.info("%s: no definition asks for this index any more; drop it when you like", index)
    faults = {failure.collection: failure.reason for failure in report.failed}
    for entity, reason in faults.items():
        logger.error("%s is closed: %s", entity, reason)
    return Edition(index_routes(compiled.routes), RunningApp(compiled, store), faults)


@contextlib.asynccontextmanager
async def deployed(
    loaded: Sequence[LoadedApp], settings: Settings, connect: Connect
) -> AsyncIterator[list[Deployment]]:
    """While it is entered, every app is connected to its database or keeps trying to be."""
    deployments = [Deployment(one, connect, settings.ready_cache) for one in loaded]
    tries = [asyncio.create_task(one.prepare()) for one in deployments]
    try:
        await asyncio.wait(tries, timeout=FIRST_TRY)
        yield deployments
    finally:
        for task in tries:
            task.cancel()
        await asyncio.gather(*tries, return_exceptions=True)
        for one in deployments:
            await one.close()


__all__ = ["CannotServe", "Connect", "Deployment", "LoadedApp", "compile_apps", "deployed", "load_app", "prefix_of"]
