"""Whether the time of a refused login tells if the user exists: tries of several kinds in random order, compared as AUC.

0.5 is no difference, 1.0 is certainty: `python -m tests.benchmarks.login_timing [--tries 500]`. Each kind is compared
with tries at addresses that nobody has.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path

from engine.compiler import compile_app
from engine.definitions import Sources
from engine.errors import Unauthorized
from engine.permissions.addresses import parse_address
from engine.permissions.throttling import BackOff, LoginPolicy
from server.runtime import records
from server.runtime.auth.desk import Desk
from server.runtime.auth.login import login
from server.runtime.running import SYSTEM, RunningApp
from server.store import EmbeddedDatabase, open_store

NEVER = BackOff(free=10**9, longest=0)
FILES = {
    "app.yaml": "name: timing\n",
    "groups/staff.yaml": "label: Staff\nsecurity: {maxLoginAttempts: 1000}\n",
}
KINDS = ("unknown", "known", "inactive", "without password")
PEOPLE = 20
ADDRESS = parse_address("192.0.2.1")


def auc(first, second):
    """The chance that a value of the first is not below one of the second."""
    ranked = sorted([(value, 1) for value in first] + [(value, 0) for value in second])
    wins = below = 0
    for _, is_first in ranked:
        if is_first:
            wins += below
        else:
            below += 1
    return wins / (len(first) * len(second))


async def person(running, email, **more):
    body = {"firstName": "A", "lastName": "B", "email": email, "groups": [{"primary": True, "group": "staff"}], **more}
    if "password" not in email:
        body["authentication"] = {"newPassword": "correct horse", "passwordConfirmation": "correct horse"}
    await records.create_record(running, SYSTEM, "sys.users", body)


def address(kind, number):
    return f"{kind.replace(' ', '.')}.{number}@example.com"


async def measure(running, tries):
    for number in range(PEOPLE):
        await person(running, address("known", number))
        await person(running, address("inactive", number), status="INACTIVE")
        await person(running, address("without password", number))
    times = {kind: [] for kind in KINDS}
    for number in range(-10, tries):
        for kind in random.sample(KINDS, len(KINDS)):
            body = {"email": address(kind, number % PEOPLE), "password": f"wrong {number}"}
            begun = time.perf_counter()
            try:
                await login(running, body, ADDRESS)
            except Unauthorized:
                if number >= 0:
                    times[kind].append(time.perf_counter() - begun)
    return times


async def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tries", type=int, default=500, help="of each kind")
    tries = options.parse_args().tries
    compiled = compile_app(Sources(".", FILES))
    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedDatabase(Path(folder) / "data") as database:
            store = await open_store(database.uri, "timing")
            desk = Desk(policy=LoginPolicy(pair=NEVER, account=NEVER, address=NEVER))
            times = await measure(RunningApp(compiled, store, desk=desk), tries)
            await store.close()
    for kind, found in times.items():
        middle = statistics.median(found) * 1000
        print(f"{kind:18} {len(found)} tries, median {middle:.2f} ms, AUC {auc(found, times['unknown']):.3f}")


if __name__ == "__main__":
    asyncio.run(main())
