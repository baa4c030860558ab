"""Rights, parameters, linked fields, calls and conflicts of actions."""

import asyncio
import contextlib

import pytest

from server.runtime.hooks import load_hooks
from server.runtime.running import RunningApp
from server.store.memory import MemoryStore
from tests.integration.behaviour.conftest import Stage

THINGS = """
recordLabel: name
fields:
  name:  {type: text, required: true, unique: true}
  state: {type: choice, options: [open, closed], default: open}
  size:  {type: integer, max: 100}
  secret: {type: text}
  owner: {type: relationship, entity: people}
actions:
  close:
    precondition: {state: open}
    parameters:
      why:   {type: text, maxLength: 5}
      size:  {type: integer, default: 7}
      owner: {type: relationship, entity: people}
    validations:
      - {check: "params.size != size", field: size, code: same, message: It has this size already}
    steps:
      - set: {state: closed, name: "{name} {params.why}"}
    respond: "{'was': old.state, 'is': state, 'owner': params.owner.label, 'size': params.size}"
  linked:
    saveLinked: true
    parameters: {size: {type: integer}, secret: {type: text}, other: {type: text}}
    steps: [{set: {name: "{name} {size} {secret}"}}]
  plus: {steps: [{set: {size: "=coalesce(size, 0) + 1"}}]}
  tell:
    parameters: {port: {type: integer}}
    steps:
      - call: {method: POST, url: "http://127.0.0.1:{params.port}/", json: {name: "{name}"}, timeout: 3s}
      - set: {size: "=coalesce(size, 0) + 1"}
  elsewhere:
    steps:
      - set: {size: 1}
      - create: {entity: people, values: {name: "{name}"}}
      - create: {entity: people, values: {name: "{name}"}}
  tidy:
    type: global
    steps:
      - update: {entity: things, where: {state: closed}, set: {size: 0}}
      - delete: {entity: things, where: {state: open}}
    respond: "'tidy'"
  later: {background: true, steps: [{set: {size: 5}}]}
  gone: {steps: [{delete: {entity: things, where: {name: $record.name}}}]}
  failing: {run: failing}
listeners:
  seen: {on: [changed], from: [user], steps: [{create: {entity: lines, values: {what: "{old.size} to {size} by {user.email}"}}}]}
"""
PEOPLE = "recordLabel: name\nfields:\n  name: {type: text, unique: true, required: true}\n"
LINES = "fields:\n  what: {type: text}\n"
HOOKS = (
    "async def failing(ctx):\n    await ctx.data.create('people', {'name': 'left'})\n    ctx.fail('no', 'not at all')\n"
)
USERS = """
entities:
  things:
    read: {state: [open, closed]}
    update: never
    actions: {close: {size: greater(10)}, plus: always, later: {state: open}}
    fields: {secret: none}
"""
READERS = "entities:\n  things: {read: {size: less(50)}, actions: {plus: {size: less(20)}}}\n"
NOBODY = "entities:\n  people: {read: always}\n"
MISSING = "5" * 24


@pytest.fixture
async def app(stage):
    return await stage(
        {"things": THINGS, "people": PEOPLE, "lines": LINES}, HOOKS, users=USERS, readers=READERS, nobody=NOBODY
    )


async def test_rights_are_asked_of_the_record(app):
    user = await app.user("ann", "users")
    small, large = (
        await app.create("things", name="s", size=1),
        await app.create("things", name="l", size=20, secret="x"),
    )
    assert (await app.act(f"things/{small['id']}/close", caller=user, status=403))["code"] == "forbidden"
    assert (await app.act(f"things/{large['id']}/close", {"why": "x"}, caller=user))["is"] == "closed"
    shown = await app.act(f"things/{large['id']}/plus", caller=user)
    assert (shown["size"], "secret" in shown) == (21, False)
    assert (await app.act(f"things/{large['id']}/tell", caller=user, status=403))["code"] == "forbidden"
    assert (await app.act("things/tidy", caller=user, status=403))["code"] == "forbidden"
    both = await app.act("things/close?_all=true", caller=user)
    assert {key: one["status"] for key, one in both.items()} == {small["id"]: "error", large["id"]: "error"}
    assert both[small["id"]]["errorMessage"] == "You have no right to the action close on this record"


