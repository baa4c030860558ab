"""Work on values that may be large: in go a function and what it works on, out comes its result.

What would hold the loop up goes to a thread, where all other requests run beside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

T = TypeVar("T")

MOST_WEIGHT = 32 * 1024
"""From what weight on values are large: about 1,000 numbers, or one text of 32,000 characters."""
WEIGHT_OF_A_VALUE = 32
"""What each value weighs, besides the characters of a text: about what they take to read, check and write."""

_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="large")
"""Few, as they share one interpreter with the loop."""


async def work_on(work: Callable[[], T], *values: Any) -> T:
    """What `work` gives, which waits for nothing: done in a thread where the values that it is about are large."""
    if is_large(*values):
        return await in_thread(work)
    return work()


async def in_thread(work: Callable[[], T]) -> T:
    """What `work` gives, done in a thread for large values."""
    return await asyncio.get_running_loop().run_in_executor(_threads, copy_context().run, work)


def is_large(*values: Any) -> bool:
    """Whether JSON data or documents are large together; looks no further than it must to know."""
    characters = 0
    waiting = list(values)
    for value in waiting:
        kind = type(value)
        if kind is str:
            characters += len(value)
        elif kind is dict or kind is list:
            waiting.extend(value if kind is list else value.values())
            if len(waiting) * WEIGHT_OF_A_VALUE > MOST_WEIGHT:
                return True
    return characters + len(waiting) * WEIGHT_OF_A_VALUE > MOST_WEIGHT


__all__ = ["MOST_WEIGHT", "in_thread", "is_large", "work_on"]
