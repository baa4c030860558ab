"""Logging in, impersonation and passwords, as use cases over a database."""

import asyncio

import pytest

from engine.errors import PasswordExpired
from engine.permissions.addresses import parse_address
from server.runtime import records
from server.runtime.auth import login
from server.runtime.auth.hashing import Hasher
from server.runtime.auth.people import find_person
from server.runtime.running import SYSTEM
from tests.integration.auth.conftest import ELSEWHERE, HOME, OFFICE, PASSWORD

NEW = "another horse 8"


async def test_a_login_answers_who_is_there(world):
    user = await world.user("Ann@Example.com", "sales")
    answer = await world.login(" aNN@example.COM ")
    assert answer == {
        "app": "crm",
        "adminUserEmail": None,
        "ip": "::ffff:192.0.2.10",
        "userEmail": "Ann@example.com",
        "userName": "Ann Test",
        "userId": user["id"],
        "token": answer["token"],
    }
    assert len(answer["token"]) == 32
    assert answer["token"].isalnum()
    assert (await world.login("ann@example.com", address=parse_address("2001:db8::1")))["ip"] == "2001:db8::1"


async def test_every_login_gives_another_token(world):
    await world.user("ann@example.com")
    assert len({await world.token("ann@example.com") for _ in range(5)}) == 5


async def test_unknown_addresses_and_wrong_passwords_are_told_alike(world):
    await world.user("ann@example.com")
    await world.user("out@example.com", status="INACTIVE")
    await world.user("nopass@example.com", password=None)
    await world.user("office@example.com", "office")
    told = set()
    for email in (
        "nobody@example.com",
        "ann@example.com",
        "out@example.com",
        "nopass@example.com",
        "office@example.com",
    ):
        error = await world.refused(world.login(email, "wrong"))
        told.add((error.status, error.code, error.message, str(error.headers), str(error.extra), error.problems))
    assert len(told) == 1
    assert next(iter(told))[:2] == (401, "unauthorized")


async def test_the_right_password_is_told_why_it_does_not_help(world):
    await world.user("out@example.com", status="INACTIVE")
    await world.user("office@example.com", "office")
    assert await world.status(world.login("out@example.com")) == 403
    assert await world.status(world.login("office@example.com", address=ELSEWHERE)) == 403
    assert await world.status(world.login("office@example.com", address=OFFICE)) == 200
    assert await world.status(world.login("office@example.com", address=parse_address("::ffff:10.9.9.9"))) == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "ann@example.com"},
        {"password": PASSWORD},
        {"email": "", "password": PASSWORD},
        {"email": "ann@example.com", "password": ""},
        {"email": None, "password": None},
        {"email": {"$ne": None}, "password": {"$ne": None}},
        {"email": "ann@example.com", "password": {"$gt": ""}},
        {"email": ["ann@example.com"], "password": PASSWORD},
        {"email": 1, "password": PASSWORD},
        {"email": True, "password": PASSWORD},
        {"email": "ann@example.com", "password": PASSWORD, "emailImpersonatedUser": {"$gt": ""}},
        {"email": "ann@example.com", "password": PASSWORD, "remember": True},
        {"email": "ann@example.com", "password": PASSWORD, "token": "x" * 32},
        {"email": "ann@example.com", "password": "x" * 129},
        {"email": "x" * 400, "password": PASSWORD},
    ],
)
async def test_what_is_no_login_is_refused_before_the_database_is_asked(world, body):
    running = world.running
    running.store = None  # asking it would fail with another error
    assert (await world.refused(login.login(running, body, HOME))).code == "badRequest"
    for use_case in (login.change_password,):
        assert (await world.refused(use_case(running, {**body, "newPassword": NEW}, HOME))).code == "badRequest"


async def test_the_nth_failure_in_a_row_blocks(world):
    user = await world.user("ann@example.com", "sales")
    for _ in range(2):
        assert await world.status(world.login("ann@example.com", "wrong")) == 401
    assert await world.status(world.login("ann@example.com")) == 200
    for _ in range(3):
        assert await world.status(world.login("ann@example.com", "wrong")) == 401
    error = await world.refused(world.login("ann@example.com"))
    assert (error.status, error.code) == (403, "forbidden")
    assert await world.status(world.login("ann@example.com", "wrong")) == 401
    record = (await find_person(world.running, "ann@example.com")).document
    assert (record["status"], record["authentication"]["failedLoginAttempts"]) == ("BLOCKED", 3)
    await world.act("unblock", user["id"])
    assert await world.status(world.login("ann@example.com", "wrong")) == 401
    assert await world.status(world.login("ann@example.com")) == 200


