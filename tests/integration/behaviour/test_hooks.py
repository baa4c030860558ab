"""Functions of hooks.py: what ctx gives, what becomes of errors, and background jobs that stop and go on."""

import asyncio
import logging

import pytest

from engine.compiler import compile_app
from engine.definitions import Sources
from server.runtime.hooks import BadHooks, load_hooks
from tests.integration.behaviour.conftest import files_of

THINGS = """
recordLabel: name
fields:
  name:  {type: text, required: true, unique: true}
  size:  {type: integer}
  price: {type: money}
  at:    {type: dateTime}
  big:   {type: bigNumber}
  rows:  {type: nested, many: true, fields: {city: {type: text}}}
  owner: {type: relationship, entity: people}
actions:
  one:    {run: one, parameters: {n: {type: integer}, d: {type: decimal}, who: {type: relationship, entity: people}}}
  many:   {type: many, run: many, parameters: {n: {type: integer}}}
  all:    {type: global, run: nothing}
  half:   {run: half}
  plus:   {parameters: {n: {type: integer, default: 1}}, steps: [{set: {size: "=coalesce(size, 0) + params.n"}}]}
  total:  {type: many, respond: "params.n", parameters: {n: {type: integer}}, steps: [{create: {entity: people, values: {name: total}}}]}
"""
PEOPLE = "fields:\n  name: {type: text}\n"


HALF = "await ctx.data.create('people', {'name': 'half'})\nctx.fail('half', 'half')"


def functions(**bodies):
    """hooks.py with these functions; the others return nothing."""
    given = {"one": "pass", "many": "pass", "nothing": "pass", "half": HALF, **bodies}
    return "\n".join(
        f"{'def' if body.startswith('# plain') else 'async def'} {name}(ctx):\n"
        + "\n".join("    " + line for line in body.strip("\n").splitlines())
        for name, body in given.items()
    ).replace("    # plain\n", "")


@pytest.fixture
def things(stage):
    async def open_things(**bodies):
        options = {name: bodies.pop(name) for name in ("seconds",) if name in bodies}
        return await stage({"things": THINGS, "people": PEOPLE}, functions(**bodies), **options)

    return open_things


async def test_values_have_their_json_forms(things):
    app = await things(
        one="return {'record': ctx.record, 'params': ctx.params, 'user': ctx.user['email'], 'types': [type(ctx.record[n]).__name__ for n in ('price', 'at', 'big')]}"
    )
    ann = await app.create("people", name="Ann")
    one = await app.create("things", name="a", price=1.25, at=5, big="123", rows=[{"city": "X"}], owner=ann["id"])
    answer = await app.act(f"things/{one['id']}/one", {"n": 3, "d": "1.5", "who": ann["id"]})
    assert answer["record"] == one
    assert answer["params"] == {"n": 3, "d": 1.5, "who": {"id": ann["id"], "label": ann["label"]}}
    assert (answer["user"], answer["types"]) == ("dev@example.com", ["Decimal", "int", "str"])


async def test_nothing_returned_is_the_record_or_nothing(things):
    app = await things()
    one = await app.create("things", name="a")
    assert await app.act(f"things/{one['id']}/one") == one
    assert await app.act(f"things/{one['id']}/many") == {}
    assert await app.act("things/all") == {}


async def test_a_record_is_saved_when_it_is_saved(things):
    app = await things(
        one="ctx.record['size'] = 1\nctx.record['rows'].append({'city': 'Y'})\nif ctx.params['n']:\n    await ctx.save()\n    ctx.record['size'] += 1\n    await ctx.save()\n"
    )
    one = await app.create("things", name="a", rows=[{"city": "X"}])
    assert await app.act(f"things/{one['id']}/one") == one
    answer = await app.act(f"things/{one['id']}/one", {"n": 1})
    assert (answer["size"], [row["city"] for row in answer["rows"]], answer["version"]) == (2, ["X", "Y"], 2)
    assert answer["rows"][0]["id"] == one["rows"][0]["id"]
    assert await app.read("things", one["id"]) == answer


