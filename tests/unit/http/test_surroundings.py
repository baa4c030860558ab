"""What every answer carries, whatever it says; and what the server says of itself."""

import asyncio

import pytest

from server.http.serving import Edition
from server.runtime import lists
from server.store import StoreUnavailable
from tests.every import every
from tests.unit.http.conftest import Face

SECURE = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}


@pytest.fixture
def broken(monkeypatch):
    async def fail(*arguments):
        raise RuntimeError

    monkeypatch.setattr(lists, "read_record", fail)


async def test_every_answer_is_secure(face, broken):
    asked = [
        ("GET", "/api/data/companies", 200),
        ("GET", "/nope", 404),
        ("PATCH", "/api/data/companies", 405),
        ("POST", "/api/data/companies", 400),
        ("GET", f"/api/data/companies/{'f' * 24}", 500),
        ("GET", "/healthz", 200),
    ]
    for method, path, status in asked:
        reply = await face.ask(method, path)
        assert reply.status == status
        assert reply.headers.items() >= SECURE.items()
        assert "server" not in reply.headers
        assert "strict-transport-security" not in reply.headers
    too_large = await face.ask("POST", "/api/data/companies", b"{}", {"content-length": "99999999"})
    too_long = await face.ask("GET", "/api/data/companies", query=b"a" * 9_000)
    assert (too_large.status, too_long.status) == (413, 414)
    for reply in (too_large, too_long):
        assert reply.headers.items() >= SECURE.items()


async def test_behind_tls_browsers_are_told_to_stay_there(face):
    reply = await face.ask("GET", "/healthz", scheme="https")
    assert "max-age" in reply.headers["strict-transport-security"]


async def test_a_sane_request_id_is_kept(face):
    for given in ("abc", "A-1_2.3", "x" * 64):
        reply = await face.ask("GET", "/nope", headers={"x-request-id": given})
        assert reply.headers["x-request-id"] == reply.json["requestId"] == given


@every("given", [None, "", "x" * 65, "a b", 'a"b', "a\nb", "é", "<x>"])
async def test_otherwise_one_is_made(face, given):
    replies = [await face.ask("GET", "/nope", headers={} if given is None else {"x-request-id": given}) for _ in "ab"]
    ids = [reply.headers["x-request-id"] for reply in replies]
    assert ids[0] != ids[1]
    assert given not in ids
    assert all(reply.json["requestId"] == reply.headers["x-request-id"] for reply in replies)


async def test_health_asks_nobody(face):
    face.database.failure = StoreUnavailable("gone")
    for path in ("/healthz", "/api/healthz"):
        assert (await face.ask("GET", path)).json == {"status": "ok"}
    assert face.database.pings == 0


async def test_readiness_asks_the_database_once_for_many(face):
    replies = await asyncio.gather(*(face.ask("GET", path) for path in ["/readyz", "/api/readyz"] * 50))
    assert {reply.status for reply in replies} == {200}
    assert face.database.pings == 1


async def test_a_lost_database_is_asked_once_for_many_as_well(face):
    face.database.failure = StoreUnavailable("gone")
    replies = await asyncio.gather(*(face.ask("GET", "/readyz") for _ in range(50)))
    assert {(reply.status, reply.json["code"]) for reply in replies} == {(503, "applicationUnavailable")}
    assert all(reply.headers["retry-after"] for reply in replies)
    assert face.database.pings == 1


async def test_readiness_follows_the_database(called):
    face = Face(ready_cache=0.0)
    for failure, status in ((None, 200), (StoreUnavailable("gone"), 503), (None, 200)):
        face.database.failure = failure
        assert (await face.ask("GET", "/readyz")).status == status


async def test_before_the_database_is_prepared_data_waits_and_health_does_not(face, called):
    app = face.host.apps["crm"]
    app.edition = Edition(app.edition.routes)
    for path in ("/readyz", "/api/readyz", "/api/data/companies", "/api/data/companies/x"):
        reply = await face.ask("GET", path)
        assert (reply.status, reply.json["code"]) == (503, "applicationUnavailable")
    assert (await face.ask("GET", "/healthz")).status == 200
    assert (await face.ask("GET", "/api/data/people")).status == 503  # nobody can be recognised yet
    assert called == []


async def test_an_entity_whose_indexes_failed_is_closed_and_named(face, called):
    app = face.host.apps["crm"]
    app.edition = Edition(app.edition.routes, app.edition.running, {"companies": "name holds duplicates"})
    for path in ("/api/data/companies", "/readyz"):
        reply = await face.ask("GET", path)
        assert (reply.status, "name holds duplicates" in reply.json["message"]) == (503, True)
    assert called == []


async def test_a_stopping_server_is_alive_and_serves_but_is_not_ready(face):
    face.host.stopping = True
    assert (await face.ask("GET", "/healthz")).status == 200
    assert (await face.ask("GET", "/api/data/companies")).status == 200
    for path in ("/readyz", "/api/readyz"):
        assert (await face.ask("GET", path)).status == 503


async def test_requests_under_way_are_counted(face, monkeypatch, broken):
    seen = []

    async def look(*arguments):
        seen.append(face.host.in_flight)
        return {}

    monkeypatch.setattr(lists, "list_records", look)
    await face.ask("GET", "/api/data/companies")
    await face.ask("GET", "/api/data/companies/x")
    assert (seen, face.host.in_flight) == ([1], 0)


async def test_an_error_after_the_answer_began_reaches_the_server(face, monkeypatch):
    async def half(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("half way")

    async def answer(*arguments):
        return {}

    monkeypatch.setattr(lists, "list_records", answer)
    monkeypatch.setattr("server.http.handlers.answer_json", lambda value: half)
    with pytest.raises(RuntimeError, match="half way"):
        await face.ask("GET", "/api/data/companies")