async def test_records_that_may_not_be_read_are_as_for_reading(app):
    reader = await app.user("bob", "readers")
    seen, hidden = await app.create("things", name="s", size=1), await app.create("things", name="h", size=90)
    assert (await app.act(f"things/{hidden['id']}/plus", caller=reader, status=403))["code"] == "forbidden"
    assert (await app.act(f"things/{MISSING}/plus", caller=reader, status=404))["code"] == "notFound"
    assert (await app.act(f"things/{hidden['id']}/plus?_async=true", caller=reader, status=403))["code"] == "forbidden"
    answer = await app.act(f"things/{seen['id']},{hidden['id']},{MISSING}/plus", caller=reader)
    assert [one["status"] for one in answer.values()] == ["ok", "error", "error"]
    assert list(await app.act("things/plus?_all=true", caller=reader)) == [seen["id"]]
    assert (await app.read("things", hidden["id"]))["size"] == 90


async def test_an_entity_that_is_closed_stays_closed(app):
    nobody = await app.user("eve", "nobody")
    one = await app.create("things", name="a")
    for path in (
        f"things/{one['id']}/plus",
        "things/plus?_all=true",
        "things/tidy",
        f"things/{one['id']}/plus?_async=true",
    ):
        assert (await app.act(path, caller=nobody, status=403))["code"] == "forbidden"


async def test_what_is_neither_a_record_nor_an_action_is_not_there_for_anybody(app):
    nobody = await app.user("eve", "nobody")
    for path in ("things/plu", "things/nope?name=a", "things/nope?_async=true", f"things/{MISSING}/nope?name=a"):
        for caller in (app.developer, nobody):
            assert (await app.act(path, caller=caller, status=404))["code"] == "notFound"
    hint = (await app.act("things/plu", status=404))["message"]
    assert hint == 'things has no record and no action named plu; did you mean "plus"?'
    for method in ("GET", "DELETE"):
        assert (await app.ask(method, "/data/things/nope?nope=1", caller=nobody, status=404))["code"] == "notFound"
        assert (await app.ask(method, f"/data/things/{MISSING}", caller=nobody, status=403))["code"] == "forbidden"


async def test_a_job_has_the_rights_of_its_starter(app):
    user = await app.user("ann", "users")
    small, large = await app.create("things", name="s", size=1), await app.create("things", name="l", size=20)
    async with app.worker():
        reference = await app.act(f"things/{small['id']},{large['id']}/close?_async=true", {"why": "x"}, caller=user)
        job = await app.finished(reference)
    assert job["results"][small["id"]]["status"] == "error"
    assert job["results"][large["id"]]["response"]["is"] == "closed"


async def test_parameters_are_checked_as_fields_are(app):
    ann = await app.create("people", name="Ann")
    one = await app.create("things", name="a", size=3)
    wrong = await app.act(
        f"things/{one['id']}/close", {"why": "too long", "size": "x", "owner": "Nobody", "b": 1}, status=400
    )
    assert [(error["field"], error["code"]) for error in wrong["errors"]] == [
        ("why", "invalid"), ("size", "invalid"), ("owner", "notFound"), ("b", "invalidStructure"),
    ]  # fmt: skip
    same = await app.act(f"things/{one['id']}/close", {"size": 3}, status=400)
    assert [(error["field"], error["fieldLabel"], error["code"]) for error in same["errors"]] == [
        ("size", "Size", "same")
    ]
    answer = await app.act(f"things/{one['id']}/close", {"why": "x", "size": "", "owner": "Ann"})
    assert answer == {"was": "open", "is": "closed", "owner": ann["label"], "size": 7}
    assert (await app.read("things", one["id"]))["name"] == "a x"


async def test_what_a_step_sets_is_checked_as_in_a_body(app):
    one = await app.create("things", name="a", size=100)
    wrong = await app.act(f"things/{one['id']}/plus", status=400)
    assert wrong["errors"][0]["additionalInfo"] == {"rejectedValue": 101, "rule": "max", "limit": 100}
    assert await app.read("things", one["id"]) == one


