"""Tokens: how they are kept, how long they live, and how fast they end, in one process and in others."""

import asyncio
import time

import bson
import pytest

from engine.permissions.scopes import parse_scopes
from server.runtime import lists, records
from server.runtime.auth import login, tokens
from server.runtime.auth.desk import BELIEVED, KnownCallers
from server.runtime.running import SYSTEM, Caller
from tests.integration.auth.conftest import ANONYMOUS, ELSEWHERE, HOME, OFFICE, PASSWORD, SHORT

NEW = "another horse 8"


async def ends_within(world, token, seconds, running=None):
    """How long a token is still taken after this moment; fails after `seconds`."""
    begun = time.monotonic()
    while await world.status(world.who(token, running=running)) != 401:
        assert time.monotonic() - begun < seconds
        await asyncio.sleep(0.02)
    return time.monotonic() - begun


@pytest.fixture
async def other(open_world, world):
    """Another process of the same app: its own connection, its own memory."""
    return await open_world(name=world.store._database.name, clock=world.clock)


async def test_a_caller_is_who_logged_in(world):
    user = await world.user("ann@example.com", "sales", "support")
    caller = await world.who(await world.token("ann@example.com"))
    assert (caller.user["id"], caller.user["email"]) == (user["id"], "ann@example.com")
    assert (caller.groups, caller.developer, caller.admin, caller.scopes) == (("sales", "support"), False, None, None)
    assert caller.address == HOME


async def test_developers_are_known(world):
    await world.user("dev@example.com", developer=True)
    assert (await world.who(await world.token("dev@example.com"))).developer


@pytest.mark.parametrize(
    "token", ["", "x", "x" * 31, "x" * 33, "x" * 32, "!" * 32, "é" * 32, "\x00" * 32, "0" * 10_000]
)
async def test_what_is_no_token_is_refused(world, token):
    assert await world.status(world.who(token)) == 401


async def test_the_database_is_asked_only_for_what_could_be_a_token(world):
    world.running.store = None
    assert await world.status(world.who("not a token")) == 401


async def test_without_a_token_only_apps_with_an_anonymous_group_serve(world, open_world):
    assert await world.status(world.who(None)) == 401
    anonymous = await open_world(ANONYMOUS)
    caller = await anonymous.who(None)
    assert caller == Caller(groups=("anonymous",), address=HOME)
    assert await anonymous.status(anonymous.who("x" * 32)) == 401


async def test_a_dump_of_the_database_holds_nothing_that_lets_anybody_in(world):
    await world.user("ann@example.com")
    dev = await world.user("dev@example.com", developer=True)
    secrets = [PASSWORD, await world.token("ann@example.com"), await world.token("dev@example.com")]
    secrets.append(await world.token("dev@example.com", emailImpersonatedUser="ann@example.com"))
    secrets.append((await world.act("resetPassword", dev["id"]))["temporaryPassword"])
    secrets.append(
        await tokens.create_api_token(world.store, bson.ObjectId(dev["id"]), "x", None, world.clock.now, None)
    )
    await world.status(world.login("ann@example.com", "my wrong guess"))
    dump = b""
    for name in await world.store.collection_names():
        for document in await world.store.find(name, {}):
            dump += bson.encode(document)
    for secret in [*secrets, "my wrong guess"]:
        assert secret.encode() not in dump
    assert b"$argon2id$" in dump
    stored = await world.store.find("sys.tokens", {})
    assert {len(one["_id"]) for one in stored} == {64}


async def test_idle_sessions_end_and_used_ones_go_on(world):
    await world.user("ann@example.com")
    token = await world.token("ann@example.com")
    for _ in range(5):
        world.clock.pass_(hours=7)
        world.running.desk.known = KnownCallers()
        assert await world.status(world.who(token)) == 200
    world.clock.pass_(hours=8)
    assert await world.status(world.who(token)) == 401
    world.running.desk.known = KnownCallers()
    assert await world.status(world.who(token)) == 401


async def test_the_shortest_time_of_the_groups_counts(world):
    await world.user("ann@example.com", "sales", "support")
    token = await world.token("ann@example.com")
    world.clock.pass_(minutes=29)
    assert await world.status(world.who(token)) == 200
    world.clock.pass_(minutes=31)
    assert await world.status(world.who(token)) == 401


