"""A server process for tests that kill it: serves one app over a database and renames its company until it is killed."""

import asyncio
import sys
from pathlib import Path

from engine.compiler import compile_app
from engine.definitions import read_sources
from server.runtime.outbox import keep_sweeping
from server.runtime.records import update_record
from server.runtime.running import SYSTEM, RunningApp
from server.store import open_store


async def main(uri, database, folder, company):
    store = await open_store(uri, database)
    running = RunningApp(compile_app(read_sources(Path(folder))), store)
    if company == "-":
        print("sweeping", flush=True)
        await keep_sweeping(lambda: running)
    number = 0
    while True:
        number += 1
        await update_record(running, SYSTEM, "companies", company, {"name": f"name {number}"})
        print(number, flush=True)
        await asyncio.sleep(0.2)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
