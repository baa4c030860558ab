"""Every case of tests/cases/aggregate: a pipeline, and what is sent to MongoDB or the message of the refusal.

`as` names the caller's group, a developer without it; `items`, where they are written, are held to a real database.
"""

import re
from pathlib import Path

import pytest
import yaml

from engine.aggregate import ACCUMULATORS, STAGES
from engine.errors import BadRequest, Forbidden
from tests.unit.aggregate.aggregate_samples import sent

FOLDER = Path(__file__).parents[2] / "cases" / "aggregate"
CASES = [
    pytest.param(case, id=f"{file.stem}: {case['name']}")
    for file in sorted(FOLDER.glob("*.yaml"))
    for case in yaml.safe_load(file.read_text("utf-8"))
]


@pytest.mark.parametrize("case", CASES)
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
    text = "".join(str(case.values[0]["pipeline"]) for case in CASES if "items" in case.values[0])
    assert {name for name in STAGES if f"'{name}'" in text} == STAGES.keys()
    assert set(re.findall(r"'(\w+)\(", text)) & ACCUMULATORS.keys() == ACCUMULATORS.keys()
