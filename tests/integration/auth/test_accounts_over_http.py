"""The routes about people, through the whole HTTP face: carriers of tokens, cookies, scopes, proxies, error bodies."""

import httpx
import pytest
from bson import ObjectId

from server.http.dispatch import build_http
from server.http.serving import Edition, Host, ServedApp, index_routes
from server.runtime.auth.tokens import create_api_token
from server.settings import Settings
from tests.integration.auth.conftest import ANONYMOUS, PASSWORD

NEW = "another horse 8"
LOGIN = {"email": "dev@example.com", "password": PASSWORD}


class Web:
    """A world behind its HTTP face."""

    def __init__(self, world, **settings):
        self.world = world
        compiled = world.running.compiled
        self.served = ServedApp("crm", Edition(index_routes(compiled.routes), world.running), 1.0)
        self.app = build_http(Host([self.served]), Settings(**settings), "/api")

    async def ask(self, method, path, *, peer="192.0.2.10", scheme="http", **options):
        transport = httpx.ASGITransport(self.app, client=(peer, 40000))
        async with httpx.AsyncClient(transport=transport, base_url=f"{scheme}://crm.example/api") as client:
            return await client.request(method, path, **options)

    async def login(self, **more):
        answer = await self.ask("POST", "/auth/login", json={**LOGIN, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()["token"]


@pytest.fixture
async def web(world):
    await world.user("dev@example.com", developer=True)
    return Web(world)


async def test_login_and_the_current_user(web):
    token = await web.login()
    answer = await web.ask("GET", "/users/current", headers={"token": token})
    assert answer.status_code == 200
    assert (answer.json()["email"], answer.json()["label"]) == ("dev@example.com", "Dev Test")
    assert "argon2" not in answer.text
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/data/companies"),
        ("GET", "/data/companies/57fd2d64e4b0b2f2a4f7a1c3"),
        ("POST", "/data/companies"),
        ("GET", "/data/nothing"),
        ("PATCH", "/data/companies"),
        ("GET", "/data/sys.users"),
        ("GET", "/users/current"),
        ("PUT", "/users/current/password"),
        ("POST", "/auth/logout"),
        ("PUT", "/data/sys.users/57fd2d64e4b0b2f2a4f7a1c3/resetPassword"),
    ],
)
async def test_without_a_valid_token_all_is_401(web, method, path):
    for headers in ({}, {"token": "x" * 32}, {"token": "' or 1=1"}, {"authorization": "Basic eDp4"}):
        answer = await web.ask(method, path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
        assert set(answer.json()) == {"code", "message", "requestId"}


async def test_tokens_come_in_a_header_or_as_bearer(web):
    token = await web.login()
    for headers in (
        {"token": token},
        {"Token": token},
        {"authorization": f"Bearer {token}"},
        {"authorization": f"bearer {token}"},
        {"token": token, "authorization": "Bearer other"},
    ):
        assert (await web.ask("GET", "/data/companies", headers=headers)).status_code == 200
    for headers in ({"authorization": token}, {"authorization": f"Token {token}"}, {"x-token": token}):
        assert (await web.ask("GET", "/data/companies", headers=headers)).status_code == 401
    assert (await web.ask("GET", f"/data/companies?token={token}")).status_code == 401


class TestCookies:
    async def test_a_login_sets_one_only_when_asked(self, web):
        answer = await web.ask("POST", "/auth/login", json=LOGIN)
        assert "set-cookie" not in answer.headers
        answer = await web.ask("POST", "/auth/login?cookie=true", json=LOGIN)
        token = answer.json()["token"]
        assert answer.headers["set-cookie"] == f"token={token}; Path=/api; HttpOnly; SameSite=Lax"
        answer = await web.ask("POST", "/auth/login?cookie=true", json=LOGIN, scheme="https")
        assert answer.headers["set-cookie"].endswith("; HttpOnly; SameSite=Lax; Secure")

    async def test_it_reads_and_does_not_write(self, web):
        token = await web.login()
        cookie = {"cookie": f"theme=dark; token={token}; x=y"}
        for method in ("GET", "HEAD"):
            assert (await web.ask(method, "/data/companies", headers=cookie)).status_code == 200
        for method, path in (
            ("POST", "/data/companies"),
            ("PUT", "/data/companies/57fd2d64e4b0b2f2a4f7a1c3"),
            ("DELETE", "/data/companies/57fd2d64e4b0b2f2a4f7a1c3"),
            ("PUT", "/users/current/password"),
            ("POST", "/auth/logout"),
        ):
            assert (await web.ask(method, path, headers=cookie, json={})).status_code == 401
            assert (await web.ask(method, path, headers={**cookie, "token": token}, json={})).status_code != 401

    @pytest.mark.parametrize(
        "cookie", ["", "token=", "token", ";;;", 'token="x"', "atoken=1", "=x", "token=" + "x" * 32]
    )
    async def test_odd_cookies_let_nobody_in(self, web, cookie):
        assert (await web.ask("GET", "/data/companies", headers={"cookie": cookie})).status_code == 401

    async def test_logging_out_takes_it_away(self, web):
        token = await web.login()
        headers = {"token": token, "cookie": f"token={token}"}
        answer = await web.ask("POST", "/auth/logout", headers=headers)
        assert (answer.status_code, answer.json()) == (200, {})
        assert answer.headers["set-cookie"] == "token=; Path=/api; HttpOnly; SameSite=Lax; Max-Age=0"
        assert (await web.ask("GET", "/data/companies", headers=headers)).status_code == 401


async def test_refused_logins_differ_in_nothing_but_the_request(web):
    await web.world.user("out@example.com", status="INACTIVE")
    answers = [
        await web.ask(
            "POST", "/auth/login", json={"email": email, "password": "wrong"}, headers={"x-request-id": "same"}
        )
        for email in ("nobody@example.com", "dev@example.com", "out@example.com")
    ]
    assert len({(answer.status_code, answer.content, str(answer.headers)) for answer in answers}) == 1
    assert answers[0].json()["code"] == "unauthorized"


async def test_too_many_failures_are_429_with_the_time_to_wait(web):
    for _ in range(8):
        answer = await web.ask("POST", "/auth/login", json={**LOGIN, "password": "wrong"})
    assert (answer.status_code, answer.json()["code"]) == (429, "tooManyRequests")
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"null", 400),
        (b'"x"', 400),
        (b"{", 400),
        (b'{"email": {"$gt": ""}, "password": {"$gt": ""}}', 400),
        (b'{"email": "a", "email": "b", "password": "c"}', 400),
        (b'{"email": "dev@example.com", "password": "\\ud800"}', 400),
        (b'{"email": "dev\\u0000@example.com", "password": "x"}', 401),
    ],
)
async def test_bodies_that_are_no_login(web, content, status):
    assert (await web.ask("POST", "/auth/login", content=content)).status_code == status


