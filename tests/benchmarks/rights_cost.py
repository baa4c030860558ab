"""What rights cost: CPU of a list of 20 records for callers whose rights differ, side by side in one run: `make bench`.

Every caller gets the same 20 records, so that only the rights make the difference. The database is another process and
is not counted.
"""

import argparse
import asyncio
import gc
import random
import statistics
import tempfile
import time
from pathlib import Path

from engine.compiler import compile_app
from engine.definitions import Sources
from server.http.dispatch import build_http
from server.http.serving import Edition, Host, ServedApp, index_routes
from server.runtime import records
from server.runtime.auth.tokens import start_session
from server.runtime.running import SYSTEM, RunningApp, wall_clock
from server.settings import Settings
from server.store import EmbeddedDatabase, open_store, reconcile_indexes
from tests.integration.doors.world import send

RECORDS = 60
TEXTS = "\n".join(f"  text{number}: {{type: text}}" for number in range(10))
DEALS = f"""
label: Deals
recordLabel: "{{title}}"
fields:
  title:   {{type: text}}
  stage:   {{type: choice, options: [open, won]}}
  amount:  {{type: money}}
  due:     {{type: date}}
  owner:   {{type: relationship, entity: sys.users}}
  team:    {{type: text, index: true}}
  contact: {{type: nested, fields: {{email: {{type: email}}, phone: {{type: phone}}}}}}
  secret:  {{type: text}}
{TEXTS}
"""
RIGHTS = {
    "plain": "read: always",
    "conditional": "read: {team: $user.lastName}",
    "masked": "read: always, fields: {secret: {read: {stage: open}}}",
    "both": "read: {team: $user.lastName}, fields: {secret: {read: {stage: open}}}",
}
FILES = {
    "app.yaml": "name: bench\n",
    "entities/deals.yaml": DEALS,
    **{f"groups/{name}.yaml": f"entities: {{deals: {{{rights}}}}}" for name, rights in RIGHTS.items()},
}


async def fill(running):
    """A session for each kind of rights, and records that all of their callers may read."""
    tokens = {}
    for name in RIGHTS:
        groups = [{"primary": True, "group": name}]
        body = {"firstName": "Ada", "lastName": "north", "email": f"{name}@example.com", "groups": groups}
        await records.create_record(running, SYSTEM, "sys.users", body)
        [person] = await running.store.find("sys.users", {"email": body["email"]})
        tokens[name] = await start_session(running.store, person["_id"], None, [None], wall_clock(), 10**10)
    for number in range(RECORDS):
        values = {
            "title": f"deal {number}",
            "stage": "open" if number % 2 else "won",
            "amount": number,
            "due": "2026-01-31",
            "team": "north",
            "owner": {"email": "plain@example.com"},
            "contact": {"email": "a@example.com", "phone": "702-845-9380"},
            "secret": "hush",
            **{f"text{place}": f"some text {place}" for place in range(10)},
        }
        await records.create_record(running, SYSTEM, "deals", values)
    return tokens


async def measure(http, tokens, rounds, requests):
    """CPU seconds of a request by kind of rights, one figure for each round; kinds take turns in random order."""
    taken = {name: [] for name in tokens}
    for turn in range(rounds + 1):
        for name in random.sample(sorted(tokens), len(tokens)):
            headers = [(b"host", b"bench"), (b"token", tokens[name].encode())]
            gc.collect()
            start = time.process_time()
            for _ in range(requests):
                answer = await send(http, "GET", "/api/data/deals", "", headers, b"")
                assert answer.status == 200
            if turn:  # the first is for warming up
                taken[name].append((time.process_time() - start) / requests)
            assert len(answer.json["items"]) == 20
    return taken


async def run(rounds, requests):
    """All figures, from a database of its own."""
    compiled = compile_app(Sources("bench", FILES))
    with tempfile.TemporaryDirectory() as folder:
        database = EmbeddedDatabase(Path(folder))
        store = await open_store(await database.start(), "bench")
        try:
            running = RunningApp(compiled, store)
            await reconcile_indexes(store, compiled.indexes)
            host = Host([ServedApp("bench", Edition(index_routes(compiled.routes), running), 1.0)])
            return await measure(build_http(host, Settings(), "/api"), await fill(running), rounds, requests)
        finally:
            await store.close()
            await database.stop()


def main() -> None:
    """Prints the median of each kind and how it compares with rights without conditions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--requests", type=int, default=40)
    options = parser.parse_args()
    taken = asyncio.run(run(options.rounds, options.requests))
    for name, figures in taken.items():
        ratio = statistics.median(one / other for one, other in zip(figures, taken["plain"], strict=True))
        print(f"{name:12} {statistics.median(figures) * 1e6:6.0f} µs of CPU a list of 20, {ratio:.2f} of plain")


if __name__ == "__main__":
    main()
