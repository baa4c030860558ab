"""Rights that change: in every process within a second, and for work that is under way; and who acts for whom."""

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import pytest_asyncio
from bson import ObjectId

from engine.records.audit import AUDIT
from server.http.dispatch import build_http
from server.http.serving import Edition, Host, ServedApp, index_routes
from server.runtime.auth.tokens import start_session
from server.runtime.jobs import JOB_KINDS, Timing, Worker
from server.runtime.running import RunningApp
from server.settings import Settings
from server.store import open_store
from tests.integration.doors.world import BASE, DEVELOPER, NOW, OWN, compiled_app, open_world

pytestmark = pytest.mark.asyncio(loop_scope="session")

BOUND = 1.0
"""Seconds within which a change of rights must reach every process."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def first(database_uri):
    """A process of an app."""
    world = await open_world(database_uri, compiled_app())
    yield world
    await world.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def second(first, database_uri):
    """Another process of the same app: its own connection, its own memory."""
    store = await open_store(database_uri, first.raw.name)
    running = RunningApp(first.running.compiled, store, clock=lambda: NOW)
    host = Host([ServedApp("doors", Edition(index_routes(running.compiled.routes), running), 1.0)])
    yield replace(first, running=running, http=build_http(host, Settings(), BASE))
    await store.close()


@asynccontextmanager
async def worker(world):
    serving = Worker(lambda: world.running, JOB_KINDS, Timing(first_poll=0.005))
    working = asyncio.create_task(serving.run())
    try:
        yield
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def finished(world, job_id):
    for _ in range(2_000):
        found = await asyncio.to_thread(world.raw["sys.jobs"].find_one, {"_id": ObjectId(job_id)})
        if found["state"] in ("finished", "canceled"):
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(found)


async def put_user(world, kind, body):
    answer = await world.ask(DEVELOPER, "PUT", f"/data/sys.users/{world.people[kind]}", body=body)
    assert answer.status == 200, answer


def in_group(name):
    return {"groups": [{"primary": True, "group": name}]}


CHANGES = {
    "another group": (lambda world: put_user(world, "full", in_group("nothing")), 403),
    "no group": (lambda world: put_user(world, "full", {"groups": []}), 403),
    "a status": (lambda world: put_user(world, "full", {"status": "INACTIVE"}), 401),
    "a new password": (
        lambda world: put_user(
            world, "full", {"authentication": {"newPassword": "horse 7 horse", "passwordConfirmation": "horse 7 horse"}}
        ),
        401,
    ),
    "deactivation": (
        lambda world: world.ask(DEVELOPER, "PUT", f"/data/sys.users/{world.people['full']}/deactivate"),
        401,
    ),
    "deletion": (lambda world: world.ask(DEVELOPER, "DELETE", f"/data/sys.users/{world.people['full']}"), 401),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_what_changes_a_user_reaches_every_process_within_a_second(first, second, change):
    await first.reset()
    second.running.desk.known._known.clear()
    make, refused = CHANGES[change]
    for world in (first, second):
        assert (await world.ask("full", "GET", "/data/deals")).status == 200
    await make(first)
    changed = time.monotonic()
    assert (await first.ask("full", "GET", "/data/deals")).status == refused
    while (await second.ask("full", "GET", "/data/deals")).status != refused:
        assert time.monotonic() - changed < BOUND
        await asyncio.sleep(0.02)


async def test_a_right_that_is_given_reaches_every_process_within_a_second(first, second):
    await first.reset()
    for world in (first, second):
        assert (await world.ask("nothing", "GET", "/data/deals")).status == 403
    await put_user(first, "nothing", in_group("reader"))
    changed = time.monotonic()
    while (await second.ask("nothing", "GET", "/data/deals")).status != 200:
        assert time.monotonic() - changed < BOUND
        await asyncio.sleep(0.02)


def later(method, path, *query):
    return lambda world: world.ask(
        "full", method, path(world), query=(("_async", "true"), *query), body={} if method == "PUT" else None
    )


def own_deals(world):
    return ",".join(world.ids[kind]["deals"][OWN] for kind in ("full", "reader", "hidden"))


WORK = {
    "deleting by ids": later("DELETE", lambda world: f"/data/deals/{own_deals(world)}"),
    "deleting by a query": later("DELETE", lambda world: "/data/deals", ("_all", "true")),
    "an action on ids": later("PUT", lambda world: f"/data/deals/{own_deals(world)}/win"),
    "an action on a query": later("PUT", lambda world: "/data/deals/win", ("_all", "true")),
    "an action on many": later("PUT", lambda world: "/data/deals/ring", ("_all", "true")),
    "deleting users": later("DELETE", lambda world: f"/data/sys.users/{world.people['reader']}"),
}


@pytest.mark.parametrize("lost", ["the group", "the right to be here", "the user"])
@pytest.mark.parametrize("work", WORK)
async def test_rights_that_are_gone_when_a_job_runs_touch_no_record(first, work, lost):
    await first.reset()
    answer = await WORK[work](first)
    assert answer.status == 200, answer
    match lost:
        case "the group":
            await put_user(first, "full", in_group("reader"))
        case "the right to be here":
            await put_user(first, "full", {"status": "INACTIVE"})
        case _:
            await first.ask(DEVELOPER, "DELETE", f"/data/sys.users/{first.people['full']}")
    before = await first.stored()
    async with worker(first):
        job = await finished(first, answer.json["jobId"])
    assert await first.stored() == before
    assert job["hasErrors"] is True
    assert job.get("recordsProcessed", 0) == 0


async def test_who_acts_for_somebody_is_told_beside_them(first):
    """Every row of the trail and every job tells both."""
    await first.reset()
    user, admin = (ObjectId(first.people[kind]) for kind in ("full", DEVELOPER))
    token = await start_session(first.running.store, user, admin, [None, None], NOW, 10**12)
    world = replace(first, tokens={**first.tokens, "full": token})
    for kind in ("conditional", "partly"):
        deal = world.target(kind, "deals", OWN)
        for method, path, query, body in (
            ("PUT", f"/data/deals/{deal}", (), {"title": "changed"}),
            ("PUT", f"/data/deals/{deal}/win", (), {}),
            ("PUT", f"/data/deals/{deal}/revert", (("to", "0"),), None),
            ("DELETE", f"/data/deals/{deal}", (), None),
        ):
            answer = await world.ask("full", method, path, query=query, body=body)
            assert answer.status == 200, answer
    made = await world.ask("full", "POST", "/data/deals", body={"title": "made"})
    jobs = []
    for work in ("an action on ids", "deleting by ids"):
        answer = await WORK[work](world)
        jobs.append(answer.json["jobId"])
    async with worker(world):
        for job in jobs:
            await finished(world, job)
    await world.running.outbox.settle()
    known = {document["_id"] for document in world.documents[AUDIT]}
    rows = [row for row in await asyncio.to_thread(lambda: list(world.raw[AUDIT].find())) if row["_id"] not in known]
    assert len(rows) >= 15
    assert {(row["user"], row["admin"]) for row in rows} == {("full@example.com", "developer@example.com")}
    told = (await world.ask("full", "GET", f"/data/deals/{made.json['id']}/auditLogs")).json["items"]
    assert [(row["user"], row["adminUser"]) for row in told] == [("full@example.com", "developer@example.com")]
    for job in jobs:
        answer = await world.ask(DEVELOPER, "GET", f"/status/jobs/{job}")
        assert answer.json["runBy"]["id"] == str(user)
        assert answer.json["runBy"]["adminUser"] == "developer@example.com"


async def test_acting_for_somebody_ends_with_the_right_to_it(first, second):
    await first.reset()
    user, admin = (ObjectId(first.people[kind]) for kind in ("full", DEVELOPER))
    token = await start_session(first.running.store, user, admin, [None, None], NOW, 10**12)
    acting = replace(first, tokens={**first.tokens, "full": token})
    answer = await acting.ask("full", "DELETE", f"/data/deals/{own_deals(first)}", query=(("_async", "true"),))
    assert answer.status == 200
    people = {"_id": admin}
    await asyncio.to_thread(first.raw["sys.users"].update_one, people, {"$set": {"permissions.developer": False}})
    before = await first.stored()
    await asyncio.sleep(BOUND)
    for world in (acting, replace(second, tokens=acting.tokens)):
        assert (await world.ask("full", "GET", "/data/deals")).status == 401
    async with worker(first):
        job = await finished(first, answer.json["jobId"])
    assert job["hasErrors"] is True
    assert await first.stored() == before
