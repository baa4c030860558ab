"""GET and POST /status/logs: what is told, of whom, to whom; and what is never told."""

import asyncio
import json

import pytest
from bson import ObjectId

from server.runtime.jobs import JOB_KINDS, Timing, Worker
from server.runtime.logs import LOGS
from tests.integration.observing.conftest import PASSWORD

pytestmark = pytest.mark.asyncio


async def test_what_happens_is_told_the_oldest_first(house):
    card = (await house.ask("POST", "/data/cards", {"name": "a"}, who="dev")).json()["id"]
    await house.ask("GET", f"/data/cards/{card}", who="dev")
    await house.ask("PUT", f"/data/cards/{card}", {"size": 1}, who="dev")
    await house.ask("PUT", f"/data/cards/{card}/tell", {"note": "n"}, who="dev")
    await house.ask("DELETE", f"/data/cards/{card}", who="dev")
    page = await house.logs()
    told = [(one["type"], one["subType"], one["level"], one["message"]) for one in page["items"]]
    assert told == [
        ("APP", "LOGIN", "INFO", "POST /api/auth/login"),
        ("APP", "REST_API_RECORD_CREATED", "INFO", "POST /api/data/cards"),
        ("APP", "REST_API_RECORD_UPDATED", "INFO", f"PUT /api/data/cards/{card}"),
        ("APP", "SCRIPT", "WARN", "a   n"),
        ("APP", "REST_API_ACTION_EXECUTED", "INFO", f"PUT /api/data/cards/{card}/tell"),
        ("APP", "REST_API_RECORD_DELETED", "INFO", f"DELETE /api/data/cards/{card}"),
    ]
    assert page["total"] == 6
    assert page["offset"] == page["items"][-1]["id"]
    assert {one["userEmail"] for one in page["items"]} == {"dev@example.com"}
    assert {one["ip"] for one in page["items"]} == {"::ffff:192.0.2.10"}


async def test_reads_are_told_where_they_are_wanted(open_house):
    house = await open_house(log_reads=True)
    await house.ask("GET", "/data/cards?name=secret", who="dev")
    await house.ask("PUT", "/data/cards/aggregate", [], who="dev")
    await house.ask("GET", "/healthz")
    told = [(one["subType"], one["message"]) for one in (await house.logs())["items"][1:]]
    assert told == [
        ("REST_API_RECORD_READ", "GET /api/data/cards"),
        ("REST_API_RECORD_READ", "PUT /api/data/cards/aggregate"),
    ]


async def test_pages_follow_each_other(house):
    for number in range(5):
        await house.ask("POST", "/status/logs", {"level": "INFO", "message": f"m{number}"}, who="dev")
    first = await house.logs("?message=m&_size=2")
    second = await house.logs(f"?message=m&_size=2&_offset={first['offset']}")
    last = await house.logs(f"?message=m&_offset={second['items'][-1]['id']}")
    assert [one["message"] for page in (first, second, last) for one in page["items"]] == ["m0", "m1", "m2", "m3", "m4"]
    assert {page["total"] for page in (first, second, last)} == {5}
    empty = await house.logs(f"?message=m&_offset={last['offset']}")
    assert empty == {"total": 5, "items": []}


async def test_lines_are_found_by_level_message_user_and_time(house):
    await house.person("ann", "users")
    await house.ask("POST", "/status/logs", {"level": "ERROR", "message": "Broken Pipe"}, who="dev")
    await house.ask("POST", "/data/cards", {"name": "x"}, who="ann")
    now = house.running.clock()
    assert await house.messages("?level=ERROR") == ["Broken Pipe"]
    assert await house.messages("?level=ERROR,WARN&message=broken p") == ["Broken Pipe"]
    assert await house.messages("?userEmail=NN@") == ["POST /api/auth/login", "POST /api/data/cards"]
    assert await house.messages("?message=a.i") == []  # text, no pattern
    assert len(await house.messages("?period=today")) == 4
    assert await house.messages("?period=yesterday") == []
    assert len(await house.messages(f"?period=5m&from={now + 10_000}")) == 4
    assert await house.messages(f"?from={now + 10_000}") == []
    assert len(await house.messages(f"?from={now - 60_000}&to={now + 10_000}")) == 4


@pytest.mark.parametrize(
    "query", ["?level=DEBUG", "?user=x", "?_size=0", "?_offset=x", "?period=soon", "?from=x", f"?message={'m' * 300}"]
)
async def test_what_a_list_does_not_take_is_refused(house, query):
    assert (await house.logs(query, status=400))["code"] == "badRequest"


async def test_only_developers_see_and_write_lines(house):
    await house.person("ann", "users")
    for method, body in (("GET", None), ("POST", {"level": "INFO", "message": "m"})):
        answer = await house.ask(method, "/status/logs", body, who="ann")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert (await house.ask(method, "/status/logs", body)).status_code == 401
    assert await house.messages("?message=m") == []