async def test_linked_parameters_are_saved_by_who_asked_in_the_same_change_as_the_steps(app):
    one = await app.create("things", name="a", size=1)
    answer = await app.act(f"things/{one['id']}/linked", {"size": 2, "secret": "s", "other": "o"})
    assert (answer["size"], answer["secret"], answer["name"], answer["version"]) == (2, "s", "a 2 s", 1)
    assert [line["what"] for line in await app.all("lines")] == ["1 to 2 by dev@example.com"]


LINKED = """
recordLabel: name
auditLogs: true
fields: {name: {type: text, required: true}, size: {type: integer}}
actions:
  resize: {saveLinked: true, parameters: {size: {type: integer}}, steps: [{when: params.size > 5, set: {name: large}}]}
  saving: {saveLinked: true, parameters: {size: {type: integer}}, run: saving}
listeners:
  user:   {on: [changed], from: [user], steps: [{create: {entity: lines, values: {what: "user {size}"}}}]}
  script: {on: [changed], from: [script], steps: [{create: {entity: lines, values: {what: "script {size}"}}}]}
  both:   {on: [changed], from: [user, script], steps: [{create: {entity: lines, values: {what: "both {size}"}}}]}
"""
SAVING = "async def saving(ctx):\n    ctx.record['name'] = f\"saved {ctx.record['size']}\"\n    await ctx.save()\n"


async def test_a_change_by_parameters_and_steps_is_heard_as_that_of_both(stage):
    app = await stage({"things": LINKED, "lines": LINES}, SAVING)
    one = await app.create("things", name="small", size=1)
    await app.act(f"things/{one['id']}/resize", {"size": 2})
    assert sorted(line["what"] for line in await app.all("lines")) == ["both 2", "user 2"]
    await app.act(f"things/{one['id']}/resize", {"size": 7})
    heard = ["both 2", "both 7", "script 7", "user 2", "user 7"]
    assert sorted(line["what"] for line in await app.all("lines")) == heard
    await app.act(f"things/{one['id']}/resize", {"size": 7})
    assert len(await app.all("lines")) == len(heard), "nothing was changed"
    rows = (await app.ask("GET", f"/data/things/{one['id']}/auditLogs?_size=4"))["items"]
    told = [(row["eventType"], row["entityVersion"], row["contextPath"]) for row in rows]
    assert told[1:3] == [
        ("USER_ACTION_PERFORMED", 2, "entities.things.actions.resize"),
        ("USER_RECORD_CHANGED", 2, "entities.things.actions.resize"),
    ]


async def test_a_function_finds_linked_parameters_saved_and_the_trail_has_the_version_that_it_leaves(stage):
    app = await stage({"things": LINKED, "lines": LINES}, SAVING)
    one = await app.create("things", name="small", size=1)
    answer = await app.act(f"things/{one['id']}/saving", {"size": 3})
    assert (answer["name"], answer["version"]) == ("saved 3", 2)
    rows = (await app.ask("GET", f"/data/things/{one['id']}/auditLogs"))["items"]
    assert [(row["eventType"], row["entityVersion"]) for row in rows][:3] == [
        ("USER_ACTION_PERFORMED", 2),
        ("SCRIPT_RECORD_CHANGED", 2),
        ("USER_RECORD_CHANGED", 1),
    ]


async def test_a_linked_parameter_that_its_field_refuses_saves_nothing(app):
    one = await app.create("things", name="a", size=1)
    wrong = await app.act(f"things/{one['id']}/linked", {"size": 200}, status=400)
    assert wrong["errors"][0]["field"] == "size"
    assert await app.read("things", one["id"]) == one


async def test_a_global_action_runs_on_nothing(app):
    kept, gone = await app.create("things", name="a", size=3), await app.create("things", name="b")
    await app.act(f"things/{kept['id']}/close", {"why": "x"})
    assert (await app.act("things/tidy?state=open", status=400))["code"] == "badRequest"
    assert (await app.act(f"things/{kept['id']}/tidy", status=404))["code"] == "notFound"
    assert await app.act("things/tidy") == "tidy"
    assert [(one["id"], one["size"]) for one in await app.all("things")] == [(kept["id"], 0)]
    assert gone["id"] != kept["id"]


