"""What can go wrong with a job, and the proof that each time its work is done once on every record and counted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
from bson import ObjectId

from server.database import join_database
from server.runtime.jobs import delete_ids_later
from server.runtime.jobs.crash_points import VARIABLE, CrashPoint
from server.runtime.jobs.stored import JOBS, LOGS
from server.runtime.running import SYSTEM, RunningApp
from tests.chaos.ground import (
    ADMIN,
    COMPILED,
    LEASE,
    Count,
    Ground,
    Program,
    Violated,
    Work,
    open_ground,
    some_moment,
    write_app,
)

BOUND = LEASE + 10
"""Seconds within which a job must go on after its worker was lost."""
PATIENCE = 120
"""Seconds without any progress after which something is taken to hang, however busy the machine is."""
BATCH = 100
"""Records that share a transaction."""


async def kill_worker(count: Count, runs: int, records: int, rng: random.Random, work: Work) -> None:
    """SIGKILL of the worker at random; another one is there, or comes."""
    async with _ground(work) as (ground, _):
        for batch in range(runs):
            job = await _begin(ground, batch, records)
            worker = await ground.worker()
            await ground.until(job, some_moment(rng, records), 300)
            await asyncio.sleep(rng.random() / 5)
            await worker.kill()
            done, status = await ground.processed(job)
            count.kills += status != "FINISHED"
            other = await ground.worker()
            await other.wait_for("Working on background jobs")
            count.longest_recovery = max(count.longest_recovery, await ground.until(job, done, BOUND))
            await _end(ground, count, job, batch, records, other)


async def crash_points(count: Count, runs: int, records: int, rng: random.Random, work: Work) -> None:
    """The worker kills itself at a named place; each place gets its share of the runs."""
    points = list(CrashPoint)
    async with _ground(work) as (ground, _):
        other = await ground.worker()
        await other.wait_for("Working on background jobs")
        for batch in range(runs):
            other.send(signal.SIGSTOP)  # has nothing to do until the doomed one is dead
            point = points[batch % len(points)]
            passes = {
                CrashPoint.BEFORE_WRITE: some_moment(rng, records) + 1,
                CrashPoint.BEFORE_FINISH: 1,
            }.get(point, some_moment(rng, max(1, records // BATCH) + 1) + 1)
            job = await _begin(ground, batch, records)
            doomed = await ground.worker(**{VARIABLE: f"{point}:{passes}"})
            code = await asyncio.wait_for(doomed.ended(), 600)
            if code != -signal.SIGKILL:
                raise Violated(f"The worker ended with {code} instead of at {point}")
            count.kills += 1
            count.notes[point] += 1
            done, _ = await ground.processed(job)
            other.send(signal.SIGCONT)
            count.longest_recovery = max(count.longest_recovery, await ground.until(job, done, BOUND))
            await _end(ground, count, job, batch, records)


async def kill_database(count: Count, runs: int, records: int, rng: random.Random, work: Work) -> None:
    """SIGKILL of the database at random; its owner starts it again under the worker's feet."""
    async with _ground(work) as (ground, database):
        worker = await ground.worker()
        for batch in range(runs):
            job = await _begin(ground, batch, records)
            await ground.until(job, some_moment(rng, records), 300)
            await asyncio.sleep(rng.random() / 5)
            done, status = await ground.processed(job)
            os.kill(database.pid, signal.SIGKILL)
            count.kills += status != "FINISHED"
            count.longest_recovery = max(count.longest_recovery, await ground.until(job, done + BATCH, BOUND + 20))
            await _end(ground, count, job, batch, records)
        await worker.kill()


async def kill_server(count: Count, runs: int, records: int, rng: random.Random, work: Work) -> None:
    """SIGKILL of the server, and with it of its database; the next one goes on with the data."""
    with tempfile.TemporaryDirectory() as folder:
        app = write_app(Path(folder))
        server, client = await _serve(app)
        try:
            for batch in range(runs):
                async with _visiting(app, work) as ground:
                    await ground.things(batch, records)
                url = f"{work.path}?batch={batch}&_async=true"
                answer = (await client.request(work.method, url)).json()
                job, moment = answer["jobId"], some_moment(rng, records)
                await _until(client, job, 300, moment)
                await asyncio.sleep(rng.random() / 5)
                done = (await _ask(client, job))["recordsProcessed"]
                await server.kill()
                count.kills += 1
                server, client = await _serve(app)
                count.longest_recovery = max(count.longest_recovery, await _until(client, job, BOUND, done))
                await _until(client, job, 600, records)
                async with _visiting(app, work) as ground:
                    await ground.check(ObjectId(job), batch, records)
                    await ground.clear()
                count.runs += 1
                count.records += records
        finally:
            await server.kill()


