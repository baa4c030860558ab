"""What is done to users by actions: on one, several and those of a query, in jobs, and whose deed it is in the trail."""

import asyncio

import pytest

from server.runtime.auth.people import find_person
from tests.integration.auth.conftest import HOME, PASSWORD
from tests.integration.auth.test_accounts_over_http import Web

PATH = "/data/sys.users"


@pytest.fixture
async def web(world):
    world.people = {
        name: (await world.user(f"{name}@example.com", developer=name == "dev"))["id"] for name in ("dev", "ann", "bob")
    }
    return Web(world)


async def status_of(web, name):
    return (await find_person(web.world.running, f"{name}@example.com")).status


async def rows(web, headers, user):
    await web.world.running.outbox.settle()
    answer = await web.ask("GET", f"{PATH}/{user}/auditLogs", headers=headers)
    assert answer.status_code == 200, answer.text
    return [one for one in answer.json()["items"] if one["contextPath"] != "entities.sys.users.create"]


@pytest.mark.parametrize(
    ("action", "before"),
    [("deactivate", "ACTIVE"), ("activate", "INACTIVE"), ("unblock", "BLOCKED"), ("resetPassword", "ACTIVE")],
)
async def test_whoever_does_something_to_a_user_stands_in_the_trail(web, action, before):
    headers, ann = {"token": await web.login()}, web.world.people["ann"]
    await web.world.store.update("sys.users", {"email": "ann@example.com"}, {"$set": {"status": before}})
    assert (await web.ask("PUT", f"{PATH}/{ann}/{action}", headers=headers)).status_code == 200
    found = await rows(web, headers, ann)
    assert {(one["eventType"], one["contextPath"]) for one in found} == {
        ("USER_ACTION_PERFORMED", f"entities.sys.users.actions.{action}"),
        ("SCRIPT_RECORD_CHANGED", f"entities.sys.users.actions.{action}"),
    }
    assert {(one["user"], one["ip"]) for one in found} == {("dev@example.com", "::ffff:192.0.2.10")}


async def test_a_block_after_failed_logins_is_the_systems(world):
    user = await world.user("kim@example.com", "sales")
    await world.user("dev@example.com", developer=True)
    for _ in range(3):
        await world.status(world.login("kim@example.com", "wrong"))
    web = Web(world)
    [row] = await rows(web, {"token": await web.login()}, user["id"])
    assert (row["eventType"], row["user"]) == ("SYSTEM_RECORD_CHANGED", None)


async def test_several_users_at_once(web):
    headers, people = {"token": await web.login()}, web.world.people
    await web.ask("PUT", f"{PATH}/{people['bob']}/deactivate", headers=headers)
    ids = f"{people['ann']},{people['bob']},{'e' * 24}"
    answer = await web.ask("PUT", f"{PATH}/{ids}/deactivate", headers=headers)
    assert {key: one["status"] for key, one in answer.json().items()} == {
        people["ann"]: "ok",
        people["bob"]: "error",
        "e" * 24: "error",
    }
    assert answer.json()[people["ann"]]["response"]["status"] == "INACTIVE"
    assert await status_of(web, "ann") == "INACTIVE"


async def test_users_that_a_query_finds(web):
    headers = {"token": await web.login()}
    answer = await web.ask("PUT", f"{PATH}/deactivate", headers=headers, params={"email": "ann@example.com"})
    assert [one["status"] for one in answer.json().values()] == ["ok"]
    assert (await status_of(web, "ann"), await status_of(web, "bob")) == ("INACTIVE", "ACTIVE")
    assert (await web.ask("PUT", f"{PATH}/deactivate", headers=headers)).status_code == 400
    answer = await web.ask("PUT", f"{PATH}/resetPassword", headers=headers, params={"email": "bob@example.com"})
    [told] = answer.json().values()
    assert (
        await web.world.refused(web.world.login("bob@example.com", told["response"]["temporaryPassword"]))
    ).code == ("passwordExpired")


async def test_users_in_the_background_but_no_password(web):
    headers, ann = {"token": await web.login()}, web.world.people["ann"]
    answer = await web.ask("PUT", f"{PATH}/{ann}/deactivate", headers=headers, params={"_async": "true"})
    assert set(answer.json()) == {"jobId", "jobLink"}
    for path in (f"{PATH}/{ann}/resetPassword", f"{PATH}/{ann},{ann}/resetPassword", f"{PATH}/resetPassword"):
        query = {"_async": "true"} | ({"email": "ann@example.com"} if path.endswith("users/resetPassword") else {})
        answer = await web.ask("PUT", path, headers=headers, params=query)
        assert answer.status_code == 400
        assert "_async" in answer.json()["message"]
    assert await web.world.store.count("sys.jobs", {}) == 1
    assert await web.world.status(web.world.login("ann@example.com", PASSWORD, HOME)) == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "", None),
        ("PUT", "/deactivate", None),
        ("PUT", "", {"status": "INACTIVE"}),
        ("PUT", "", {"status": "BLOCKED"}),
        ("PUT", "", {"permissions": {"developer": False}}),
    ],
)
async def test_the_last_active_developer_stays(web, method, path, body):
    headers, own = {"token": await web.login()}, web.world.people["dev"]
    other = await web.world.user("second@example.com", developer=True, status="INACTIVE")
    answer = await web.ask(method, f"{PATH}/{own}{path}", headers=headers, json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "last active developer" in answer.json()["message"]
    assert (await web.ask("GET", f"{PATH}/{own}", headers=headers)).json()["version"] == 0
    assert (await web.ask("PUT", f"{PATH}/{other['id']}/activate", headers=headers)).status_code == 200
    assert (await web.ask(method, f"{PATH}/{own}{path}", headers=headers, json=body)).status_code == 200


async def test_of_all_developers_one_stays(web):
    headers = {"token": await web.login()}
    for number in range(3):
        await web.world.user(f"dev{number}@example.com", developer=True)
    query = {"permissions.developer": "true"}
    answer = await web.ask("PUT", f"{PATH}/deactivate", headers=headers, params=query)
    assert sorted(one["status"] for one in answer.json().values()) == ["error", "ok", "ok", "ok"]


async def test_developers_who_shut_each_other_out_at_one_moment(web):
    developers = [(await web.world.user(f"dev{number}@example.com", developer=True))["id"] for number in range(5)]
    callers = [await web.world.who(await web.world.token(f"dev{number}@example.com")) for number in range(5)]
    await web.world.store.delete("sys.users", {"email": "dev@example.com"})
    tries = (
        web.world.status(web.world.act("deactivate", user, caller))
        for user, caller in zip(developers, (*callers[1:], callers[0]), strict=True)
    )
    assert sorted(await asyncio.gather(*tries)) == [200, 200, 200, 200, 409]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("PUT", "/{ann}/resetPassword", {}), ("PUT", "/{ann}", {"authentication": {"generatePassword": True}})],
)
async def test_a_password_that_is_told_is_not_kept_for_requests_that_are_sent_again(web, method, path, body):
    headers = {"token": await web.login(), "Idempotency-Key": "once"}
    path = PATH + path.format(**web.world.people)
    told = (await web.ask(method, path, headers=headers, json=body)).json()["temporaryPassword"]
    assert (await web.world.refused(web.world.login("ann@example.com", told))).code == "passwordExpired"
    for name in await web.world.store.collection_names():
        assert told not in str(await web.world.store.find(name, {}))
    assert (await web.ask(method, path, headers=headers, json=body)).status_code == 409
    assert (await web.world.refused(web.world.login("ann@example.com", told))).code == "passwordExpired"
