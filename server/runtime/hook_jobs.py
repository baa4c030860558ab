"""`ctx.job` where the client waits, and what functions and effects may ask of every job."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from server.runtime.running import RunningApp
from server.runtime.units import run_unit

if TYPE_CHECKING:
    from server.runtime.jobs.desk import Pause

T = TypeVar("T")


class HookJob:
    """No job: nothing is kept, and nothing ever stops."""

    state: Any = None
    """What the last checkpoint of an earlier run kept; None at the first start."""
    resumed = False
    """Whether the function was begun before, and what was done ahead of it is done."""
    pause: Pause | None = None
    """With what the function is gone on with later, if it is not done."""

    @property
    def stopping(self) -> bool:
        """Whether the function shall return before it is done."""
        return False

    def progress(self, done: int, total: int) -> None:
        """Says how far the work is."""

    async def checkpoint(self, state: Any) -> None:
        """Keeps from where the work would go on."""

    def say(self, level: str, message: str) -> None:
        """Adds a line to the job's log."""

    async def write(self, running: RunningApp, body: Callable[[RunningApp], Awaitable[T]]) -> T:
        """Runs a unit of work of the function."""
        return await run_unit(running, body)

    async def flush(self) -> None:
        """Keeps what was said and not kept yet."""

    def end(self) -> None:
        """The function has returned. Raises Stopped where nothing of what it did shall stay."""


__all__ = ["HookJob"]
