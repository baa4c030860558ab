"""Users whom definitions write: the same rules as at every other door."""

import pytest

from server.runtime.auth import callers, login
from server.runtime.auth.people import CREDENTIALS

DESK = """
label: Desk
fields: {name: {type: text}}
actions:
  shutOut:
    type: global
    parameters: {status: {type: text}}
    steps:
      - update: {entity: sys.users, where: {email: ann@example.com}, set: {status: "=params.status"}}
  remove:
    type: global
    steps:
      - delete: {entity: sys.users, where: {email: ann@example.com}}
  hire: {type: global, parameters: {values: {type: json}}, run: hire}
  change: {type: global, parameters: {id: {type: text}, values: {type: json}}, run: change}
  changeAndFail: {type: global, parameters: {id: {type: text}, values: {type: json}}, run: change_and_fail}
  dismiss: {type: global, parameters: {id: {type: text}}, run: dismiss}
"""
HOOKS = """
async def hire(ctx):
    return (await ctx.data.create("sys.users", ctx.params["values"]))["id"]

async def change(ctx):
    return dict(await ctx.data.update("sys.users", ctx.params["id"], ctx.params["values"]))

async def change_and_fail(ctx):
    await change(ctx)
    ctx.fail("no", "not after all")

async def dismiss(ctx):
    await ctx.data.delete("sys.users", ctx.params["id"])
"""
CLERKS = "entities: {desks: {read: always, update: always, actions: {change: always, hire: always}}}"
PASSWORD, NEW = "correct horse 7", "another horse 8"
ANN = {"firstName": "Ann", "lastName": "Test", "email": "ann@example.com"}


def with_password(text):
    return {"authentication": {"newPassword": text, "passwordConfirmation": text}}


@pytest.fixture
async def desk(stage):
    return await stage({"desks": DESK}, HOOKS, clerks=CLERKS)


@pytest.fixture
async def ann(desk):
    """The id of a user who has a password."""
    return await desk.act("desks/hire", {"values": {**ANN, **with_password(PASSWORD)}})


async def enter(desk, password=PASSWORD):
    return (await login.login(desk.running, {"email": ANN["email"], "password": password}, None))["token"]


async def is_in(desk, token):
    try:
        await callers.authenticate(desk.running, token, None)
    except callers.Unauthorized:
        return False
    return True


async def test_a_function_gives_a_password_that_is_stored_as_a_hash_beside_the_record(desk, ann):
    assert await is_in(desk, await enter(desk))
    [document] = await desk.store.find("sys.users", {"email": ANN["email"]})
    [credentials] = await desk.store.find(CREDENTIALS, {})
    assert PASSWORD not in str(document) + str(credentials)
    assert credentials["hash"].startswith("$argon2id$")
    assert document["authentication"]["lastPasswordChange"] is not None


async def test_rules_of_passwords_hold_for_functions(desk, ann):
    answer = await desk.act("desks/change", {"id": ann, "values": with_password("x")}, status=400)
    assert answer["errors"][0]["field"] == "authentication.newPassword"
    assert await is_in(desk, await enter(desk))


@pytest.mark.parametrize("values", [{"status": "INACTIVE"}, {"status": "BLOCKED"}, with_password(NEW)])
async def test_a_function_that_changes_status_or_password_ends_sessions(desk, ann, values):
    token = await enter(desk)
    assert await is_in(desk, token)
    await desk.act("desks/change", {"id": ann, "values": values})
    assert not await is_in(desk, token)
    await desk.act("desks/change", {"id": ann, "values": {"status": "ACTIVE"}})
    assert not await is_in(desk, token)


async def test_a_function_that_fails_leaves_password_and_sessions(desk, ann):
    token = await enter(desk)
    for values in ({"status": "INACTIVE"}, with_password(NEW)):
        await desk.act("desks/changeAndFail", {"id": ann, "values": values}, status=400)
    assert await is_in(desk, token)
    assert await is_in(desk, await enter(desk))


async def test_steps_end_sessions_as_well(desk, ann):
    token = await enter(desk)
    await desk.act("desks/shutOut", {"status": "INACTIVE"})
    await desk.act("desks/shutOut", {"status": "ACTIVE"})
    assert not await is_in(desk, token)


@pytest.mark.parametrize("action", ["dismiss", "remove"])
async def test_who_is_deleted_leaves_no_credentials(desk, ann, action):
    token = await enter(desk)
    await desk.act(f"desks/{action}", {"id": ann} if action == "dismiss" else {})
    assert await desk.store.count(CREDENTIALS, {}) == 0
    assert not await is_in(desk, token)


async def test_nobody_becomes_a_developer_by_a_function_that_others_may_run(desk, ann):
    clerk = await desk.user("clerk", "clerks")
    values = {"permissions": {"developer": True}, "firstName": "Anna"}
    await desk.act("desks/change", {"id": ann, "values": values}, caller=clerk)
    user = await desk.read("sys.users", ann)
    assert user["firstName"] == "Anna"
    assert user["permissions"]["developer"] is False


async def test_a_job_deletes_users_as_a_request_does(desk, ann):
    token = await enter(desk)
    answer = await desk.ask("DELETE", f"/data/sys.users/{ann}?_async=true")
    async with desk.worker():
        await desk.finished(answer)
    assert await desk.store.count(CREDENTIALS, {}) == 0
    assert not await is_in(desk, token)