async def test_login_takes_no_other_parameter(web):
    assert (await web.ask("POST", "/auth/login?cookies=true", json=LOGIN)).status_code == 400
    assert (await web.ask("POST", "/auth/login?cookie=1", json=LOGIN)).status_code == 400
    assert (await web.ask("GET", "/auth/login")).headers["allow"] == "POST"


async def test_users_are_kept_over_http(web):
    headers = {"token": await web.login()}
    body = {"firstName": "Bob", "lastName": "Test", "email": "bob@example.com"}
    body["authentication"] = {"newPassword": PASSWORD, "passwordConfirmation": PASSWORD}
    answer = await web.ask("POST", "/data/sys.users", json=body, headers=headers)
    assert answer.status_code == 200
    assert PASSWORD not in answer.text
    path = f"/data/sys.users/{answer.json()['id']}"
    assert (await web.ask("PUT", path, json={"firstName": "Rob"}, headers=headers)).json()["label"] == "Rob Test"
    assert (await web.ask("GET", "/data/sys.users?email=bob@example.com", headers=headers)).json()["total"] == 1
    assert (await web.ask("PUT", f"{path}/deactivate", headers=headers)).json()["status"] == "INACTIVE"
    assert (await web.ask("PUT", f"{path}/deactivate", json={}, headers=headers)).status_code == 400
    assert (await web.ask("PUT", f"{path}/activate", json={"x": 1}, headers=headers)).status_code == 400
    assert (await web.ask("PUT", f"{path}/activate", headers=headers)).json()["status"] == "ACTIVE"
    assert (await web.ask("PUT", f"{path}/unblock", headers=headers)).status_code == 400
    temporary = (await web.ask("PUT", f"{path}/resetPassword", headers=headers)).json()["temporaryPassword"]
    expired = {"email": "bob@example.com", "password": temporary}
    answer = await web.ask("POST", "/auth/login", json=expired)
    assert (answer.status_code, answer.json()["code"]) == (403, "passwordExpired")
    answer = await web.ask("PUT", "/auth/password", json={**expired, "newPassword": NEW})
    assert answer.status_code == 200
    token = answer.json()["token"]
    body = {"password": NEW, "newPassword": PASSWORD}
    answer = await web.ask("PUT", "/users/current/password", json=body, headers={"token": token})
    assert answer.status_code == 200
    assert (await web.ask("GET", "/users/current", headers={"token": token})).status_code == 401
    headers["token"] = answer.json()["token"]
    assert (await web.ask("GET", "/users/current", headers=headers)).json()["label"] == "Rob Test"


