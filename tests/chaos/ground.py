"""What chaos happens to: an app whose actions and deletions leave witnesses, its database, and the processes that get
killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bson import ObjectId

from engine.compiler import compile_app
from engine.definitions import Sources
from engine.jobs import Job
from server.runtime.jobs import act_on_query_later, delete_query_later, prepare_jobs
from server.runtime.jobs.stored import JOBS, LOGS, RESULTS, read_job
from server.runtime.running import SYSTEM, RunningApp
from server.store import EmbeddedDatabase, StoreError, open_store

ROOT = Path(__file__).parents[2]
FILES = {
    "app.yaml": "name: chaos\nlabel: Chaos\nqueues: {mix: {workers: 8}}\n",
    "entities/things.yaml": (
        "label: Things\nrecordLabel: name\nfields:\n  name: {type: text}\n  batch: {type: integer, index: true}\n"
        "  counted: {type: integer, default: 0}\n"
        "actions:\n  count:\n    steps:\n"
        '      - set: {counted: "=counted + 1", name: "{name}!"}\n'
        '      - create: {entity: witnesses, values: {name: "{name}", batch: "=batch"}}\n'
        "listeners:\n  remember:\n    on: [deleted]\n    from: [user, script, system]\n    steps:\n"
        '      - create: {entity: witnesses, values: {name: "{name}", batch: "=batch"}}\n'
    ),
    "entities/witnesses.yaml": (
        "label: Witnesses\nrecordLabel: name\nfields:\n  name: {type: text}\n  batch: {type: integer, index: true}\n"
    ),
    "entities/arrivals.yaml": (
        "label: Arrivals\nrecordLabel: name\nauditLogs: true\nfields:\n  name: {type: text, unique: true, required: true}\n"
        "  size: {type: integer}\n  home: {type: relationship, entity: homes}\n"
        "listeners:\n  remember:\n    on: [created, changed]\n    from: [user, script, system]\n    steps:\n"
        '      - create: {entity: witnesses, values: {name: "{name}", batch: "=size"}}\n'
    ),
    "entities/homes.yaml": (
        "label: Homes\nrecordLabel: name\nfields:\n  name: {type: text, unique: true, required: true}\n"
        "  size: {type: integer}\n"
    ),
    "entities/followers.yaml": (
        "label: Followers\nrecordLabel: name\nfields:\n  name: {type: text}\n"
        "  thing: {type: relationship, entity: things, copy: [counted], onDelete: remove}\n"
    ),
}
COMPILED = compile_app(Sources(".", FILES))
LEASE = 3.0
ADMIN = {"CASTWORK_ADMIN_EMAIL": "admin@example.com", "CASTWORK_ADMIN_PASSWORD": "a password for tests"}
MOST_RESULTS = 1_000
FOLLOWED = 50
"""One thing in so many is referred to, and shows by that whether a cascade was lost."""
CASCADED = 10.0
"""Seconds within which the last cascade has come through."""


class Violated(AssertionError):
    """A promise was not kept."""


@dataclass
class Count:
    """What a scenario did and saw."""

    runs: int = 0
    kills: int = 0
    records: int = 0
    longest_recovery: float = 0.0
    notes: Counter[str] = field(default_factory=Counter)

    def line(self) -> str:
        more = "".join(f", {count} × {what}" for what, count in sorted(self.notes.items()) if count)
        return (
            f"{self.runs} runs, {self.kills} kills, {self.records} records, "
            f"0 lost, 0 doubled, longest recovery {self.longest_recovery:.1f} s{more}"
        )


@dataclass(frozen=True)
class Work:
    """What a job does to each record: the request that starts it, and what it leaves of the record and its follower."""

    name: str
    method: str
    path: str
    later: Callable[[RunningApp, list[tuple[str, str]]], Awaitable[Job]]
    leaves: Callable[[int], int]
    """How many of so many records are left."""
    left: Mapping[str, Any]
    """What is so for each of them."""
    witness: str
    """The name of a record's witness."""
    follower: Callable[[str], Any]
    """The reference of its follower, without the id."""


