"""Workers that know of each other: in goes a worker's heartbeat, out come the jobs of those that are gone.

Time is taken from the database alone: each heartbeat writes the database's clock, and one's own last heartbeat is the
present by which the others are judged. A worker of the same machine is also known to be gone when its process is.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bson.datetime_ms import DatetimeMS

from engine.jobs import EXPIRES
from server.runtime.jobs.stored import WORKERS
from server.store import DuplicateKey, Store

PROCESS = uuid.uuid4().hex
"""Tells this process from an earlier one with the same number."""
DAY = 86_400_000


@dataclass(frozen=True, slots=True)
class Presence:
    """What the workers of a database are known to be at one moment."""

    alive: frozenset[str]
    machines: int
    """On how many machines they run."""


def read_machine() -> str:
    """What tells this machine from others: no two see each other's processes under the same name."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}-{Path('/proc/self/ns/pid').readlink()}".translate(_PLAIN)
    except OSError:  # not Linux
        return f"{socket.gethostname()}-{uuid.getnode():x}"


_PLAIN = str.maketrans(":/", "..", "[]")


def this_process(machine: str) -> dict[str, Any]:
    """What others of the same database need to know of this process to find out that it is gone."""
    return {"machine": machine, "pid": os.getpid(), "process": PROCESS}


def is_gone(process: Mapping[str, Any], machine: str) -> bool:
    """Whether a process of which `this_process` told is known not to live any more; of other machines nothing is."""
    if process["machine"] != machine:
        return False
    if process["pid"] == os.getpid():
        return bool(process["process"] != PROCESS)
    try:
        os.kill(process["pid"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it lives, as somebody else
        return False
    return False


class WorkerRecord:
    """One worker's own document among those of all workers."""

    def __init__(self, machine: str, lease: float) -> None:
        self.id = f"{machine}/{os.getpid()}/{uuid.uuid4().hex[:12]}"
        self.machine = machine
        self._lease = int(lease * 1000)
        self._seen, self._beaten = 0, 0.0

    def now(self) -> int:
        """The present by the database's clock, in ms, as far as the last heartbeat told."""
        return self._seen + int((time.monotonic() - self._beaten) * 1000)

    async def beat(self, store: Store, now: int) -> Presence:
        """Says that this worker lives, and finds out who else does. `now` is by this process's clock; only when
        forgotten records are removed depends on it."""
        change = {"$currentDate": {"seen": True}, "$set": {EXPIRES: DatetimeMS(now + DAY)}}
        if not await store.update(WORKERS, {"_id": self.id}, change):
            with contextlib.suppress(DuplicateKey):  # an earlier heartbeat arrived although it seemed not to
                await store.insert(WORKERS, self._document())
            await store.update(WORKERS, {"_id": self.id}, change)
        return self._judge(await store.find(WORKERS, {}))

    async def leave(self, store: Store) -> None:
        """Says that this worker is no more."""
        await store.delete(WORKERS, {"_id": self.id})

    def _document(self) -> dict[str, Any]:
        return {"_id": self.id, **this_process(self.machine), "lease": self._lease}

    def _judge(self, workers: Iterable[Mapping[str, Any]]) -> Presence:
        known = {worker["_id"]: worker for worker in workers if "seen" in worker}
        present = self._seen = int(known[self.id]["seen"])
        self._beaten = time.monotonic()
        alive = {
            key: worker
            for key, worker in known.items()
            if int(worker["seen"]) + worker["lease"] > present and not is_gone(worker, self.machine)
        }
        return Presence(frozenset({*alive, self.id}), len({worker["machine"] for worker in alive.values()}) or 1)


__all__ = ["Presence", "WorkerRecord", "is_gone", "read_machine", "this_process"]