async def test_all_that_data_offers(things):
    app = await things(
        many="""
made = [await ctx.data.create('things', {'name': name, 'size': size}) for name, size in (('x', 1), ('y', 2), ('z', 3))]
found = [one['name'] async for one in ctx.data.find('things', {'size': 'greater(1)'}, sort='-size')]
text = [one['name'] async for one in ctx.data.find('things', 'size=1,2', size=1, sort='name')]
every = [one['name'] async for one in ctx.data.find('things')]
got = await ctx.data.get('things', made[0]['id'])
none = await ctx.data.get('things', '0' * 24)
changed = await ctx.data.update('things', made[0]['id'], {'size': 9}, version=0)
sums = await ctx.data.aggregate('things', [{'group': {'out': 'sum(size)'}}])
gone = await ctx.data.delete('things', made[1]['id'])
left = await ctx.data.count('things')
some = await ctx.data.count('things', {'size': 9})
plus = await ctx.data.action('things', made[2]['id'], 'plus', {'n': 4})
both = await ctx.data.action('things', [made[0]['id'], made[2]['id']], 'plus')
over = await ctx.data.action('things', {'size': 'greater(0)'}, 'plus')
count = await ctx.data.action('things', {'name': 'x'}, 'total', {'n': 5})
return {'found': found, 'text': text, 'every': sorted(every), 'got': got['name'], 'none': none, 'changed': changed['size'],
        'sums': sums[0]['out'], 'gone': gone['name'], 'left': left, 'some': some, 'plus': plus['size'],
        'both': [one['response']['size'] for one in both.values()], 'over': len(over), 'count': count}
"""
    )
    await app.create("things", name="a")
    assert await app.act("things/many?_all=true") == {
        "found": ["z", "y"], "text": ["x"], "every": ["a", "x", "y", "z"], "got": "x", "none": None, "changed": 9,
        "sums": 14, "gone": "y", "left": 3, "some": 1, "plus": 7, "both": [10, 8], "over": 2, "count": 5,
    }  # fmt: skip
    assert sorted((one["name"], one["size"]) for one in await app.all("things")) == [("a", None), ("x", 11), ("z", 9)]


async def test_records_are_those_of_the_selection(things):
    app = await things(many="return [record['name'] async for record in ctx.records()]")
    made = [await app.create("things", name=f"n{number:03}", size=number) for number in range(450)]
    assert await app.act("things/many?_all=true") == [one["name"] for one in made]
    assert await app.act("things/many?size=between(3,5)") == ["n003", "n004", "n005"]
    assert await app.act(f"things/{made[7]['id']},{made[2]['id']}/many") == ["n002", "n007"]
    assert (await app.act(f"things/{made[7]['id']},{'0' * 24}/many", status=404))["code"] == "notFound"


async def test_plain_functions_wait_instead_of_awaiting(things):
    app = await things(
        many="""# plain
made = ctx.data.create('things', {'name': 'new'})
names = [record['name'] for record in ctx.records()]
ctx.job.checkpoint(1)
found = [one['name'] for one in ctx.data.find('things', {'name': 'new'})]
return [names, found, ctx.params['n'], ctx.job.stopping]
""",
        one="# plain\nctx.record['size'] = 4\nctx.save()\nctx.log('INFO', 'saved')\n",
    )
    one = await app.create("things", name="a")
    assert await app.act("things/many?name=a", {"n": 1}) == [["a"], ["new"], 1, False]
    assert (await app.act(f"things/{one['id']}/one"))["size"] == 4


async def test_a_failure_undoes_everything(things):
    app = await things(
        one="await ctx.data.create('things', {'name': 'b'})\nctx.record['size'] = 3\nawait ctx.save()\nctx.fail('no' + 'Way', 'never')\n"
    )
    one = await app.create("things", name="a")
    refused = await app.act(f"things/{one['id']}/one", status=400)
    assert (refused["code"], refused["message"]) == ("noWay", "never")
    assert await app.all("things") == [one]


