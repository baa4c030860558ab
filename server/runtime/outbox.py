"""The outbox: in go documents that carry intents, out come all that follows from their writes, done and taken out.

A write is followed at once, by a task in the process that wrote it; what a process left behind, because it ended or
because the database was away, is found by a sweep. Everything may be done twice.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from bson import ObjectId

from engine.records.outbox import OUTBOX, PENDING, Intent, distinct, pulling, taking
from server.runtime.cancelling import end_tasks
from server.store import StoreError

if TYPE_CHECKING:
    from server.runtime.running import RunningApp

logger = logging.getLogger(__name__)

Document = dict[str, Any]

REMOVALS = "sys.outbox"
"""What follows deletions, which leave no document behind: _id, entity, record, at (ms), document, intents."""
VOID_AFTER = 10_000
"""Milliseconds after which a row whose document is still there belongs to a deletion that did not happen."""
AT_ONCE = 4
"""Documents that one process follows at the same time."""
CANCEL_AGAIN = 1.0
"""Seconds after which a task that forgot its cancellation is cancelled again."""
SWEEP_EVERY = 5.0
"""Seconds between two looks for what was left behind; where there are many entities, one for each."""
SWEPT = 1_000
"""Documents of one entity that one look finds."""


class Outbox:
    """What one process is following. `running` is the app that it does so with: the newest one outside any unit."""

    def __init__(self) -> None:
        self.running: RunningApp | None = None
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._busy: set[tuple[str, ObjectId]] = set()
        self._again: set[tuple[str, ObjectId]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.failed = False
        """Whether something was left behind by this process, since somebody looked for such."""

    def wake(self, entity: str, key: ObjectId, written: Sequence[Intent] = ()) -> None:
        """Follows the writes of a document (or a row of REMOVALS) soon; returns at once and never fails.

        `written` are intents that were just written there, which need not be read.
        """
        place = (entity, key)
        if place in self._busy:
            self._again.add(place)
            return
        self._busy.add(place)
        task = asyncio.get_running_loop().create_task(self._follow(place, written))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Returns when nothing is being followed any more."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def make_room(self, most: int) -> None:
        """Returns when as many documents are followed as are beyond that number now, so that what writes many does not
        run away from what follows."""
        if (beyond := len(self._tasks) - most) > 0:
            await asyncio.gather(*islice(self._tasks, beyond), return_exceptions=True)

    async def close(self, seconds: float) -> None:
        """Gives what is being followed some time; what is left is found by the next process."""
        give_up = asyncio.get_running_loop().time() + seconds
        while self._tasks and (left := give_up - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(self._tasks, timeout=left)
        await end_tasks(self._tasks, CANCEL_AGAIN)

    async def _follow(self, place: tuple[str, ObjectId], written: Sequence[Intent]) -> None:
        try:
            again = True
            while again:
                self._again.discard(place)
                async with self._turns:
                    assert self.running is not None
                    await drain(self.running, *place, written)
                again, written = place in self._again, ()
        except StoreError as error:
            self.failed = True
            logger.warning("What follows a write in %s waits for the next sweep: %s", place[0], error)
        except Exception:
            self.failed = True
            logger.exception("What follows a write of %s in %s failed; the next sweep tries again", place[1], place[0])
        finally:
            self._busy.discard(place)
            self._again.discard(place)


async def drain(running: RunningApp, entity: str, key: ObjectId, written: Sequence[Intent] = ()) -> None:
    """Does all that is still to follow the writes of one document, or a deletion (a row of REMOVALS); see `wake`."""
    if entity == REMOVALS:
        await _drain_removal(running, key)
        return
    if written and await _do_all(running, entity, key, written):
        return
    document = await running.store.get(entity, key, {OUTBOX: 1})
    intents = document.get(OUTBOX) if document else None
    if intents:
        await _do_all(running, entity, key, intents)


async def _do_all(running: RunningApp, entity: str, key: ObjectId, intents: Sequence[Intent]) -> bool:
    """Does what intents of a document ask for and takes them out; tells whether none was left that moment."""
    from server.runtime.deeds import apply  # what follows writes records, which is followed

    for intent in distinct(intents):
        await apply(running, entity, key, intent)
    whole, unset = taking(intents)
    if await running.store.update(entity, {"_id": key, **whole}, unset):
        return True
    await running.store.update(entity, {"_id": key}, pulling(intents))
    return False


async def _drain_removal(running: RunningApp, key: ObjectId) -> None:
    row = await running.store.get(REMOVALS, key)
    if row is None:
        return
    if await running.store.get(row["entity"], row["record"], {"_id": 1}) is not None:
        if running.clock() - row["at"] > VOID_AFTER:
            await running.store.delete(REMOVALS, {"_id": key})
        return
    from server.runtime.deeds import apply  # see drain

    for intent in distinct(row["intents"]):
        await apply(running, row["entity"], row["record"], intent, row["document"])
    await running.store.delete(REMOVALS, {"_id": key})


async def sweep(running: RunningApp) -> None:
    """Wakes all that somebody left behind."""
    store, outbox = running.store, running.outbox
    for name, following in running.compiled.following.items():
        if following.writes:
            for document in await store.find(name, PENDING, limit=SWEPT, projection={"_id": 1}):
                outbox.wake(name, document["_id"])
    for row in await store.find(REMOVALS, {}, limit=SWEPT, projection={"_id": 1}):
        outbox.wake(REMOVALS, row["_id"])


async def keep_sweeping(serving: Callable[[], RunningApp | None], every: float = SWEEP_EVERY) -> None:
    """Sweeps at once and then again and again, until cancelled: at the latest after as many seconds as there are
    entities to look through, so that a large app that nobody uses asks its database no more than a small one."""
    following = float("-inf")
    while True:
        running = serving()
        if running is not None and (running.outbox.failed or time.monotonic() >= following):
            running.outbox.failed = False
            try:
                await sweep(running)
            except StoreError as error:
                logger.warning("Could not look for what is left to follow: %s", error)
            following = time.monotonic() + max(every, len(running.compiled.following))
        await asyncio.sleep(every if running is not None else 0.2)


__all__ = ["REMOVALS", "Outbox", "drain", "keep_sweeping", "sweep"]
