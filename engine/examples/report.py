"""Outcomes of examples as text for machines: JSON, and the workflow commands of GitHub."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePath

from engine.definitions.report import github_line
from engine.errors import Position
from engine.examples.outcome import Failure, Outcome, Tried
from engine.permissions.coverage import Uncovered

PASSED, FAILED, CANNOT_RUN = 0, 1, 2


def exit_code(tried: Sequence[Tried], *, require_coverage: bool = False) -> int:
    """0 where all examples passed, else 1; with `require_coverage` also where a rule was not exercised."""
    faulty = any(one.failed or (require_coverage and one.uncovered) for one in tried)
    return FAILED if faulty else PASSED


def placed(root: str, at: Position) -> Position:
    """A place inside an app as a place below the working folder."""
    return replace(at, file=(PurePath(root) / at.file).as_posix())


def describe_uncovered(rule: Uncovered) -> str:
    """In words what an example does not show of a rule."""
    return f"no example sees {rule.key} of {rule.entity} {' and '.join(rule.missing)}"


def render_json(tried: Sequence[Tried]) -> str:
    """`{examples, passed, failed, rules, uncovered}`."""
    examples = [_example(one, outcome) for one in tried for outcome in one.outcomes]
    failed = sum(one.failed for one in tried)
    uncovered = [
        {
            **_place(one, rule.at),
            "group": rule.group,
            "entity": rule.entity,
            "rule": rule.key,
            "missing": list(rule.missing),
        }
        for one in tried
        for rule in one.uncovered
    ]
    result = {
        "examples": examples,
        "passed": len(examples) - failed,
        "failed": failed,
        "rules": sum(one.rules for one in tried),
        "uncovered": uncovered,
    }
    return json.dumps(result, indent=2, ensure_ascii=False)


def _example(tried: Tried, outcome: Outcome) -> dict[str, object]:
    failures = [
        {**_place(tried, one.at), "message": one.message, "expected": one.expected, "found": one.found}
        for one in outcome.failures
    ]
    return {"name": outcome.name, **_place(tried, outcome.at), "passed": not failures, "failures": failures}


def _place(tried: Tried, at: Position) -> dict[str, object]:
    where = placed(tried.root, at)
    return {"file": where.file, "line": where.line, "column": where.column}


def render_github(tried: Sequence[Tried], *, require_coverage: bool = False) -> str:
    """An error beside each line that is not as it says, a warning beside each rule that was not exercised."""
    return "\n".join(line for one in tried for line in _github(one, "error" if require_coverage else "warning"))


def _github(tried: Tried, severity: str) -> Iterator[str]:
    for outcome in tried.outcomes:
        for failure in outcome.failures:
            yield github_line("error", placed(tried.root, failure.at), outcome.name, _sentence(failure))
    for rule in tried.uncovered:
        yield github_line(severity, placed(tried.root, rule.at), "Rule without an example", describe_uncovered(rule))


def _sentence(failure: Failure) -> str:
    if failure.expected is None or failure.found is None:
        return failure.message
    return f"{failure.message}: expected {failure.expected}, found {failure.found}"


__all__ = ["CANNOT_RUN", "describe_uncovered", "exit_code", "placed", "render_github", "render_json"]