async def test_no_session_lives_longer_than_a_month(world):
    await world.user("ann@example.com")
    token = await world.token("ann@example.com")
    for _ in range(30 * 4 - 1):
        world.clock.pass_(hours=6)
        world.running.desk.known = KnownCallers()
        assert await world.status(world.who(token)) == 200
    world.clock.pass_(hours=6)
    assert await world.status(world.who(token)) == 401


async def test_a_use_is_written_once_a_minute(world):
    await world.user("ann@example.com")
    token = await world.token("ann@example.com")
    written = []
    for _ in range(12):
        world.clock.pass_(seconds=20)
        world.running.desk.known = KnownCallers()
        await world.who(token)
        written.append((await world.store.get("sys.tokens", tokens.token_id(token)))["used"])
    assert len(set(written)) == 5  # the login, and each full minute of four


async def test_the_shortest_sessions_go_on_while_they_are_used(open_world):
    world = await open_world(SHORT)
    world.running.desk.known = KnownCallers(lambda: world.clock.now / 1000)
    await world.user("ann@example.com")
    token = await world.token("ann@example.com")
    for step in (2_000, 2_000, 399, 3_600, 2_000):
        world.clock.now += step
        assert await world.status(world.who(token)) == 200
    world.clock.pass_(seconds=4)
    assert await world.status(world.who(token)) == 401


async def test_a_busy_token_is_looked_up_once_in_a_moment(world):
    await world.user("ann@example.com")
    token = await world.token("ann@example.com")
    await world.who(token)
    store, world.running.store = world.running.store, None
    assert (await world.who(token)).user["email"] == "ann@example.com"
    world.running.store = store


class TestEnding:
    async def test_logout(self, world, other):
        await world.user("ann@example.com")
        token, kept = await world.token("ann@example.com"), await world.token("ann@example.com")
        caller = await world.who(token)
        assert await world.status(world.who(token, running=other.running)) == 200
        assert await login.logout(world.running, caller) == {}
        assert await world.status(world.who(token)) == 401
        assert await ends_within(world, token, 1, other.running) <= 1
        assert await world.status(world.who(kept)) == 200

    @pytest.mark.parametrize("how", ["deactivate", "status", "delete", "reset", "change", "set"])
    async def test_everything_that_shuts_a_user_out(self, world, other, how):
        user = await world.user("ann@example.com")
        sessions = [await world.token("ann@example.com") for _ in range(3)]
        for token in sessions:
            assert await world.status(world.who(token)) == 200
            assert await world.status(world.who(token, running=other.running)) == 200
        match how:
            case "deactivate":
                await world.act("deactivate", user["id"])
            case "status":
                await records.update_record(world.running, SYSTEM, "sys.users", user["id"], {"status": "INACTIVE"})
            case "delete":
                await lists.delete_by_ids(world.running, SYSTEM, "sys.users", user["id"], [])
            case "reset":
                await world.act("resetPassword", user["id"])
            case "change":
                body = {"email": "ann@example.com", "password": PASSWORD, "newPassword": NEW}
                await login.change_password(world.running, body, HOME)
            case "set":
                body = {"authentication": {"newPassword": NEW, "passwordConfirmation": NEW}}
                await records.update_record(world.running, SYSTEM, "sys.users", user["id"], body)
        for token in sessions:
            assert await world.status(world.who(token)) == 401
            assert await ends_within(world, token, 1, other.running) <= 1

    @pytest.mark.parametrize("way_back", ["activate", "status"])
    async def test_sessions_of_before_do_not_come_back(self, world, way_back):
        user = await world.user("ann@example.com")
        token = await world.token("ann@example.com")
        if way_back == "activate":
            await world.act("deactivate", user["id"])
            await world.act("activate", user["id"])
        else:
            await records.update_record(world.running, SYSTEM, "sys.users", user["id"], {"status": "INACTIVE"})
            await records.update_record(world.running, SYSTEM, "sys.users", user["id"], {"status": "ACTIVE"})
        assert await world.status(world.who(token)) == 401
        assert await world.status(world.login("ann@example.com")) == 200

    async def test_a_block_shuts_out_sessions_too(self, world):
        await world.user("ann@example.com", "sales")
        token = await world.token("ann@example.com")
        for _ in range(3):
            await world.status(world.login("ann@example.com", "wrong"))
        assert await world.status(world.who(token)) == 401

    async def test_other_changes_end_no_session_and_are_seen_at_once(self, world):
        user = await world.user("ann@example.com", "sales")
        token = await world.token("ann@example.com")
        await world.who(token)
        body = {"firstName": "Anna", "status": "ACTIVE", "groups": [{"primary": True, "group": "support"}]}
        await records.update_record(world.running, SYSTEM, "sys.users", user["id"], body)
        caller = await world.who(token)
        assert (caller.user["firstName"], caller.groups) == ("Anna", ("support",))

    async def test_what_was_read_before_the_end_is_not_kept_after_it(self):
        known = KnownCallers()
        before = known.state
        known.forget_token("gone")
        known.keep("gone", object(), before)
        assert known.get("gone") is None

    def test_memory_is_bounded_and_short(self):
        now = [0.0]
        known = KnownCallers(lambda: now[0])

        class Read:
            kept_until = BELIEVED

        for number in range(25_000):
            known.keep(str(number), Read(), known.state)
        assert len(known._known) <= 10_000
        known.keep("token", Read(), known.state)
        assert known.get("token") is not None
        now[0] = BELIEVED
        assert known.get("token") is None
        assert BELIEVED <= 1