async def test_a_posted_line_is_there_at_once(house):
    body = {"level": "WARN", "message": "hello\r\nthere", "additionalInfo": {"price": 1.5, "list": [{"a": None}]}}
    answer = await house.ask("POST", "/status/logs", body, who="dev")
    assert answer.status_code == 200
    assert answer.json() == (await house.logs("?message=hello"))["items"][0]
    assert answer.json() | {"id": 0, "timestamp": 0} == {
        "id": 0,
        "type": "EXTERNAL",
        "subType": None,
        "level": "WARN",
        "message": "hello\r\nthere",
        "userEmail": "dev@example.com",
        "adminUserEmail": None,
        "timestamp": 0,
        "ip": "::ffff:192.0.2.10",
        "additionalInfo": body["additionalInfo"],
    }
    wrong = await house.ask("POST", "/status/logs", {"level": "INFO"}, who="dev")
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["errors"][0]["code"]) == (
        400,
        "validationErrors",
        "required",
    )


async def test_who_impersonates_is_told_beside_who_is_impersonated(house):
    await house.person("ann", "users")
    await house.person("sue", "support")
    await house.login("sue", as_other="ann")
    await house.ask("POST", "/data/cards", {"name": "x"}, who="sue as ann")
    told = [
        (one["message"], one["userEmail"], one["adminUserEmail"])
        for one in (await house.logs("?userEmail=ann"))["items"]
    ]
    assert told[-2:] == [
        ("POST /api/auth/login", "ann@example.com", "sue@example.com"),
        ("POST /api/data/cards", "ann@example.com", "sue@example.com"),
    ]
    line = json.loads([line for line in house.lines.written if "POST /data/{entity}" in line][-1])
    assert line["user"] != line["admin"]


async def test_refusals_are_told_of_users_and_of_logins(house):
    await house.ask("POST", "/data/cards", {}, who="dev")
    await house.ask("POST", "/data/cards", {"name": "x"})
    await house.ask("POST", "/data/cards", {"name": "x"}, headers={"token": "x" * 32})
    await house.ask("POST", "/auth/login", {"email": "dev@example.com", "password": "wrong"})
    told = [
        (one["level"], one["message"], one["userEmail"], one["additionalInfo"]["status"])
        for one in (await house.logs("?level=WARN"))["items"]
    ]
    assert told == [
        ("WARN", "POST /api/data/cards", "dev@example.com", 400),
        ("WARN", "POST /api/auth/login", None, 401),
    ]


async def test_an_unforeseen_error_is_found_by_the_id_that_the_client_got(house):
    card = (await house.ask("POST", "/data/cards", {"name": "a"}, who="dev")).json()["id"]
    answer = await house.ask("PUT", f"/data/cards/{card}/crash", {}, who="dev")
    assert answer.status_code == 500
    assert "canary-inside" not in answer.text
    request = answer.json()["requestId"]
    (row,) = (await house.logs("?level=ERROR"))["items"]
    assert row["additionalInfo"] == {"requestId": request, "status": 500}
    lines = [json.loads(line) for line in house.lines.written if request in line]
    assert any("canary-inside" in line.get("error", "") for line in lines)
    assert any(line["logger"] == "castwork.requests" and line["status"] == 500 for line in lines)


async def test_what_is_undone_was_never_said(house):
    card = (await house.ask("POST", "/data/cards", {"name": "a"}, who="dev")).json()["id"]
    assert (await house.ask("PUT", f"/data/cards/{card}/half", {}, who="dev")).status_code == 400
    assert "never said" not in await house.messages()


async def test_calls_to_other_systems_are_told_by_their_host_alone(house):
    card = (await house.ask("POST", "/data/cards", {"name": "a"}, who="dev")).json()["id"]
    await house.ask("PUT", f"/data/cards/{card}/call", {}, who="dev")
    (row,) = (await house.logs("?message=127.0.0.1"))["items"]
    assert (row["subType"], row["level"], row["message"]) == (
        "FUNCTION_CALLED",
        "WARN",
        "POST http://127.0.0.1:9 failed",
    )


