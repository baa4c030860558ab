"""Users as records: passwords that go in and never come out, and what others than developers cannot do to users."""

import json
from dataclasses import replace

import bson
import pytest

from engine.compiler import compile_app
from engine.definitions import Sources
from server.http.responses import encode_json
from server.runtime import lists, records
from server.runtime.auth.people import find_person
from server.runtime.auth.start import BadAdministrator, make_first_developer, purge_ended
from server.runtime.running import SYSTEM
from tests.integration.auth.conftest import FILES, HOME, PASSWORD

NEW = "another horse 8"
OFFICES = """
label: Keeper of users
entities:
  sys.users: {read: always, create: always, update: always, delete: always}
"""
READERS = """
label: Readers of users
entities:
  sys.users:
    read: always
    create: always
    update: always
    fields: {authentication: readOnly, status: none}
"""
NAMERS = """
label: Who names users and gives them passwords
security: {password: {minLength: 12}}
entities:
  sys.users:
    read: always
    update: {firstName: Bob}
    updateTo: always
    fields: {groups: readOnly, status: none}
"""
KEEPERS = compile_app(
    Sources(
        ".", {**FILES, "groups/keepers.yaml": OFFICES, "groups/readers.yaml": READERS, "groups/namers.yaml": NAMERS}
    )
)


@pytest.fixture
async def kept(open_world):
    """A world with a developer, a keeper of users who is none, and an ordinary user."""
    world = await open_world(KEEPERS)
    world.records = {
        "dev": await world.user("dev@example.com", developer=True),
        "keeper": await world.user("keeper@example.com", "keepers"),
        "ann": await world.user("ann@example.com", "sales"),
    }
    world.keeper = await world.who(await world.token("keeper@example.com"))
    return world


def person(**more):
    return {"firstName": "Bob", "lastName": "Test", "email": "bob@example.com", **more}


def with_password(password, confirmation=None):
    return {"authentication": {"newPassword": password, "passwordConfirmation": confirmation or password}}


async def test_a_new_user_answers_as_any_record_and_without_any_password(world):
    answer = await records.create_record(world.running, SYSTEM, "sys.users", person(**with_password(PASSWORD)))
    assert (answer["version"], answer["label"], answer["status"]) == (0, "Bob Test", "ACTIVE")
    assert (answer["fullName"], answer["emailStandardized"]) == ("Bob Test", "bob@example.com")
    inside = answer["authentication"]
    known = {"passwordExpired", "lastPasswordChange", "phoneNumber", "failedLoginAttempts"}
    assert set(inside) == {"id", "label", *known}
    assert inside["lastPasswordChange"] == bson.DatetimeMS(world.clock.now)
    assert answer["permissions"]["developer"] is False


async def test_no_door_shows_a_password_or_its_hash(world):
    await records.create_record(world.running, SYSTEM, "sys.users", person(**with_password(PASSWORD)))
    record = await lists.list_records(world.running, SYSTEM, "sys.users", [])
    shown = encode_json(record).decode() + str((await find_person(world.running, "bob@example.com")).document)
    for secret in (PASSWORD, "argon2", "newPassword", "passwordConfirmation"):
        assert secret not in shown
    for path in ("authentication.password", "authentication.newPassword", "authentication.hash"):
        assert await world.status(lists.list_records(world.running, SYSTEM, "sys.users", [(path, "x")])) == 400


@pytest.mark.parametrize(
    ("authentication", "expected"),
    [
        ({"newPassword": "short", "passwordConfirmation": "short"}, [("newPassword", "invalid")]),
        ({"newPassword": PASSWORD}, [("passwordConfirmation", "required")]),
        ({"newPassword": PASSWORD, "passwordConfirmation": NEW}, [("passwordConfirmation", "invalid")]),
        ({"passwordConfirmation": PASSWORD}, [("newPassword", "required")]),
        ({"newPassword": 12345678, "passwordConfirmation": 12345678}, [("newPassword", "invalid")]),
        ({"newPassword": {"$gt": ""}, "passwordConfirmation": "x"}, [("newPassword", "invalid")]),
        ({"newPassword": "x" * 129, "passwordConfirmation": "x" * 129}, [("newPassword", "invalid")]),
        ({"password": PASSWORD}, [("password", "invalidStructure")]),
        ({"newPassword": None, "passwordConfirmation": ""}, []),
    ],
)
async def test_passwords_are_checked_with_all_the_rest(world, authentication, expected):
    error = await world.refused(
        records.create_record(world.running, SYSTEM, "sys.users", {"authentication": authentication})
    )
    found = [(one.field, one.code) for one in error.problems]
    assert found[:3] == [("firstName", "required"), ("lastName", "required"), ("email", "required")]
    assert found[3:] == [(f"authentication.{field}", code) for field, code in expected]
    assert await world.store.count("sys.users", {}) == await world.store.count("sys.credentials", {}) == 0


