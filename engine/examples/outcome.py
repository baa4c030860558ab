"""What became of examples: each with its failures and their places, and the rules of groups that none has exercised."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import Position
from engine.permissions.coverage import Uncovered


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that is not as an example says. `expected` and `found` are texts where both can be shown."""

    at: Position
    message: str
    expected: str | None = None
    found: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One example; it passed where there is no failure."""

    name: str
    at: Position
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class Tried:
    """All examples of one app, which lies at `root`. `rules` counts the rules that groups have on records."""

    root: str
    outcomes: tuple[Outcome, ...]
    rules: int = 0
    uncovered: tuple[Uncovered, ...] = ()

    @property
    def failed(self) -> int:
        """How many examples failed."""
        return sum(bool(one.failures) for one in self.outcomes)


__all__ = ["Failure", "Outcome", "Tried"]
