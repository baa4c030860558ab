"""The page about aggregation says what the code does: its tables name all there is, its examples are taken as they are."""

import json
import re
from pathlib import Path

import pytest

from engine.aggregate import ACCUMULATORS, MOST_ITEMS, MOST_STAGES, STAGES, parse_pipeline, plan_aggregate, to_pipeline
from engine.compiler import compile_app
from engine.definitions import read_sources
from engine.permissions import FULL_ACCESS
from engine.query import Clock

FOLDER = Path(__file__).parents[2] / "app_definitions"
PAGE = (FOLDER / "AGGREGATION.md").read_text()
EXAMPLES = re.findall(r"```\nPUT /api/data/(\w+)/aggregate\n(.*?)\n(?:\n|```)", PAGE, re.DOTALL)


def rows(title):
    """The cells of the table below a title."""
    lines = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]


def test_every_stage_has_its_row():
    assert [row[:2] for row in rows("Stages")] == [[f"`{stage.name}`", stage.meaning] for stage in STAGES.values()]


def test_every_accumulator_has_its_row():
    written = [[f"`{one.name}({'field' if one.capability else ''})`", one.meaning] for one in ACCUMULATORS.values()]
    assert rows("Accumulators") == written


def test_limits_are_those_of_the_code():
    assert f"at most {MOST_STAGES} stages" in PAGE
    assert f"at most {MOST_ITEMS:,}" in PAGE


def test_there_are_examples():
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize(("entity", "body"), EXAMPLES)
def test_examples_are_taken_by_the_sample_app(entity, body):
    app = compile_app(read_sources(FOLDER / "crm"))
    compiled = app.entities[entity].entity
    plan = plan_aggregate(app.app, compiled, parse_pipeline(json.loads(body)), lambda name: FULL_ACCESS, Clock(0))
    assert len(to_pipeline(plan)) > 1
