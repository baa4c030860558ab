"""A running app: its compiled definitions and its database, and who is asking."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from engine.compiler import CompiledApp, CompiledEntity
from engine.errors import NotFound
from engine.permissions import FULL_ACCESS, Access
from engine.query import Clock
from engine.records import Moment
from server.store import Store


def wall_clock() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. Without authentication everybody may do everything that the server offers."""

    user: dict[str, Any] | None = None

    def access(self, entity: str) -> Access:
        """The caller's rights on an entity."""
        return FULL_ACCESS


ANYBODY = Caller()


@dataclass
class RunningApp:
    """What use cases work with. `compiled` may be swapped for a newer set of definitions between requests."""

    compiled: CompiledApp
    store: Store
    clock: Callable[[], int] = field(default=wall_clock)

    def entity(self, name: str) -> CompiledEntity:
        """The entity of that name; raises NotFound."""
        found = self.compiled.entities.get(name)
        if found is None:
            raise NotFound(f"There is no entity named {name}")
        return found

    def moment(self, caller: Caller) -> Moment:
        """Now, as one write sees it."""
        return Moment(self.clock(), self.compiled.app.timezone, caller.user)

    def query_clock(self) -> Clock:
        """Now, as one query sees it."""
        return Clock(self.clock(), self.compiled.app.timezone)
