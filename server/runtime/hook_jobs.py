"""`ctx.job`: the background job in which a function runs, or what stands in its place where the client waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from engine.jobs import Level, Note
from server.runtime.jobs.context import JobContext
from server.runtime.plain import to_plain
from server.runtime.running import RunningApp
from server.runtime.units import run_unit

T = TypeVar("T")


class HookJob:
    """No job: nothing is kept, and nothing ever stops."""

    stopping = False
    state: Any = None

    def progress(self, done: int, total: int) -> None:
        """Says how far the work is."""

    async def checkpoint(self, state: Any) -> None:
        """Keeps from where the work would go on."""


class RunningJob:
    """The job that runs the function by itself. What it says of its progress is kept with the next thing it awaits."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._progress: tuple[int, int] | None = None
        self.lines: list[tuple[str, str]] = []
        self.state: Any = to_plain(context.job.checkpoint)
        """What the last checkpoint kept; None at the first start."""

    @property
    def stopping(self) -> bool:
        """Whether the job shall stop; a function that returns then leaves it stopped."""
        return self._context.stopping

    def progress(self, done: int, total: int) -> None:
        """Says that so many records of so many are done."""
        self._progress = (int(done), int(total))

    async def checkpoint(self, state: Any) -> None:
        """Keeps from where the work goes on should it be interrupted; kept even by a job that shall stop."""
        await self._write_lines()
        await self._context.note(self._note(checkpoint=to_plain(state)))

    async def fenced(self, body: Callable[[RunningApp], Awaitable[T]]) -> T:
        """Runs a unit of work that counts only while the job is this worker's."""
        await self._write_lines()

        async def run(scope: RunningApp) -> tuple[T, Note]:
            return await run_unit(scope, body), self._note()

        return await self._context.fenced(run)

    async def flush(self) -> None:
        """Keeps what was said and not kept yet."""
        await self._write_lines()
        if self._progress is not None:
            await self._context.note(self._note())

    async def _write_lines(self) -> None:
        while self.lines:
            level, message = self.lines.pop(0)
            await self._context.log(Level(level), message)

    def _note(self, **given: Any) -> Note:
        if self._progress is None:
            return Note(**given)
        (done, total), self._progress = self._progress, None
        processed = max(0, done - self._context.job.records_processed)
        percent = 100 * done // total if total > 0 else 0
        return Note(processed=processed, records_count=total, progress=min(99, percent), **given)


__all__ = ["HookJob", "RunningJob"]
