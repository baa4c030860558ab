"""Every form in which actions are asked for and answer."""

from pathlib import Path

import pytest

CRM = Path(__file__).parents[3] / "app_definitions" / "crm"
COMPANIES = (CRM / "entities" / "companies.yaml").read_text()
HOOKS = (CRM / "hooks.py").read_text()
MISSING = "5" * 24


@pytest.fixture
async def crm(stage):
    return await stage({"companies": COMPANIES}, HOOKS)


async def two(crm):
    return [
        await crm.create("companies", name=name, numberOfEmployees=count) for name, count in (("a", 95), ("b", 534))
    ]


async def test_one_record_without_a_response_is_answered_as_it_is_then(crm):
    a, _ = await two(crm)
    answer = await crm.act(f"companies/{a['id']}/logSomething", {"param1": "x", "param2": "y"})
    assert answer == {**a, "version": 1, "notes": "x y", "lastUpdate": answer["lastUpdate"]}
    assert await crm.read("companies", a["id"]) == answer


async def test_a_custom_response_is_the_answer_itself(crm):
    a, b = await two(crm)
    assert await crm.act(f"companies/{a['id']}/customResponse") == "This is a custom response"
    both = await crm.act(f"companies/{a['id']},{b['id']}/customResponse")
    assert both == {one["id"]: {"status": "ok", "response": "This is a custom response"} for one in (a, b)}
    twice = await crm.act(f"companies/{a['id']},{a['id']}/customResponse")
    assert twice == {a["id"]: {"status": "ok", "response": "This is a custom response"}}


async def test_many_records_answer_once(crm):
    a, b = await two(crm)
    assert await crm.act(f"companies/{a['id']}/countEmployees") == {"numberOfEmployees": 95}
    assert await crm.act(f"companies/{a['id']},{b['id']}/countEmployees") == {"numberOfEmployees": 629}
    assert await crm.act(f"companies/countEmployees?id={a['id']},{b['id']}") == {"numberOfEmployees": 629}
    assert await crm.act("companies/countEmployees?_all=true") == {"numberOfEmployees": 629}


async def test_a_query_answers_for_each_record(crm):
    a, b = await two(crm)
    answer = await crm.act(f"companies/logSomething?id={a['id']},{b['id']}", {"param1": "x"})
    assert {
        key: (one["status"], one["response"]["notes"], one["response"]["version"]) for key, one in answer.items()
    } == {
        a["id"]: ("ok", "x ", 1),
        b["id"]: ("ok", "x ", 1),
    }


async def test_what_went_wrong_stands_under_the_record(crm):
    a, b = await two(crm)
    await crm.act(f"companies/{b['id']}/activate")
    answer = await crm.act(f"companies/{a['id']},{b['id']},{MISSING},nothing,{a['id']}/activate")
    assert list(answer) == [a["id"], b["id"], MISSING, "nothing"]
    assert answer[a["id"]]["response"]["state"] == "active"
    assert answer[b["id"]] == {
        "status": "error",
        "errorMessage": "Activate cannot be done: its precondition does not hold for this record",
    }
    assert answer[MISSING]["status"] == answer["nothing"]["status"] == "error"


async def test_refusals_of_one_record(crm):
    a, _ = await two(crm)
    await crm.act(f"companies/{a['id']}/activate")
    refused = await crm.act(f"companies/{a['id']}/activate", status=400)
    assert refused["code"] == "badRequest"
    assert (await crm.act(f"companies/{MISSING}/activate", status=404))["code"] == "notFound"
    assert (await crm.act(f"companies/{a['id']}/deactivate", status=404))["code"] == "notFound"
    assert (await crm.act(f"companies/{a['id']}/__init__", status=404))["code"] == "notFound"
    assert (await crm.act(f"nothing/{a['id']}/activate", status=404))["code"] == "notFound"
    wrong = await crm.act(f"companies/{a['id']}/logSomething", {"param2": 5, "else": 1}, status=400)
    assert [(one["field"], one["code"]) for one in wrong["errors"]] == [
        ("param1", "required"),
        ("param2", "invalid"),
        ("else", "invalidStructure"),
    ]
    assert (await crm.read("companies", a["id"]))["version"] == 1


async def test_wrong_parameters_refuse_the_whole_request(crm):
    a, b = await two(crm)
    assert (await crm.act(f"companies/{a['id']},{b['id']}/logSomething", {}, status=400))["code"] == "validationErrors"


async def test_a_query_needs_a_filter_or_says_that_it_means_all(crm):
    await two(crm)
    refused = await crm.act("companies/activate", status=400)
    assert "_all=true" in refused["message"]
    assert len(await crm.act("companies/activate?_all=true")) == 2


async def test_other_methods_are_refused_by_name(crm):
    a, _ = await two(crm)
    async with crm.client() as client:
        answer = await client.get(f"/data/companies/{a['id']}/activate")
        assert (answer.status_code, answer.headers["allow"]) == (405, "PUT")
        answer = await client.delete("/data/companies/activate")
        assert (answer.status_code, answer.headers["allow"]) == (405, "PUT")


async def test_a_single_record_that_is_not_there_starts_no_job(crm):
    for action in ("logSomething", "countEmployees"):
        refused = await crm.act(f"companies/{MISSING}/{action}?_async=true", {}, status=404)
        assert refused["code"] == "notFound"
    assert (await crm.ask("GET", "/status/jobs"))["total"] == 0


async def test_in_the_background(crm):
    a, b = await two(crm)
    async with crm.worker():
        job = await crm.finished(
            await crm.act(f"companies/{a['id']},{MISSING}/logSomething?_async=true", {"param1": "x"})
        )
        assert (job["type"], job["data"]) == (
            "EXECUTE_ACTION",
            {"entityName": "companies", "actionName": "logSomething"},
        )
        assert job["results"][a["id"]] == {"status": "ok"}
        assert job["results"][MISSING]["status"] == "error"
        assert job["hasErrors"]
        assert job["recordsProcessed"] == 2
        job = await crm.finished(await crm.act("companies/customResponse?_all=true&_async=true"))
        assert job["results"] == {
            one["id"]: {"status": "ok", "response": "This is a custom response"} for one in (a, b)
        }
        job = await crm.finished(await crm.act("companies/countEmployees?_all=true&_async=true"))
        assert job["results"] == {"status": "ok", "response": {"numberOfEmployees": 629}}
    assert (await crm.read("companies", a["id"]))["notes"] == "x "


async def test_a_global_action_of_one_record_is_told_from_one_that_is_not_there(stage):
    shop = await stage({"lamps": "fields: {n: {type: integer}}\nactions: {tell: {type: global, respond: 1 + 1}}\n"})
    assert await shop.act("lamps/tell") == 2
    lamp = await shop.create("lamps", n=1)
    refused = await shop.act(f"lamps/{lamp['id']}/tell", status=404)
    assert refused["message"] == "lamps has no action named tell for one record; leave out the id"
    assert (await shop.act(f"lamps/{lamp['id']}/told", status=404))["message"] == "lamps has no action named told"
