"""Workers: who gets which job, what happens to jobs that fail, and to those whose worker is gone."""

import asyncio
import time
from collections import Counter
from dataclasses import replace

import pytest

from engine.errors import BadRequest
from engine.jobs import MOST_FAILURES, Note, State, Status, load_job
from server.runtime import records
from server.runtime.jobs.context import LeaseLost, Work
from server.runtime.jobs.deletion import DELETE_RECORDS, delete_ids_later, delete_query_later
from server.runtime.jobs.stored import JOBS, WORKERS, read_held
from server.runtime.running import SYSTEM, Caller
from server.store import StoreUnavailable
from tests.integration.jobs.conftest import FAST, kind_of


async def settled(started, number):
    """Returns when so many jobs have begun, and some time in which another one could have."""
    async with asyncio.timeout(60):
        while len(started) < number:  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)


async def test_each_job_is_run_once_by_many_workers(open_office):
    offices = [await open_office("crowd") for _ in range(4)]
    runs = Counter()

    async def run(context):
        runs[context.job.id] += 1

    kind = kind_of(run)
    jobs = [await offices[0].enqueue(kind) for _ in range(120)]
    async with offices[0].worker(kind), offices[1].worker(kind), offices[2].worker(kind), offices[3].worker(kind):
        for job in jobs:
            await offices[0].until(job.id, "FINISHED")
    assert runs == dict.fromkeys((job.id for job in jobs), 1)


async def test_a_queue_has_places_for_all_workers_of_a_machine_together(open_office):
    offices = [await open_office("narrow") for _ in range(3)]
    running, most = 0, 0

    async def run(context):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1

    kind = kind_of(run, queue="narrow")
    jobs = [await offices[0].enqueue(kind) for _ in range(9)]
    async with offices[0].worker(kind), offices[1].worker(kind), offices[2].worker(kind):
        for job in jobs:
            await offices[0].until(job.id, "FINISHED")
    assert most == 1


async def test_workers_serve_the_queues_that_they_are_told(office):
    async def run(context):
        return None

    kind = kind_of(run)
    mixed, narrow = await office.enqueue(kind), await office.enqueue(kind, queue="narrow")
    async with office.worker(kind, queues={"narrow"}):
        await office.until(narrow.id, "FINISHED")
        await asyncio.sleep(0.3)
        assert (await office.job(mixed.id)).state is State.FRESH


async def test_jobs_of_an_unknown_type_are_left_alone(office):
    async def run(context):
        return None

    known = kind_of(run)
    unknown, later = await office.enqueue(DELETE_RECORDS), await office.enqueue(known)
    async with office.worker(known):
        await office.until(later.id, "FINISHED")
        assert (await office.job(unknown.id)).state is State.FRESH


async def test_one_users_jobs_leave_room_for_others(office):
    """Ann has many jobs before Ben's one, and all places are hers until he comes."""
    ann, ben = Caller(user={"id": "a" * 24, "label": "Ann"}), Caller(user={"id": "b" * 24, "label": "Ben"})
    go, started = asyncio.Event(), []

    async def run(context):
        started.append(context.job.starter.name)
        await go.wait()

    async def anybody(running, job):
        return SYSTEM

    kind = kind_of(run)
    hers = [await office.enqueue(kind, ann) for _ in range(80)]
    his = await office.enqueue(kind, ben)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("server.runtime.jobs.runs.caller_of", anybody)
        async with office.worker(kind):
            await office.until(his.id, State.WORKING)
            await settled(started, 4)
            assert started == ["Ann", "Ann", "Ben", "Ann"]  # the last place would have been empty
            assert Counter(job.starter.name for job in await read_held(office.store)) == {"Ann": 3, "Ben": 1}
            go.set()
            await office.until(hers[0].id, "FINISHED")


async def test_low_priority_waits_for_the_rest_and_leaves_a_place(office):
    go, started = asyncio.Event(), []

    async def run(context):
        started.append((context.job.label, context.job.low_priority))
        await go.wait()

    kind = kind_of(run)
    low = [await office.enqueue(kind, low_priority=True) for _ in range(6)]
    normal = [await office.enqueue(kind) for _ in range(2)]
    async with office.worker(kind):
        for job in normal:
            await office.until(job.id, State.WORKING)
        await settled(started, 3)
        assert [is_low for _, is_low in started] == [False, False, True]
        late = await office.enqueue(kind)
        await office.until(late.id, State.WORKING)
        go.set()
        for job in low:
            await office.until(job.id, "FINISHED")


