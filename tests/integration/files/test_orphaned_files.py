"""Files that no record points to go after a while; one that is pointed to never does, not even while it is linked."""

import asyncio

import pytest
from bson import ObjectId

from server.runtime.cancelling import end_tasks
from server.runtime.files.sweeping import SWEEP_EVERY, _take_turn, keep_sweeping_files, sweep_files
from server.store.files import CHUNKS, FILES
from tests.integration.files.conftest import HOUR, upload

pytestmark = pytest.mark.asyncio

KEEP = 12 * HOUR


@pytest.fixture
def sweep(office):
    """Sweeps after some hours, and tells how many files there are then."""

    async def after(hours):
        office.now += int(hours * HOUR)
        await sweep_files(office.running, KEEP)
        return len(await office.store.find(FILES, {}))

    return after


@pytest.fixture(autouse=True)
def _uploads_by_the_offices_clock(office, monkeypatch):
    monkeypatch.setattr("server.store.files.time.time_ns", lambda: office.now * 1_000_000)


async def test_an_upload_that_nobody_links_goes_after_twelve_hours(office, sweep):
    await upload(await office.client())
    assert await sweep(11.9) == 1
    assert await sweep(0.2) == 0
    assert await office.store.find(CHUNKS, {}) == []


@pytest.mark.parametrize(
    "body_of",
    [
        lambda key: {"scan": key},
        lambda key: {"pages": [key, key]},
        lambda key: {"parts": [{"photo": None}, {"photo": key}]},
        lambda key: {"secret": key, "scan": None},
    ],
)
async def test_a_file_that_a_record_points_to_stays(office, sweep, body_of):
    client = await office.client()
    await client.post("/data/papers", json=body_of(await upload(client)))
    for _ in range(10):
        assert await sweep(13) == 1


async def test_files_that_come_along_stay_too(office, sweep):
    client = await office.client()
    await client.post("/data/papers", json={"scan": {"name": "a", "contentType": "a/b", "content": "YQ=="}})
    for _ in range(3):
        assert await sweep(13) == 1


@pytest.mark.parametrize("ending", ["cleared", "replaced", "deleted"])
async def test_a_file_that_is_pointed_to_no_longer_goes_within_a_day(office, sweep, ending):
    client = await office.client()
    record = (await client.post("/data/papers", json={"scan": await upload(client)})).json()["id"]
    assert await sweep(13) == 1
    if ending == "deleted":
        await client.delete(f"/data/papers/{record}")
    else:
        await client.put(f"/data/papers/{record}", json={"scan": None if ending == "cleared" else await upload(client)})
    left = 1 if ending == "replaced" else 0
    assert await sweep(11.9) == left + 1
    await sweep(0.2)
    assert await sweep(11) == left + 1
    assert await sweep(1.1) == left


async def test_a_file_that_is_linked_again_in_time_stays(office, sweep):
    client = await office.client()
    key = await upload(client)
    record = (await client.post("/data/papers", json={"scan": key})).json()["id"]
    await client.put(f"/data/papers/{record}", json={"scan": None})
    assert await sweep(13) == 1
    assert (await client.put(f"/data/papers/{record}", json={"scan": key})).status_code == 200
    for _ in range(4):
        assert await sweep(13) == 1


async def test_a_linker_at_the_very_moment_wins_or_is_told(office, sweep, monkeypatch):
    """Whatever the sweep has seen, a record that was written points to a file that is there."""
    client = await office.client()
    files, find = office.store.files, office.store.find
    for moment in ("before the look for records", "after it"):
        key = await upload(client)
        office.now += 13 * HOUR
        answers = []

        async def link(key=key, answers=answers):
            if not answers:
                answers.append(None)
                answers[0] = await client.post("/data/papers", json={"scan": key})

        async def finding(collection, filter, *arguments, moment=moment, link=link, **options):
            looks = collection == "papers" and "scan.id" in filter
            if looks and moment.startswith("before"):
                await link()
            found = await find(collection, filter, *arguments, **options)
            if looks and moment.startswith("after"):
                await link()
            return found

        monkeypatch.setattr(office.store, "find", finding)
        await sweep_files(office.running, KEEP)
        monkeypatch.setattr(office.store, "find", find)
        assert answers[0].status_code == 200
        assert await files.find(key) is not None


