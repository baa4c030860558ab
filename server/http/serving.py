"""The apps that a server answers for: what each one answers with, and whether it is ready to."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from engine.errors import NotFound, Unavailable
from engine.routes import SHAPES, Route
from server.runtime.running import RunningApp
from server.store import StoreError

Methods = Mapping[str, Route]
Place = tuple[str | None, str | None]
"""What the path's `{entity}` and `{action}` stand for, None where it has none."""
RouteIndex = Mapping[str, Mapping[Place, Methods]]
"""By shape, by place, by method."""


def index_routes(routes: Iterable[Route]) -> RouteIndex:
    """The routes as nested dicts, every shape among them; HEAD is answered wherever GET is."""
    index: dict[str, dict[Place, dict[str, Route]]] = {shape.path: defaultdict(dict) for shape in SHAPES}
    for route in routes:
        methods = index[route.shape][route.entity if "{entity}" in route.shape else None, route.action]
        methods[route.method] = route
        if route.method == "GET":
            methods["HEAD"] = route
    return {shape: dict(places) for shape, places in index.items()}


@dataclass(frozen=True, slots=True)
class Edition:
    """One state of an app, swapped whole: its routes, and what serves them once the database has been prepared."""

    routes: RouteIndex
    running: RunningApp | None = None
    faults: Mapping[str, str] = field(default_factory=dict)
    """Entities whose indexes could not be built, and why."""

    def serving(self, entity: str | None) -> RunningApp:
        """What serves requests for an entity; raises Unavailable while the database is not ready for it."""
        if self.running is None:
            raise Unavailable("The app is starting: its database has not answered yet", retry_after=2)
        if entity is not None and entity in self.faults:
            raise Unavailable(f"The indexes of {entity} could not be built: {self.faults[entity]}", retry_after=30)
        return self.running


class ServedApp:
    """One app of a server; `edition` is what it answers with now."""

    def __init__(self, name: str, edition: Edition, ready_cache: float) -> None:
        self.name = name
        self.edition = edition
        self._ready_cache = ready_cache
        self._asked = float("-inf")
        self._reachable = False
        self._asking = asyncio.Lock()

    async def check_ready(self) -> None:
        """Raises Unavailable unless definitions are compiled, indexes are built and the database answers."""
        edition = self.edition
        for entity in (None, *edition.faults):
            running = edition.serving(entity)
        if not await self._reaches_database(running):
            raise Unavailable(f"The database of {self.name} is out of reach", retry_after=2)

    async def _reaches_database(self, running: RunningApp) -> bool:
        """Asks the database at most once in `ready_cache` seconds, however many ask and whatever it says."""
        async with self._asking:
            if time.monotonic() - self._asked >= self._ready_cache:
                try:
                    await running.store.ping()
                    self._reachable = True
                except StoreError:
                    self._reachable = False
                self._asked = time.monotonic()
            return self._reachable


class Host:
    """All apps of a server by name, and whether the server is being stopped."""

    def __init__(self, apps: Iterable[ServedApp]) -> None:
        self.apps = {app.name: app for app in apps}
        self.stopping = False
        self.in_flight = 0
        self._only = next(iter(self.apps.values())) if len(self.apps) == 1 else None

    def app_at(self, params: Mapping[str, str]) -> ServedApp:
        """The app that a path names, or the only one; raises NotFound."""
        app = self._only or self.apps.get(params["app"])
        if app is None:
            raise NotFound(f"There is no app named {params['app']}")
        return app


__all__ = ["Edition", "Host", "Methods", "Place", "RouteIndex", "ServedApp", "index_routes"]