async def test_the_rules_are_those_of_the_primary_group_that_the_user_will_have(world):
    short = with_password("eight 88")
    for group in ("sales", {"label": "Sales"}):
        body = person(groups=[{"primary": True, "group": group}], **short)
        error = await world.refused(records.create_record(world.running, SYSTEM, "sys.users", body))
        assert error.problems[0].info == {"rule": "minLength", "limit": 10}
    body = person(groups=[{"primary": True, "group": "office"}, {"group": "sales"}], **short)
    user = await records.create_record(world.running, SYSTEM, "sys.users", body)
    world.clock.pass_(seconds=1)
    change = records.update_record(world.running, SYSTEM, "sys.users", user["id"], with_password("seven 7"))
    assert (await change)["version"] == 1
    await records.update_record(
        world.running, SYSTEM, "sys.users", user["id"], {"groups": [{"primary": True, "group": "sales"}]}
    )
    error = await world.refused(records.update_record(world.running, SYSTEM, "sys.users", user["id"], short))
    assert error.problems[0].info == {"rule": "minLength", "limit": 10}


async def test_a_password_can_be_made_and_is_told_once(world):
    made = person(authentication={"generatePassword": True})
    answer = await records.create_record(world.running, SYSTEM, "sys.users", made)
    first = answer["temporaryPassword"]
    assert answer["authentication"]["passwordExpired"]
    assert (await world.refused(world.login("bob@example.com", first))).code == "passwordExpired"
    again = {"authentication": {"generatePassword": True}}
    second = (await records.update_record(world.running, SYSTEM, "sys.users", answer["id"], again))["temporaryPassword"]
    assert await world.status(world.login("bob@example.com", first)) == 401
    assert (await world.refused(world.login("bob@example.com", second))).code == "passwordExpired"
    for name in await world.store.collection_names():
        stored = str(await world.store.find(name, {}))
        assert not any(secret in stored for secret in (first, second, "temporaryPassword", "generatePassword"))
    other = await records.update_record(world.running, SYSTEM, "sys.users", answer["id"], {"firstName": "Rob"})
    assert other["temporaryPassword"] is None
    sent = {"temporaryPassword": "my own", "authentication": {"generatePassword": False}}
    other = await records.update_record(world.running, SYSTEM, "sys.users", answer["id"], sent)
    assert other["temporaryPassword"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"authentication": {"generatePassword": "yes"}}, "authentication.generatePassword"),
        (
            {"authentication": {"generatePassword": True, "newPassword": NEW, "passwordConfirmation": NEW}},
            "authentication.generatePassword",
        ),
        ({"localization": {"timezone": "No/Where"}}, "localization.timezone"),
        ({"localization": {"timezone": 5}}, "localization.timezone"),
        ({"localization": {"language": "klingon"}}, "localization.language"),
        ({"authentication": {"phoneNumber": "12"}}, "authentication.phoneNumber"),
    ],
)
async def test_what_is_wrong_with_a_user_is_told(world, body, field):
    error = await world.refused(records.create_record(world.running, SYSTEM, "sys.users", person(**body)))
    assert [(one.field, one.code) for one in error.problems] == [(field, "invalid")]
    assert await world.store.count("sys.users", {}) == 0