ACTION = Work(
    "action",
    "PUT",
    "/data/things/count",
    lambda running, pairs: act_on_query_later(running, SYSTEM, "things", "count", pairs, {}),
    lambda count: count,
    {"counted": 1, "version": 1},
    "{}!",
    lambda name: {"label": f"{name}!", "counted": 1},
)
DELETION = Work(
    "deletion",
    "DELETE",
    "/data/things",
    lambda running, pairs: delete_query_later(running, SYSTEM, "things", pairs),
    lambda count: 0,
    {},
    "{}",
    lambda name: None,
)
WORKS = {work.name: work for work in (ACTION, DELETION)}


class Program:
    """`castwork` in a process of its own, which is killed by its id."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said = ""
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, *arguments: str, **environment: str) -> Program:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server", *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, **ADMIN, "CASTWORK_JOB_LEASE": str(LEASE), **environment},
        )
        return cls(process)

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.said += line.decode(errors="replace")

    async def wait_for(self, pattern: str, seconds: float = 60) -> re.Match[str]:
        """The match of a pattern in what the program prints."""
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up and self.process.returncode is None:
            if found := re.search(pattern, self.said):
                return found
            await asyncio.sleep(0.05)
        raise Violated(f"No {pattern} in: {self.said[-3000:]}")

    def send(self, sig: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(sig)

    async def ended(self) -> int:
        code = await self.process.wait()
        await self._reading
        return code

    async def kill(self) -> None:
        self.send(signal.SIGKILL)
        await self.ended()


class Ground:
    """One app over one database that this process owns."""

    def __init__(self, folder: Path, uri: str, running: RunningApp, work: Work) -> None:
        self.work = work
        self.folder = folder
        self.uri = uri
        self.running = running
        self.programs: list[Program] = []

    @property
    def store(self):
        return self.running.store

    async def worker(self, **environment: str) -> Program:
        program = await Program.start("worker", str(self.folder), "--db", self.uri, **environment)
        self.programs.append(program)
        return program

    async def server(self) -> Program:
        program = await Program.start("serve", str(self.folder), "--db", self.uri, "--port", "0")
        self.programs.append(program)
        return program

    async def things(self, batch: int, count: int) -> list[ObjectId]:
        """Ids of new records."""
        made = [
            {
                "_id": ObjectId(),
                "version": 0,
                "label": f"{batch}-{n}",
                "name": f"{batch}-{n}",
                "batch": batch,
                "counted": 0,
            }
            for n in range(count)
        ]
        followers = [
            {
                "_id": ObjectId(),
                "version": 0,
                "label": one["name"],
                "name": one["name"],
                "thing": {"id": one["_id"], "label": one["label"], "counted": 0},
            }
            for one in made[::FOLLOWED]
        ]
        await self.store.insert_many("followers", followers)
        for start in range(0, count, 2_000):
            await self.store.insert_many("things", made[start : start + 2_000])
        return [document["_id"] for document in made]

    async def begin(self, batch: int) -> ObjectId:
        return (await self.work.later(self.running, [("batch", str(batch))])).id

    async def processed(self, job: ObjectId) -> tuple[int, str]:
        """How many records the job has done, and its status; bears a database that is away."""
        while True:
            with contextlib.suppress(StoreError):
                found = await read_job(self.store, job, {"payload": 0})
                assert found is not None
                return found.records_processed, found.state.status
            await asyncio.sleep(0.1)

    async def until(self, job: ObjectId, records: int, seconds: float) -> float:
        """Seconds until the job has done more records than so many, or is finished."""
        began = time.monotonic()
        while True:
            done, status = await self.processed(job)
            if done > records or status == "FINISHED":
                return time.monotonic() - began
            if time.monotonic() - began > seconds:
                lines = [line["message"] for line in await self.store.find(LOGS, {"job": job}, sort=[("_id", 1)])]
                raise Violated(f"The job {job} stays at {done} records, {status}, for {seconds} s: {lines[-5:]}")
            await asyncio.sleep(0.03)

    async def finish(self, job: ObjectId, seconds: float = 600) -> None:
        give_up = time.monotonic() + seconds
        while (await self.processed(job))[1] != "FINISHED":
            if time.monotonic() > give_up:
                raise Violated(f"The job {job} does not end: {await self.processed(job)}")
            await asyncio.sleep(0.1)

    async def check(self, job: ObjectId, batch: int, count: int) -> None:
        """The work was done once on every record of the batch, its cascades too, and the job says so."""
        left = await self.store.count("things", {"batch": batch})
        right = await self.store.count("things", {"batch": batch, **self.work.left})
        stale = await self._stale_followers()
        seen = Counter(
            one["name"] for one in await self.store.find("witnesses", {"batch": batch}, projection={"name": 1})
        )
        found = await read_job(self.store, job)
        entries = await self.store.find(RESULTS, {"job": job}, sort=[("number", 1)])
        lines = [line["message"] for line in await self.store.find(LOGS, {"job": job}, sort=[("_id", 1)])]
        doubled = [name for name, times in seen.items() if times > 1]
        wanted = {self.work.witness.format(f"{batch}-{n}") for n in range(count)}
        facts = {
            "left": left,
            "as promised": right,
            "stale": stale,
            "lost": len(wanted - seen.keys()),
            "strange": len(seen.keys() - wanted),
            "doubled": len(doubled),
            "processed": found.records_processed,
            "counted": found.records_count,
            "errors": found.has_errors,
            "results": len({entry["key"] for entry in entries}),
            "numbers": [entry["number"] for entry in entries] == list(range(len(entries))),
            "refused": sum(entry["result"]["status"] != "ok" for entry in entries),
            "last line": lines[-1],
        }
        promised = {
            "left": self.work.leaves(count),
            "as promised": self.work.leaves(count),
            "stale": 0,
            "lost": 0,
            "strange": 0,
            "doubled": 0,
            "processed": count,
            "counted": count,
            "errors": False,
            "results": min(count, MOST_RESULTS),
            "numbers": True,
            "refused": 0,
            "last line": "Finished",
        }
        if facts != promised:
            wrong = {name: fact for name, fact in facts.items() if fact != promised[name]}
            raise Violated(f"{wrong} for the job {found} with the log {lines}")

    async def _stale_followers(self) -> int:
        """How many followers do not show what became of their thing, when cascades have had their time."""
        give_up = time.monotonic() + CASCADED
        while True:
            followers = await self.store.find("followers", {})
            stale = 0
            for one in followers:
                thing = one["thing"]
                shown = thing and {name: value for name, value in thing.items() if name != "id"}
                stale += shown != self.work.follower(one["name"])
            if not stale or time.monotonic() > give_up:
                return stale
            await asyncio.sleep(0.1)

    async def clear(self) -> None:
        for collection in ("things", "witnesses", "followers", JOBS, RESULTS, LOGS):
            await self.store.delete_many(collection, {})

    async def close(self) -> None:
        for program in self.programs:
            program.send(signal.SIGCONT)
            await program.kill()
        await self.store.close()


def write_app(folder: Path) -> Path:
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


@contextlib.asynccontextmanager
async def open_ground(folder: Path, work: Work):
    """A ground and the database process under it."""
    app = write_app(folder / "app")
    async with EmbeddedDatabase(folder / "data") as database:
        store = await open_store(database.uri, "chaos")
        for plan in COMPILED.indexes:
            await store.create_index(plan.collection, plan.name, plan.keys, {})
        await prepare_jobs(store)
        ground = Ground(app, database.uri, RunningApp(COMPILED, store), work)
        try:
            yield ground, database
        finally:
            await ground.close()


def some_moment(rng: random.Random, count: int) -> int:
    """After how many records something shall happen."""
    return rng.randrange(count * 9 // 10)