async def pause_worker(count: Count, runs: int, records: int, rng: random.Random, work: Work) -> None:
    """SIGSTOP of a worker for longer than its lease; woken up, it must not write anything more."""
    async with _ground(work) as (ground, _):
        for batch in range(runs):
            job = await _begin(ground, batch, records)
            sleeper = await ground.worker()
            await ground.until(job, some_moment(rng, records), 300)
            await asyncio.sleep(rng.random() / 5)
            sleeper.send(signal.SIGSTOP)
            done, status = await ground.processed(job)
            count.kills += status != "FINISHED"
            other = await ground.worker()
            count.longest_recovery = max(count.longest_recovery, await ground.until(job, done, BOUND + 5))
            sleeper.send(signal.SIGCONT)  # in the middle of the other one's work
            await ground.finish(job)
            await asyncio.sleep(1)
            for program in (sleeper, other):
                program.send(signal.SIGTERM)
                await asyncio.wait_for(program.ended(), PATIENCE)
            count.notes["taken over"] += await ground.store.count(LOGS, {"job": job, "message": "The worker was lost"})
            await _end(ground, count, job, batch, records)


async def storm(count: Count, runs: int, records: int, rng: random.Random, work: Work) -> None:
    """A job that is killed `runs` times: its worker, a server that works too, the database under them, at random; and
    workers at each named place. A job that gets done sooner is followed by another one."""
    victims = [*_VICTIMS, CrashPoint.BEFORE_WRITE, CrashPoint.AFTER_WRITE, CrashPoint.AFTER_CHECKPOINT]
    async with _ground(work) as (ground, database):
        batch, begun = 0, 0
        job = await _begin(ground, batch, records)
        crew = await _crew(ground)
        while (kill := count.kills) < runs:
            last = kill == runs - 1
            victim = CrashPoint.BEFORE_FINISH if last else victims[kill % len(victims)]
            done, status = await ground.processed(job)
            if status == "FINISHED":
                await _end(ground, count, job, batch, records)
                batch, begun = batch + 1, kill
                job = await _begin(ground, batch, records)
                done = 0
            await ground.until(job, max(done, records * (kill - begun + 1) // (runs - begun + 1)), 300)
            await asyncio.sleep(rng.random() / 5)
            if isinstance(victim, CrashPoint):
                for program in crew.values():
                    await program.kill()
                await _doom(ground, job, victim, 1 if last else rng.randrange(1, 4))
            elif victim == "database":
                os.kill(database.pid, signal.SIGKILL)
            else:
                await crew[victim].kill()
            done, status = await ground.processed(job)
            count.kills += status != "FINISHED"
            count.notes[victim] += status != "FINISHED"
            if victim != "database":
                crew = await _crew(ground, crew)
            count.longest_recovery = max(count.longest_recovery, await ground.until(job, done, BOUND + 20))
        await _end(ground, count, job, batch, records, *crew.values())


async def crowd(count: Count, runs: int, records: int, rng: random.Random, work: Work) -> None:
    """Eight workers (four for few jobs), a job that deletes one record for each of a fifth of `records`: each is run
    once."""
    jobs, crew = records // 5, 8 if records > 1_000 else 4
    async with _ground(work) as (ground, _):
        for batch in range(runs):
            ids = await ground.things(batch, jobs)
            made = [(await delete_ids_later(ground.running, SYSTEM, "things", str(one), [])).id for one in ids]
            workers = [
                await ground.worker(CASTWORK_JOB_LEASE="60") for _ in range(crew)
            ]  # nobody is to be taken for dead
            for worker in workers:
                await worker.wait_for("Working on background jobs", 600)
            ended, patience = -1, 0.0
            while (now := await ground.store.count(JOBS, {"status": "FINISHED"})) < jobs:
                if now > ended:
                    ended, patience = now, time.monotonic() + PATIENCE
                if time.monotonic() > patience:
                    raise Violated(f"{ended} of {jobs} jobs have ended, and no other does")
                await asyncio.sleep(0.5)
            for worker in workers:
                worker.send(signal.SIGTERM)
            codes = [await asyncio.wait_for(worker.ended(), PATIENCE) for worker in workers]
            if any(codes):
                raise Violated(f"Workers ended with {codes}")
            starts = await ground.store.count(LOGS, {"message": "Started"})
            errors = await ground.store.count(JOBS, {"hasErrors": True})
            seen = await ground.store.find("witnesses", {"batch": batch}, projection={"name": 1})
            lost = await ground.store.count(LOGS, {"message": "The worker was lost"})
            facts = (starts, lost, errors, len(seen), len({one["name"] for one in seen}))
            if facts != (jobs, 0, 0, jobs, jobs) or len(made) != jobs:
                raise Violated(f"starts, losses, errors, deletions, records: {facts} for {jobs} jobs")
            await ground.clear()
            count.notes[f"jobs by {crew} workers"] += jobs
            count.runs += 1
            count.records += jobs


Scenario = Callable[[Count, int, int, random.Random, Work], Awaitable[None]]

SCENARIOS: dict[str, Scenario] = {
    "storm": storm,
    "worker": kill_worker,
    "points": crash_points,
    "database": kill_database,
    "server": kill_server,
    "pause": pause_worker,
    "crowd": crowd,
}


async def _doom(ground: Ground, job: ObjectId, point: CrashPoint, passes: int) -> None:
    """Has a worker go on with the job until it kills itself at a place, or until the job ends before."""
    doomed = await ground.worker(**{VARIABLE: f"{point}:{passes}"})
    while doomed.process.returncode is None:
        if (await ground.processed(job))[1] == "FINISHED":
            await doomed.kill()
            return
        await asyncio.sleep(0.1)
    if (code := await doomed.ended()) != -signal.SIGKILL:
        raise Violated(f"The worker ended with {code} instead of at {point}")


_VICTIMS = {"worker": Ground.worker, "server": Ground.server, "database": None}


async def _crew(ground: Ground, living: Mapping[str, Program] | None = None) -> dict[str, Program]:
    """A server and a worker, which both run jobs: those that live still, or new ones that are at work."""
    crew = {name: one for name, one in (living or {}).items() if one.process.returncode is None}
    crew |= {name: await start(ground) for name, start in _VICTIMS.items() if start and name not in crew}
    await crew["worker"].wait_for("Working on background jobs")
    await crew["server"].wait_for(r"http://\S+:\d+/api")
    return crew


@contextlib.asynccontextmanager
async def _ground(work: Work):
    with tempfile.TemporaryDirectory() as folder:
        async with open_ground(Path(folder), work) as opened:
            yield opened


@contextlib.asynccontextmanager
async def _visiting(app: Path, work: Work):
    """The ground of a server that runs."""
    async with join_database(None, app) as database:
        ground = Ground(app, database.uri, RunningApp(COMPILED, await database.connect("chaos")), work)
        try:
            yield ground
        finally:
            await ground.close()


async def _begin(ground: Ground, batch: int, records: int) -> ObjectId:
    await ground.things(batch, records)
    return await ground.begin(batch)


async def _end(ground: Ground, count: Count, job: ObjectId, batch: int, records: int, *workers: Program) -> None:
    await ground.finish(job)
    await ground.check(job, batch, records)
    for worker in workers:
        await worker.kill()
    await ground.clear()
    count.runs += 1
    count.records += records


async def _serve(app: Path) -> tuple[Program, httpx.AsyncClient]:
    server = await Program.start("serve", str(app), "--port", "0")
    url = (await server.wait_for(r"http://\S+:\d+/api"))[0]
    client = httpx.AsyncClient(base_url=url, timeout=60)
    body = {"email": ADMIN["CASTWORK_ADMIN_EMAIL"], "password": ADMIN["CASTWORK_ADMIN_PASSWORD"]}
    client.headers["token"] = (await client.post("/auth/login", json=body)).json()["token"]
    return server, client


async def _ask(client: httpx.AsyncClient, job: str) -> dict[str, Any]:
    return (await client.get(f"/status/jobs/{job}")).json()


async def _until(client: httpx.AsyncClient, job: str, bound: float, records: int) -> float:
    """Seconds until the job has done more records than so many, or is finished."""
    began = time.monotonic()
    while (now := await _ask(client, job))["recordsProcessed"] <= records and now["status"] != "FINISHED":
        if time.monotonic() - began > bound:
            raise Violated(f"Nothing happened within {bound} s: {now}")
        await asyncio.sleep(0.03)
    return time.monotonic() - began


__all__ = ["SCENARIOS", "Scenario"]
