"""Requests that are sent again: in goes what tells one from others, out comes a claim to carry it out, or its answer.

Documents of `sys.idempotency`:

  _id      digest of who asks, the route and the key      body     digest of the body
  claim    who carries it out, a new one for each try     lease    ms; until when nobody else may
  machine, pid, process   where: one that is known to be gone holds no lease
  answer   null until there is one: status, content (null: too large to be kept, or a secret)
  expires  when it is forgotten (date)

An answer is written in the same transaction as all else that the request writes: a process that is killed leaves both
or neither. Where there are no transactions, where a request is several units of work, and where it asks other systems,
the answer is written afterwards; whoever is killed in between leaves a claim that another try takes over, which does
the work anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from bson.datetime_ms import DatetimeMS

from engine.actions import Call
from engine.errors import Conflict, InProgress, KeyReused
from server.runtime.calls import Calls
from server.runtime.cancelling import end_tasks
from server.runtime.jobs.presence import is_gone, read_machine, this_process
from server.runtime.running import Caller, RunningApp
from server.runtime.units import run_unit
from server.store import DuplicateKey, Store, StoreError, StoreUnavailable, WriteConflict

logger = logging.getLogger(__name__)

CLAIMS = "sys.idempotency"
KEPT_FOR = 24 * 60 * 60 * 1000
"""Milliseconds for which an answer is kept."""
LEASE = 60_000
"""Milliseconds after which a request that was not answered may be carried out by somebody else."""
MOST_CONTENT = 1024 * 1024
"""Bytes of an answer that are kept."""
CANCEL_AGAIN = 1.0
"""Seconds after which a task that forgot its cancellation is cancelled again."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What tells a request from others: two with one `id` are the same, and ought to have the same `body`."""

    id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of an answer."""

    status: int
    content: bytes
    secret: bool = False
    """Whether only the fact that there was an answer is kept."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to carry out a request, or the answer where that was done."""

    id: str
    token: str
    kept: Kept | None = None


class Divided(BaseException):
    """A request that was begun as one unit of work cannot be one. Not for functions of apps to catch."""


def fingerprint(caller: Caller, route: bytes, key: str, body: bytes) -> Fingerprint:
    """`route` is the method and the URL. Bodies may hold passwords: their digest cannot be guessed at without the key,
    which is stored nowhere."""
    people = ((person or {}).get("id", "") for person in (caller.user, caller.admin))
    who = b"\n".join((*(str(one).encode() for one in people), route, key.encode()))
    return Fingerprint(hashlib.sha256(who).hexdigest(), hmac.digest(key.encode(), body, "sha256"))


async def claim(running: RunningApp, request: Fingerprint) -> Claim:
    """Raises KeyReused for another body, InProgress while somebody else carries the request out, and Conflict where the
    answer was not kept."""
    store, now = running.store, running.clock()
    mine = Claim(request.id, uuid.uuid4().hex)
    values = {
        "body": request.body,
        "claim": mine.token,
        "lease": now + LEASE,
        **this_process(_machine()),
        "answer": None,
        "expires": DatetimeMS(now + KEPT_FOR),
    }
    try:
        try:
            await store.insert(CLAIMS, {"_id": request.id, **values})
        except DuplicateKey:
            found = await store.get(CLAIMS, request.id)
            if found is None:  # it was released at this moment
                raise _in_progress() from None
            if int(found["expires"]) > now:
                if not hmac.compare_digest(found["body"], request.body):
                    raise KeyReused("This idempotency key was sent with another body: take a new one") from None
                if found["answer"] is not None:
                    return replace(mine, kept=_kept(found["answer"]))
                if found["lease"] > now and not is_gone(found, _machine()):
                    raise _in_progress() from None
            as_found = {name: found[name] for name in ("_id", "claim", "lease", "answer")}
            if not await store.update(CLAIMS, as_found, {"$set": values}):
                raise _in_progress() from None
    except WriteConflict:
        raise _in_progress() from None
    return mine


async def carry_out(running: RunningApp, held: Claim, work: Callable[[RunningApp], Awaitable[Kept]]) -> Kept:
    """What the work answers, which is kept with all that it wrote, or after it where it is `divide`d.

    The work may be done more than once, each time as if for the first time. Raises what it raises, and then nothing is
    kept.
    """

    async def together(scope: RunningApp) -> Kept:
        kept = await work(replace(scope, calls=_NoCalls()))
        if not await keep(scope, held, kept):
            raise _in_progress()
        return kept

    if running.store.transactions:
        with contextlib.suppress(Divided):
            return await run_unit(running, together)
    async with _renewed(running, held):
        kept = await work(running)
        await keep(running, held, kept)
    return kept


def divide(running: RunningApp) -> None:
    """Says that what follows is a unit of work for each of several records. Raises Divided where it was begun as one,
    so that it is begun again."""
    if running.unit is not None:
        raise Divided


async def keep(running: RunningApp, held: Claim, kept: Kept) -> bool:
    """Keeps an answer; False where somebody else has taken the claim over."""
    content = None if kept.secret or len(kept.content) > MOST_CONTENT else kept.content
    expires = DatetimeMS(running.clock() + KEPT_FOR)
    values = {"answer": {"status": kept.status, "content": content}, "expires": expires}
    return await running.store.update(CLAIMS, {"_id": held.id, "claim": held.token}, {"$set": values})


async def release(running: RunningApp, held: Claim) -> None:
    """Lets the request be carried out anew; one that was answered after all stays so. Never fails."""
    try:
        await running.store.delete(CLAIMS, {"_id": held.id, "claim": held.token, "answer": None})
    except StoreError as error:
        logger.warning("A request cannot be sent again for %d seconds: %s", LEASE // 1000, error)


async def prepare_idempotency(store: Store) -> None:
    """Has the database remove what expired; one that cannot do it is used as it is."""
    try:
        await store.create_index(CLAIMS, "cw_expires", (("expires", 1),), {"expireAfterSeconds": 0})
    except StoreUnavailable:
        raise
    except StoreError as error:
        logger.warning("The database does not remove what expired from %s: %s", CLAIMS, error)


class _NoCalls(Calls):
    """Other systems are not asked while a transaction is open, which may have to be repeated."""

    async def send(self, call: Call) -> None:
        """Raises Divided."""
        raise Divided


@contextlib.asynccontextmanager
async def _renewed(running: RunningApp, held: Claim) -> AsyncIterator[None]:
    """Holds the claim for as long as it takes."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(LEASE / 3000)
            with contextlib.suppress(StoreError):
                lease = {"lease": running.clock() + LEASE}
                await running.store.update(CLAIMS, {"_id": held.id, "claim": held.token}, {"$set": lease})

    task = asyncio.create_task(renew())
    try:
        yield
    finally:
        await end_tasks([task], CANCEL_AGAIN)


def _kept(answer: Mapping[str, Any]) -> Kept:
    if answer["content"] is None:
        raise Conflict("This request was carried out before; its answer was too large, or too secret, to be kept")
    return Kept(answer["status"], bytes(answer["content"]))


def _in_progress() -> InProgress:
    return InProgress("This very request is being carried out at this moment; its answer will be there in a moment")


_machine = cache(read_machine)

__all__ = [
    "CLAIMS",
    "KEPT_FOR",
    "LEASE",
    "MOST_CONTENT",
    "Claim",
    "Divided",
    "Fingerprint",
    "Kept",
    "carry_out",
    "claim",
    "divide",
    "fingerprint",
    "keep",
    "prepare_idempotency",
    "release",
]