async def test_a_user_says_where_they_live_and_how_they_are_reached(world):
    body = person(
        sendWelcomeEmail=True,
        groups=[{"primary": True, "external": True, "group": "sales"}],
        authentication={"phoneNumber": "+49 30 901820"},
        localization={"timezoneMode": "MANUAL", "timezone": "Europe/Berlin", "language": "spanish"},
    )
    answer = await records.create_record(world.running, SYSTEM, "sys.users", body)
    assert (answer["sendWelcomeEmail"], answer["groups"][0]["external"]) == (True, True)
    assert answer["localization"]["timezone"] == "Europe/Berlin"
    stored = (await find_person(world.running, "bob@example.com")).document
    assert "sendWelcomeEmail" not in stored
    assert stored["authentication"]["phoneNumber"] == "4930901820"


async def test_a_user_has_one_primary_group_or_no_group(world):
    for groups in ([{"group": "sales"}], [{"primary": True, "group": "sales"}, {"primary": True, "group": "office"}]):
        error = await world.refused(records.create_record(world.running, SYSTEM, "sys.users", person(groups=groups)))
        assert [(one.field, one.code) for one in error.problems] == [("groups", "invalid")]
    user = await records.create_record(
        world.running, SYSTEM, "sys.users", person(groups=[{"primary": True, "group": "sales"}])
    )
    assert [(one["label"], one["group"]["label"], one["primary"]) for one in user["groups"]] == [
        ("Sales", "Sales", True)
    ]
    error = await world.refused(
        records.create_record(world.running, SYSTEM, "sys.users", person(groups=[{"group": "nobodies"}]))
    )
    assert ("groups[0].group", "notFound") in [(one.field, one.code) for one in error.problems]


@pytest.mark.parametrize("email", ["bob@example.com", "BOB@example.com", "Bob@EXAMPLE.com"])
async def test_an_address_belongs_to_one_user_however_it_is_written(world, email):
    await records.create_record(world.running, SYSTEM, "sys.users", person())
    ann = await world.user("ann@example.com")
    for refused in (
        records.create_record(world.running, SYSTEM, "sys.users", person(email=email)),
        records.update_record(world.running, SYSTEM, "sys.users", ann["id"], {"email": email}),
    ):
        error = await world.refused(refused)
        assert [(one.field, one.code) for one in error.problems] == [("email", "notUnique")]


async def test_a_changed_address_is_the_one_to_log_in_with(world):
    user = await world.user("ann@example.com")
    await records.update_record(world.running, SYSTEM, "sys.users", user["id"], {"email": "Anna@Example.com"})
    assert await world.status(world.login("ann@example.com")) == 401
    assert await world.status(world.login("anna@example.com")) == 200


async def test_what_a_client_read_it_may_send_back(world):
    user = await world.user("ann@example.com", "sales")
    token = await world.token("ann@example.com")
    read = json.loads(encode_json(user))
    answer = await records.update_record(world.running, SYSTEM, "sys.users", user["id"], read)
    assert json.loads(encode_json(answer)) == read
    assert await world.status(world.who(token)) == 200


async def test_bodies_do_not_set_what_the_server_keeps(world):
    forged = {"lastPasswordChange": 0, "failedLoginAttempts": 7}
    developer = replace(SYSTEM, origin="user")
    user = await records.create_record(world.running, developer, "sys.users", person(authentication=forged))
    user = await records.update_record(world.running, developer, "sys.users", user["id"], {"authentication": forged})
    assert user["authentication"]["lastPasswordChange"] is None
    assert user["authentication"]["failedLoginAttempts"] == 0


async def test_a_password_that_was_declared_expired_must_be_changed(world):
    user = await world.user("ann@example.com")
    await records.update_record(
        world.running, SYSTEM, "sys.users", user["id"], {"authentication": {"passwordExpired": True}}
    )
    assert (await world.refused(world.login("ann@example.com"))).code == "passwordExpired"


async def test_status_changes_only_the_way_it_can(world):
    user = await world.user("ann@example.com")
    for action, before, after in (
        ("unblock", "ACTIVE", None),
        ("activate", "ACTIVE", None),
        ("deactivate", "ACTIVE", "INACTIVE"),
        ("deactivate", "INACTIVE", None),
        ("unblock", "INACTIVE", None),
        ("activate", "INACTIVE", "ACTIVE"),
    ):
        record = (await find_person(world.running, "ann@example.com")).document
        assert record["status"] == before
        if after is None:
            assert await world.status(world.act(action, user["id"])) == 400
        else:
            assert (await world.act(action, user["id"]))["status"] == after