async def test_addresses_are_judged_at_each_request(world):
    await world.user("office@example.com", "office")
    token = await world.token("office@example.com", address=OFFICE)
    for _ in range(2):
        assert await world.status(world.who(token, OFFICE)) == 200
        assert await world.status(world.who(token, ELSEWHERE)) == 403
        assert await world.status(world.who(token, None)) == 403


async def test_who_impersonates_must_be_at_an_allowed_place_too(world):
    await world.user("help@example.com", "support", "office")
    await world.user("ann@example.com", "sales")
    token = await world.token("help@example.com", address=OFFICE, emailImpersonatedUser="ann@example.com")
    assert await world.status(world.who(token, OFFICE)) == 200
    assert await world.status(world.who(token, ELSEWHERE)) == 403


class TestApiTokens:
    async def make(self, world, user, *, scopes=None, ends=None):
        return await tokens.create_api_token(
            world.store, bson.ObjectId(user["id"]), "import", scopes, world.clock.now, ends
        )

    async def test_they_give_the_rights_of_their_user_within_scopes(self, world):
        user = await world.user("ann@example.com", "sales")
        caller = await world.who(await self.make(world, user, scopes=["data:companies:read"]))
        assert (caller.user["email"], caller.groups) == ("ann@example.com", ("sales",))
        assert caller.scopes == parse_scopes(["data:companies:read"])
        assert (await world.who(await self.make(world, user))).scopes is None

    async def test_they_outlive_sessions_until_their_end(self, world):
        user = await world.user("ann@example.com", "sales")
        forever = await self.make(world, user)
        token = await self.make(world, user, ends=world.clock.now + 90 * 24 * 3_600_000)
        world.clock.pass_(days=89)
        assert await world.status(world.who(token)) == 200
        world.clock.pass_(days=1)
        assert await world.status(world.who(token)) == 401
        assert await world.status(world.who(forever)) == 200

    async def test_they_are_worth_nothing_while_their_user_is_out(self, world):
        user = await world.user("ann@example.com")
        token = await self.make(world, user)
        await world.act("deactivate", user["id"])
        assert await world.status(world.who(token)) == 401
        await world.act("activate", user["id"])
        assert await world.status(world.who(token)) == 200

    async def test_a_new_password_leaves_them_and_they_change_none(self, world):
        user = await world.user("ann@example.com")
        token = await self.make(world, user, scopes=["data"])
        body = {"password": PASSWORD, "newPassword": NEW}
        assert await world.status(login.change_current_password(world.running, await world.who(token), body)) == 403
        await login.change_password(world.running, {"email": "ann@example.com", **body}, HOME)
        assert await world.status(world.who(token)) == 200