async def test_an_action_may_delete_its_own_record(app):
    one = await app.create("things", name="a")
    assert (await app.act(f"things/{one['id']}/gone"))["id"] == one["id"]
    assert await app.all("things") == []


async def test_background_is_the_actions_way_and_the_requests_to_change(app):
    one = await app.create("things", name="a")
    reference = await app.act(f"things/{one['id']}/later")
    assert reference == {"jobLink": f"/api/status/jobs/{reference['jobId']}", "jobId": reference["jobId"]}
    assert (await app.act(f"things/{one['id']}/later?_async=false"))["size"] == 5
    refused = await app.act(f"things/{one['id']}/close?_async=true", {"why": "too long"}, status=400)
    assert refused["code"] == "validationErrors"


async def test_too_many_to_wait_for(app, monkeypatch):
    monkeypatch.setattr("server.runtime.actions.MOST_SYNCHRONOUS", 3)
    ids = [(await app.create("things", name=f"n{number}"))["id"] for number in range(4)]
    for path in ("things/plus?_all=true", f"things/{','.join(ids)}/plus"):
        assert "_async=true" in (await app.act(path, status=400))["message"]
    assert len(await app.act(f"things/{','.join(ids[:3])}/plus")) == 3
    async with app.worker():
        job = await app.finished(await app.act("things/plus?_all=true&_async=true"))
    assert job["results"] == {key: {"status": "ok"} for key in reversed(ids)}
    assert sorted(one["size"] for one in await app.all("things")) == [1, 2, 2, 2]


@contextlib.asynccontextmanager
async def other_system(work):
    async def serve(reader, writer):
        await reader.read(65536)
        await work()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


async def test_a_call_comes_before_anything_is_written_and_is_not_repeated(app):
    one, asked = await app.create("things", name="a", size=1), []

    async def work():
        asked.append(await app.read("things", one["id"]))

    async with other_system(work) as port:
        assert (await app.act(f"things/{one['id']}/tell", {"port": port}))["size"] == 2
        assert [seen["size"] for seen in asked] == [1]
        async with app.worker():
            job = await app.finished(await app.act("things/tell?_all=true&_async=true", {"port": port}))
        assert job["results"] == {one["id"]: {"status": "ok"}}
        assert len(asked) == 2


async def test_who_is_overtaken_after_a_call_is_told(app):
    one, asked = await app.create("things", name="a", size=1), []

    async def work():
        asked.append(1)
        await app.ask("PUT", f"/data/things/{one['id']}", {"size": 50})

    async with other_system(work) as port:
        assert (await app.act(f"things/{one['id']}/tell", {"port": port}, status=409))["code"] == "conflict"
    assert asked == [1]
    assert (await app.read("things", one["id"]))["size"] == 50


async def test_a_call_that_fails_fails_the_action(app):
    one = await app.create("things", name="a", size=1)
    refused = await app.act(f"things/{one['id']}/tell", {"port": 1}, status=400)
    assert refused["message"].startswith("POST http://127.0.0.1:1/ could not be reached")
    assert await app.read("things", one["id"]) == one


async def test_what_goes_wrong_elsewhere_undoes_the_record_too(app):
    one = await app.create("things", name="a")
    refused = await app.act(f"things/{one['id']}/elsewhere", status=400)
    assert refused["errors"][0]["code"] == "notUnique"
    assert await app.read("things", one["id"]) == one
    assert await app.all("people") == []


async def test_without_transactions_the_error_says_what_stays(app):
    store = MemoryStore()
    running = RunningApp(app.running.compiled, store, hooks=load_hooks(app.running.compiled.app))
    alone = Stage(running, app.developer)
    one = await alone.create("things", name="a")
    refused = await alone.act(f"things/{one['id']}/failing", status=400)
    assert refused["message"] == "not at all; what was saved before stays, because this database has no transactions"
    assert [person["name"] for person in await alone.all("people")] == ["left"]
    assert (await alone.act(f"things/{MISSING}/failing", status=404))["message"].endswith("in things")