async def test_a_linker_that_is_too_late_is_told_and_writes_nothing(office, monkeypatch):
    client = await office.client()
    key = await upload(client)
    hold = office.store.files.hold

    async def too_late(ids, now):
        office.now += 13 * HOUR
        await sweep_files(office.running, KEEP)
        return await hold(ids, now)

    monkeypatch.setattr(office.store.files, "hold", too_late)
    answer = await client.post("/data/papers", json={"scan": key})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert await office.store.find("papers", {}) == []


async def test_under_racing_linkers_and_sweepers_no_record_points_to_nothing(office):
    client = await office.client()
    outcomes = []

    async def race(turn):
        key = await upload(client)
        document = {"_id": ObjectId(key)}
        await office.store.update(FILES, document, {"$set": {"metadata.touched": office.now - KEEP - 1}})
        sweeps = [sweep_files(office.running, KEEP) for _ in range(3)]
        link = client.post("/data/papers", json={"scan": key})
        order = [*sweeps[: turn % 4], link, *sweeps[turn % 4 :]]
        results = await asyncio.gather(*order)
        answer = next(one for one in results if not isinstance(one, int))
        outcomes.append(answer.status_code)
        assert (answer.status_code == 200) == (await office.store.files.find(key) is not None)

    for start in range(0, 40, 4):
        await asyncio.gather(*(race(turn) for turn in range(start, start + 4)))
    linked = await office.store.find("papers", {})
    assert len(linked) == outcomes.count(200)
    assert set(outcomes) <= {200, 400, 409}


async def test_a_file_to_which_many_records_point_hides_no_other(office, sweep, monkeypatch):
    monkeypatch.setattr("server.runtime.files.sweeping.AT_ONCE", 3)
    client = await office.client()
    one, two = [await upload(client) for _ in range(2)]
    for _ in range(7):
        await client.post("/data/papers", json={"pages": [one]})
    await client.post("/data/papers", json={"pages": [two]})
    assert await sweep(13) == 2
    assert await sweep(13) == 2


async def test_what_a_killed_process_left_goes(office, sweep):
    client = await office.client()
    key = await upload(client)
    await office.store.update(FILES, {"_id": ObjectId(key)}, {"$set": {"metadata.whole": False}})
    assert await sweep(11) == 1
    assert await sweep(2) == 0
    assert await office.store.find(CHUNKS, {}) == []


async def test_what_jobs_made_stays_as_long_as_jobs_do(office, sweep):
    async def content():
        yield b"1"

    for purpose in ("export", "importSource", "importErrors"):
        await office.store.files.write("a.csv", "text/csv", content(), {"purpose": purpose, "user": None})
    assert await sweep(29 * 24) == 3
    assert await sweep(25) == 0


async def test_one_process_sweeps_at_a_time(office):
    assert [await _take_turn(office.store, 1000) for _ in range(3)] == [True, False, False]
    assert not await _take_turn(office.store, 999 + SWEEP_EVERY)
    turns = await asyncio.gather(*(_take_turn(office.store, 1000 + SWEEP_EVERY) for _ in range(5)))
    assert turns.count(True) == 1


async def test_a_server_sweeps_by_itself(office):
    await upload(await office.client())
    office.now += 13 * HOUR
    task = asyncio.create_task(keep_sweeping_files(lambda: office.running, 12 * 3600))
    try:
        async with asyncio.timeout(10):
            while await office.store.find(FILES, {}):  # noqa: ASYNC110 - told by the database
                await asyncio.sleep(0.02)
    finally:
        await end_tasks([task], 1.0)  # the driver may forget a cancellation
