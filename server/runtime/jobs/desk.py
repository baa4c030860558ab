"""What workers leave of units of work that must not be repeated: notes in, and what the next worker finds, out.

A command that clients give to a job changes its document, and a unit of work that noted its progress in the same
document would be undone by it and repeated. Functions of hooks.py also do what no database undoes. So their units note
their progress on the job's desk, which only changes hands together with the job; the job itself is told afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from engine.fields.base import MISSING
from engine.jobs import EXPIRES, Job, Note
from server.runtime.jobs.stored import DESKS, expiry
from server.store import DuplicateKey, Store


@dataclass(frozen=True, slots=True)
class Pause:
    """What a unit of work gives instead of a Note where its item is to be gone on with: `state` says from where."""

    key: str
    state: Any


async def take_desk(store: Store, job: Job, now: int) -> Note | Pause | None:
    """Makes the desk that of the worker that holds the job now, so that no worker before it can leave anything more;
    gives what the last one left and the job does not know. The job is lost where it is not the desk's any more."""
    try:
        await store.insert(DESKS, {"_id": job.id, "fence": job.fence, EXPIRES: expiry(now)})
        return None
    except DuplicateKey:
        await store.update(DESKS, {"_id": job.id, "fence": {"$lt": job.fence}}, {"$set": {"fence": job.fence}})
    left = await store.get(DESKS, job.id)
    if left is None or "before" not in left or left["before"] != job.checkpoint:
        return None
    return Note(**left["note"]) if left["note"] is not None else Pause(**left["pause"])


async def leave(store: Store, job: Job, what: Note | Pause) -> bool:
    """Leaves on the desk what was done since the job's checkpoint; tells whether the desk is still this worker's."""
    note = _values(what) if isinstance(what, Note) else None
    pause = _values(what) if isinstance(what, Pause) else None
    change = {"$set": {"before": job.checkpoint, "note": note, "pause": pause}}
    return await store.update(DESKS, {"_id": job.id, "fence": job.fence}, change)


async def clear_desk(store: Store, job: Job) -> None:
    """Takes the desk from whoever has the job, as it has been taken from them."""
    await store.update(DESKS, {"_id": job.id, "fence": {"$lte": job.fence}}, {"$set": {"fence": job.fence + 1}})


def _values(what: Note | Pause) -> Mapping[str, Any]:
    given = {one.name: getattr(what, one.name) for one in fields(what)}
    return {name: value for name, value in given.items() if value is not MISSING}


__all__ = ["Pause", "clear_desk", "leave", "take_desk"]