async def test_a_failing_job_is_tried_again_and_then_no_more(office):
    runs = []

    async def run(context):
        runs.append(context.job.failures)
        raise RuntimeError("secret")

    async def fine(context):
        return None

    kind = kind_of(run)
    job = await office.enqueue(kind)
    async with office.worker(kind):
        done = await office.until(job.id, "FINISHED")
    assert runs == [0, 1, 2, 3, 4]
    assert (done.has_errors, done.failures) == (True, MOST_FAILURES - 1)
    lines = await office.lines(job.id)
    assert len([line for line in lines if "to be tried again" in line]) == 4
    assert lines[-1].startswith("Failed: ")
    assert "secret" not in "".join(lines)


async def test_a_job_that_gets_further_may_fail_more_often(office):
    async def run(context):
        step = (context.job.checkpoint or 0) + 1
        await context.note(Note(checkpoint=step))
        if step < 12:
            raise RuntimeError

    kind = kind_of(run)
    job = await office.enqueue(kind)
    async with office.worker(kind, timing=replace(FAST, first_retry=1)):
        done = await office.until(job.id, "FINISHED")
    assert (done.checkpoint, done.has_errors) == (12, False)


async def test_what_cannot_get_better_is_not_tried_again(office):
    runs = []

    async def run(context):
        runs.append(1)
        raise BadRequest("The file is not a CSV file")

    kind = kind_of(run)
    job = await office.enqueue(kind)
    async with office.worker(kind):
        done = await office.until(job.id, "FINISHED")
    assert (runs, done.has_errors) == ([1], True)
    assert (await office.lines(job.id))[-1] == "Failed: The file is not a CSV file"


async def test_a_poisonous_job_does_not_hold_up_others(office):
    async def run(context):
        if context.job.payload["poison"]:
            raise RuntimeError

    kind = kind_of(run, queue="narrow")
    bad = await office.enqueue(kind, payload={"poison": True})
    good = await office.enqueue(kind, payload={"poison": False})
    async with office.worker(kind, timing=replace(FAST, first_retry=60_000)):
        await office.until(good.id, "FINISHED")
        waiting = await office.job(bad.id)
        assert (waiting.state, waiting.state.status, waiting.failures) == (State.RETRYING, Status.PENDING, 1)


async def test_a_worker_that_ends_hands_its_jobs_back_at_once(office):
    begun = asyncio.Event()

    async def run(context):
        if context.job.checkpoint is None:
            await context.note(Note(checkpoint="half"))
            begun.set()
            await asyncio.sleep(60)

    kind = kind_of(run)
    job = await office.enqueue(kind)
    async with office.worker(kind):
        await asyncio.wait_for(begun.wait(), 60)
        ending = time.monotonic()
    assert time.monotonic() - ending < 30, "it waited for the job, which sleeps for a minute"
    back = await office.job(job.id)
    assert (back.state, back.state.status, back.worker, back.failures) == (State.LOOSE, Status.RUNNING, None, 0)
    assert await office.store.count(WORKERS, {}) == 0
    async with office.worker(kind):
        await office.until(job.id, "FINISHED")


async def test_the_jobs_of_a_silent_worker_are_taken_over_and_it_writes_nothing_more(open_office):
    """The first worker's heartbeat fails while its job goes on, as after a long pause."""
    first, second = await open_office("silence"), await open_office("silence")
    begun, go_on, outcome = asyncio.Event(), asyncio.Event(), []
    ids = await first.companies(3)

    async def run(context):
        if begun.is_set():
            return
        begun.set()
        await asyncio.shield(asyncio.create_task(keep_on(context)))

    async def keep_on(context):
        await go_on.wait()
        try:
            await context.each(ids, deleting)
        except LeaseLost as error:
            outcome.append(error)

    async def load(running, keys):
        return {}

    async def delete(running, key, found, again):
        await running.store.delete("companies", {"_id": key})

    deleting = Work(load, delete, key=str, checkpoint=str)
    kind = kind_of(run)
    job = await first.enqueue(kind)
    async with first.worker(kind):
        await asyncio.wait_for(begun.wait(), 60)
        broken = first.store.update

        async def silent(collection, *arguments, **options):
            if collection == WORKERS:
                raise StoreUnavailable("out of reach")
            return await broken(collection, *arguments, **options)

        first.store.update = silent
        async with second.worker(kind):
            done = await second.until(job.id, "FINISHED")
            go_on.set()
            await asyncio.sleep(0.5)
    assert len(outcome) == 1
    assert await second.store.count("companies", {}) == 3
    assert (done.failures, done.has_errors) == (1, False)
    assert "The worker was lost" in await second.lines(job.id)


