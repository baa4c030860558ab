"""Every case of tests/cases/aggregate that shows items: what a running app answers from the embedded database."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from server.http.responses import encode_json
from server.runtime.aggregates import aggregate_records
from server.runtime.lists import list_records
from server.runtime.running import SYSTEM, Caller, RunningApp
from server.store import EmbeddedDatabase, open_store
from tests.unit.aggregate.aggregate_samples import APP, COMPANIES, NOW, PEOPLE, documents

FOLDER = Path(__file__).parents[2] / "cases" / "aggregate"
CASES = [
    (f"{file.stem}: {case['name']}", case)
    for file in sorted(FOLDER.glob("*.yaml"))
    for case in yaml.safe_load(file.read_text("utf-8"))
    if "items" in case
]


async def answers(folder):
    """The items of all cases, by the case's name."""
    found = {}
    async with EmbeddedDatabase(folder) as database:
        store = await open_store(database.uri, "shop")
        for plan in APP.indexes:
            await store.create_index(plan.collection, plan.name, plan.keys, {})
        await store.insert_many("companies", documents("companies", COMPANIES))
        await store.insert_many("people", documents("people", PEOPLE))
        running = RunningApp(APP, store, clock=lambda: NOW)
        for name, case in CASES:
            caller = Caller(groups=(case["as"],)) if "as" in case else SYSTEM
            page = await aggregate_records(running, caller, case.get("of", "companies"), case["pipeline"])
            found[name] = json.loads(encode_json(page), parse_float=Decimal)
        for group in GROUPS:
            caller = Caller(groups=(group,)) if group else SYSTEM
            listed = await list_records(running, caller, "companies", [("state", "active,closed")])
            page = await aggregate_records(running, caller, "companies", LIKE_A_LIST)
            found[group] = [json.loads(encode_json(one["items"])) for one in (listed, page)]
        await store.close()
    return found


GROUPS = (None, "sales", "desk")
LIKE_A_LIST = [{"match": {"state": "active,closed"}}, {"sort": {"id": "desc"}}]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return asyncio.run(answers(tmp_path_factory.mktemp("embedded")))


@pytest.mark.parametrize(("name", "case"), CASES, ids=[name for name, _ in CASES])
def test_case(name, case, found):
    expected = exact(case["items"])
    assert found[name] == {"total": len(expected), "items": expected}


def exact(value):
    """Written floats as the decimals that they stand for."""
    if isinstance(value, dict):
        return {key: exact(one) for key, one in value.items()}
    if isinstance(value, list):
        return [exact(one) for one in value]
    return Decimal(repr(value)) if isinstance(value, float) else value


@pytest.mark.parametrize("group", GROUPS)
def test_records_are_shown_as_in_a_list(group, found):
    listed, aggregated = found[group]
    assert aggregated == listed
    assert len(listed) == {None: 3, "sales": 2, "desk": 3}[group]
    assert ("salary" in listed[0]) == (group != "sales")
    assert [("price" in item) for item in listed if item["name"] == "Cat"] == {"sales": [], "desk": [False]}.get(
        group, [True]
    )


def test_there_are_cases():
    assert len(CASES) >= 50
