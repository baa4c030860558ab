"""Jobs of workers that are gone: in goes who lives, out come jobs that wait for a worker again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bson import ObjectId

from engine.jobs import MOST_FAILURES, Circumstances, Command, Job, Level, find_transition
from server.runtime.jobs.desk import clear_desk
from server.runtime.jobs.moves import move
from server.runtime.jobs.presence import Presence
from server.runtime.jobs.stored import read_held
from server.runtime.running import RunningApp
from server.store import Store, StoreError, StoreUnavailable

logger = logging.getLogger(__name__)


async def take_over(running: RunningApp, presence: Presence, worker: str, is_known: Callable[[ObjectId], bool]) -> None:
    """Takes jobs from workers that are gone, and those that the calling worker holds without knowing of it, because its
    claim arrived and the answer did not; `is_known` tells of which ones it does know."""
    held = await read_held(running.store)
    lost = [job for job in held if job.worker not in presence.alive or (job.worker == worker and not is_known(job.id))]
    if not lost:
        return
    sessions = [job.session for job in lost if job.session is not None]
    if sessions and running.store.transactions:
        await _undo(running.store, sessions)
    for job in lost:
        await _free(running, job)
    from server.metrics import LEASES_LOST  # slow to import, and hardly ever needed

    LEASES_LOST.inc(len(lost))


async def _undo(store: Store, sessions: Sequence[Mapping[str, Any]]) -> None:
    """Undoes what workers left half done, which keeps documents locked. A server that does not let us does it by itself
    after a minute."""
    try:
        await store.kill_sessions(sessions)
    except StoreUnavailable:
        raise
    except StoreError as error:
        logger.warning("Sessions of lost workers cannot be ended: %s", error)


async def _free(running: RunningApp, job: Job) -> None:
    failures = job.failures + 1
    for_good = failures >= MOST_FAILURES
    command = Command.FINISH if for_good else Command.LOSE
    transition = find_transition(command, job)
    assert transition is not None
    given = Circumstances(running.clock(), error=f"Its worker was lost {failures} times in a row" if for_good else None)
    line = (Level.ERROR, f"Failed: {given.error}") if for_good else (Level.WARN, "The worker was lost")
    await clear_desk(running.store, job)
    await move(running, job, transition, given, line)


__all__ = ["take_over"]