async def test_failures_from_everywhere_count_towards_the_block(world):
    await world.user("ann@example.com", "sales")
    for address in (HOME, OFFICE, ELSEWHERE):
        assert await world.status(world.login("ann@example.com", "wrong", address)) == 401
    assert await world.status(world.login("ann@example.com")) == 403


async def test_hashes_are_renewed_at_login_when_parameters_rise(world, open_world):
    await world.user("ann@example.com")
    before = (await find_person(world.running, "ann@example.com")).hash
    world.running.desk.hasher = Hasher(memory_kib=128, passes=2)
    await world.login("ann@example.com")
    after = (await find_person(world.running, "ann@example.com")).hash
    assert "m=64,t=1,p=1" in before
    assert "m=128,t=2,p=1" in after
    assert await world.status(world.login("ann@example.com")) == 200


async def test_hashes_meet_the_minimum(world):
    world.running.desk.hasher = Hasher()
    await world.user("ann@example.com")
    stored = (await find_person(world.running, "ann@example.com")).hash
    _, kind, version, parameters, *_ = stored.split("$")
    values = dict(pair.split("=") for pair in parameters.split(","))
    assert (kind, version) == ("argon2id", "v=19")
    assert int(values["m"]) >= 19 * 1024
    assert int(values["t"]) >= 2
    assert int(values["p"]) == 1


async def test_a_password_is_the_same_however_a_keyboard_composes_it(world):
    await world.user("ann@example.com", password="sch\u00f6n und gut")
    assert await world.status(world.login("ann@example.com", "scho\u0308n und gut")) == 200


class TestImpersonation:
    async def test_developers_and_groups_with_the_right_may(self, world):
        await world.user("dev@example.com", developer=True)
        await world.user("help@example.com", "support")
        await world.user("ann@example.com", "sales")
        for email in ("dev@example.com", "help@example.com"):
            answer = await world.login(email, emailImpersonatedUser="ANN@example.com")
            assert (answer["userEmail"], answer["adminUserEmail"]) == ("ann@example.com", email)
            caller = await world.who(answer["token"])
            assert (caller.user["email"], caller.admin["email"]) == ("ann@example.com", email)
            assert (caller.groups, caller.developer) == (("sales",), False)

    async def test_others_may_not_and_do_not_learn_who_exists(self, world):
        await world.user("ann@example.com", "sales")
        await world.user("bob@example.com", "sales")
        for wanted in ("bob@example.com", "nobody@example.com"):
            error = await world.refused(world.login("ann@example.com", emailImpersonatedUser=wanted))
            assert (error.status, error.message) == (403, "You may not log in as somebody else")
        assert (
            await world.status(world.login("ann@example.com", "wrong", emailImpersonatedUser="bob@example.com")) == 401
        )

    async def test_who_may_learns_that_somebody_does_not_exist(self, world):
        await world.user("help@example.com", "support")
        error = await world.refused(world.login("help@example.com", emailImpersonatedUser="nobody@example.com"))
        assert (error.status, error.code) == (404, "notFound")

    async def test_only_a_developer_becomes_a_developer(self, world):
        await world.user("help@example.com", "support")
        await world.user("dev@example.com", developer=True)
        await world.user("other@example.com", developer=True)
        assert await world.status(world.login("help@example.com", emailImpersonatedUser="dev@example.com")) == 403
        assert await world.status(world.login("other@example.com", emailImpersonatedUser="dev@example.com")) == 200

    async def test_nobody_becomes_somebody_who_is_out(self, world):
        await world.user("dev@example.com", developer=True)
        await world.user("out@example.com", status="INACTIVE")
        await world.user("office@example.com", "office")
        assert await world.status(world.login("dev@example.com", emailImpersonatedUser="out@example.com")) == 403
        assert await world.status(world.login("dev@example.com", emailImpersonatedUser="office@example.com")) == 403

    async def test_it_ends_with_the_impersonator(self, world):
        helper = await world.user("help@example.com", "support")
        await world.user("ann@example.com", "sales")
        token = await world.token("help@example.com", emailImpersonatedUser="ann@example.com")
        assert await world.status(world.who(token)) == 200
        await world.act("deactivate", helper["id"])
        assert await world.status(world.who(token)) == 401

    async def test_it_ends_with_the_right_to_it(self, world):
        helper = await world.user("help@example.com", "support")
        await world.user("ann@example.com", "sales")
        token = await world.token("help@example.com", emailImpersonatedUser="ann@example.com")
        await records.update_record(
            world.running, SYSTEM, "sys.users", helper["id"], {"groups": [{"primary": True, "group": "sales"}]}
        )
        assert await world.status(world.who(token)) == 401

    async def test_a_borrowed_session_changes_no_password(self, world):
        await world.user("dev@example.com", developer=True)
        await world.user("ann@example.com", "sales")
        caller = await world.who(await world.token("dev@example.com", emailImpersonatedUser="ann@example.com"))
        body = {"password": PASSWORD, "newPassword": NEW}
        assert await world.status(login.change_current_password(world.running, caller, body)) == 403