async def test_a_bug_is_told_to_the_log_only(things, caplog):
    app = await things(one="await ctx.data.create('things', {'name': 'b'})\nsecret = 1 / 0\n")
    one = await app.create("things", name="a")
    with caplog.at_level(logging.ERROR):
        refused = await app.act(f"things/{one['id']}/one", status=500, headers={"x-request-id": "r-1"})
    assert refused == {
        "code": "internalError",
        "message": "The function one failed; the server's log has the details under this request id",
        "requestId": "r-1",
    }
    assert "ZeroDivisionError" in caplog.text
    assert await app.all("things") == [one]


@pytest.mark.parametrize("returned", ["{1, 2}", "object()", "{1: 2}", "[{'x': ctx}]"])
async def test_what_is_no_json_is_an_error_and_nothing_stays(things, returned):
    app = await things(one=f"await ctx.data.create('things', {{'name': 'b'}})\nreturn {returned}\n")
    one = await app.create("things", name="a")
    assert (await app.act(f"things/{one['id']}/one", status=500))["code"] == "internalError"
    assert await app.all("things") == [one]


async def test_refusals_of_data_are_the_answer(things):
    app = await things(one="await ctx.data.create('things', {'size': 'x'})")
    one = await app.create("things", name="a")
    refused = await app.act(f"things/{one['id']}/one", status=400)
    assert [(error["field"], error["code"]) for error in refused["errors"]] == [
        ("name", "required"),
        ("size", "invalid"),
    ]


async def test_a_refusal_by_the_database_cannot_be_swallowed(things):
    app = await things(
        one="try:\n    await ctx.data.create('things', {'name': 'a'})\nexcept Exception:\n    pass\nawait ctx.data.create('things', {'name': 'b'})\n"
    )
    one = await app.create("things", name="a")
    refused = await app.act(f"things/{one['id']}/one", status=400)
    assert refused["errors"][0]["code"] == "notUnique"
    assert await app.all("things") == [one]


async def test_a_refusal_before_anything_was_written_may_be_caught(things):
    app = await things(
        one="try:\n    await ctx.data.create('things', {'size': 'x'})\nexcept Exception:\n    pass\nreturn 'caught'\n"
    )
    one = await app.create("things", name="a")
    assert await app.act(f"things/{one['id']}/one") == "caught"


async def test_half_of_what_was_refused_never_stays(things):
    app = await things(
        one="try:\n    await ctx.data.action('things', {'size': 'greater(0)'}, 'half')\nexcept Exception:\n    pass\nreturn 'caught'\n"
    )
    one = await app.create("things", name="a", size=1)
    refused = await app.act(f"things/{one['id']}/one", status=400)
    assert refused["code"] == "half"
    assert await app.all("people") == []


async def test_too_slow_is_told_and_undone(things):
    app = await things(
        one="import asyncio\nawait ctx.data.create('things', {'name': 'b'})\nawait asyncio.sleep(5)\n", seconds=0.3
    )
    one = await app.create("things", name="a")
    refused = await app.act(f"things/{one['id']}/one", status=400)
    assert refused["message"] == "This takes longer than the 0.3 seconds that are waited for it; add _async=true"
    assert await app.all("things") == [one]


async def test_concurrent_functions_lose_nothing(things):
    app = await things(one="ctx.record['size'] = (ctx.record['size'] or 0) + 1\nawait ctx.save()\n")
    one = await app.create("things", name="a")
    await asyncio.gather(*(app.act(f"things/{one['id']}/one") for _ in range(8)))
    assert (await app.read("things", one["id"]))["size"] == 8


async def test_concurrent_steps_lose_nothing(things):
    app = await things()
    one = await app.create("things", name="a")
    await asyncio.gather(*(app.act(f"things/{one['id']}/plus") for _ in range(12)))
    assert (await app.read("things", one["id"]))["size"] == 12


