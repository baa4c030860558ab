"""What must hold when many write at once, and when the server is killed while they do."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx

CREATES = int(os.environ.get("CASTWORK_CREATES", "600"))
"""Records that clients try to create before and after the kill; 2,000 in the full run."""


def test_of_changes_under_one_version_exactly_one_wins(shared):
    record = shared.client.post("/data/companies", json={"name": "Contended"}).json()
    path = f"/data/companies/{record['id']}"

    def change(number):
        return shared.client.put(path, json={"version": 0, "numberOfEmployees": number}).status_code

    with ThreadPoolExecutor(32) as pool:
        codes = sorted(pool.map(change, range(32)))
    assert codes == [200] + [409] * 31
    assert shared.client.delete(path).json()["version"] == 1


def test_changes_without_a_version_all_win_and_each_counts(shared):
    record = shared.client.post("/data/companies", json={"name": "Patient"}).json()
    path = f"/data/companies/{record['id']}"

    def change(number):
        return shared.client.put(path, json={"numberOfEmployees": number + 1}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(change, range(24))) == {200}
    assert shared.client.delete(path).json()["version"] == 24


def test_of_creations_with_one_unique_value_exactly_one_wins(shared):
    def create(_):
        return shared.client.post("/data/companies", json={"name": "Only one"}).status_code

    with ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(create, range(64)))
    assert sorted(codes) == [200] + [400] * 63
    found = shared.client.get("/data/companies?name=Only one").json()
    assert found["total"] == 1
    shared.client.delete(f"/data/companies/{found['items'][0]['id']}")


def test_what_was_acknowledged_is_there_after_the_server_was_killed(serve, crm):
    first = serve(crm)
    acknowledged: list[str] = []
    lock = threading.Lock()
    killed = threading.Event()

    def create(number):
        if killed.is_set():
            return
        try:
            answer = first.client.post("/data/companies", json={"name": f"Company {number}"})
        except httpx.TransportError:
            return
        if answer.status_code == 200:
            with lock:
                acknowledged.append(answer.json()["id"])
                if len(acknowledged) == CREATES // 2 and not killed.is_set():
                    killed.set()
                    first.send(signal.SIGKILL)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(create, range(CREATES)))
    assert killed.is_set()
    first.wait()

    second = serve(crm)
    stored: set[str] = set()
    offset = ""
    while True:
        page = second.client.get(f"/data/companies?_size=1000&_fields=id{offset}").json()
        stored |= {item["id"] for item in page["items"]}
        if not page["items"]:
            break
        offset = f"&_offset={page['offset']}"
    print(
        f"acknowledged {len(acknowledged)} of {CREATES}, stored {len(stored)}, lost {len(set(acknowledged) - stored)}"
    )
    assert len(acknowledged) >= CREATES // 2
    assert set(acknowledged) <= stored
    names = [item["name"] for item in second.client.get("/data/companies?_size=1000&_fields=name").json()["items"]]
    assert len(names) == len(set(names))