async def test_a_job_whose_workers_always_die_ends(office):
    async def run(context):
        return None

    kind = kind_of(run)
    job = await office.enqueue(kind)
    change = {"state": "working", "status": "RUNNING", "lane": None, "turn": None, "worker": "gone", "failures": 4}
    await office.store.update(JOBS, {"_id": job.id}, {"$set": change})
    async with office.worker(kind):
        done = await office.until(job.id, "FINISHED")
    assert done.has_errors
    assert (await office.lines(job.id)) == ["Failed: Its worker was lost 5 times in a row"]


async def test_a_claim_of_which_the_answer_was_lost_is_given_up(office):
    """The job is this worker's in the database, and the worker does not know."""

    async def run(context):
        return None

    kind = kind_of(run)
    async with office.worker(kind) as worker:
        first = await office.enqueue(kind)
        await office.until(first.id, "FINISHED")
        workers = await office.store.find(WORKERS, {})
        job = await office.enqueue(kind_of(run, queue="nowhere"))
        change = {"state": "working", "status": "RUNNING", "lane": None, "worker": workers[0]["_id"], "queue": "mix"}
        await office.store.update(JOBS, {"_id": job.id}, {"$set": change})
        await office.until(job.id, "FINISHED")
        assert not worker.done()


async def test_rights_are_those_of_the_moment_at_which_the_job_runs(office):
    cleaner = await office.user("cleaner", "cleaners")
    closed, open_ = await office.companies(2, state="closed"), await office.companies(2)
    ids = ",".join(map(str, [*closed[:1], *open_[:1]]))
    by_ids = await delete_ids_later(office.running, cleaner, "companies", ids, [])
    async with office.worker():
        done = await office.until(by_ids.id, "FINISHED")
    assert {key: one["status"] for key, one in (await office.results(by_ids.id)).items()} == {
        str(closed[0]): "ok",
        str(open_[0]): "error",
    }
    assert done.has_errors
    later = await delete_query_later(office.running, cleaner, "companies", [("state", "closed")])
    demoted = {"groups": [{"primary": True, "group": "readers"}]}
    await records.update_record(office.running, SYSTEM, "sys.users", cleaner.user["id"], demoted)
    async with office.worker():
        done = await office.until(later.id, "FINISHED")
    assert (done.has_errors, done.records_processed) == (True, 0)
    assert "no right to delete" in (await office.lines(later.id))[-1]
    assert await office.store.count("companies", {}) == 3


@pytest.mark.parametrize("change", [{"status": "INACTIVE"}, None])
async def test_a_user_who_is_shut_out_deletes_nothing(office, change):
    cleaner = await office.user("cleaner", "cleaners")
    await office.companies(2, state="closed")
    job = await delete_query_later(office.running, cleaner, "companies", [("state", "closed")])
    if change:
        await office.store.update("sys.users", {"email": "cleaner@example.com"}, {"$set": change})
    else:
        await office.store.delete_many("sys.users", {})
    async with office.worker():
        done = await office.until(job.id, "FINISHED")
    assert done.has_errors
    assert await office.store.count("companies", {}) == 2


async def test_a_caller_without_a_name_has_no_rights_but_its_groups(office):
    await office.companies(2, state="closed")
    nobody = await delete_query_later(office.running, Caller(groups=("cleaners",)), "companies", [("state", "closed")])
    await office.store.update(JOBS, {"_id": nobody.id}, {"$set": {"starter.groups": []}})
    async with office.worker():
        assert (await office.until(nobody.id, "FINISHED")).has_errors
        assert await office.store.count("companies", {}) == 2
        somebody = await delete_query_later(
            office.running, Caller(groups=("cleaners",)), "companies", [("state", "closed")]
        )
        assert not (await office.until(somebody.id, "FINISHED")).has_errors
        assert await office.store.count("companies", {}) == 0


