"""Examples of permissions: in go a compiled app and what its groups should be able to do, out comes what they are."""

from __future__ import annotations

from collections.abc import Iterator

from engine.compiler import CompiledApp
from engine.definitions.examples import Expectation, PermissionExample
from engine.examples.cases import build_case
from engine.examples.outcome import Failure, Outcome
from engine.examples.words import describe_rule
from engine.permissions import Case, Verdict
from engine.permissions.coverage import Coverage
from engine.permissions.explain import FIELD, Explanation


class Trials:
    """Tries examples of one app one after the other, and counts which rules they exercise."""

    def __init__(self, compiled: CompiledApp, now: int) -> None:
        self.coverage = Coverage(compiled.app)
        self._compiled = compiled
        self._explainer = compiled.explainer
        self._now = now

    def run(self, example: PermissionExample) -> Outcome:
        """Looks at everything that the example expects."""
        values = {"record": example.record, "becomes": example.becomes}
        case = build_case(self._compiled, example.entity, self._now, user=example.user or {}, **values)
        failures = [found for one in example.expectations for found in self._look(example, one, case)]
        name = example.name or f"{' and '.join(example.groups)} on {example.entity}"
        return Outcome(name, example.at, tuple(failures))

    def _look(self, example: PermissionExample, expected: Expectation, case: Case) -> Iterator[Failure]:
        if expected.operation.startswith(FIELD):
            yield from self._look_at_field(example, expected, case)
            return
        found = self._explainer.explain(example.groups, example.entity, expected.operation, case)
        self.coverage.note(found)
        wanted = Verdict.ALLOWED if expected.expected else Verdict.DENIED
        if found.verdict is not wanted:
            yield _failure(expected, wanted, found.verdict, found)

    def _look_at_field(self, example: PermissionExample, expected: Expectation, case: Case) -> Iterator[Failure]:
        path = expected.operation.removeprefix(FIELD)
        found = self._explainer.explain_field(example.groups, example.entity, path, case)
        self.coverage.note(found.read)
        if expected.expected != "none":
            self.coverage.note(found.write)
        if found.right != expected.expected:
            side = found.read if "none" in (found.right, expected.expected) else found.write
            yield _failure(expected, str(expected.expected), found.right, side)


def _failure(expected: Expectation, wanted: str, found: str, explained: Explanation) -> Failure:
    rules = "; ".join(f"{rule.at} {describe_rule(rule)}" for rule in explained.decided_by)
    message = f"{expected.operation} is {found} by {rules}"
    if found == Verdict.DEPENDS:
        message = f"{expected.operation} depends on values of the record or the user: give what {rules} asks for"
    return Failure(expected.at, message, wanted, found)


__all__ = ["Trials"]
