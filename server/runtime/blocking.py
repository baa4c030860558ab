"""Async objects for plain functions in threads: an object in, one whose methods wait for their results out."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

PARTS = frozenset({"data", "job"})
"""Members that are objects with async members themselves."""


class _Line:
    """The way from the thread to the loop, as long as the call goes on."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.open = True

    def wait(self, awaitable: Awaitable[Any]) -> Any:
        if not self.open:
            if inspect.iscoroutine(awaitable):
                awaitable.close()
            raise RuntimeError("The call that this ctx was made for has ended")

        async def result() -> Any:
            return await awaitable

        return asyncio.run_coroutine_threadsafe(result(), self.loop).result()


class Blocking:
    """The object as a thread sees it: what would be awaited is waited for, what would be iterated over async is not."""

    def __init__(self, target: Any, loop: asyncio.AbstractEventLoop, line: _Line | None = None) -> None:
        object.__setattr__(self, "_target", target)
        object.__setattr__(self, "_line", line or _Line(loop))

    def close(self) -> None:
        """Nothing can be asked any more."""
        self._line.open = False

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if name in PARTS:
            return Blocking(value, self._line.loop, self._line)
        if inspect.iscoroutinefunction(value):
            return self._waiting(value)
        if inspect.isasyncgenfunction(value):
            return self._iterating(value)
        return value

    def _waiting(self, function: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
        return lambda *arguments, **options: self._line.wait(function(*arguments, **options))

    def _iterating(self, function: Callable[..., AsyncIterator[Any]]) -> Callable[..., Iterator[Any]]:
        def iterate(*arguments: Any, **options: Any) -> Iterator[Any]:
            items = function(*arguments, **options)
            while (item := self._line.wait(anext(items, _END))) is not _END:
                yield item

        return iterate


_END = object()

__all__ = ["Blocking"]