async def test_users_that_are_not_there_are_not_found(world):
    for user_id in ("57fd2d64e4b0b2f2a4f7a1c3", "x"):
        for action in ("activate", "deactivate", "unblock", "resetPassword"):
            assert await world.status(world.act(action, user_id)) == 404
        assert await world.status(records.update_record(world.running, SYSTEM, "sys.users", user_id, {})) == 404
        assert await world.status(lists.delete_by_ids(world.running, SYSTEM, "sys.users", user_id, [])) == 404


async def test_a_deleted_user_leaves_no_password(world):
    first, second = await world.user("ann@example.com"), await world.user("bob@example.com")
    await world.user("cat@example.com")
    assert await world.store.count("sys.credentials", {}) == 3
    await lists.delete_by_ids(world.running, SYSTEM, "sys.users", f"{first['id']},{second['id']}", [])
    assert await world.store.count("sys.credentials", {}) == 1
    await lists.delete_by_query(world.running, SYSTEM, "sys.users", [("email", "cat@example.com")])
    assert await world.store.count("sys.credentials", {}) == await world.store.count("sys.users", {}) == 0


class TestKeepers:
    """A group may keep users without being able to make itself more than it is."""

    async def test_they_make_and_change_users(self, kept):
        user = await records.create_record(kept.running, kept.keeper, "sys.users", person(**with_password(PASSWORD)))
        assert await kept.status(kept.login("bob@example.com")) == 200
        assert (await records.update_record(kept.running, kept.keeper, "sys.users", user["id"], {"firstName": "Rob"}))[
            "version"
        ] == 1
        assert (await kept.act("deactivate", user["id"], kept.keeper))["status"] == "INACTIVE"
        assert (await kept.act("activate", user["id"], kept.keeper))["status"] == "ACTIVE"
        assert (await lists.delete_by_ids(kept.running, kept.keeper, "sys.users", user["id"], []))["id"] == user["id"]

    async def test_they_make_nobody_a_developer(self, kept):
        permissions = {"permissions": {"developer": True, "superUser": True, "systemUser": True}}
        user = await records.create_record(kept.running, kept.keeper, "sys.users", person(**permissions))
        own = kept.records["keeper"]["id"]
        changed = await records.update_record(
            kept.running, kept.keeper, "sys.users", own, {**permissions, "firstName": "New"}
        )
        assert changed["firstName"] == "New"
        for record in (user, changed):
            assert not any(record["permissions"][name] for name in ("developer", "superUser", "systemUser"))

    async def test_they_do_not_touch_developers(self, kept):
        dev = kept.records["dev"]["id"]
        for refused in (
            records.update_record(kept.running, kept.keeper, "sys.users", dev, {"firstName": "X"}),
            records.update_record(kept.running, kept.keeper, "sys.users", dev, with_password(NEW)),
            kept.act("deactivate", dev, kept.keeper),
            lists.delete_by_ids(kept.running, kept.keeper, "sys.users", dev, []),
            kept.act("resetPassword", kept.records["ann"]["id"], kept.keeper),
        ):
            assert (await kept.refused(refused)).status == 403
        assert await kept.store.count("sys.users", {}) == 3
        assert await kept.status(kept.login("dev@example.com")) == 200

    async def test_developers_stay_where_many_are_deleted(self, kept):
        await kept.user("bob@example.com")
        dev, ann = kept.records["dev"]["id"], kept.records["ann"]["id"]
        answer = await lists.delete_by_ids(kept.running, kept.keeper, "sys.users", f"{ann},{dev}", [])
        assert {key: one["status"] for key, one in answer.items()} == {ann: "ok", dev: "error"}
        answer = await lists.delete_by_query(
            kept.running, kept.keeper, "sys.users", [("email", "dev@example.com,bob@example.com")]
        )
        assert [one["status"] for one in answer.values()] == ["ok", "error"]
        assert "Only a developer" in answer[dev]["errorMessage"]
        assert await kept.status(kept.login("dev@example.com")) == 200

    async def test_others_do_nothing_at_all(self, kept):
        ann = await kept.who(await kept.token("ann@example.com"))
        keeper = kept.records["keeper"]["id"]
        for refused in (
            records.create_record(kept.running, ann, "sys.users", person()),
            records.update_record(kept.running, ann, "sys.users", keeper, {"firstName": "X"}),
            kept.act("deactivate", keeper, ann),
            lists.delete_by_ids(kept.running, ann, "sys.users", keeper, []),
        ):
            assert (await kept.refused(refused)).status == 403

    async def test_who_may_not_write_passwords_sets_none(self, kept):
        await kept.user("reader@example.com", "readers")
        reader = await kept.who(await kept.token("reader@example.com"))
        ann = kept.records["ann"]["id"]
        await records.update_record(kept.running, reader, "sys.users", ann, {**with_password(NEW), "firstName": "Anna"})
        assert await kept.status(kept.login("ann@example.com", NEW)) == 401
        assert (await kept.login("ann@example.com"))["userName"] == "Anna Test"


