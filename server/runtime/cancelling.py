"""Cancellation that gets through.

asyncio.wait_for of Python 3.11, on which the database driver relies, forgets a cancellation that arrives together with
the answer waited for. The task still counts it, so that loops can ask, and whoever cancelled can do it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable


def check_cancelled() -> None:
    """Raises CancelledError in a task that was cancelled and has not noticed."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def end_tasks(tasks: Iterable[asyncio.Task[None]], patience: float) -> None:
    """Cancels tasks, again if they go on for `patience` seconds, until all have ended."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=patience)


__all__ = ["check_cancelled", "end_tasks"]
