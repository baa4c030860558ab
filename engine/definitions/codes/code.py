"""What one kind of problem is: its code, its meaning, and two files that show it wrong and right."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import Diagnostic, Position, Severity

ENTITY = "entities/companies.yaml"
GROUP = "groups/sales.yaml"
APP = "app.yaml"
EXAMPLES = "tests/people.yaml"


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of problem. The documentation of problems is made of these.

    `wrong` is the whole text of a `file` that has the problem, `right` of one that means the same without it. Where
    `file` is empty no text can show it, and both are words.
    """

    code: str
    title: str
    explanation: str
    wrong: str
    right: str
    file: str = ENTITY
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class CodeGroup:
    """Codes about one subject; they begin with the same letter."""

    title: str
    codes: tuple[Code, ...]


def problem(code: Code, at: Position, message: str, hint: str | None = None) -> Diagnostic:
    """A Diagnostic of that kind; its path inside the file is filled in when all problems are gathered."""
    return Diagnostic(code.code, message, at, hint, severity=code.severity)
