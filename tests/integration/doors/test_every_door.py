"""Every route of the route table × every kind of caller × records that are theirs, somebody else's and nobody's.

With CASTWORK_DOORS=full all callers knock at all doors in all ways; else mostly those whose rights are the hardest to
keep, and at one of two entities that are alike.

No answer, header, log line or job holds what the caller may not see, nothing changes that they may not change, and the
status follows from the rights alone. Routes are found in the table: one without a recipe fails by its name.
"""

import asyncio
import logging
import os
from collections import Counter

import pytest
import pytest_asyncio
from bson import ObjectId

from engine.routes import Operation, Scope
from server.runtime.jobs import JOB_KINDS, Timing, Worker
from tests.integration.doors.recipes import LINKED, Question, gate, knock_at, knocks_of
from tests.integration.doors.world import (
    ANONYMOUS,
    CALLERS,
    DEVELOPER,
    FOREIGN,
    GROUPS,
    JOB,
    KEPT,
    MISSING,
    NAME,
    OWN,
    SELF,
    TARGETS,
    UNSEEN,
    WRONG,
    Log,
    compiled_app,
    leaked,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROUTES = compiled_app().routes
FULL = os.environ.get("CASTWORK_DOORS") == "full"
KNOCKING = CALLERS if FULL else (ANONYMOUS, "conditional", "hidden", "partly", DEVELOPER)
ALIKE = () if FULL else ("accounts",)
CHANGES_NOTHING = (ANONYMOUS, WRONG, "nothing", "reader")
RESTRICTED = {"deals": ("secret", "loud"), "accounts": ("code",), "sys.users": ("lastName",)}
cells = Counter()


@pytest.fixture(scope="module", autouse=True)
def told(print_at_end):
    """Prints how much was tried."""
    yield
    print_at_end(
        f"{len(ROUTES)} routes, {len(KNOCKING)} callers, {len(TARGETS)} targets: {cells['cells']} cells, "
        f"{cells['allowed']} of them allowed, {cells['leaks']} leaks; "
        f"{cells['alike']} hidden records compared with missing ones"
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def worker(telling):
    """Runs background jobs of the world that tells, while it is told to."""
    serving = Worker(lambda: telling.running if telling.working else None, JOB_KINDS, Timing(first_poll=0.005))
    telling.working = True
    working = asyncio.create_task(serving.run())
    await asyncio.sleep(0.5)
    telling.working = False
    yield
    telling.working = True
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


@pytest.fixture
def log():
    """What the server writes about itself."""
    handler = Log()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


def unseen_at(route, caller):
    """What the caller may not come to see at a route; some are about nothing but themselves and what they began."""
    about_oneself = route.scope in (Scope.OWN, Scope.JOBS, Scope.READ_FILES) and caller in GROUPS
    return UNSEEN[caller] - ({SELF[OWN], NAME[OWN], JOB[OWN]} if about_oneself else set())


def check_kept(world, caller, after, label):
    """What the caller may not change is as it was."""
    before = world.kept
    if caller in CHANGES_NOTHING:
        assert after == before, label
    if caller == "conditional":
        for entity in KEPT:
            key = ObjectId(world.target(caller, entity, FOREIGN))
            assert after[entity].get(key) == before[entity][key], label
    if caller in ("readonly", "hidden"):
        for entity, names in RESTRICTED.items():
            for key in before[entity].keys() & after[entity].keys():
                old, new = before[entity][key], after[entity][key]
                assert [new[name] for name in names] == [old[name] for name in names], label


async def read_job(ask, job_id):
    """All that the starter of a background job gets to read of it, once it has ended."""
    ask.world.working = True
    for _ in range(2_000):
        found = await asyncio.to_thread(ask.world.raw["sys.jobs"].find_one, {"_id": ObjectId(job_id)})
        if found["state"] in ("finished", "canceled"):
            break
        await asyncio.sleep(0.01)
    else:
        raise AssertionError(f"The job {job_id} did not end: {found}")
    ask.world.working = False
    if (
        await asyncio.to_thread(ask.world.raw["sys.users"].find_one, {"_id": ObjectId(ask.world.people[ask.caller])})
        is None
    ):
        return ""  # who deletes themselves reads nothing more
    texts = []
    for path in (f"/status/jobs/{job_id}", f"/status/jobs/{job_id}/logs", "/status/jobs"):
        told = await ask.world.ask(ask.caller, "GET", path)
        assert told.status == 200
        texts.append(told.text)
    file = (found.get("results") or {}).get("fileId")
    if file is not None:
        answer = await ask.world.ask(ask.caller, "GET", f"/files/{file}")
        assert answer.status == 200
        texts.append(answer.text)
    file = (found["results"] or {}).get("fileId")
    if file is not None:
        texts += [chunk.decode() async for chunk in ask.world.running.store.files.read(file)]
    return "".join(texts)


async def try_cell(route, knock, ask, log):
    """Knocks once; gives the answer's status."""
    label = f"{route.method} {route.path} {knock.name}: {ask.caller}, {ask.which}"
    if knock.prepare is not None and not (knock.once and ask.which != TARGETS[0]):
        await knock.prepare(ask)
    answer = await knock_at(route, knock, ask)
    stopped = gate(route, knock, ask.caller)
    expected = knock.expected(ask) if stopped is None else stopped
    assert answer.status == expected, f"{label}: {answer.status}, not {expected}: {answer.body[:300]}"
    text = answer.text
    if knock.runs_job and answer.status == 200:
        text += await read_job(ask, answer.json["jobId"])
    found = leaked(text + "\n".join(log.lines), unseen_at(route, ask.caller))
    cells["leaks"] += bool(found)
    assert not found, f"{label}: {found} in {text[:3000]} {log.lines}"
    log.lines.clear()
    cells["cells"] += 1
    cells["allowed"] += answer.status == 200
    return answer.status


def knocks_of_caller(caller, knocks):
    """All of them; in the usual run one from those who are stopped or let through at the door itself, and background
    work by those whose rights change from record to record."""
    if FULL:
        return knocks
    if caller in (ANONYMOUS, DEVELOPER):
        return knocks[:1]
    working = [knock for knock in knocks if knock.runs_job]
    tried = {"conditional": working, "partly": working[:2]}.get(caller, [])
    return [knock for knock in knocks if not knock.runs_job or knock in tried]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_every_route_answers_as_rights_say(telling, route, log):
    world, knocks = telling, knocks_of(route)
    named = route.action or route.entity
    assert knocks, f"{route.operation} of {named} has no recipe: add one, so that its door is tried as well"
    if route.entity in ALIKE:
        return
    await world.reset()
    undo = world.restore if route.entity in LINKED else world.reset
    for caller in KNOCKING:
        for knock in knocks_of_caller(caller, knocks):
            touched = False
            for which in TARGETS:
                status = await try_cell(route, knock, Question(caller, route.entity, which, world=world), log)
                if knock.prepare is not None or (knock.changes and status in (200, 401)):
                    touched = True
                    found = await world.stored()
                    if knock.prepare is None:
                        check_kept(world, caller, found, f"{route.method} {route.path} {knock.name}")
                    if not knock.once or which == TARGETS[-1]:
                        await undo(found)
            if not touched:
                label = f"{route.method} {route.path} {knock.name}: {caller} changed something"
                assert await world.stored() == world.kept, label


ONE_RECORD = [route for route in ROUTES if any(knock.one for knock in knocks_of(route))]


@pytest.mark.parametrize("route", ONE_RECORD, ids=lambda route: f"{route.method} {route.path}")
async def test_a_hidden_record_is_refused_byte_for_byte_as_a_missing_one(hiding, route):
    world, caller = hiding, "conditional"
    for knock in knocks_of(route):
        if not knock.one or gate(route, knock, caller) is not None:
            continue
        ask = Question(caller, route.entity, FOREIGN, hiding=True, world=world)
        await world.reset()
        if knock.prepare is not None:
            await knock.prepare(ask)
        refused = await knock_at(route, knock, ask)
        label = f"{route.method} {route.path} {knock.name}"
        assert refused.status == knock.expected(ask), label
        if refused.status == 400:  # the entity has nothing of the kind
            continue
        await world.remove(route.entity or "sys.jobs", ask.target)
        missing = await knock_at(route, knock, ask)
        assert refused.status == 404, label
        assert refused.without_request_id() == missing.without_request_id(), label
        cells["alike"] += 1


SEVERAL = [route for route in ROUTES if route.operation in (Operation.DELETE, Operation.ACT)]


@pytest.mark.parametrize("route", SEVERAL, ids=lambda route: f"{route.method} {route.path}")
async def test_among_several_ids_a_hidden_record_is_like_a_missing_one(hiding, route):
    world, caller = hiding, "conditional"
    foreign = world.target(caller, route.entity, FOREIGN)
    path = route.path.replace("{id}", f"{foreign},{'e' * 24},{foreign.upper()}")
    await world.reset()
    refused = await world.ask(caller, route.method, path)
    if refused.status == 200:
        assert {entry["status"] for entry in refused.json.values()} == {"error"}
        assert len(refused.json) == 2
    await world.remove(route.entity, foreign)
    missing = await world.ask(caller, route.method, path)
    assert refused.without_request_id() == missing.without_request_id()


async def test_canaries_are_seen_by_those_who_may(telling):
    """Without this the matrix could pass because nobody ever sees anything."""
    world = telling
    for caller in ("full", "readonly", "developer"):
        await world.reset()
        for which, ending in ((OWN, "owned"), (FOREIGN, "alien")):
            paths = [f"/data/{entity}/{world.target(caller, entity, which)}" for entity in KEPT]
            paths += [f"{path}/auditLogs" for path in (paths[0], paths[2])]
            answers = [await world.ask(caller, "GET", path) for path in paths]
            text = "".join(answer.text for answer in answers)
            for word in ("plum", "hush", "code", "name"):
                assert f"{word}{ending}" in text
            assert all(f"hush{ending}" in answers[index].text for index in (0, 3))
    await world.reset()
    own = await world.ask("partly", "GET", f"/data/deals/{world.target('partly', 'deals', OWN)}")
    assert "hushowned" in own.text
    assert "HUSHOWNED" in own.text
    assert MISSING not in own.text
