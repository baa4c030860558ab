"""Clients that send requests with an Idempotency-Key until they hear of them, while the server is killed."""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx

WRITERS, RECORDS, KILLS = 8, 60, 2


def test_an_answer_outlives_the_server(serve, crm):
    def create(serving):
        return serving.client.post("/data/companies", json={"name": "Kept"}, headers={"Idempotency-Key": "one"})

    first = serve(crm)
    before = create(first)
    assert before.status_code == 200
    first.send(signal.SIGKILL)
    first.wait()
    second = serve(crm)
    after = create(second)
    assert (after.status_code, after.content) == (200, before.content)
    assert after.headers["idempotent-replayed"] == "true"
    assert second.client.get("/data/companies?name=Kept").json()["total"] == 1


def test_whatever_is_killed_each_record_is_there_once(serve, crm):
    serving = [serve(crm)]
    lock, done = threading.Lock(), {}

    def create(number):
        """Asks whichever server lives until one answers 200."""
        give_up = time.monotonic() + 120
        while time.monotonic() < give_up:
            try:
                answer = serving[-1].client.post(
                    "/data/contacts",
                    json={"firstName": f"Number {number}", "lastName": "Kept"},
                    headers={"Idempotency-Key": f"contact {number}".replace(" ", "-")},
                )
            except httpx.TransportError:
                time.sleep(0.1)
                continue
            if answer.status_code == 200:
                with lock:
                    done[number] = answer.json()["id"]
                return
            assert answer.status_code in (401, 409, 503), answer.text
            time.sleep(0.1)

    def kill():
        for turn in range(1, KILLS + 1):
            while len(done) < RECORDS * turn // (KILLS + 1):
                time.sleep(0.005)
            serving[-1].send(signal.SIGKILL)
            serving[-1].wait()
            serving.append(serve(crm))

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        killing = pool.submit(kill)
        list(pool.map(create, range(RECORDS)))
        killing.result()
    assert len(done) == RECORDS
    page = serving[-1].client.get("/data/contacts?lastName=Kept&_size=1000").json()
    assert sorted(one["firstName"] for one in page["items"]) == sorted(f"Number {number}" for number in range(RECORDS))
    assert {one["id"] for one in page["items"]} == set(done.values())
