"""Requests with an Idempotency-Key: sent again, they get the same answer and have no second effect."""

import asyncio
import contextlib
import sys
from dataclasses import replace

import pytest
from bson.datetime_ms import DatetimeMS

from server.runtime import idempotency
from server.runtime.idempotency import CLAIMS, MOST_CONTENT, prepare_idempotency
from server.runtime.jobs.stored import JOBS
from server.store import StoreUnavailable
from server.store.memory import MemoryStore

HOUR = 3_600_000
COMPANIES = """
recordLabel: "{name}"
fields:
  name: {type: text, required: true, unique: true}
  size: {type: integer, default: 0, max: 1000}
  note: {type: longText}
actions:
  grow: {steps: [{set: {size: =size + 1}}]}
  wait: {run: wait}
"""
HOOKS = "async def wait(ctx):\n    return None\n"
WRITERS = "label: Writers\nentities:\n  companies: {read: always, create: always, update: always, delete: always}\napi: {data: true, jobs: true}\n"
STARTERS = "label: Starters\nentities:\n  companies: {read: always, update: {size: 0}}\napi: {data: true}\n"


class Sender:
    """Sends requests with a key."""

    def __init__(self, stage):
        self.stage = stage
        self.running = stage.running

    async def send(self, method, path, body=None, key="key", caller=None):
        async with self.stage.client(caller) as client:
            return await client.request(method, path, json=body, headers={"Idempotency-Key": key})

    async def post(self, name="Acme", key="key", **more):
        return await self.send("POST", "/data/companies", {"name": name}, key, **more)

    async def names(self):
        return sorted(one["name"] for one in await self.stage.all("companies"))

    async def create(self, *names):
        return [(await self.stage.create("companies", name=name))["id"] for name in names]

    async def claims(self):
        return await self.running.store.find(CLAIMS, {})


def is_replay(answer):
    return answer.headers.get("idempotent-replayed") == "true"


@pytest.fixture
async def sender(stage):
    return Sender(await stage({"companies": COMPANIES}, HOOKS, writers=WRITERS, starters=STARTERS))


# once