async def test_records_made_after_the_job_began_are_not_concerned(office):
    first = await office.companies(5)
    seen = asyncio.Event()
    job = await delete_query_later(office.running, SYSTEM, "companies", [("state", "open")])
    broken = office.store.count

    async def count(*arguments, **options):
        if not seen.is_set():
            seen.set()
            await office.companies(5)
        return await broken(*arguments, **options)

    office.store.count = count
    async with office.worker():
        done = await office.until(job.id, "FINISHED")
    office.store.count = broken
    assert (done.records_count, done.records_processed) == (5, 5)
    left = await office.store.find("companies", {})
    assert len(left) == 5
    assert not {one["_id"] for one in left} & set(first)


async def test_a_record_that_is_refused_does_not_undo_the_others(office):
    cleaner = await office.user("cleaner", "cleaners")
    ids = [(await office.companies(1, state="open" if n % 7 == 3 else "closed"))[0] for n in range(30)]
    job = await delete_ids_later(office.running, cleaner, "companies", ",".join(map(str, ids)), [])
    async with office.worker():
        done = await office.until(job.id, "FINISHED")
    results = await office.results(job.id)
    assert list(results) == [str(one) for one in ids]
    assert [one["status"] for one in results.values()] == ["error" if n % 7 == 3 else "ok" for n in range(30)]
    assert (done.records_processed, done.entries) == (30, 30)
    assert await office.store.count("companies", {}) == 4


async def test_a_job_waits_for_its_parts_and_has_their_errors(office):
    from server.runtime.jobs import enqueue

    async def run(context):
        if context.job.parent is not None:
            if context.job.payload["bad"]:
                raise BadRequest("no")
            return

        async def split(scope):
            for n in range(3):
                await enqueue(
                    scope, kind, SYSTEM, f"Part {n}", data={}, payload={"bad": n == 1}, parent=context.job, queue="mix"
                )
            return None, Note(checkpoint="split")

        await context.fenced(split)

    kind = kind_of(run)
    root = await office.enqueue(kind)
    async with office.worker(kind):
        done = await office.until(root.id, "FINISHED")
    assert (done.children_count, done.children_processed, done.has_errors) == (3, 3, True)
    parts = [load_job(one) for one in await office.store.find(JOBS, {"rootJob.id": root.id})]
    assert {(part.parent.id, part.root.label) for part in parts} == {(root.id, "A job")}
    assert (await office.lines(root.id))[-1] == "All parts have ended"
    async with office.client() as client:
        refusal = await client.put(f"/status/jobs/{parts[0].id}/stop")
        assert refusal.status_code == 400
        assert str(root.id) in refusal.json()["message"]
        shown = (await client.get(f"/status/jobs/{parts[0].id}")).json()
        assert shown["parentJob"] == shown["rootJob"] == {"id": str(root.id), "label": "A job"}


async def test_commands_on_a_whole_reach_its_parts(office):
    from server.runtime.jobs import enqueue

    go = asyncio.Event()

    async def run(context):
        if context.job.parent is not None:
            while not context.stopping and not go.is_set():  # noqa: ASYNC110 - two things are waited for
                await asyncio.sleep(0.01)
            return

        async def split(scope):
            await enqueue(scope, kind, SYSTEM, "Part", data={}, payload={}, parent=context.job)
            return None, Note(checkpoint="split")

        await context.fenced(split)

    kind = kind_of(run)
    root = await office.enqueue(kind)
    async with office.client() as client, office.worker(kind):
        await office.until(root.id, State.SPLIT)
        (part,) = await office.store.find(JOBS, {"rootJob.id": root.id})
        await office.until(part["_id"], State.WORKING)
        assert (await client.put(f"/status/jobs/{root.id}/stop")).json()["status"] == "STOPPED"
        await office.until(part["_id"], "STOPPED")
        assert (await client.put(f"/status/jobs/{root.id}/resume")).json()["status"] == "RUNNING"
        go.set()
        await office.until(root.id, "FINISHED")
        assert (await office.job(part["_id"])).state is State.FINISHED
