"""Uploads that no record points to any more, and what jobs made long ago: in goes a running app, out they go.

How a file that is needed is never taken, not even where it is linked at this very moment: each file says when somebody
touched it last. Who links a file first touches it, then writes the record. The sweep reads a file that nobody touched
for `keep`, then looks for records that point to it, and then deletes it by one statement that asks for the very touch
that was read. So either the linker's touch comes first, and the sweep's statement finds another touch and deletes
nothing; or the sweep's statement comes first, and the linker finds no file to touch and is told so. Between its touch
and its record a linker has all of `keep`.

An upload that no record ever pointed to goes when it was not touched for `keep`. One that is found pointed to is held,
and is looked at again after `keep`; when no record points to it any more, it has one more `keep` to be linked again.
Everything may be done twice, by several processes at once, and be broken off at any point.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection

from bson import ObjectId

from engine.jobs import RETENTION
from engine.records.files import UPLOAD, files_at
from server.runtime.running import RunningApp
from server.store import DuplicateKey, Store, StoredFile, StoreError

logger = logging.getLogger(__name__)

MADE_BY_JOBS = ("export", "importSource", "importErrors")
"""The purposes of files that are kept as long as jobs are."""
TURNS = "sys.sweeps"
"""_id (what is swept), next (ms: when it is swept again)."""
SWEEP_EVERY = 600_000
"""Milliseconds between two sweeps of all processes together."""
LOOK_EVERY = 60.0
"""Seconds between two looks of one process whether it is time."""
BROKEN_AFTER = 12 * 3_600_000
"""Milliseconds after which a file that is not whole belongs to a process that died."""
AT_ONCE = 500
"""Files for which records are searched together."""


async def sweep_files(running: RunningApp, keep: int) -> int:
    """Looks at all files that nobody touched for `keep` milliseconds, and tells how many were deleted."""
    files, now = running.store.files, running.clock()
    deleted = await files.delete_broken(now - BROKEN_AFTER)
    while found := await files.untouched(UPLOAD, now - keep, AT_ONCE):
        pointed = await _find_pointed(running, {file.id for file in found})
        for file in found:
            deleted += await _judge(running, file, now, pointed=file.id in pointed)
    for purpose in MADE_BY_JOBS:
        while found := await files.untouched(purpose, now - RETENTION, AT_ONCE):
            for file in found:
                deleted += await files.delete_untouched(file)
    return deleted


async def _judge(running: RunningApp, file: StoredFile, now: int, *, pointed: bool) -> bool:
    """Whether the file was deleted."""
    files = running.store.files
    if pointed or file.held:
        await files.touch(file, now, held=pointed)
        return False
    return await files.delete_untouched(file)


async def _find_pointed(running: RunningApp, ids: Collection[str]) -> set[str]:
    """Those of the files to which any record points."""
    pointed: set[str] = set()
    for compiled in running.compiled.entities.values():
        for path in compiled.references.files:
            if any(item.transient for item in path.fields):
                continue
            names, wanted = path.storage.split("."), set(ids) - pointed
            while wanted:
                keys = [ObjectId(one) for one in wanted]
                documents = await running.store.find(
                    compiled.collection,
                    {f"{path.storage}.id": {"$in": keys}},
                    limit=AT_ONCE,
                    projection={path.storage: 1},
                )
                here = {str(one["id"]) for document in documents for one in files_at(document, names)}
                pointed |= here & wanted
                # Many records may point to one file, and hide others that stand further down.
                wanted = wanted - here if len(documents) == AT_ONCE else set()
    return pointed


async def keep_sweeping_files(serving: Callable[[], RunningApp | None], keep: float) -> None:
    """Sweeps whenever it is time, until cancelled; `keep` is in seconds."""
    while True:
        running = serving()
        if running is not None:
            try:
                if await _take_turn(running.store, running.clock()):
                    await sweep_files(running, int(keep * 1000))
            except StoreError as error:
                logger.warning("Could not look for files that nobody needs: %s", error)
            except Exception:
                logger.exception("Looking for files that nobody needs failed; the next sweep tries again")
        await asyncio.sleep(LOOK_EVERY if running is not None else 0.2)


async def _take_turn(store: Store, now: int) -> bool:
    """Whether it is time to sweep and no other process does."""
    turn = {"next": now + SWEEP_EVERY}
    if await store.update(TURNS, {"_id": UPLOAD, "next": {"$lte": now}}, {"$set": turn}):
        return True
    with contextlib.suppress(DuplicateKey):
        await store.insert(TURNS, {"_id": UPLOAD, **turn})
        return True
    return False


__all__ = ["keep_sweeping_files", "sweep_files"]