async def test_a_hundred_retries_have_one_effect_and_one_answer(sender):
    answers = await asyncio.gather(*(sender.post() for _ in range(100)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers if answer.status_code == 409)
    answers += [await sender.post() for _ in range(3)]
    done = [answer for answer in answers if answer.status_code == 200]
    assert len({answer.content for answer in done}) == 1
    assert [is_replay(answer) for answer in answers[-3:]] == [True] * 3
    assert sum(not is_replay(answer) for answer in done) == 1
    assert await sender.names() == ["Acme"]


async def test_a_key_in_quotes_is_the_same_key(sender):
    first = await sender.post(key="abc")
    again = await sender.post(key='"abc"')
    assert (again.content, is_replay(again)) == (first.content, True)


@pytest.mark.parametrize(
    ("method", "path", "size"),
    [
        ("PUT", "{0}/grow", 1),
        ("PUT", "{0},{1}/grow", 1),
        ("PUT", "grow?_all=true", 1),
        ("DELETE", "{0}", None),
        ("DELETE", "{0},{1}", None),
        ("DELETE", "?name=a", None),
    ],
)
async def test_actions_and_deletions_are_carried_out_once(sender, method, path, size):
    ids = await sender.create("a", "b")
    path = f"/data/companies/{path.format(*ids)}".replace("/?", "?")
    answers = [await sender.send(method, path) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({answer.content for answer in answers}) == 1
    assert [is_replay(answer) for answer in answers] == [False, True, True]
    left = {one["name"]: one["size"] for one in await sender.stage.all("companies")}
    assert left.get("a") == size


async def test_changes_and_jobs_are_made_once(sender):
    [key] = await sender.create("a")
    changed = [await sender.send("PUT", f"/data/companies/{key}", {"version": 0, "size": 5}) for _ in range(2)]
    assert [answer.json()["version"] for answer in changed] == [1, 1]
    jobs = [await sender.send("DELETE", f"/data/companies/{key}?_async=true") for _ in range(2)]
    assert jobs[0].json()["jobId"] == jobs[1].json()["jobId"]
    assert await sender.running.store.count(JOBS, {}) == 1


async def test_without_the_header_nothing_is_kept(sender):
    await sender.create("a")
    assert await sender.claims() == []


# what tells requests apart


async def test_another_body_is_refused(sender):
    await sender.post("Acme")
    answer = await sender.post("Other")
    assert (answer.status_code, answer.json()["code"]) == (422, "keyReused")
    assert await sender.names() == ["Acme"]


async def test_keys_belong_to_a_user_and_a_route(sender):
    ann, bob = [await sender.stage.user(name, "writers") for name in ("ann", "bob")]
    answers = [await sender.post("Ann's", caller=ann), await sender.post("Bob's", caller=bob)]
    [key] = await sender.create("a")
    answers.append(await sender.send("PUT", f"/data/companies/{key}", {"name": "b"}, caller=ann))
    behind = replace(ann, admin=bob.user)
    answers.append(await sender.post("Bob for Ann", caller=behind))
    assert [(answer.status_code, is_replay(answer)) for answer in answers] == [(200, False)] * 4


async def test_rights_are_asked_before_an_answer_is_given_again(sender):
    ann = await sender.stage.user("ann", "writers")
    assert (await sender.post(caller=ann)).status_code == 200
    assert (await sender.post(caller=replace(ann, groups=()))).status_code == 403


async def test_neither_the_key_nor_the_body_can_be_read_from_what_is_kept(sender):
    await sender.send("POST", "/data/companies", {"nope": "secret"}, key="private")
    [claim] = await sender.claims()
    claim.pop("answer")
    assert "private" not in str(claim)
    assert "secret" not in str(claim)


# refusals


async def test_a_refusal_is_given_again(sender):
    first = await sender.send("POST", "/data/companies", {"size": 5_000})
    again = await sender.send("POST", "/data/companies", {"size": 5_000})
    assert (first.status_code, len(first.json()["errors"])) == (400, 2)
    assert (again.status_code, again.content, is_replay(again)) == (400, first.content, True)


async def test_a_value_that_is_taken_is_refused_as_without_a_key(sender):
    await sender.create("Acme")
    plain = await sender.stage.ask("POST", "/data/companies", {"name": "Acme"}, status=400)
    keyed = (await sender.post("Acme")).json()
    assert keyed["errors"] == plain["errors"]


async def test_a_stale_version_stays_stale(sender):
    [key] = await sender.create("a")
    answers = [await sender.send("PUT", f"/data/companies/{key}", {"version": 7, "size": 1}) for _ in range(2)]
    assert [(one.status_code, one.json()["code"], is_replay(one)) for one in answers] == [
        (409, "optimisticLocking", False),
        (409, "optimisticLocking", True),
    ]


async def test_a_right_on_a_record_may_come(sender):
    ann = await sender.stage.user("ann", "starters")
    [key] = await sender.create("a")
    path = f"/data/companies/{key}"
    await sender.stage.ask("PUT", path, {"size": 5})
    codes = [(await sender.send("PUT", path, {"note": "x"}, caller=ann)).status_code]
    await sender.stage.ask("PUT", path, {"size": 0})
    codes.append((await sender.send("PUT", path, {"note": "x"}, caller=ann)).status_code)
    assert codes == [403, 200]


async def test_after_an_error_of_the_server_a_request_is_tried_anew(sender, monkeypatch):
    failing = True
    insert = sender.running.store.insert

    async def broken(collection, *arguments, **options):
        if failing and collection == "companies":
            raise RuntimeError
        return await insert(collection, *arguments, **options)

    monkeypatch.setattr(sender.running.store, "insert", broken)
    assert (await sender.post()).status_code == 500
    assert await sender.claims() == []
    failing = False
    assert (await sender.post()).status_code == 200
    assert await sender.names() == ["Acme"]


# in flight


async def test_while_it_is_carried_out_the_same_request_waits(stage):
    sender = Sender(await stage({"companies": COMPANIES}, HOOKS))
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def wait(ctx):
        begun.set()
        await go_on.wait()

    sender.running.hooks = {**sender.running.hooks, "wait": wait}
    [key] = await sender.create("a")
    path = f"/data/companies/{key}/wait"
    first = asyncio.create_task(sender.send("PUT", path))
    await begun.wait()
    meanwhile = await sender.send("PUT", path)
    assert (meanwhile.status_code, meanwhile.json()["code"], meanwhile.headers["retry-after"]) == (
        409,
        "inProgress",
        "1",
    )
    assert (await sender.send("PUT", path, {"x": 1})).status_code == 422
    go_on.set()
    answer = await first
    again = await sender.send("PUT", path)
    assert (answer.status_code, again.content, is_replay(again)) == (200, answer.content, True)


@pytest.mark.parametrize("gone", ["lease over", "process gone"])
async def test_a_claim_of_somebody_who_is_gone_is_taken_over(sender, gone):
    await sender.post("Acme")
    [claim] = await sender.claims()
    ended = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await ended.wait()
    left = {"process gone": {"pid": ended.pid}, "lease over": {"lease": sender.running.clock() - 1}}[gone]
    await sender.running.store.update(CLAIMS, {"_id": claim["_id"]}, {"$set": {"answer": None}})
    assert (await sender.post("Acme")).status_code == 409
    await sender.running.store.update(CLAIMS, {"_id": claim["_id"]}, {"$set": left})
    await sender.running.store.delete_many("companies", {})
    answers = await asyncio.gather(*(sender.post("Acme") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200, 409}
    assert await sender.names() == ["Acme"]


async def test_whoever_lost_the_claim_writes_nothing(stage):
    """A slow server whose claim was taken over: its transaction is undone."""
    sender = Sender(await stage({"companies": COMPANIES}, HOOKS))
    store, turns = sender.running.store, []

    async def wait(ctx):
        turns.append(len(turns))
        await ctx.data.create("companies", {"name": f"made in turn {turns[-1]}"})
        if turns == [0]:
            await store.update(CLAIMS, {"answer": None}, {"$set": {"lease": 0}})
            assert (await sender.send("PUT", path)).status_code == 200

    sender.running.hooks = {**sender.running.hooks, "wait": wait}
    [key] = await sender.create("a")
    path = f"/data/companies/{key}/wait"
    assert (await sender.send("PUT", path)).status_code == 409
    again = await sender.send("PUT", path)
    assert (again.status_code, is_replay(again)) == (200, True)
    assert await sender.names() == ["a", "made in turn 1"]


async def test_a_claim_that_takes_long_is_held(sender, monkeypatch):
    """Work that is divided is held by renewing the lease."""
    monkeypatch.setattr(idempotency, "LEASE", 300)
    held = []
    get_many = sender.running.store.get_many

    async def slow(collection, *arguments, **options):
        if collection == "companies":
            await asyncio.sleep(0.7)
            held.append((await sender.claims())[0]["lease"] > sender.running.clock())
        return await get_many(collection, *arguments, **options)

    ids = await sender.create("a", "b")
    monkeypatch.setattr(sender.running.store, "get_many", slow)
    answer = await sender.send("PUT", f"/data/companies/{','.join(ids)}/grow")
    assert (answer.status_code, held) == (200, [True])


# cut off


@pytest.mark.parametrize("moment", ["before the commit", "after the commit"])
async def test_a_line_that_breaks_around_the_commit_doubles_nothing(sender, monkeypatch, moment):
    store, broken = sender.running.store, []
    transaction = store.transaction

    @contextlib.asynccontextmanager
    async def breaking(session=None):
        if broken:
            async with transaction(session) as opened:
                yield opened
            return
        broken.append(moment)
        async with transaction(session) as opened:
            yield opened
            if moment == "before the commit":
                raise StoreUnavailable("The line broke")
        raise StoreUnavailable("The line broke")

    monkeypatch.setattr(store, "transaction", breaking)
    assert (await sender.post()).status_code == 503
    assert await sender.names() == ([] if moment == "before the commit" else ["Acme"])
    again = await sender.post()
    assert (again.status_code, is_replay(again)) == (200, moment == "after the commit")
    assert await sender.names() == ["Acme"]


async def test_other_systems_are_asked_once_and_outside_of_any_transaction(stage, monkeypatch):
    text = COMPANIES + "  tell: {steps: [{call: {method: POST, url: 'http://127.0.0.1:9/'}}, {set: {size: 7}}]}\n"
    sender = Sender(await stage({"companies": text}, HOOKS))
    store, asked, open_ones = sender.running.store, [], []
    transaction = store.transaction

    @contextlib.asynccontextmanager
    async def watched(session=None):
        async with transaction(session) as opened:
            open_ones.append(opened)
            yield opened
        open_ones.remove(opened)

    async def send(call):
        asked.append([one for one in open_ones if one.in_transaction])

    monkeypatch.setattr(store, "transaction", watched)
    monkeypatch.setattr(sender.running.calls, "send", send)
    [key] = await sender.create("a")
    answers = [await sender.send("PUT", f"/data/companies/{key}/tell") for _ in range(2)]
    assert [(one.status_code, one.json()["size"], is_replay(one)) for one in answers] == [
        (200, 7, False),
        (200, 7, True),
    ]
    assert asked == [[]]


# limits


async def test_an_answer_that_is_too_large_is_not_kept_and_not_made_again(sender):
    ids = await sender.create("a", "b")
    for key in ids:
        await sender.stage.ask("PUT", f"/data/companies/{key}", {"note": "x" * (MOST_CONTENT // 2)})
    path = f"/data/companies/{','.join(ids)}/grow"
    assert (await sender.send("PUT", path)).status_code == 200
    again = await sender.send("PUT", path)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert "too large" in again.json()["message"]
    assert {one["size"] for one in await sender.stage.all("companies", _fields="size")} == {1}


async def test_a_password_that_is_told_once_is_not_kept(sender):
    ann = await sender.stage.user("ann", "writers")
    path = f"/data/sys.users/{ann.user['id']}/resetPassword"
    first = await sender.send("PUT", path)
    again = await sender.send("PUT", path)
    assert (first.status_code, again.status_code) == (200, 409)
    assert first.json()["temporaryPassword"] not in str(await sender.claims())


async def test_after_a_day_a_key_is_free_again(sender):
    now = sender.running.clock()
    await sender.post("Acme")
    [claim] = await sender.claims()
    assert 23 * HOUR < int(claim["expires"]) - now <= 25 * HOUR
    await sender.running.store.update(CLAIMS, {"_id": claim["_id"]}, {"$set": {"expires": DatetimeMS(now - 1)}})
    answer = await sender.post("Other")
    assert (answer.status_code, is_replay(answer)) == (200, False)
    assert is_replay(await sender.post("Other"))


async def test_the_database_removes_what_expired(sender):
    await prepare_idempotency(sender.running.store)
    indexes = await sender.running.store.indexes(CLAIMS)
    [expiring] = [index for index in indexes if "expireAfterSeconds" in index]
    assert (dict(expiring["key"]), expiring["expireAfterSeconds"]) == ({"expires": 1}, 0)


async def test_answers_are_kept_where_there_are_no_transactions(sender):
    sender.running.store = MemoryStore()
    sender.stage.running = sender.running
    answers = await asyncio.gather(*(sender.post() for _ in range(10)))
    answers.append(await sender.post())
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
    taken = [await sender.send("POST", "/data/companies", {"name": 5}, key="other") for _ in range(2)]
    assert [(one.status_code, is_replay(one)) for one in taken] == [(400, False), (400, True)]
    assert await sender.running.store.count("companies", {}) == 1