async def test_no_secret_is_ever_told(open_house):
    """Passwords, tokens, sensitive fields and parameters, filters, bodies: in no stored line and in none on standard error."""
    house = await open_house(log_reads=True, access_log=True)
    token = await house.person("ann", "users")
    card = (await house.ask("POST", "/data/cards", {"name": "c", "code": "canary-code"}, who="ann")).json()["id"]
    await house.ask("GET", "/data/cards?code=canary-code", who="ann")
    await house.ask("GET", "/data/cards?name=like(canary-filter)&token=canary-query", who="ann")
    await house.ask("PUT", f"/data/cards/{card}", {"size": "canary-wrong"}, who="ann")
    await house.ask("PUT", f"/data/cards/{card}/tell", {"pin": "canary-pin", "note": "said"}, who="dev")
    await house.ask("PUT", f"/data/cards/{card}/hook", {"pin": "canary-pin"}, who="dev")
    await house.ask("POST", "/auth/login", {"email": "canary-mail@example.com", "password": "canary-other"})
    await house.ask(
        "PUT", "/auth/password", {"email": "ann@example.com", "password": PASSWORD, "newPassword": "canary-new-9"}
    )
    new_token = await house.ask("POST", "/auth/login", {"email": "ann@example.com", "password": "canary-new-9"})
    await house.running.log.flush(house.running.store)
    stored = [str(row) for row in await house.running.store.find(LOGS, {})]
    assert len(stored) > 10
    secrets = ["canary", PASSWORD, token, house.tokens["dev"], new_token.json()["token"]]
    for text in (*stored, *house.lines.written):
        assert not [secret for secret in secrets if secret in text], text
    assert "c ****** ****** said" in await house.messages()
    assert "hooked c ****** ******" in await house.messages()


async def test_lines_of_standard_error_are_one_object_each(open_house):
    house = await open_house(access_log=True)
    await house.ask("GET", "/data/cards/a%0d%0aInjected:%20x,b", who="dev")
    await house.ask("POST", "/status/logs", {"level": "INFO", "message": "a\r\nb\u2028c"}, who="dev")
    for line in house.lines.written:
        assert len(line.splitlines()) == 1 or "\u2028" in line
        assert json.loads(line)["time"]
    told = json.loads([line for line in house.lines.written if "castwork.requests" in line][-2])
    assert told["message"] == "GET /data/{entity}/{id} 404"
    assert {"time", "level", "requestId", "route", "status", "ms", "user", "app", "entity"} <= told.keys()


async def test_old_lines_and_too_many_lines_go(house):
    log, store = house.running.log, house.running.store
    now = house.running.clock()
    log._rows = 20
    for number in range(50):
        await house.ask("POST", "/status/logs", {"level": "INFO", "message": f"m{number}"}, who="dev")
    await log.flush(store)
    await log.trim(store, now)
    kept = [row["message"] for row in await store.find(LOGS, {}, sort=[("_id", 1)])]
    assert kept == [f"m{number}" for number in range(30, 50)]
    await log.trim(store, now + 31 * 24 * 3600 * 1000)
    assert await store.count(LOGS, {}) == 0


async def test_a_request_does_not_wait_for_its_line(house, monkeypatch):
    asked = []
    insert_many = house.running.store.insert_many

    async def note(collection, *arguments, **options):
        asked.append(collection)
        return await insert_many(collection, *arguments, **options)

    monkeypatch.setattr(house.running.store, "insert_many", note)
    for number in range(20):
        await house.ask("POST", "/data/cards", {"name": f"n{number}"}, who="dev")
    assert LOGS not in asked
    assert len(await house.messages("?message=cards")) == 20
    assert asked.count(LOGS) == 1


async def test_all_lines_of_many_at_once_are_kept(house):
    await asyncio.gather(*(house.ask("POST", "/data/cards", {"name": f"n{n}"}, who="dev") for n in range(60)))
    page = await house.logs("?message=data/cards")
    assert page["total"] == 60
    times = [one["timestamp"] for one in page["items"]]
    assert times == sorted(times)
    assert len({one["id"] for one in page["items"]}) == 60


async def test_all_that_follows_from_a_request_is_found_by_its_id(house):
    """Its line, what scripts say in it, the audit trail, a job that it began and what is said in that."""
    named = {"x-request-id": "the-request"}
    card = (await house.ask("POST", "/data/cards", {"name": "a"}, who="dev", headers=named)).json()["id"]
    later = {"x-request-id": "the-later-one"}
    await house.ask("PUT", f"/data/cards/{card}/hook?_async=true", {"pin": "1"}, who="dev", headers=later)
    worker = asyncio.create_task(Worker(lambda: house.running, JOB_KINDS, Timing(lease=3, first_poll=0.01)).run())
    try:
        async with asyncio.timeout(20):
            while not await house.messages("?message=hooked"):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    store = house.running.store
    await house.running.outbox.settle()
    told = {one["message"]: one["additionalInfo"]["requestId"] for one in (await house.logs())["items"]}
    assert told["POST /api/data/cards"] == "the-request"
    assert [told[message] for message in told if message.startswith("hooked")] == ["the-later-one"]
    assert [job["request"] for job in await store.find("sys.jobs", {})] == ["the-later-one"]
    trail = await store.find("sys.audit", {"record": ObjectId(card)}, sort=[("at", 1), ("_id", 1)])
    assert [(row["event"], row["request"]) for row in trail] == [
        ("created", "the-request"),
        ("action", "the-later-one"),
    ]