class TestNamers:
    """A group whose rights end in the middle of a record."""

    @pytest.fixture
    async def namer(self, kept):
        await kept.user("namer@example.com", "namers")
        return await kept.who(await kept.token("namer@example.com"))

    async def test_a_group_that_is_not_given_lends_no_weaker_rules(self, kept, namer):
        bob = await kept.user("bob@example.com", "namers")
        body = {"groups": [{"primary": True, "group": "support"}], **with_password("seven 7")}
        error = await kept.refused(records.update_record(kept.running, namer, "sys.users", bob["id"], body))
        assert error.problems[0].info == {"rule": "minLength", "limit": 12}

    async def test_a_write_that_is_refused_ends_no_session(self, kept, namer):
        token = await kept.token("ann@example.com")
        for body in ({"status": "INACTIVE"}, with_password(NEW), {"firstName": "X"}):
            assert await kept.status(
                records.update_record(kept.running, namer, "sys.users", kept.records["ann"]["id"], body)
            ) in (
                400,
                403,
            )
            assert await kept.status(kept.act("deactivate", kept.records["ann"]["id"], namer)) == 403
        assert await kept.status(kept.who(token)) == 200

    async def test_a_write_that_does_not_see_the_status_ends_no_session(self, kept, namer):
        bob = await kept.user("bob@example.com")
        token = await kept.token("bob@example.com")
        answer = await records.update_record(kept.running, namer, "sys.users", bob["id"], {"lastName": "New"})
        assert "status" not in answer
        assert answer["lastName"] == "New"
        assert await kept.status(kept.who(token)) == 200


class TestFirstDeveloper:
    async def test_a_new_database_gets_one(self, world):
        made = await make_first_developer(world.running, "Boss@example.com", "a good password")
        assert (made.email, made.password) == ("Boss@example.com", None)
        caller = await world.who(await world.token("boss@example.com", password="a good password"))
        assert caller.developer
        assert await make_first_developer(world.running, "other@example.com", "x") is None
        assert await world.store.count("sys.users", {}) == 1

    async def test_a_missing_password_is_made(self, world):
        made = await make_first_developer(world.running)
        assert made.email == "admin@example.com"
        assert made.password not in repr(made)
        assert await world.status(world.login(made.email, made.password)) == 200

    async def test_what_cannot_be_used_is_told(self, world):
        for email, password in (("nowhere", "a good password"), ("a@example.com", "short")):
            with pytest.raises(BadAdministrator, match=r"email|newPassword"):
                await make_first_developer(world.running, email, password)
        assert await world.store.count("sys.users", {}) == 0

    async def test_a_start_that_was_cut_off_is_completed_later(self, world):
        await records.create_record(world.running, SYSTEM, "sys.users", person(email="admin@example.com"))
        assert await make_first_developer(world.running) is None
        world.clock.pass_(minutes=2)
        made = await make_first_developer(world.running)
        assert await world.status(world.login(made.email, made.password)) == 200

    async def test_what_ended_is_purged_by_the_database(self, world):
        await purge_ended(world.store)
        await purge_ended(world.store)
        for collection in ("sys.tokens", "sys.throttle"):
            [index] = [one for one in await world.store.indexes(collection) if one["name"] != "_id_"]
            assert (dict(index["key"]), index["expireAfterSeconds"]) == ({"ends": 1}, 0)


async def test_an_address_is_taken_without_spaces_around_it(world):
    await world.user("ann@example.com")
    assert await world.status(world.login("  ann@example.com\n", PASSWORD, HOME)) == 200
