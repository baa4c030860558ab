"""What one process keeps in memory to know its callers: who was recognised a moment ago, and who waits to log in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bson import ObjectId

from engine.errors import Unavailable
from engine.permissions.membership import Membership
from engine.permissions.throttling import LoginPolicy
from server.runtime.auth.hashing import HASHER, Hasher

if TYPE_CHECKING:
    from server.runtime.running import Caller

BELIEVED = 0.8
"""Seconds for which a recognised token is not looked up again, unless its sessions are so short that its uses are
written down more often: logging out and the like reach all processes in less than a second."""
MOST_KEPT = 10_000
MOST_WAITING = 200
"""Logins that wait for their turn; each turn takes as long as one hash."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """What is known of a token: the caller as first seen, whose address each request tells anew, and what it is still
    checked for.

    `memberships` are those of the user and of who impersonates them; `valid_until` is in ms of the app's clock,
    `kept_until` in seconds of the timer.
    """

    caller: Caller
    people: frozenset[ObjectId]
    memberships: tuple[Membership, ...]
    valid_until: int | None
    kept_until: float


class KnownCallers:
    """Recognised tokens by their id, each for less than a second. `timer` counts seconds and never goes back."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self.timer = timer
        self._known: dict[str, Recognised] = {}
        self._changes = 0

    @property
    def state(self) -> int:
        """Changes whenever something is forgotten; see `keep`."""
        return self._changes

    def get(self, key: str) -> Recognised | None:
        """What was read of the token within the last moment."""
        found = self._known.get(key)
        if found is not None and self.timer() >= found.kept_until:
            del self._known[key]
            return None
        return found

    def keep(self, key: str, recognised: Recognised, state: int) -> None:
        """Keeps what was read since `state`, unless something was forgotten while it was being read."""
        if state != self._changes:
            return
        if len(self._known) >= MOST_KEPT:
            self._known.clear()
        self._known[key] = recognised

    def forget_token(self, key: str) -> None:
        """The token ended."""
        self._changes += 1
        self._known.pop(key, None)

    def forget_person(self, user: ObjectId) -> None:
        """Something about a user changed: all their tokens are looked up anew."""
        self._changes += 1
        self._known = {key: found for key, found in self._known.items() if user not in found.people}


class Desk:
    """Where people log in to one app of this process."""

    def __init__(self, hasher: Hasher = HASHER, policy: LoginPolicy | None = None) -> None:
        self.hasher = hasher
        self.policy = policy or LoginPolicy()
        self.known = KnownCallers()
        self._turns = asyncio.Semaphore(hasher.threads)
        self._waiting = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One of as many turns as there are hashing threads: between the look at the counters and the count of a
        failure there are never more guesses than that. Raises Unavailable where the queue is too long.
        """
        if self._waiting >= MOST_WAITING:
            raise Unavailable("Too many people are logging in at this moment; try again", retry_after=2)
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turns.release()


__all__ = ["BELIEVED", "Desk", "KnownCallers", "Recognised"]
