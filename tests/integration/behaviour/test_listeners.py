"""Listeners: event × origin × synchronous or in the background × what becomes of it."""

import pytest

ENTITY = """
label: Things
recordLabel: name
fields:
  name:  {{type: text, required: true}}
  state: {{type: choice, options: [open, closed], default: open}}
  size:  {{type: integer}}
  big:   {{type: boolean, calculated: size > 10}}
  note:  {{type: text}}
actions:
  close: {{steps: [{{set: {{state: closed}}}}]}}
  nothing: {{steps: [{{log: {{message: nothing}}}}]}}
listeners:
{listeners}
"""
LOG = "recordLabel: what\nfields:\n  what: {type: text, unique: true}\n  thing: {type: text}\n"


def listener(name, on, *steps, **keys):
    lines = [f"  {name}:", f"    on: [{on}]"]
    lines += [f"    {key}: {value}" for key, value in keys.items()]
    if steps:
        lines += ["    steps:", *(f"      - {step}" for step in steps)]
    return "\n".join(lines) + "\n"


def note(text):
    return f'create: {{entity: lines, values: {{what: "{text}"}}}}'


@pytest.fixture
def things(stage):
    async def open_things(*listeners, hooks=None, **options):
        text = ENTITY.format(listeners="".join(listeners))
        return await stage({"things": text, "lines": LOG}, hooks, **options)

    return open_things


async def told(app):
    return [one["what"] for one in await app.all("lines")]


async def test_events_of_a_records_life(things):
    app = await things(
        listener("made", "created", note("made {name}")),
        listener("turned", "changed", note("{old.size} to {size}")),
        listener("gone", "deleted", note("gone {name} {old.size}")),
    )
    one = await app.create("things", name="a", size=1)
    await app.ask("PUT", f"/data/things/{one['id']}", {"size": 2})
    await app.ask("PUT", f"/data/things/{one['id']}", {"size": 2})
    await app.ask("DELETE", f"/data/things/{one['id']}")
    assert await told(app) == ["made a", "1 to 2", "gone a 2"]


async def test_what_is_set_joins_the_write(things):
    app = await things(
        listener("sized", "created, changed", 'set: {note: "{size} of {name}", size: "=coalesce(size, 0) + 10"}')
    )
    one = await app.create("things", name="a", size=1)
    assert (one["version"], one["size"], one["note"], one["big"]) == (0, 11, "1 of a", True)
    assert await app.read("things", one["id"]) == one
    two = await app.ask("PUT", f"/data/things/{one['id']}", {"name": "b"})
    assert (two["version"], two["size"], two["note"]) == (1, 21, "11 of b")
    assert await app.read("things", one["id"]) == two


async def test_a_condition_met_is_met_once(things):
    app = await things(listener("closed", "conditionMet", note("{name} {size}"), when="{state: closed}"))
    one = await app.create("things", name="a", size=1)
    await app.ask("PUT", f"/data/things/{one['id']}", {"state": "closed", "size": 2})
    await app.ask("PUT", f"/data/things/{one['id']}", {"size": 3})
    await app.ask("PUT", f"/data/things/{one['id']}", {"state": "open"})
    await app.ask("PUT", f"/data/things/{one['id']}", {"state": "closed", "size": 4})
    await app.create("things", name="b", state="closed", size=5)
    assert await told(app) == ["a 2", "a 4", "b 5"]


async def test_actions_are_heard_whether_or_not_they_change_anything(things):
    app = await things(
        listener("closing", "action.close", note("closed {name} {state}"), "set: {note: heard}"),
        listener("idle", "action.nothing", note("nothing on {name}"), "set: {size: 7}"),
    )
    one = await app.create("things", name="a")
    closed = await app.act(f"things/{one['id']}/close")
    assert (closed["state"], closed["note"], closed["version"]) == ("closed", "heard", 1)
    idle = await app.act(f"things/{one['id']}/nothing")
    assert (idle["size"], idle["version"]) == (7, 2)
    assert await told(app) == ["closed a closed", "nothing on a"]
    assert await app.read("things", one["id"]) == idle


@pytest.mark.parametrize(
    ("origins", "expected"),
    [("[user]", ["user"]), ("[script]", ["script"]), ("[user, script]", ["script", "user"]), ("[system]", [])],
)
async def test_origins(things, origins, expected):
    app = await things(
        listener("any", "changed", note("{note}"), **{"from": origins, "when": "note is not None"}), hooks=HOOKS + ""
    )
    one = await app.create("things", name="a")
    await app.ask("PUT", f"/data/things/{one['id']}", {"note": "user"})
    assert sorted(await told(app)) == [text for text in expected if text == "user"]
    await script_change(app, one["id"])
    assert sorted(await told(app)) == expected


HOOKS = "async def touch(ctx):\n    await ctx.data.update('things', ctx.record['id'], {'note': 'script'})\n"


async def script_change(app, key):
    from server.runtime.records import update_record

    await update_record(app.running, app.developer.as_script(), "things", key, {"note": "script"})


