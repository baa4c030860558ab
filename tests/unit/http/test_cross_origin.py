"""Pages of other origins: those that the settings name may use the API, byte for byte, and nobody else's may."""

import pytest

from tests.every import every
from tests.unit.http.conftest import Face

HOME = "https://app.example.com"
ALLOWED = "access-control-allow-origin"
ID = "f" * 24


@pytest.fixture
def open_face(called):
    return Face(cors_origins=f"{HOME}, http://localhost:3000")


def beforehand(face, origin, method="PUT", headers="token, content-type"):
    given = {"origin": origin, "access-control-request-method": method, "access-control-request-headers": headers}
    return face.ask("OPTIONS", f"/api/data/companies/{ID}", headers=given)


@every("origin", [HOME, "http://localhost:3000"])
async def test_named_origins_may_use_the_api(open_face, called, origin):
    called.clear()
    asked = await beforehand(open_face, origin)
    assert asked.status == 200
    assert asked.headers[ALLOWED] == origin
    assert "PUT" in asked.headers["access-control-allow-methods"]
    assert "token" in asked.headers["access-control-allow-headers"]
    assert called == []
    reply = await open_face.ask("GET", "/api/data/companies", headers={"origin": origin})
    assert (reply.status, reply.headers[ALLOWED]) == (200, origin)
    assert "Origin" in reply.headers["vary"]
    shown = reply.headers["access-control-expose-headers"]
    assert all(name in shown for name in ("Content-Disposition", "X-Request-ID", "Retry-After"))
    assert "access-control-allow-credentials" not in reply.headers | asked.headers


@every(
    "origin",
    [
        "null",
        "*",
        "",
        "http://app.example.com",
        "https://app.example.com.evil.example",
        "https://evil.example/https://app.example.com",
        "https://evilapp.example.com",
        "https://app.example.com:444",
        "https://app.example.com/",
        "https://APP.example.com",
        "https://x.app.example.com",
        f"{HOME}, https://evil.example",
    ],
)
async def test_no_other_origin_may(open_face, origin):
    refused = await beforehand(open_face, origin)
    assert (refused.status, refused.json["code"]) == (400, "badRequest")
    reply = await open_face.ask("GET", "/api/data/companies", headers={"origin": origin})
    for answer in (refused, reply):
        assert ALLOWED not in answer.headers
        assert "Origin" in answer.headers["vary"]


@every(("method", "headers"), [("PATCH", "token"), ("PUT", "token, x-other")])
async def test_what_the_api_does_not_take_is_refused_beforehand(open_face, method, headers):
    refused = await beforehand(open_face, HOME, method, headers)
    assert refused.status == 400
    assert refused.json["requestId"] == refused.headers["x-request-id"]
    assert ALLOWED not in refused.headers


async def test_pages_may_read_why_they_were_refused(open_face):
    for method, path, status in [
        ("GET", "/nope", 404),
        ("POST", "/api/data/companies", 400),
        ("OPTIONS", "/api/data/companies", 405),
    ]:
        reply = await open_face.ask(method, path, headers={"origin": HOME})
        assert (reply.status, reply.headers[ALLOWED]) == (status, HOME)
        assert reply.headers["cache-control"] == "no-store"


async def test_answers_to_others_than_browsers_say_that_they_depend_on_the_origin(open_face):
    reply = await open_face.ask("GET", "/api/data/companies")
    assert ALLOWED not in reply.headers
    assert reply.headers["vary"] == "Origin"


async def test_none_is_named_by_default(face):
    assert (await beforehand(face, HOME)).status == 405
    reply = await face.ask("GET", "/api/data/companies", headers={"origin": HOME})
    assert not {name for name in reply.headers if name.startswith("access-control") or name == "vary"}
