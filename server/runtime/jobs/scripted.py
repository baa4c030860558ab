"""`ctx.job` in the background: in goes a job that a worker runs, out comes what functions know of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from engine.jobs import Level, Note, to_storable
from server.runtime.hook_jobs import HookJob
from server.runtime.jobs.context import JobContext, Stopped
from server.runtime.jobs.desk import Pause
from server.runtime.plain import to_plain
from server.runtime.running import RunningApp
from server.runtime.units import run_unit

T = TypeVar("T")


class _RunningJob(HookJob):
    """A job that a worker runs. What functions say of their progress is kept with the next thing they await."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._progress: tuple[int, int] | None = None

    @property
    def stopping(self) -> bool:
        """Whether the job shall stop; a function that returns then leaves it stopped."""
        return self._context.stopping

    def progress(self, done: int, total: int) -> None:
        """Says that so much of so much is done."""
        self._progress = (int(done), int(total))

    def say(self, level: str, message: str) -> None:
        """Adds a line to the job's log."""
        self._context.say(Level(level), message)


class WholeJob(_RunningJob):
    """The job that runs the function by itself: each of its writes is a unit of work."""

    def __init__(self, context: JobContext) -> None:
        super().__init__(context)
        self.state = to_plain(context.job.checkpoint)

    async def checkpoint(self, state: Any) -> None:
        """Keeps from where the work goes on should it be interrupted; kept even by a job that shall stop."""
        await self._context.write_lines()
        await self._context.note(self._note(checkpoint=to_storable(to_plain(state))))

    async def write(self, running: RunningApp, body: Callable[[RunningApp], Awaitable[T]]) -> T:
        """Runs a unit of work that counts only while the job is this worker's."""
        await self.flush()
        results: list[T] = []

        async def run(scope: RunningApp) -> Note:
            results[:] = [await run_unit(scope, body)]
            return Note()

        await self._context.apart(run)
        return results[0]

    async def flush(self) -> None:
        """Keeps what was said and not kept yet."""
        await self._context.write_lines()
        if self._progress is not None:
            await self._context.note(self._note())

    def _note(self, **given: Any) -> Note:
        if self._progress is None:
            return Note(**given)
        (done, total), self._progress = self._progress, None
        processed = max(0, done - self._context.job.records_processed)
        percent = 100 * done // total if total > 0 else 0
        return Note(processed=processed, records_count=total, progress=min(99, percent), **given)


class ItemJob(_RunningJob):
    """A job that runs the function for one item, such as a record, in a unit of work of the item.

    A function that returns when it knows that the job shall stop is run again when the job goes on. What it wrote stays
    if it kept a state and nothing else belongs to the unit (`keeps`), and is undone else.
    """

    def __init__(self, context: JobContext, key: str, *, keeps: bool, stops: bool = True) -> None:
        super().__init__(context)
        self._key = key
        self._keeps = keeps
        self._stops = stops
        self._noticed = False
        self._kept: Pause | None = None
        if context.paused is not None and context.paused.key == key:
            self.resumed = True
            self.state = to_plain(context.paused.state)

    @property
    def stopping(self) -> bool:
        """Whether the job shall stop; never where the item can only be done as a whole."""
        self._noticed = self._stops and self._context.stopping
        return self._noticed

    async def checkpoint(self, state: Any) -> None:
        """Keeps from where the work goes on, together with what the function wrote until it returned."""
        self._kept = Pause(self._key, to_storable(to_plain(state)))
        await self.flush()

    async def flush(self) -> None:
        """Tells of the progress in the item as a part of that of the whole job."""
        if self._progress is None:
            return
        (done, total), self._progress = self._progress, None
        job = self._context.job
        share = max(0.0, min(1.0, done / total)) if total > 0 else 0.0
        percent = int(100 * (job.records_processed + share) / max(1, job.records_count))
        await self._context.note(Note(progress=min(99, percent), underway=job.underway))

    def end(self) -> None:
        """Raises Stopped where the function saw that it shall stop and what it did cannot stay."""
        if not self._noticed:
            return
        if self._kept is None or not self._keeps:
            raise Stopped
        self.pause = self._kept


__all__ = ["ItemJob", "WholeJob"]
