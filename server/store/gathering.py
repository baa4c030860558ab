"""A Store inside a transaction that writes new documents together, and that is told answers before they are asked for.

Whoever reads or writes otherwise gets all that was inserted before: nothing is gathered across such a call, and nothing
is known any more that a write may have changed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import bson

from server.store.bound import BoundStore
from server.store.mongo import Document, Filter

T = TypeVar("T")

READING = frozenset({"get", "get_many", "find", "find_having", "count", "aggregate", "has_more_than"})
"""The calls that change nothing."""


class GatheringStore(BoundStore):
    """What `bound` is, with insertions that wait for the next other call on their collection, or for `flush`.

    A refusal of the database is thus told later than where it belongs to; the transaction is lost in any case.
    """

    def __init__(self, bound: BoundStore) -> None:
        super().__init__(bound._store, bound._session)
        self._bound = bound
        self._waiting: dict[str, list[Document]] = {}
        self._known: dict[str, dict[bytes, list[Document]]] = {}
        self._known_by_id: dict[str, dict[bytes, list[Document]]] = {}

    def remember(self, collection: str, filter: Filter, documents: list[Document]) -> None:
        """Notes what `find` is to give for a filter: all that it matches."""
        known = self._known_by_id if list(filter) == ["_id"] else self._known
        known.setdefault(collection, {})[bson.encode(filter)] = documents

    async def find(self, collection: str, filter: Filter, **options: Any) -> list[Document]:
        """As in Store; what is remembered is not asked for."""
        if set(options) <= {"limit"}:
            key = bson.encode(filter)
            for known in (self._known_by_id, self._known):
                if (documents := known.get(collection, {}).get(key)) is not None:
                    return documents
        found: list[Document] = await self._call(self._store.find, collection, filter, **options)
        return found

    async def insert(self, collection: str, document: Document) -> None:
        """Takes a new document, to be written soon."""
        self._waiting.setdefault(collection, []).append(document)
        self._known.pop(collection, None)

    async def flush(self) -> None:
        """Writes what waits; raises DuplicateKey and what else the database refuses."""
        for collection in list(self._waiting):
            await self._write(collection)

    async def _call(self, method: Callable[..., Awaitable[T]], *arguments: Any, **options: Any) -> T:
        collection: str = arguments[0] if arguments else ""
        if collection in self._waiting:
            await self._write(collection)
        if method.__name__ not in READING:
            self._known.pop(collection, None)
            self._known_by_id.pop(collection, None)
        return await self._bound._call(method, *arguments, **options)

    async def _write(self, collection: str) -> None:
        documents = self._waiting.pop(collection)
        refused = await self._bound._call(self._store.insert_many, collection, documents, ordered=True)
        for error in refused.values():
            raise error


__all__ = ["GatheringStore"]
