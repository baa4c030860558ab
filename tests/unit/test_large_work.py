"""Work on large values: done in a thread while the loop goes on; all other work is done at once."""

import asyncio
import threading
from contextvars import ContextVar

import pytest

from server.runtime.large import is_large, work_on
from tests.every import every

HERE = threading.get_ident
NAME = ContextVar("NAME", default="nobody")


@every(
    "value",
    [
        None,
        7,
        "x" * 20_000,
        {},
        {f"field{index}": "a usual text" for index in range(100)},
        {"parts": [{"n": index, "text": "text"} for index in range(100)]},
    ],
)
async def test_usual_values_are_worked_on_at_once(value):
    assert not is_large(value)
    assert await work_on(HERE, value) == HERE()


@every(
    "value",
    [
        "x" * 40_000,
        {"page": "x" * 40_000},
        [1] * 2_000,
        {"data": {"a": [{"b": index} for index in range(2_000)]}},
        {f"a{index}": 1 for index in range(2_000)},
    ],
)
async def test_large_values_are_worked_on_in_a_thread(value):
    assert is_large(value)
    assert is_large({"name": "small"}, value)
    assert await work_on(HERE, {}, value) != HERE()


async def test_the_loop_goes_on_meanwhile():
    """The work ends only once the loop has done something after it began."""
    done = threading.Event()
    asyncio.get_running_loop().call_later(0.01, done.set)
    assert await work_on(lambda: done.wait(10), "x" * 40_000)


async def test_threads_know_what_the_request_knows():
    NAME.set("somebody")
    assert await work_on(NAME.get, "x" * 40_000) == "somebody"


async def test_refusals_come_through():
    def refuse():
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        await work_on(refuse, "x" * 40_000)
