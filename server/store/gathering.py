"""A Store inside a transaction that writes new documents together: in go single insertions, out come few large ones.

Whoever reads or writes otherwise gets all that was inserted before: nothing is gathered across such a call.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from server.store.bound import BoundStore
from server.store.mongo import Document

T = TypeVar("T")


class GatheringStore(BoundStore):
    """What `bound` is, with insertions that wait for the next other call on their collection, or for `flush`.

    A refusal of the database is thus told later than where it belongs to; the transaction is lost in any case.
    """

    def __init__(self, bound: BoundStore) -> None:
        super().__init__(bound._store, bound._session)
        self._bound = bound
        self._waiting: dict[str, list[Document]] = {}

    async def insert(self, collection: str, document: Document) -> None:
        """Takes a new document, to be written soon."""
        self._waiting.setdefault(collection, []).append(document)

    async def flush(self) -> None:
        """Writes what waits; raises DuplicateKey and what else the database refuses."""
        for collection in list(self._waiting):
            await self._write(collection)

    async def _call(self, method: Callable[..., Awaitable[T]], *arguments: Any, **options: Any) -> T:
        if arguments and arguments[0] in self._waiting:
            await self._write(arguments[0])
        return await self._bound._call(method, *arguments, **options)

    async def _write(self, collection: str) -> None:
        documents = self._waiting.pop(collection)
        refused = await self._bound._call(self._store.insert_many, collection, documents, ordered=True)
        for error in refused.values():
            raise error


__all__ = ["GatheringStore"]
