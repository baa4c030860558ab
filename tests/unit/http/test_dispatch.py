"""Paths and methods: each finds its use case, and what finds none is told in the one error shape."""

import pytest

from tests.every import every
from tests.unit.http.conftest import Face

ID = "57fd2d65e4b0ce322b0c8665"


@pytest.mark.parametrize(
    ("method", "path", "name", "arguments"),
    [
        ("GET", "/api/data/companies", "list_records", ("companies", [("state", "a b"), ("x", "")])),
        ("GET", f"/api/data/companies/{ID}", "read_record", ("companies", ID, [("state", "a b"), ("x", "")])),
        ("DELETE", "/api/data/companies", "delete_by_query", ("companies", [("state", "a b"), ("x", "")])),
        (
            "DELETE",
            f"/api/data/companies/{ID},{ID}",
            "delete_by_ids",
            ("companies", f"{ID},{ID}", [("state", "a b"), ("x", "")]),
        ),
    ],
)
async def test_routes_without_a_body(face, called, method, path, name, arguments):
    reply = await face.ask(method, path, query=b"state=a+b&x")
    assert reply.status == 200
    assert reply.json == {"done": name}
    assert called == [(name, arguments)]


async def test_create_and_update_get_the_body(face, called):
    await face.ask("POST", "/api/data/companies", b'{"name": "x"}')
    await face.ask("PUT", f"/api/data/companies/{ID}", b'{"name": "y"}')
    assert [arguments[-1] for _, arguments in called] == [{"name": "x"}, {"name": "y"}]


async def test_a_slash_at_the_end_changes_nothing(face, called):
    for path in ("/api/data/companies/", f"/api/data/companies/{ID}/", "/healthz/"):
        assert (await face.ask("GET", path)).status == 200
    assert [name for name, _ in called] == ["list_records", "read_record"]


@every(
    "path",
    [
        "/",
        "/nope",
        "/api",
        "/api/data",
        "/api/data/people",
        f"/api/data/people/{ID}",
        "/api/data/companies//",
        "/api/data/companies/nope",
        f"/api/data/companies/{ID}0",
        "/api/data/a/b/c/d",
    ],
)
async def test_unknown_paths_are_404_for_every_method(face, called, path):
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        reply = await face.ask(method, path)
        assert (reply.status, reply.json["code"]) == (404, "notFound")
    assert called == []


@pytest.mark.parametrize(
    ("path", "allow", "methods"),
    [
        ("/api/data/companies", "DELETE, GET, HEAD, POST", ["PUT", "PATCH", "OPTIONS", "TRACE", "FOO"]),
        (f"/api/data/companies/{ID}", "DELETE, GET, HEAD, PUT", ["POST", "PATCH", "OPTIONS"]),
        ("/healthz", "GET, HEAD", ["POST", "PUT", "DELETE", "OPTIONS"]),
        ("/api/readyz", "GET, HEAD", ["POST"]),
    ],
)
async def test_other_methods_are_405_with_the_exact_list(face, called, path, allow, methods):
    for method in methods:
        reply = await face.ask(method, path)
        assert (reply.status, reply.json["code"], reply.headers["allow"]) == (405, "methodNotAllowed", allow)
    assert called == []


async def test_head_is_answered_as_get(face, called):
    reply = await face.ask("HEAD", "/api/data/companies")
    assert (reply.status, called[0][0]) == (200, "list_records")


async def test_several_apps_stand_side_by_side(called):
    face = Face(apps=("crm", "shop"), prefix="/{app}/api")
    for app in ("crm", "shop"):
        assert (await face.ask("GET", f"/{app}/api/data/companies")).status == 200
        assert (await face.ask("GET", f"/{app}/api/readyz")).status == 200
    assert (await face.ask("GET", "/else/api/data/companies")).status == 404
    assert (await face.ask("GET", "/readyz")).status == 200


@pytest.mark.parametrize("query", [b"a=%ff", b"a=%ed%a0%80", b"%00=1", b"a=b%00", b"a=\xff"])
async def test_query_strings_that_are_no_text_are_refused(face, called, query):
    reply = await face.ask("GET", "/api/data/companies", query=query)
    assert (reply.status, reply.json["code"], called) == (400, "badRequest", [])


async def test_an_app_without_entities_has_no_records(called):
    face = Face(entities=())
    for path in ("/api/data/companies", f"/api/data/companies/{ID}"):
        assert (await face.ask("GET", path)).status == 404
    assert (await face.ask("GET", "/api/healthz")).status == 200
