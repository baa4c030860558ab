"""What became of examples, for machines: exit codes, JSON and GitHub's annotations."""

import json

from engine.errors import Position
from engine.examples.outcome import Failure, Outcome, Tried
from engine.examples.report import FAILED, PASSED, describe_uncovered, exit_code, render_github, render_json
from engine.permissions.coverage import Uncovered
from tests.every import every

HERE = Position("tests/rights.yaml", 6, 30)
GOOD = Outcome("reads", Position("tests/rights.yaml", 2, 5))
BAD = Outcome("writes", HERE, (Failure(HERE, "status", "200", "403"), Failure(HERE, "no such record")))
RULE = Uncovered("sales", "companies", "delete", Position("groups/sales.yaml", 8, 5), ("allow", "refuse"))


def tried(*outcomes, uncovered=()):
    return Tried("shop", outcomes, rules=4, uncovered=uncovered)


@every(
    ("found", "required", "code"),
    [
        ([], False, PASSED),
        ([tried(GOOD)], True, PASSED),
        ([tried(GOOD), tried(BAD)], False, FAILED),
        ([tried(GOOD, uncovered=(RULE,))], False, PASSED),
        ([tried(GOOD, uncovered=(RULE,))], True, FAILED),
    ],
)
def test_failures_count_and_rules_without_examples_where_they_are_required(found, required, code):
    assert exit_code(found, require_coverage=required) == code


def test_json_tells_every_example_and_every_rule_that_none_shows():
    place = {"file": "shop/tests/rights.yaml", "line": 6, "column": 30}
    assert json.loads(render_json([tried(GOOD, BAD, uncovered=(RULE,)), tried()])) == {
        "examples": [
            {"name": "reads", **place, "line": 2, "column": 5, "passed": True, "failures": []},
            {
                "name": "writes",
                **place,
                "passed": False,
                "failures": [
                    {**place, "message": "status", "expected": "200", "found": "403"},
                    {**place, "message": "no such record", "expected": None, "found": None},
                ],
            },
        ],
        "passed": 1,
        "failed": 1,
        "rules": 8,
        "uncovered": [
            {
                "file": "shop/groups/sales.yaml",
                "line": 8,
                "column": 5,
                "group": "sales",
                "entity": "companies",
                "rule": "delete",
                "missing": ["allow", "refuse"],
            }
        ],
    }


def test_github_is_told_beside_the_lines():
    found = [tried(GOOD, BAD, uncovered=(RULE,))]
    place = "file=shop/tests/rights.yaml,line=6,col=30,title=writes"
    assert describe_uncovered(RULE) == "no example sees delete of companies allow and refuse"
    rule = f"file=shop/groups/sales.yaml,line=8,col=5,title=Rule without an example::{describe_uncovered(RULE)}"
    assert render_github(found).split("\n") == [
        f"::error {place}::status: expected 200, found 403",
        f"::error {place}::no such record",
        f"::warning {rule}",
    ]
    assert render_github(found, require_coverage=True).endswith(f"\n::error {rule}")
    assert render_github([]) == ""
