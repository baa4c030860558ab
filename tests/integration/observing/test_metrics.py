"""GET /metrics: who may ask, and what is counted, by one process and by several."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from server.metrics import render_metrics
from tests.integration.http.conftest import ADMIN

LOCAL = "127.0.0.1"


def samples(text):
    """Every sample by its name and labels."""
    families = text_string_to_metric_families(text)
    return {(one.name, *sorted(one.labels.items())): one.value for family in families for one in family.samples}


def requests(found, route, method="GET", status="200", app="crm"):
    labels = {"app": app, "method": method, "route": route, "status": status}
    return found.get(("castwork_http_requests_total", *sorted(labels.items())), 0)


async def metrics(house, **options):
    return await house.ask("GET", "/metrics", base="", **{"peer": LOCAL, **options})


@pytest.mark.parametrize(
    ("token", "peer", "headers", "status"),
    [
        (None, LOCAL, {}, 200),
        (None, "::1", {}, 200),
        (None, "192.0.2.10", {}, 403),
        (None, LOCAL, {"x-forwarded-for": "192.0.2.10"}, 403),
        (None, LOCAL, {"forwarded": "for=192.0.2.10"}, 403),
        (None, "192.0.2.10", {"x-forwarded-for": LOCAL}, 403),
        ("s3cret", "192.0.2.10", {"authorization": "Bearer s3cret"}, 200),
        ("s3cret", "192.0.2.10", {"authorization": "bearer s3cret"}, 200),
        ("s3cret", LOCAL, {}, 401),
        ("s3cret", LOCAL, {"authorization": "Bearer wrong"}, 401),
        ("s3cret", LOCAL, {"authorization": "Basic s3cret"}, 401),
        ("s3cret", LOCAL, {"token": "s3cret"}, 401),
    ],
)
async def test_who_may_ask(open_house, token, peer, headers, status):
    house = await open_house(metrics_token=token)
    answer = await metrics(house, peer=peer, headers=headers)
    assert answer.status_code == status, answer.text
    assert ("castwork_http_requests_total" in answer.text) is (status == 200)


async def test_requests_are_counted_by_the_shape_of_their_path(house):
    before = samples((await metrics(house)).text)
    for number in range(3):
        await house.ask("POST", "/data/cards", {"name": f"n{number}"}, who="dev")
        await house.ask("GET", f"/data/cards/{number}", who="dev")
        await house.ask("GET", f"/nowhere/{number}", who="dev")
        await house.ask(f"VERB{number}", "/data/cards", who="dev")
    await house.ask("POST", "/data/cards", {"name": "x"})
    after = samples((await metrics(house)).text)

    def grown(*place, **more):
        return requests(after, *place, **more) - requests(before, *place, **more)

    assert grown("/data/{entity}", "POST") == 3
    assert grown("/data/{entity}/{id}", "GET", "404") == 3
    assert grown("none", "GET", "404", "") == 3
    assert grown("/data/{entity}", "other", "405") == 3
    assert grown("/data/{entity}", "POST", "401") == 1
    assert not [key for key in after if "VERB0" in str(key) or "nowhere" in str(key) or "cards" in str(key)]
    timed = ("castwork_http_request_seconds_count", ("method", "POST"), ("route", "/data/{entity}"))
    assert after[timed] - before.get(timed, 0) == 4


async def test_jobs_that_wait_are_counted_and_aged(house):
    card = (await house.ask("POST", "/data/cards", {"name": "a"}, who="dev")).json()["id"]
    await house.ask("PUT", f"/data/cards/{card}/tell?_async=true", {}, who="dev")
    first = samples((await metrics(house)).text)
    assert first["castwork_jobs", ("app", "crm"), ("queue", "mix"), ("status", "PENDING")] == 1
    assert first["castwork_jobs", ("app", "crm"), ("queue", "heavy"), ("status", "PENDING")] == 0
    assert first["castwork_database_up", ("app", "crm")] == 1
    await house.ask("PUT", f"/data/cards/{card}/tell?_async=true", {}, who="dev")
    again = samples((await metrics(house)).text)
    assert again["castwork_jobs", ("app", "crm"), ("queue", "mix"), ("status", "PENDING")] == 1  # believed for a while


async def test_other_methods_are_refused(house):
    answer = await house.ask("POST", "/metrics", {}, base="", peer=LOCAL)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_the_text_is_what_prometheus_reads():
    found = samples(render_metrics().decode())
    assert any(name == "process_resident_memory_bytes" and value > 0 for (name, *_), value in found.items())
    assert any(name == "castwork_log_lines_dropped_total" for name, *_ in found)


def test_several_workers_count_together(serve, crm):
    serving = serve(crm, "--workers", "2")
    token = httpx.post(
        f"{serving.url}/auth/login",
        json={"email": ADMIN["CASTWORK_ADMIN_EMAIL"], "password": ADMIN["CASTWORK_ADMIN_PASSWORD"]},
        timeout=30,
    )
    headers = {"token": token.json()["token"], "connection": "close"}

    def ask(number):
        return httpx.get(f"{serving.url}/data/companies", headers=headers, timeout=30).status_code

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(40))) == [200] * 40
    time.sleep(0.2)
    texts = [serving.get("/metrics", headers={"connection": "close"}).text for _ in range(6)]
    for text in texts:
        found = samples(text)
        assert requests(found, "/data/{entity}") == 40
        memory = [key for key in found if key[0] == "process_resident_memory_bytes"]
        assert len(memory) == 2
        assert found["castwork_database_connections", ("state", "open")] >= 2
    answered = set(re.findall(r'process_open_fds\{pid="(\d+)"\}', texts[0]))
    assert len(answered) == 2
