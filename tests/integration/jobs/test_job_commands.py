"""`castwork worker`, `castwork jobs` and `serve --no-jobs` as people run them, beside each other."""

import asyncio
import re
import signal
import subprocess
import sys

import httpx
import pytest

from tests.chaos.ground import ADMIN, ROOT, Program, write_app


def castwork(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "server", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=180, check=False
    )


async def run_castwork(*arguments):
    return await asyncio.to_thread(castwork, *arguments)


@pytest.fixture
def app(tmp_path):
    return str(write_app(tmp_path / "app"))


async def test_a_worker_works_beside_a_server_without_jobs(app):
    server = await Program.start("serve", app, "--port", "0", "--no-jobs")
    worker = None
    try:
        url = (await server.wait_for(r"http://\S+:\d+/api"))[0]
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            body = {"email": ADMIN["CASTWORK_ADMIN_EMAIL"], "password": ADMIN["CASTWORK_ADMIN_PASSWORD"]}
            client.headers["token"] = (await client.post("/auth/login", json=body)).json()["token"]
            for n in range(3):
                assert (await client.post("/data/things", json={"name": f"t{n}", "batch": 1})).status_code == 200
            answer = (await client.delete("/data/things?batch=1&_async=true")).json()
            listed = await run_castwork("jobs", "list", app)
            assert listed.returncode == 0
            assert re.search(rf"{answer['jobId']}  PENDING .*Deleting records of Things", listed.stdout)
            for command, told in (("stop", "STOPPED"), ("resume", "PENDING")):
                done = await run_castwork("jobs", command, answer["jobId"], app)
                assert (done.returncode, done.stdout.strip()) == (0, told)
            refused = await run_castwork("jobs", "cancel", answer["jobId"], app)
            assert (refused.returncode, refused.stderr.strip()) == (
                1,
                "castwork: Only jobs that are STOPPED can be canceled; this one is PENDING",
            )
            worker = await Program.start("worker", app, "--queue", "mix")
            await worker.wait_for("Working on background jobs of chaos")
            watched = await run_castwork("jobs", "watch", answer["jobId"], app)
            assert (watched.returncode, watched.stdout.splitlines()[-1]) == (0, "FINISHED")
            assert "3/3" in watched.stdout
            job = (await client.get(answer["jobLink"].removeprefix("/api"))).json()
            assert (job["status"], job["runBy"]["fullName"]) == ("FINISHED", "First Developer")
            answer = (await client.delete(f"/data/things/{'0' * 24},{'1' * 24}?_async=true")).json()
            watched = await run_castwork("jobs", "watch", answer["jobId"], app)
            assert (watched.returncode, watched.stderr.strip()) == (1, "FINISHED, with errors")
            worker.send(signal.SIGTERM)
            assert await asyncio.wait_for(worker.ended(), 60) == 0
            server.send(signal.SIGTERM)
            assert await asyncio.wait_for(server.ended(), 60) == 0
    finally:
        for program in filter(None, (worker, server)):
            await program.kill()


async def test_what_cannot_be_worked_on_is_told(app):
    unknown = await run_castwork("worker", app, "--queue", "mixx")
    assert (unknown.returncode, unknown.stderr.strip()) == (
        1,
        "castwork: There is no queue named mixx; known are mix, light, heavy",
    )
    memory = await run_castwork("worker", app, "--db", "memory:")
    assert memory.returncode == 1
    assert "its own process only" in memory.stderr
    missing = await run_castwork("jobs", "watch", "x", app)
    assert (missing.returncode, missing.stderr.strip()) == (1, "castwork: There is no job with the id x")
