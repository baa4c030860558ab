"""How many jobs may wait: in goes who wants to add one, out comes whether there is room for it.

What is known of a turn (one user's jobs in one lane of a queue) is asked for once a second at most, so that the bound
costs a request nothing. It is a bound on how much piles up, not an exact count: what comes in during that second may go
beyond it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

REMEMBERED = 1_000
"""Milliseconds for which an answer is believed."""
MOST_TURNS = 1_000
"""Answers that are kept; then all are forgotten."""


@dataclass
class WaitingRoom:
    """What one process knows of the jobs that wait; `most` of one turn may."""

    most: int = 10_000
    _answers: dict[str, tuple[int, bool]] = field(default_factory=dict)

    async def is_full(self, turn: str, now: int, ask: Callable[[], Awaitable[bool]]) -> bool:
        """Whether no more jobs of the turn may wait; `now` is in ms, `ask` finds it out."""
        asked, full = self._answers.get(turn, (now - REMEMBERED, False))
        if now - asked >= REMEMBERED:
            full = await ask()
            if len(self._answers) >= MOST_TURNS:
                self._answers.clear()
            self._answers[turn] = now, full
        return full


__all__ = ["WaitingRoom"]
