"""The life of a job over HTTP, from the request that starts it to its end, and what its commands answer."""

import asyncio
import itertools
import time

import httpx
import pytest
from bson import ObjectId

from engine.jobs import Level, Note
from server.http.dispatch import build_http
from server.http.serving import Edition, Host, ServedApp, index_routes
from server.runtime.running import SYSTEM
from server.settings import Settings
from tests.integration.jobs.conftest import HIDING, kind_of


async def wait_for(client, link, *statuses):
    seen, patience = None, 0.0
    while True:
        job = (await client.get(link.removeprefix("/api"))).json()
        if job["status"] in statuses:
            return job
        if job != seen:  # it gets further, however slowly
            seen, patience = job, time.monotonic() + 60
        assert time.monotonic() < patience, f"{job['status']} for a minute"
        await asyncio.sleep(0.02)


@pytest.fixture
def slow():
    """A job of many steps, and the event that lets it go on."""

    class Slow:
        def __init__(self):
            self.go = asyncio.Event()
            self.steps = []
            self.kind = kind_of(self.run)

        async def run(self, context):
            for step in range(context.job.checkpoint or 0, 5):
                self.steps.append(step)
                await context.note(Note(checkpoint=step + 1, processed=1, records_count=5))
                while not self.go.is_set():
                    if context.stopping:
                        return None
                    await asyncio.sleep(0.01)
            return {"answer": 42}

    return Slow()


async def test_records_are_deleted_in_the_background(office):
    ids = await office.companies(250)
    async with office.client() as client, office.worker():
        answer = (await client.delete(f"/data/companies/{ids[0]},{ids[1]},{'f' * 24}?_async=true")).json()
        assert answer == {"jobLink": f"/api/status/jobs/{answer['jobId']}", "jobId": answer["jobId"]}
        job = await wait_for(client, answer["jobLink"], "FINISHED")
        assert job["results"][str(ids[0])]["status"] == "ok"
        assert job["results"][str(ids[0])]["response"]["name"] == "c0"
        assert job["results"]["f" * 24]["status"] == "error"
        assert "f" * 24 in job["results"]["f" * 24]["errorMessage"]
        assert (job["hasErrors"], job["recordsCount"], job["recordsProcessed"], job["progress"]) == (True, 3, 3, 100)

        answer = (await client.delete("/data/companies?state=open&_async=true&_lowPriority=true")).json()
        job = await wait_for(client, answer["jobLink"], "FINISHED")
        assert (job["hasErrors"], job["recordsCount"], job["recordsProcessed"]) == (False, 248, 248)
        assert list(job["results"]) == [str(one) for one in ids[2:]]
        assert (job["type"], job["data"], job["lowPriority"]) == ("DELETE_RECORDS", {"entityName": "companies"}, True)
        assert await office.store.count("companies", {}) == 0
        for link in (answer["jobLink"], f"/api/status/job/{answer['jobId']}"):
            logs = (await client.get(f"{link.removeprefix('/api')}/logs")).json()
            assert [line["message"] for line in logs["items"]] == ["Started", "Finished"]
            assert list(logs["items"][0]) == ["timestamp", "level", "message"]


async def test_deleting_what_cannot_be_asked_for_starts_no_job(office):
    async with office.client() as client:
        for query in ("_async=true", "sate=open&_async=true", "_async=true&_size=3&state=open", "_async=perhaps"):
            answer = await client.delete(f"/data/companies?{query}")
            assert (answer.status_code, answer.json()["code"]) == (400, "badRequest")
        answer = await client.delete(f"/data/companies/{'f' * 24}?_async=true")
        assert (answer.status_code, answer.json()["code"]) == (404, "notFound")
        assert (await client.get("/status/jobs")).json() == {"total": 0, "items": []}


async def test_a_user_whose_jobs_pile_up_is_refused_until_some_have_begun(office):
    ids = await office.companies(4)
    office.running.waiting.most = 2
    ticking = itertools.count(office.running.clock(), 2_000)  # what is known of the queue is older each time
    office.running.clock = lambda: next(ticking)
    async with office.client(await office.user("eager", developer=True)) as client:
        answers = [await client.delete(f"/data/companies/{one}?_async=true") for one in ids]
        assert [one.status_code for one in answers] == [200, 200, 429, 429]
        assert (answers[2].headers["retry-after"], answers[2].json()["code"]) == ("30", "tooManyRequests")
        async with office.worker():
            await wait_for(client, answers[1].json()["jobLink"], "FINISHED")
        assert (await client.delete(f"/data/companies/{ids[3]}?_async=true")).status_code == 200


