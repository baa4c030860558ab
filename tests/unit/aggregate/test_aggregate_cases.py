"""Every case of tests/cases/aggregate: a pipeline, and what is sent to MongoDB or the message of the refusal.

`as` names the caller's group, a developer without it; `items`, where they are written, are held to a real database.
"""

import re
from operator import itemgetter

import pytest

from engine.aggregate import ACCUMULATORS, STAGES
from engine.errors import BadRequest, Forbidden
from tests.cases.reading import read_named_cases
from tests.every import every
from tests.unit.aggregate.aggregate_samples import sent

CASES = [case for cases in read_named_cases("aggregate").values() for case in cases]


@every("case", CASES, ids=itemgetter("name"))
def test_case(case):
    asked = (case["pipeline"], case.get("of", "companies"), case.get("as"))
    if "forbidden" in case:
        with pytest.raises(Forbidden) as caught:
            sent(*asked)
        assert caught.value.message == case["forbidden"]
    elif "refused" in case:
        with pytest.raises(BadRequest) as caught:
            sent(*asked)
        assert caught.value.message == case["refused"]
    elif "mongo" in case:
        assert sent(*asked) == case["mongo"]
    else:
        assert "items" in case
        sent(*asked)


def test_every_stage_and_accumulator_has_a_case_that_runs():
    text = "".join(str(case["pipeline"]) for case in CASES if "items" in case)
    assert {name for name in STAGES if f"'{name}'" in text} == STAGES.keys()
    assert set(re.findall(r"'(\w+)\(", text)) & ACCUMULATORS.keys() == ACCUMULATORS.keys()
