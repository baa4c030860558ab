"""Every case of tests/cases/query: a query string, and what is sent to MongoDB or the message of the refusal.

A case without `filter` selects everything. `count_filter` is named where it differs from the filter.
"""

from pathlib import Path
from urllib.parse import parse_qsl

import pytest
import yaml

from engine.errors import BadRequest
from engine.query import parse_query, plan_list, to_find
from tests.unit.query.query_samples import CLOCK, EVERYTHING, THINGS, as_json

FOLDER = Path(__file__).parents[2] / "cases" / "query"
CASES = [
    pytest.param(case, id=f"{file.stem}:{case['query'][:60]}")
    for file in sorted(FOLDER.glob("*.yaml"))
    for case in yaml.safe_load(file.read_text("utf-8"))
]


def find(query):
    pairs = parse_qsl(query, keep_blank_values=True)
    return to_find(plan_list(THINGS, parse_query(pairs), EVERYTHING, CLOCK))


@pytest.mark.parametrize("case", CASES)
def test_case(case):
    if "refused" in case:
        with pytest.raises(BadRequest) as caught:
            find(case["query"])
        assert caught.value.message == case["refused"]
        return
    found = find(case["query"])
    assert as_json(found.filter) == case.get("filter", {})
    assert next(iter(found.filter), "_id") == "_id" or "_id" not in found.filter
    assert as_json(found.count_filter) == case.get("count_filter", case.get("filter", {}))
    assert found.skip == case.get("skip", 0)
    assert found.limit == case.get("limit", 20)
    assert (found.projection and sorted(found.projection)) == case.get("projection")
    if "sort" in case:
        assert as_json(found.sort) == case["sort"]
    near = found.geo and [found.geo.path, *found.geo.point["coordinates"]]
    assert near == case.get("near")


def test_there_are_cases_of_every_kind():
    assert {file.stem for file in FOLDER.glob("*.yaml")} >= {
        "equality", "emptiness", "order", "like", "references", "groups", "times", "places", "expressions", "lists",
        "refusals",
    }  # fmt: skip
    assert len(CASES) >= 250
