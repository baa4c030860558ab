"""Counters of failed logins, kept in the database so that all processes count together: in go tries, out come waits.

Documents of `sys.throttle`, found by `_id` alone; times are in ms:

  pair:<account>:<block>   failures and the last of them; known: when a login from there succeeded last
  account:<account>        failures of strangers and the last of them; consecutive: anybody's since the last success
  address:<block>          failures and the last of them

<account> is a digest of the standardised e-mail address, whether or not anybody has it; <block> is the network that the
client owns. Both are the server's own findings: nothing else in a request can give a guesser another counter. What the
counters mean is in LoginPolicy. `ends` is when a counter may be purged.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bson.datetime_ms import DatetimeMS

from engine.permissions.addresses import Address, block_of
from engine.permissions.throttling import BackOff, LoginPolicy
from server.store import DuplicateKey, Store

THROTTLE = "sys.throttle"

Counters = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Try:
    """One try to log in: whether it must `wait` (ms), and what counts it."""

    pair: str
    account: str
    watched: tuple[str, ...]
    wait: int = 0


class Throttle:
    """The counters of one app."""

    def __init__(self, store: Store, policy: LoginPolicy) -> None:
        self._store = store
        self._policy = policy

    async def admit(self, email: str, address: Address | None, now: int) -> Try:
        """The try; it may be evaluated when its wait is 0. Of many that come when a wait is over, one is admitted."""
        account = f"account:{_digest(email)}"
        pair = f"pair:{_digest(email)}:{block_of(address)}"
        counters = await self._counters((pair, account, f"address:{block_of(address)}"), now)
        watched = self._watched(counters, now)
        wait = max(
            back_off.remaining(counters[key]["failures"], counters[key]["last"], now)
            for key, back_off in watched.items()
        )
        if not wait:
            wait = await self._reserve(watched, counters, now)
        return Try(pair, account, tuple(watched), wait)

    async def note_failure(self, tried: Try, now: int) -> int:
        """Counts a failure; gives how many there were in a row for the account, from wherever."""
        count = {"$inc": {"failures": 1}, "$set": {"last": now, **self._ends(now)}}
        await asyncio.gather(
            *(self._update(key, count) for key in tried.watched),
            self._update(tried.account, {"$inc": {"consecutive": 1}}),
        )
        counter = await self._store.get(THROTTLE, tried.account)
        return 0 if counter is None else int(counter["consecutive"])

    async def note_success(self, tried: Try, now: int) -> None:
        """Makes the address familiar to the account, and starts its count anew; what strangers did still counts."""
        await asyncio.gather(
            self._update(tried.pair, {"$set": {"failures": 0, "known": now, **self._ends(now)}}),
            self._update(tried.account, {"$set": {"consecutive": 0}}),
        )

    async def forgive(self, email: str) -> None:
        """Starts the count of failures in a row anew, for somebody who was let in again."""
        await self._update(f"account:{_digest(email)}", {"$set": {"consecutive": 0}})

    async def _counters(self, keys: tuple[str, str, str], now: int) -> Counters:
        """The counters in the order of their keys; made where missing, set back where they are forgotten."""
        found = {counter["_id"]: counter for counter in await self._store.get_many(THROTTLE, keys)}
        counters: dict[str, Mapping[str, Any]] = {}
        for key in keys:
            counter = found.get(key)
            if counter is None:
                counter = {"_id": key, "failures": 0, "last": 0, "known": 0, "consecutive": 0, **self._ends(now)}
                with contextlib.suppress(DuplicateKey):  # somebody else made it a moment ago
                    await self._store.insert(THROTTLE, counter)
            elif counter["failures"] and now - counter["last"] >= self._policy.forget_after:
                counter = {**counter, "failures": 0}
                await self._update(key, {"$set": {"failures": 0}})
            counters[key] = counter
        return counters

    def _watched(self, counters: Counters, now: int) -> Mapping[str, BackOff]:
        """The counters that can make this try wait: the pair alone where the account knows the address."""
        (pair, account, address) = counters
        if now - counters[pair]["known"] < self._policy.familiar_for:
            return {pair: self._policy.pair}
        return {pair: self._policy.pair, account: self._policy.account, address: self._policy.address}

    async def _reserve(self, watched: Mapping[str, BackOff], counters: Counters, now: int) -> int:
        """Takes the one try that each wait has earned, the next wait beginning now; gives the wait if somebody else
        took it."""
        for key, back_off in watched.items():
            wait = back_off.wait_after(counters[key]["failures"])
            if wait:
                untouched = {"_id": key, "last": counters[key]["last"]}
                if not await self._store.update(THROTTLE, untouched, {"$set": {"last": now}}):
                    return wait
        return 0

    def _ends(self, now: int) -> dict[str, DatetimeMS]:
        return {"ends": DatetimeMS(now + self._policy.familiar_for)}

    async def _update(self, key: str, change: Mapping[str, Any]) -> None:
        await self._store.update(THROTTLE, {"_id": key}, change)


def _digest(email: str) -> str:
    return hashlib.sha256(email.encode()).hexdigest()


__all__ = ["THROTTLE", "Throttle", "Try"]
