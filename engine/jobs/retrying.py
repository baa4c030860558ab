"""When a job that failed is tried again: in go the count of its failures, out comes a pause in ms, or the end."""

from __future__ import annotations

MOST_FAILURES = 5
"""How often in a row a job may fail without having got any further; then it has failed for good."""

FIRST_PAUSE, LONGEST_PAUSE = 1_000, 60_000


def pause_before_retry(failures: int, spread: float, first: int = FIRST_PAUSE) -> int | None:
    """The pause after the n-th failure in a row, doubled each time; None: it is not tried again.

    `spread`, from 0 to 1, is drawn by lot, so that jobs that failed together are not tried together: the pause is
    between half of its full length and all of it.
    """
    if failures >= MOST_FAILURES:
        return None
    full = min(LONGEST_PAUSE, first * 2 ** (failures - 1))
    return int(full * (0.5 + spread / 2))


__all__ = ["FIRST_PAUSE", "LONGEST_PAUSE", "MOST_FAILURES", "pause_before_retry"]