async def test_other_entities_of_the_system_are_not_served(web):
    headers = {"token": await web.login()}
    for name in ("sys.tokens", "sys.credentials", "sys.throttle", "sys.counters", "sys.groups"):
        for method in ("GET", "POST", "DELETE"):
            assert (await web.ask(method, f"/data/{name}", headers=headers, json={})).status_code == 404


async def test_scopes_narrow_what_an_api_token_does(web):
    dev = (await web.world.store.find("sys.users", {}))[0]
    token = await create_api_token(
        web.world.store, ObjectId(dev["_id"]), "reader", ["data:companies:read"], web.world.clock.now, None
    )
    headers = {"token": token}
    assert (await web.ask("GET", "/data/companies", headers=headers)).status_code == 200
    assert (await web.ask("GET", "/users/current", headers=headers)).status_code == 200
    for method, path in (
        ("POST", "/data/companies"),
        ("DELETE", "/data/companies"),
        ("GET", "/data/sys.users"),
        ("PUT", f"/data/sys.users/{dev['_id']}/resetPassword"),
    ):
        answer = await web.ask(method, path, headers=headers, json={})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_addresses_come_from_the_peer_and_from_trusted_proxies_alone(web):
    behind = Web(web.world, trusted_proxies="192.0.2.0/24, 2001:db8::/32")

    async def seen(face, peer, forwarded=None):
        headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
        return (await face.ask("POST", "/auth/login", json=LOGIN, peer=peer, headers=headers)).json()["ip"]

    assert await seen(web, "198.51.100.9", "10.1.1.1") == "::ffff:198.51.100.9"
    assert await seen(web, "127.0.0.1", "10.1.1.1") == "::ffff:127.0.0.1"
    assert await seen(behind, "192.0.2.5", "10.1.1.1, 198.51.100.9") == "::ffff:198.51.100.9"
    assert await seen(behind, "2001:db8::1", "10.1.1.1, 2001:db8::2") == "::ffff:10.1.1.1"
    assert await seen(behind, "198.51.100.9", "10.1.1.1") == "::ffff:198.51.100.9"
    assert await seen(behind, "::ffff:192.0.2.5", "198.51.100.9") == "::ffff:198.51.100.9"


async def test_rules_on_addresses_hold_at_every_request(web):
    await web.world.user("office@example.com", "office")
    body = {"email": "office@example.com", "password": PASSWORD}
    answer = await web.ask("POST", "/auth/login", json=body, peer="10.1.1.1")
    headers = {"token": answer.json()["token"]}
    assert (await web.ask("GET", "/users/current", headers=headers, peer="10.9.9.9")).status_code == 200
    for spoof in ({}, {"x-forwarded-for": "10.1.1.1"}, {"x-real-ip": "10.1.1.1"}, {"forwarded": "for=10.1.1.1"}):
        answer = await web.ask("GET", "/users/current", headers={**headers, **spoof}, peer="198.51.100.9")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_an_anonymous_group_opens_the_app_to_everybody(open_world):
    web = Web(await open_world(ANONYMOUS))
    assert (await web.ask("GET", "/users/current")).status_code == 401
    assert (await web.ask("POST", "/auth/logout")).status_code == 401
    assert (await web.ask("GET", "/data/nothing")).status_code == 404
    assert (await web.ask("GET", "/data/companies", headers={"token": "x" * 32})).status_code == 401