SLOW = """
import asyncio
start = ctx.job.state or 0
for number in range(start, 6):
    await ctx.data.create('people', {'name': f'p{number}'})
    ctx.job.progress(number + 1, 6)
    ctx.log('INFO', f'did {number}')
    await ctx.job.checkpoint(number + 1)
    if ctx.job.stopping:
        return
    await asyncio.sleep(0.1)
return {'from': start}
"""


async def test_a_job_stops_and_goes_on_from_its_checkpoint(things):
    app = await things(many=SLOW)
    await app.create("things", name="a")
    reference = await app.act("things/many?_all=true&_async=true")
    path = f"/status/jobs/{reference['jobId']}"
    async with app.worker():
        while len(await app.all("people")) < 2:  # noqa: ASYNC110 - the job has no other way to tell
            await asyncio.sleep(0.02)
        await app.ask("PUT", f"{path}/stop")
        job = await app.finished(reference)
        assert job["status"] == "STOPPED"
        done = len(await app.all("people"))
        assert 2 <= done < 6
        await app.ask("PUT", f"{path}/resume")
        job = await app.finished(reference)
    assert (job["status"], job["results"]) == ("FINISHED", {"status": "ok", "response": {"from": done}})
    assert (job["recordsProcessed"], job["recordsCount"]) == (6, 6)
    assert sorted(one["name"] for one in await app.all("people")) == [f"p{number}" for number in range(6)]
    lines = [line["message"] for line in (await app.ask("GET", f"{path}/logs"))["items"]]
    assert [line for line in lines if line.startswith("did")] == [f"did {number}" for number in range(6)]


async def test_a_job_over_many_records_counts_them(things):
    app = await things(many="return len([record async for record in ctx.records()])")
    made = [await app.create("things", name=f"n{size}", size=size) for size in range(5)]
    async with app.worker():
        for target, count in (("?size=greater(1)", 3), (f"{made[0]['id']},{made[1]['id']}", 2)):
            path = f"things/many{target}&" if target.startswith("?") else f"things/{target}/many?"
            job = await app.finished(await app.act(f"{path}_async=true"))
            assert (job["recordsCount"], job["recordsProcessed"], job["results"]["response"]) == (count,) * 3
        job = await app.finished(await app.act("things/all?_async=true"))
        assert (job["recordsCount"], job["recordsProcessed"]) == (0, 0)


async def test_a_failing_function_ends_its_job_at_once(things):
    app = await things(many="ctx.fail('noWay', 'never')", one="1 / 0")
    one = await app.create("things", name="a")
    async with app.worker():
        job = await app.finished(await app.act("things/many?_all=true&_async=true"))
        assert (job["hasErrors"], job["results"]) == (True, {"status": "error", "errorMessage": "never"})
        job = await app.finished(await app.act(f"things/{one['id']}/one?_async=true"))
        assert job["hasErrors"]
        assert job["results"][one["id"]]["errorMessage"].startswith("The function one failed")


async def test_an_interrupted_job_acts_once_on_each_record(things):
    app = await things()
    made = [await app.create("things", name=f"n{number}") for number in range(60)]
    reference = await app.act("things/plus?_all=true&_async=true")
    runs, seconds = 0, 0.03
    while (await app.ask("GET", f"/status/jobs/{reference['jobId']}"))["status"] != "FINISHED":
        async with app.worker():
            await asyncio.sleep(seconds)
        runs, seconds = runs + 1, seconds * 1.5
        assert runs < 30
    job = await app.ask("GET", f"/status/jobs/{reference['jobId']}")
    assert job["results"] == {one["id"]: {"status": "ok"} for one in made}
    assert {one["size"] for one in await app.all("things", _size=100)} == {1}
    assert runs > 1


def test_a_file_that_cannot_be_run_is_told_at_the_start():
    text = "import nothing_of_this_name\n\nasync def one(ctx):\n    pass\n"
    app = compile_app(Sources(".", files_of({"people": PEOPLE}, text))).app
    with pytest.raises(BadHooks, match=r"hooks\.py cannot be run: ModuleNotFoundError"):
        load_hooks(app)