async def test_a_failure_fails_the_operation_and_nothing_is_written(things):
    app = await things(
        listener("first", "created, changed, deleted", note("{name}")),
        listener(
            "never", "created, changed, deleted", 'fail: {code: tooBig, message: "{name} is too big"}', when="size > 5"
        ),
    )
    refused = await app.ask("POST", "/data/things", {"name": "a", "size": 6}, status=400)
    assert (refused["code"], refused["message"]) == ("tooBig", "a is too big")
    assert await app.all("things") == []
    assert await told(app) == []
    one = await app.create("things", name="b", size=5)
    await app.ask("PUT", f"/data/things/{one['id']}", {"size": 6, "name": "c"}, status=400)
    assert await app.read("things", one["id"]) == one
    assert await told(app) == ["b"]


async def test_a_failing_write_elsewhere_undoes_the_operation(things):
    app = await things(listener("twice", "created", note("same")))
    await app.create("things", name="a")
    refused = await app.ask("POST", "/data/things", {"name": "b"}, status=400)
    assert refused["errors"][0]["code"] == "notUnique"
    assert [one["name"] for one in await app.all("things")] == ["a"]


async def test_deletions_may_be_silent(things):
    app = await things(listener("gone", "deleted", note("gone {name}")))
    made = [await app.create("things", name=name) for name in "abcd"]
    await app.ask("DELETE", f"/data/things/{made[0]['id']}?_triggerEvents=false")
    await app.ask("DELETE", f"/data/things/{made[1]['id']},{made[2]['id']}?_triggerEvents=false")
    await app.ask("DELETE", "/data/things?_all=true")
    assert await told(app) == ["gone d"]


async def test_background_listeners_run_after_the_answer(things):
    app = await things(
        listener(
            "later",
            "created, changed",
            note("{name} {old.size} {size}"),
            "set: {note: done}",
            background="true",
            queue="light",
            **{"from": "[user]"},
        )
    )
    one = await app.create("things", name="a", size=1)
    assert (one["note"], await told(app)) == (None, [])
    await app.ask("PUT", f"/data/things/{one['id']}", {"size": 2})
    async with app.worker():
        jobs = await app.idle()
    assert [(job["type"], job["data"], job["hasErrors"]) for job in jobs] == [
        ("EXECUTE_LISTENER", {"listenerName": "later"}, False)
    ] * 2
    assert sorted(await told(app)) == ["a  1", "a 1 2"]
    assert (await app.read("things", one["id"]))["note"] == "done"


async def test_a_refused_operation_leaves_no_job(things):
    app = await things(
        listener("later", "created", note("{name}"), background="true"),
        listener("never", "created", "fail: {message: not today}"),
    )
    await app.ask("POST", "/data/things", {"name": "a"}, status=400)
    assert await app.idle() == []


async def test_a_chain_without_end_is_cut(things):
    app = await things(listener("again", "created", 'create: {entity: things, values: {name: "{name}x"}}'))
    refused = await app.ask("POST", "/data/things", {"name": "a"}, status=400)
    assert refused["message"].startswith("More than 8 listeners set each other off: things.again → things.again")
    assert await app.all("things") == []


async def test_a_chain_through_jobs_is_cut_too(things):
    app = await things(
        listener("again", "created", 'create: {entity: things, values: {name: "{name}x"}}', background="true")
    )
    await app.create("things", name="a")
    async with app.worker():
        jobs = await app.idle()
    assert len(await app.all("things")) == 8
    assert sum(job["hasErrors"] for job in jobs) == 1


async def test_functions_as_listeners(things):
    hooks = (
        "async def heard(ctx):\n"
        "    before = None if ctx.old is None else ctx.old['size']\n"
        "    await ctx.data.create('lines', {'what': f\"{ctx.record['name']} {before} {ctx.record['size']}\"})\n"
        "    if ctx.record['note'] != 'seen':\n"
        "        ctx.record['note'] = 'seen'\n"
        "        await ctx.save()\n"
    )
    app = await things(listener("heard", "created, changed", run="heard", **{"from": "[user]"}), hooks=hooks)
    one = await app.create("things", name="a", size=1)
    assert (one["note"], one["version"]) == ("seen", 1)
    two = await app.ask("PUT", f"/data/things/{one['id']}", {"size": 2})
    assert (two["note"], two["version"]) == ("seen", 2)
    assert await told(app) == ["a None 1", "a 1 2"]
    assert await app.read("things", one["id"]) == two


async def test_plain_writes_open_no_transaction(things, monkeypatch):
    app = await things(listener("gone", "deleted", note("gone {name}")))
    opened = []
    run = type(app.store).run_transaction
    monkeypatch.setattr(
        type(app.store),
        "run_transaction",
        lambda self, body, session=None: opened.append(1) or run(self, body, session),
    )
    one = await app.create("things", name="a")
    await app.ask("PUT", f"/data/things/{one['id']}", {"size": 2})
    assert opened == []
    await app.ask("DELETE", f"/data/things/{one['id']}")
    assert opened == [1]


async def test_a_slow_listener_is_told_and_undone(things):
    hooks = "import asyncio\n\nasync def slow(ctx):\n    await asyncio.sleep(5)\n"
    app = await things(listener("slow", "created", run="slow"), hooks=hooks, seconds=0.3)
    refused = await app.ask("POST", "/data/things", {"name": "a"}, status=400)
    assert refused["message"].endswith("slow listeners belong in the background")
    assert await app.all("things") == []