async def test_where_apps_are_several_the_link_names_the_app(office):
    async def identify(scope, running, address):
        return SYSTEM

    routes = index_routes(office.running.compiled.routes)
    host = Host([ServedApp(name, Edition(routes, office.running), 1.0) for name in ("crm", "shop")])
    http = build_http(host, Settings(base_path="/dev/runtime/api"), "/{app}/dev/runtime/api", identify)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(http), base_url="http://x") as client:
        answer = (await client.delete("/shop/dev/runtime/api/data/companies?_async=true&_all=true")).json()
        assert answer["jobLink"] == f"/shop/dev/runtime/api/status/jobs/{answer['jobId']}"
        assert (await client.get(answer["jobLink"])).json()["status"] == "PENDING"


async def test_everything_can_be_deleted_when_all_is_said(office):
    await office.companies(3)
    async with office.client() as client, office.worker():
        answer = (await client.delete("/data/companies?_async=true&_all=true")).json()
        assert (await wait_for(client, answer["jobLink"], "FINISHED"))["recordsProcessed"] == 3


async def test_a_job_is_stopped_resumed_stopped_and_canceled(office, slow):
    job = await office.enqueue(slow.kind)
    link = f"/status/jobs/{job.id}"
    async with office.client() as client:
        assert (await client.put(f"{link}/stop")).json()["status"] == "STOPPED"  # nobody had it yet
        assert (await client.put(f"{link}/resume")).json()["status"] == "PENDING"
        async with office.worker(slow.kind):
            await wait_for(client, link, "RUNNING")
            assert (await client.put(f"{link}/cancel")).status_code == 400
            assert (await client.put(f"{link}/resume")).status_code == 400
            assert (await client.put(f"{link}/forceStop")).status_code == 400
            assert (await client.put(f"{link}/stop", json={})).json()["status"] == "STOPPING"
            assert (await client.put(f"{link}/stop")).status_code == 400
            stopped = await wait_for(client, link, "STOPPED")
            assert stopped["endDate"] is None
            slow.go.set()
            assert (await client.put(f"{link}/resume")).json()["status"] == "RUNNING"
            finished = await wait_for(client, link, "FINISHED")
            assert slow.steps == [0, 1, 2, 3, 4]
            assert (finished["results"], finished["recordsProcessed"]) == ({"answer": 42}, 5)
            assert finished["createDate"] <= finished["startDate"] <= finished["endDate"]
            for command in ("stop", "forceStop", "cancel", "resume"):
                refusal = await client.put(f"{link}/{command}")
                assert (refusal.status_code, refusal.json()["code"]) == (400, "badRequest")
        other = await office.enqueue(slow.kind)
        await client.put(f"/status/jobs/{other.id}/stop")
        assert (await client.put(f"/status/jobs/{other.id}/cancel")).json()["status"] == "CANCELED"
        assert (await client.put(f"/status/jobs/{other.id}/resume")).status_code == 400
    assert await office.lines(job.id) == [
        *("Asked to stop", "Resumed", "Started", "Asked to stop", "Stopped", "Resumed", "Goes on", "Finished")
    ]


async def test_a_job_that_does_not_listen_is_stopped_by_force(office):
    cancelled = asyncio.Event()

    async def run(context):
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    kind = kind_of(run)
    job = await office.enqueue(kind)
    link = f"/status/jobs/{job.id}"
    async with office.client() as client, office.worker(kind):
        await wait_for(client, link, "RUNNING")
        await client.put(f"{link}/stop")
        assert (await client.put(f"{link}/forceStop")).json()["status"] == "STOPPED"
        await asyncio.wait_for(cancelled.wait(), 60)
        await asyncio.sleep(0.1)
        assert (await client.get(link)).json()["status"] == "STOPPED"


async def test_a_type_that_cannot_be_stopped(office, slow):
    kind = kind_of(slow.run, stoppable=False)
    job = await office.enqueue(kind)
    async with office.client() as client, office.worker(kind):
        assert (await wait_for(client, f"/status/jobs/{job.id}", "RUNNING"))["stoppable"] is False
        refusal = await client.put(f"/status/jobs/{job.id}/stop")
        assert (refusal.status_code, refusal.json()["code"]) == (400, "badRequest")
        slow.go.set()
        await wait_for(client, f"/status/jobs/{job.id}", "FINISHED")


@pytest.mark.parametrize("job_id", ["0" * 24, "x", "../x", "5887b6f23b063a0007604fa"])
async def test_a_job_that_is_not_there(office, job_id):
    async with office.client() as client:
        for method, path in (("GET", ""), ("GET", "/logs"), ("PUT", "/stop"), ("PUT", "/resume")):
            answer = await client.request(method, f"/status/jobs/{job_id}{path}".replace("../", "%2E%2E-"))
            assert (answer.status_code, answer.json()["code"]) == (404, "notFound")


