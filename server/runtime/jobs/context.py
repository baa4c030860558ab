"""What a running job works with: its checkpoint, its log, and writes that count only while the job is its worker's."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import bson

from engine.errors import RequestError
from engine.fields.base import MISSING
from engine.jobs import (
    EXPIRES,
    FIELDS,
    MOST_ENTRIES,
    MOST_ENTRY_BYTES,
    Entry,
    Job,
    Level,
    Note,
    State,
    apply_note,
    to_note_change,
    to_note_filter,
    to_storable,
)
from server.runtime.cancelling import check_cancelled
from server.runtime.jobs.crash_points import CrashPoint, pass_point
from server.runtime.jobs.desk import Pause, leave, take_desk
from server.runtime.jobs.stored import JOBS, LOGS, RESULTS, expiry, log_line, write_log
from server.runtime.jobs.timing import Timing
from server.runtime.running import Caller, RunningApp, wall_clock
from server.runtime.units import run_unit
from server.store import DuplicateKey, Session, Store

Item = TypeVar("Item")
T = TypeVar("T")

MOST_TOGETHER = 100
"""Items of one transaction."""

SKIPPED: Any = object()
"""What an effect gives for an item that turned out to need none; it counts as processed and leaves no result."""


@dataclass(frozen=True, slots=True)
class Work(Generic[Item]):
    """What is done to each item of a job.

    `load` reads what several items need, by their keys. `effect` gets an item and what was loaded for it (None:
    nothing), does the work, and gives the response to show for it, or SKIPPED. Both must use the running app that they
    are given. The effect's flag says that it may have happened already, just before the job was cut off. `key` names
    the item in the job's results, and `checkpoint` is from where the job goes on after it.
    """

    load: Callable[[RunningApp, Sequence[Item]], Awaitable[Mapping[str, Any]]]
    effect: Callable[[RunningApp, Item, Any, bool], Awaitable[Any]]
    key: Callable[[Item], str]
    checkpoint: Callable[[Item], Any]
    alone: bool = False
    """Whether the effect opens its own transaction, for one item at a time: something in it must not be repeated."""
    apart: bool = False
    """Whether each item has a transaction of its own, which commands given to the job do not undo, and may be gone on
    with later: the effect may give a Pause."""


class Stopped(Exception):
    """The job was asked to stop; kinds let it pass."""


class LeaseLost(Exception):
    """The job is not this worker's any more; nothing that it would still write has any effect. Kinds let it pass."""