class TestPasswords:
    async def change(self, world, email="ann@example.com", password=PASSWORD, new=NEW, address=HOME):
        body = {"email": email, "password": password, "newPassword": new}
        return await login.change_password(world.running, body, address)

    async def test_a_change_needs_the_present_password_and_answers_like_a_login(self, world):
        await world.user("ann@example.com")
        assert await world.status(self.change(world, password="wrong")) == 401
        assert await world.status(self.change(world, email="nobody@example.com")) == 401
        answer = await self.change(world)
        assert set(answer) == {"app", "adminUserEmail", "ip", "userEmail", "userName", "userId", "token"}
        assert await world.status(world.who(answer["token"])) == 200
        assert await world.status(world.login("ann@example.com")) == 401
        assert await world.status(world.login("ann@example.com", NEW)) == 200

    async def test_every_broken_rule_of_the_primary_group_is_told(self, world):
        await world.user("ann@example.com", "sales", "support")
        error = await world.refused(self.change(world, new="short"))
        assert [(one.field, one.info) for one in error.problems] == [
            ("newPassword", {"rule": "minLength", "limit": 10}),
            ("newPassword", {"rule": "digit", "limit": True}),
        ]
        assert "short" not in str(error.problems)

    async def test_the_present_password_is_no_new_one(self, world):
        await world.user("ann@example.com")
        error = await world.refused(self.change(world, new=PASSWORD))
        assert (error.code, error.problems[0].field) == ("validationErrors", "newPassword")

    async def test_the_user_of_a_session_changes_their_own(self, world):
        await world.user("ann@example.com")
        caller = await world.who(await world.token("ann@example.com"))
        body = {"password": "wrong", "newPassword": NEW}
        assert await world.status(login.change_current_password(world.running, caller, body)) == 401
        answer = await login.change_current_password(world.running, caller, {**body, "password": PASSWORD})
        assert await world.status(world.who(answer["token"])) == 200
        assert await world.status(world.login("ann@example.com", NEW)) == 200

    async def test_the_moment_of_the_change_is_noted(self, world):
        await world.user("ann@example.com")
        world.clock.pass_(hours=1)
        await self.change(world)
        record = (await find_person(world.running, "ann@example.com")).document
        assert int(record["authentication"]["lastPasswordChange"]) == world.clock.now

    async def test_a_reset_password_serves_only_to_set_another(self, world):
        user = await world.user("ann@example.com", "sales")
        answer = await world.act("resetPassword", user["id"])
        temporary = answer["temporaryPassword"]
        assert set(answer) == {"temporaryPassword"}
        assert await world.status(world.login("ann@example.com")) == 401
        with pytest.raises(PasswordExpired) as caught:
            await world.login("ann@example.com", temporary)
        assert (caught.value.status, caught.value.code) == (403, "passwordExpired")
        answer = await self.change(world, password=temporary)
        assert await world.status(world.who(answer["token"])) == 200
        assert await world.status(world.login("ann@example.com", NEW)) == 200

    async def test_a_password_is_good_for_one_change(self, world):
        user = await world.user("ann@example.com")
        temporary = (await world.act("resetPassword", user["id"]))["temporaryPassword"]
        tries = (
            world.status(self.change(world, password=temporary, new=f"{NEW} {number}", address=HOME))
            for number in range(20)
        )
        told = await asyncio.gather(*tries)
        assert told.count(200) == 1
        assert set(told) <= {200, 401, 409, 429}

    async def test_only_developers_reset(self, world):
        user = await world.user("ann@example.com", "sales")
        await world.user("help@example.com", "support")
        caller = await world.who(await world.token("help@example.com"))
        assert await world.status(world.act("resetPassword", user["id"], caller)) == 403

    async def test_a_change_keeps_out_who_is_out(self, world):
        await world.user("out@example.com", status="INACTIVE")
        await world.user("office@example.com", "office")
        assert await world.status(self.change(world, "out@example.com")) == 403
        assert await world.status(self.change(world, "office@example.com", address=ELSEWHERE)) == 403