async def test_jobs_are_listed_in_pages_the_newest_first(office, slow):
    made = [str((await office.enqueue(slow.kind, low_priority=n == 0)).id) for n in range(7)]
    async with office.client() as client:
        await client.put(f"/status/jobs/{made[2]}/stop")
        first = (await client.get("/status/jobs?_size=4")).json()
        assert ([job["id"] for job in first["items"]], first["total"]) == (made[:2:-1], 7)
        second = (await client.get(f"/status/jobs?_size=4&_offset={first['offset']}")).json()
        assert ([job["id"] for job in second["items"]], second["total"]) == (made[2::-1], 7)
        last = (await client.get(f"/status/jobs?_offset={second['offset']}")).json()
        assert last == {"total": 7, "items": []}
        for query, expected in {
            "status=STOPPED": [made[2]],
            "status=STOPPED,CANCELING": [made[2]],
            "status=FINISHED": [],
            "hasErrors=true": [],
            "type=DELETE_RECORDS": [],
            "type=EXECUTE_ACTION&_size=1": [made[6]],
            "createFrom=0&createTo=5": [],
            "startFrom=0": [],
        }.items():
            assert [job["id"] for job in (await client.get(f"/status/jobs?{query}")).json()["items"]] == expected
        for query in ("status=DONE", "_sort=id", "startFrom=x", "_size=0"):
            assert (await client.get(f"/status/jobs?{query}")).status_code == 400
        assert (await client.get(f"/status/jobs/{made[0]}?_fields=id")).status_code == 400


async def test_logs_are_searched(office):
    async def run(context):
        for level, message in ((Level.INFO, "one (1)"), (Level.WARN, "Two"), (Level.ERROR, "three .*")):
            await context.log(level, message)

    kind = kind_of(run)
    job = await office.enqueue(kind)
    async with office.client() as client, office.worker(kind):
        await wait_for(client, f"/status/jobs/{job.id}", "FINISHED")
        for query, expected in {
            "": ["Started", "one (1)", "Two", "three .*", "Finished"],
            "level=WARN,ERROR": ["Two", "three .*"],
            "message=t.*": [],
            "message=tW": ["Two"],
            "message=.*": ["three .*"],
            "message=(1)": ["one (1)"],
            "period=1h&to=0": ["Started", "one (1)", "Two", "three .*", "Finished"],
            "to=0": [],
            "_size=2": ["Started", "one (1)"],
        }.items():
            found = (await client.get(f"/status/jobs/{job.id}/logs?{query}")).json()
            assert [line["message"] for line in found["items"]] == expected
        first = (await client.get(f"/status/jobs/{job.id}/logs?_size=3")).json()
        second = (await client.get(f"/status/jobs/{job.id}/logs?_size=3&_offset={first['offset']}")).json()
        assert ([line["message"] for line in second["items"]], second["total"]) == (["three .*", "Finished"], 5)


async def test_people_see_and_command_their_own_jobs_only(office, open_office, slow):
    ann, ben = await office.user("ann", "readers"), await office.user("ben", "readers")
    boss = await office.user("boss", developer=True)
    job = await office.enqueue(slow.kind, ann)
    link = f"/status/jobs/{job.id}"
    async with office.client(ann) as client:
        shown = (await client.get(link)).json()
        assert shown["runBy"] == {"id": ann.user["id"], "fullName": "ann Test"}
        assert (await client.get("/status/jobs")).json()["total"] == 1
    async with office.client(boss) as client:
        assert (await client.get(link)).status_code == 200
        assert (await client.get("/status/jobs")).json()["total"] == 1
    async with office.client(ben) as client:
        assert (await client.get("/status/jobs")).json() == {"total": 0, "items": []}
        for method, path in (("GET", ""), ("GET", "/logs"), ("PUT", "/stop")):
            answer = await client.request(method, link + path)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    office.running.compiled = HIDING
    async with office.client(ben) as client:
        hidden = (await client.get(link)).json()
        missing = (await client.get(f"/status/jobs/{'0' * 24}")).json()
        assert (hidden["code"], hidden["message"]) == ("notFound", missing["message"].replace("0" * 24, str(job.id)))
    async with office.client(ann) as client:
        assert (await client.put(f"{link}/stop")).json()["status"] == "STOPPED"


async def test_a_page_of_results_holds_a_thousand(office):
    await office.companies(1_100)
    async with office.client() as client, office.worker():
        answer = (await client.delete("/data/companies?_async=true&state=open")).json()
        job = await wait_for(client, answer["jobLink"], "FINISHED")
        assert (len(job["results"]), job["recordsProcessed"]) == (1_000, 1_100)
        assert (await client.get("/status/jobs")).json()["items"][0]["results"] == {}
        assert await office.store.count("sys.jobResults", {"job": ObjectId(answer["jobId"])}) == 1_000
