"""The app's log at work: in go lines from everywhere in the process, out come they stored, some at a time, and read.

Nobody who adds a line waits for the database: lines gather in memory and are written once a second, or as soon as there
are many. Where the database is away for too long the oldest are dropped, and their number is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bson import ObjectId

from engine.logs import TEXTS, Event, Line, Speaker, make_id, plan_line, render_line, to_stored
from engine.permissions.addresses import render_address
from engine.query.lines import Level, parse_log_query, to_log_filter
from server.log import REQUEST_ID
from server.store import Store, StoreError, StoreUnavailable, TimedOut, WriteConflict

if TYPE_CHECKING:
    from server.runtime.running import Caller, RunningApp

logger = logging.getLogger(__name__)

Json = dict[str, Any]
Pairs = Sequence[tuple[str, str]]

LOGS = "sys.logs"
"""The fields of `engine.logs.to_stored`; ids are in the order of time."""
MOST_WAITING = 10_000
"""Lines that wait in memory for the database."""
BATCH = 500
"""Lines that are written together, and that are not waited for longer."""
WRITE_EVERY = 1.0
"""Seconds between two writes."""
TRIM_EVERY = 60.0
"""Seconds after which a process that wrote lines looks whether there are too many."""
DAY = 24 * 3600 * 1000


class AppLog:
    """The lines of one process on their way to the database, which keeps `rows` of them, each for `days`.

    `reads` says whether requests that only read are told.
    """

    def __init__(self, *, rows: int = 20_000, days: int = 30, reads: bool = False) -> None:
        self.reads = reads
        self.dropped = 0
        """Lines that were lost since the process began."""
        self._rows = rows
        self._age = days * DAY
        self._process = os.urandom(3)
        self._count = 0
        self._waiting: deque[Json] = deque()
        self._many = asyncio.Event()
        self._turn = asyncio.Lock()
        self._told = 0
        self._trimmed = float("-inf")
        self._written = True

    def add(self, line: Line, now: int) -> None:
        """Keeps a line until it is written; never waits and never fails."""
        self._waiting.append(self.document(line, now))
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self._drop(1)
        if len(self._waiting) >= BATCH:
            self._many.set()

    def document(self, line: Line, now: int) -> Json:
        """A line with an id of its own, as it is stored."""
        self._count += 1
        return to_stored(line, make_id(now, self._process, self._count), now)

    async def flush(self, store: Store) -> None:
        """Writes what waits now. Raises StoreUnavailable, TimedOut and WriteConflict, after which it still waits; lines
        that the database does not take for other reasons are dropped."""
        async with self._turn:
            for _ in range(len(self._waiting) // BATCH + 1):
                batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
                if batch:
                    await self._write(store, batch)
        self._many.clear()

    async def _write(self, store: Store, batch: list[Json]) -> None:
        try:
            await store.insert_many(LOGS, batch)  # refuses only lines that a try which seemed to fail has written
        except (StoreUnavailable, TimedOut, WriteConflict, asyncio.CancelledError):
            self._waiting.extendleft(reversed(batch))
            raise
        except StoreError as error:
            logger.warning("The database does not take lines of the log: %s", error)
            self._drop(len(batch))
        self._written = True

    def _drop(self, count: int) -> None:
        from server.metrics import LOG_LINES_DROPPED  # slow to import, and hardly ever needed

        self.dropped += count
        LOG_LINES_DROPPED.inc(count)

    async def keep_writing(self, serving: Callable[[], RunningApp | None]) -> None:
        """Writes again and again, and removes what is too old or too much, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WRITE_EVERY):
                    await self._many.wait()
            running = serving()
            if running is None:
                self._many.clear()
                continue
            try:
                await self.flush(running.store)
                await self._keep_trim(running)
            except StoreError as error:
                logger.warning("The log waits for the database: %s", error)
                await asyncio.sleep(WRITE_EVERY)
            except Exception:  # whatever it is, the next round may do better
                logger.exception("The log could not be written")
                await asyncio.sleep(WRITE_EVERY)
            if self.dropped > self._told:
                logger.warning("%d lines of the log were dropped", self.dropped - self._told)
                self._told = self.dropped

    async def _keep_trim(self, running: RunningApp) -> None:
        now = asyncio.get_running_loop().time()
        if self._written and now - self._trimmed >= TRIM_EVERY:
            self._trimmed, self._written = now, False
            await self.trim(running.store, running.clock())

    async def trim(self, store: Store, now: int) -> None:
        """Removes the lines that are older than they may become, and the oldest of those that are too many."""
        first_kept = make_id(max(0, now - self._age), bytes(3), 0)
        if await store.count(LOGS, {}) > self._rows:
            beyond = await store.find(LOGS, {}, sort=[("_id", -1)], skip=self._rows, limit=1, projection={"_id": 1})
            first_kept = max([first_kept, *(make_id_after(one["_id"]) for one in beyond)])
        await store.delete_many(LOGS, {"_id": {"$lt": first_kept}})

    async def close(self, store: Store, seconds: float) -> None:
        """Writes what waits, if that takes no longer."""
        try:
            async with asyncio.timeout(seconds):
                await self.flush(store)
        except (StoreError, TimeoutError) as error:
            logger.warning("%d lines of the log could not be written: %s", len(self._waiting), error)


def make_id_after(key: ObjectId) -> ObjectId:
    """The very next id."""
    return ObjectId((int.from_bytes(key.binary) + 1).to_bytes(12))


def speaker_of(caller: Caller) -> Speaker:
    """Who a caller is, as lines tell it."""
    user, admin = caller.user or {}, caller.admin or {}
    return Speaker(user.get("email"), admin.get("email"), render_address(caller.address))


def say(running: RunningApp, caller: Caller, level: Level, message: str, event: Event) -> None:
    """Adds a line under the request at hand, or under the one that the job at hand began with."""
    request = REQUEST_ID.get()
    info = None if request is None else {"requestId": request}
    running.log.add(Line(level, message, speaker_of(caller), event, info=info), running.clock())


async def list_lines(running: RunningApp, pairs: Pairs) -> Json:
    """A page of the app's log, the oldest line first: `{total, offset, items}`. What this process has to say is there;
    what other processes say follows within a second."""
    query = parse_log_query(pairs, running.query_clock(), TEXTS)
    wanted = to_log_filter(query)
    await running.log.flush(running.store)
    page = {} if query.after is None else {"_id": {"$gt": query.after}}
    found, total = await asyncio.gather(
        running.store.find(LOGS, wanted | page, sort=[("_id", 1)], limit=query.size),
        running.store.count(LOGS, wanted),
    )
    offset = {"offset": found[-1]["_id"]} if found else {}
    return {"total": total, **offset, "items": [render_line(one) for one in found]}


async def post_line(running: RunningApp, caller: Caller, body: Mapping[str, Any]) -> Json:
    """The line that a client adds, already stored. Raises ValidationErrors."""
    line = plan_line(body, speaker_of(caller))
    document = running.log.document(line, running.clock())
    await running.store.insert(LOGS, document)
    return render_line(document)


__all__ = ["LOGS", "AppLog", "list_lines", "post_line", "say", "speaker_of"]
