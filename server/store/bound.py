"""A Store whose every call belongs to one transaction: in go a Store and a session, out comes what use cases take for
their database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar, cast

from server.store.mongo import Session, Store

T = TypeVar("T")

IN_TRANSACTION = frozenset(
    {
        "get",
        "get_many",
        "find",
        "find_having",
        "count",
        "aggregate",
        "insert",
        "insert_many",
        "update",
        "update_many",
        "delete",
        "delete_many",
    }
)
"""The methods that take part in the transaction; what else a Store can do stays outside of it."""


class BoundStore:
    """Hands the session to every call, one call at a time, as a session demands."""

    def __init__(self, store: Store, session: Session) -> None:
        self._store = store
        self._session = session
        self._turn = asyncio.Lock()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        return partial(self._call, method) if name in IN_TRANSACTION else method

    async def _call(self, method: Callable[..., Awaitable[T]], *arguments: Any, **options: Any) -> T:
        async with self._turn:
            return await method(*arguments, session=self._session, **options)

    async def run_transaction(self, body: Callable[[Session], Awaitable[T]], session: Session | None = None) -> T:
        """A transaction inside this one is part of it, and is undone and repeated with it only."""
        return await body(self._session)


def bound_store(store: Store, session: Session) -> Store:
    """The store as it is seen from inside the session's transaction."""
    return cast(Store, BoundStore(store, session))


async def run_bound(store: Store, body: Callable[[Store], Awaitable[T]], session: Session | None = None) -> T:
    """Runs the body on a store whose calls are one transaction, where the server has them; see `run_transaction`.

    Where the store is bound already, the body is part of that transaction.
    """
    if isinstance(store, BoundStore) or not store.transactions:
        return await body(store)
    return await store.run_transaction(lambda opened: body(bound_store(store, opened)), session)


__all__ = ["bound_store", "run_bound"]
