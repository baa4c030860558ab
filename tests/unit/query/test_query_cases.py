"""Every case of tests/cases/query: a query string, and what is sent to MongoDB or the message of the refusal.

A case without `filter` selects everything. `count_filter` is named where it differs from the filter.
"""

from operator import itemgetter
from urllib.parse import parse_qsl

import pytest

from engine.errors import BadRequest
from engine.query import parse_query, plan_list, to_find
from tests.cases.reading import read_named_cases
from tests.every import every
from tests.unit.query.query_samples import CLOCK, EVERYTHING, THINGS, as_json

FILES = read_named_cases("query")
CASES = [case for cases in FILES.values() for case in cases]


def find(query):
    pairs = parse_qsl(query, keep_blank_values=True)
    return to_find(plan_list(THINGS, parse_query(pairs), EVERYTHING, CLOCK))


@every("case", CASES, ids=itemgetter("query"))
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
    assert FILES.keys() >= {
        "equality", "emptiness", "order", "like", "references", "groups", "times", "places", "expressions", "lists",
        "refusals",
    }  # fmt: skip
    assert len(CASES) >= 250
