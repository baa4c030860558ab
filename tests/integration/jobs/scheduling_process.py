"""A process for tests of schedules: looks after those of an app for fifty hours of a clock that it makes up itself, up
to a minute behind or ahead of its rivals."""

import asyncio
import random
import sys
from pathlib import Path

from engine.compiler import compile_app
from engine.definitions import read_sources
from server.runtime.jobs.schedules import Scheduler
from server.runtime.running import RunningApp
from server.store import open_store

MINUTE = 60_000


async def main(uri, database, folder, begin, hours):
    store = await open_store(uri, database)
    running, scheduler = RunningApp(compile_app(read_sources(Path(folder))), store), Scheduler()
    print("ready", flush=True)
    sys.stdin.readline()
    now = int(begin)
    while now <= int(begin) + int(hours) * 60 * MINUTE:
        await scheduler.look(running, now + random.randrange(MINUTE))
        now += 10 * MINUTE
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
