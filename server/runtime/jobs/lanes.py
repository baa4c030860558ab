"""The jobs that wait: in goes a lane, out come those that a worker may take next, oldest first.

There may be very many of them, and not every database stops reading at a limit. So a reader remembers about when the
oldest one was made and asks for the few that were made until shortly after, before it asks for more. At first it finds
that moment by asking for very old jobs, then for less and less old ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from bson import ObjectId

from engine.jobs import FIELDS, LANE, TURN, Job, load_job
from server.runtime.jobs.stored import JOBS
from server.store import Store

MOST_CANDIDATES = 64
SPANS = (1, 16, 256)
"""Seconds after the oldest job within which the next ones are looked for, tried in turn before all are."""
AGES = tuple(2**power for power in range(22, -1, -1))
"""Ages, in seconds, by which a reader that begins looks for the oldest job; from 48 days to a second."""

_SHOWN = dict.fromkeys(
    (FIELDS[name] for name in ("type", "label", "queue", "state", "create_date", "starter", "fence", "start_date")), 1
) | {FIELDS["not_before"]: 1, FIELDS["low_priority"]: 1}


class LaneReader:
    """Looks for waiting jobs on behalf of one worker."""

    def __init__(self) -> None:
        self._oldest: dict[str, int | None] = {}

    async def first(self, store: Store, lane: str, now: int) -> list[Job]:
        """The first jobs of the lane that may be taken now, in ms."""
        for bound in self._bounds(lane, now // 1000):
            jobs = await self._read(store, {LANE: lane} | bound)
            ready = [job for job in jobs if job.not_before <= now]
            if ready:
                self._oldest[lane] = _seconds(jobs[0].id)
                return ready
        self._oldest[lane] = None
        return []

    async def any_waits(self, store: Store) -> bool:
        """Whether some job waits in any lane, be it for a later moment: one question instead of one a lane."""
        return bool(await store.find(JOBS, {LANE: {"$gt": ""}}, limit=1, projection={"_id": 1}))

    async def others(self, store: Store, lane: str, now: int, users: list[str]) -> list[Job]:
        """The first waiting jobs of the lane that none of the users started."""
        edges = sorted(f"{lane}/{user}" for user in users)
        bounds = zip([f"{lane}/", *edges], [*edges, f"{lane}0"], strict=True)  # "0" is the character after "/"
        found = []
        for above, below in bounds:
            operator = "$gte" if above == f"{lane}/" else "$gt"
            found += await self._read(store, {TURN: {operator: above, "$lt": below}})
        return sorted((job for job in found if job.not_before <= now), key=lambda job: job.id)

    def _bounds(self, lane: str, now: int) -> Iterator[dict[str, Any]]:
        """Filters to try in turn; the last one is open, and all there is for a lane that was empty a moment ago."""
        if lane not in self._oldest:
            yield from (_made_before(now - age) for age in AGES)
        elif (oldest := self._oldest[lane]) is not None:
            yield from (_made_before(oldest + span) for span in SPANS)
        yield {}

    async def _read(self, store: Store, wanted: dict[str, Any]) -> list[Job]:
        found = await store.find(JOBS, wanted, sort=[("_id", 1)], limit=MOST_CANDIDATES, projection=_SHOWN)
        return [load_job(document) for document in found]


def _seconds(key: ObjectId) -> int:
    return int(key.generation_time.timestamp())


def _made_before(seconds: int) -> dict[str, Any]:
    return {"_id": {"$lt": ObjectId.from_datetime(datetime.fromtimestamp(max(0, seconds), UTC))}}


__all__ = ["MOST_CANDIDATES", "LaneReader"]