@dataclass
class JobContext:
    """One run of one job. `job` is the job as this worker left it."""

    running: RunningApp
    job: Job
    timing: Timing = field(default_factory=Timing)
    session: Session | None = None
    now: Callable[[], int] = wall_clock
    """The present by the clock that all workers share."""
    caller: Caller = field(default_factory=Caller)
    """Who started the job, with the rights of the moment at which this run began."""
    stop_asked: bool = False
    """Set by the worker; kinds ask `stopping`."""
    stop_noticed: bool = False
    paused: Pause | None = None
    """The item with which the run before this one stopped in the middle, until something is noted of it."""
    _together: int = MOST_TOGETHER
    _lines: list[dict[str, Any]] = field(default_factory=list)

    @property
    def stopping(self) -> bool:
        """Whether the job shall stop; a run that ends after having seen so leaves its job stopped."""
        self.stop_noticed = self.stop_noticed or self.stop_asked
        return self.stop_asked

    async def log(self, level: Level, message: str) -> None:
        """Adds a line to the job's log."""
        await self.write_lines()
        await write_log(self.running.store, self.job.id, self.running.clock(), level, message)

    def say(self, level: Level, message: str) -> None:
        """As log, with the next `write_lines`; what is said in a unit of work that is repeated is said once."""
        self._lines.append(log_line(self.job.id, self.running.clock(), level, message))

    async def write_lines(self) -> None:
        """Adds what was said to the job's log."""
        if self._lines:
            lines, self._lines = self._lines, []
            await self.running.store.insert_many(LOGS, lines, ordered=True)

    async def note(self, note: Note) -> None:
        """Writes what was done so far. Raises LeaseLost."""
        check_cancelled()
        if not await self._write_note(self.running.store, note):
            raise LeaseLost
        self._noted(note)

    async def fenced(self, body: Callable[[RunningApp], Awaitable[tuple[T, Note]]]) -> T:
        """Runs the body, which writes through the running app that it is given, and notes what it says was done: both
        or neither, and neither if the job is not this worker's any more. The body may be run more than once.

        Without transactions the note comes after the writes. Raises LeaseLost.
        """

        check_cancelled()
        said = len(self._lines)

        async def run(scope: RunningApp) -> tuple[T, Note]:
            del self._lines[said:]
            result, note = await body(scope)
            if not await self._write_note(scope.store, note):
                raise LeaseLost
            return result, note

        result, note = await run_unit(self.running, run, self.session)
        self._noted(note)
        return result

    async def take_desk(self) -> None:
        """Learns what the worker before this one did `apart` and could not note any more. Raises LeaseLost."""
        left = await take_desk(self.running.store, self.job, self.running.clock())
        if isinstance(left, Note):
            await self.note(left)
        else:
            self.paused = left

    async def apart(self, body: Callable[[RunningApp], Awaitable[Note | Pause]]) -> None:
        """As fenced, for a body that commands given to the job must not have repeated; after `take_desk`.

        Other writers of the same records may, as long as the job shall not stop. A body that gives a Pause is not done,
        what it wrote stays, and the job stops. Raises Stopped and LeaseLost.
        """
        check_cancelled()
        said, tries = len(self._lines), 0

        async def run(scope: RunningApp) -> Note | Pause:
            nonlocal tries
            tries += 1
            if tries > 1:
                del self._lines[said:]
                await self._look()
            done = await body(scope)
            if not await leave(scope.store, self.job, done):
                raise LeaseLost
            return done

        done = await run_unit(self.running, run, self.session)
        if isinstance(done, Pause):
            raise Stopped
        if done != Note():
            await self.note(done)

    async def each(self, items: Sequence[Item], work: Work[Item]) -> None:
        """Does the work once on each item, and keeps what it gave, or the RequestError that it raised, under the item's
        key.

        Items share transactions as long as none is refused. Raises Stopped, between items, and LeaseLost.
        """
        done = 0
        while done < len(items):
            if self.stopping:
                raise Stopped
            if not self.running.store.transactions or work.alone:
                await self._do_alone(items[done], work)
                done += 1
            elif work.apart:
                await self._do_apart(items[done], work)
                done += 1
            else:
                done += await self._do_together(items[done : done + self._together], work)
            await self.write_lines()

    async def _do_together(self, items: Sequence[Item], work: Work[Item]) -> int:
        """Does some of the items in one transaction and tells how many, none where one of several was refused."""
        most, tries, said = len(items) * 2, 0, len(self._lines)

        async def run(scope: RunningApp) -> tuple[int, Note]:
            nonlocal most, tries
            tries += 1
            if tries > 1:
                await self._look()
            most = max(1, most // 2)  # other writers of the same records won: fewer items will meet fewer of them
            entries, count = [], 0
            loaded = await work.load(scope, items[:most])
            began = time.monotonic()  # what was loaded is not thrown away because loading took long
            for item in items[:most]:
                pass_point(CrashPoint.BEFORE_WRITE)
                response = await work.effect(scope, item, loaded.get(work.key(item)), False)
                if response is not SKIPPED:
                    entries.append(Entry(work.key(item), response))
                count += 1
                if time.monotonic() - began > self.timing.batch_time:
                    break
            pass_point(CrashPoint.AFTER_WRITE)
            note = Note(checkpoint=work.checkpoint(items[count - 1]), processed=count)
            return count, await self._keep(scope.store, entries, note)

        try:
            count = await self.fenced(run)
        except RequestError as error:
            if len(items) > 1:
                self._together = 1
                del self._lines[said:]
                return 0
            await self._refuse(items[0], work, error)
            return 1
        pass_point(CrashPoint.AFTER_CHECKPOINT)
        self._together = min(MOST_TOGETHER, self._together * 2)
        return count

    async def _do_apart(self, item: Item, work: Work[Item]) -> None:
        """Does one item in a transaction of its own."""

        async def run(scope: RunningApp) -> Note | Pause:
            pass_point(CrashPoint.BEFORE_WRITE)
            loaded = await work.load(scope, [item])
            response = await work.effect(scope, item, loaded.get(work.key(item)), False)
            pass_point(CrashPoint.AFTER_WRITE)
            if isinstance(response, Pause):
                return response
            entries = [] if response is SKIPPED else [Entry(work.key(item), response)]
            return await self._keep(scope.store, entries, Note(checkpoint=work.checkpoint(item), processed=1))

        try:
            await self.apart(run)
        except RequestError as error:
            await self._refuse(item, work, error)
            return
        pass_point(CrashPoint.AFTER_CHECKPOINT)

    async def _do_alone(self, item: Item, work: Work[Item]) -> None:
        """Does one item without a transaction: first notes that it is under way, then that it is done."""
        again = self.job.underway == work.key(item)
        if not again:
            await self.note(Note(underway=work.key(item)))
        pass_point(CrashPoint.BEFORE_WRITE)
        try:
            loaded = await work.load(self.running, [item])
            response = await work.effect(self.running, item, loaded.get(work.key(item)), again)
        except RequestError as error:
            await self._refuse(item, work, error)
            return
        except Stopped:
            await self.note(Note())
            raise
        pass_point(CrashPoint.AFTER_WRITE)
        if isinstance(response, Pause):
            await leave(self.running.store, self.job, response)
            await self.note(Note())
            raise Stopped
        entries = [] if response is SKIPPED else [Entry(work.key(item), response)]
        note = Note(checkpoint=work.checkpoint(item), processed=1)
        await self.note(await self._keep(self.running.store, entries, note))
        pass_point(CrashPoint.AFTER_CHECKPOINT)

    async def _refuse(self, item: Item, work: Work[Item], error: RequestError) -> None:
        """Notes that nothing was done to an item, and why."""
        entry = Entry(work.key(item), error=error.message)
        note = Note(checkpoint=work.checkpoint(item), processed=1, has_errors=True)

        async def run(scope: RunningApp) -> tuple[None, Note]:
            return None, await self._keep(scope.store, [entry], note)

        await self.fenced(run)

    async def _keep(self, store: Store, entries: Sequence[Entry], note: Note) -> Note:
        """Stores the results of items as far as there is room, and adds to the note how much that was."""
        size = self.job.entry_bytes
        documents = []
        for number, entry in enumerate(entries[: MOST_ENTRIES - self.job.entries], self.job.entries):
            result = to_storable(entry.render())
            length = len(bson.encode(result))
            if size + length > MOST_ENTRY_BYTES:
                result = entry.render(whole=False)
                length = 0
            size += length
            documents.append(
                {
                    "_id": f"{self.job.id}/{number}",
                    "job": self.job.id,
                    "number": number,
                    "key": entry.key,
                    "result": result,
                    EXPIRES: expiry(self.running.clock()),
                }
            )
        for error in (await store.insert_many(RESULTS, documents)).values() if documents else ():
            if not isinstance(error, DuplicateKey):  # then it is there already, from before the job was cut off
                raise error
        return replace(note, entries=len(documents), entry_bytes=size - self.job.entry_bytes)

    def _noted(self, note: Note) -> None:
        self.job = apply_note(self.job, note)
        if note.checkpoint is not MISSING:
            self.paused = None

    async def _look(self) -> None:
        """Before something is repeated: raises Stopped where the job shall stop, LeaseLost where others have it."""
        shown = {FIELDS["state"]: 1, FIELDS["fence"]: 1}
        now = await self.running.store.get(JOBS, self.job.id, shown)
        if now is None or now[FIELDS["fence"]] != self.job.fence:
            raise LeaseLost
        if now[FIELDS["state"]] == State.STOPPING.value:
            self.stop_asked = True
            raise Stopped

    async def _write_note(self, store: Store, note: Note) -> bool:
        return await store.update(JOBS, to_note_filter(self.job), to_note_change(self.job, note))


__all__ = ["MOST_TOGETHER", "SKIPPED", "JobContext", "LeaseLost", "Stopped", "Work"]
