"""A Store inside the process, over mongomock-motor (extra `memory`): for tests of runtime code and throw-away demos.

What it lacks, against a real server:
- transactions: `transaction` and `run_transaction` refuse;
- ordering: filters and sorting that compare dates (DatetimeMS) or decimals (Decimal128) refuse, equality works;
- unique indexes see a many field as one value: `["a", "b"]` and `["b"]` do not clash;
- `nearest`, geo filters, `$text` and many stages and operators of pipelines refuse;
- no largest document, no time limits; hints are ignored, and nothing is faster for having an index;
- all is gone with the process, which shares it with no other.

What is refused raises NotSupported.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from bson.datetime_ms import DatetimeMS
from mongomock_motor import AsyncMongoMockClient

from server.store.connecting import Patience
from server.store.errors import DuplicateKey, NotSupported, StoreError
from server.store.mongo import Change, Document, Filter, Nearest, Session, Sort, Store
from server.store.translation import translating


class MemoryStore(Store):
    """A Store without a server; each has data of its own."""

    engine = "memory"
    text_search = False

    def __init__(self) -> None:
        self._mock = cast(Any, AsyncMongoMockClient())
        super().__init__(self._mock, "memory", transactions=False, patience=Patience())

    async def close(self) -> None:
        """Forgets everything."""
        self._mock.close()

    async def find(
        self,
        collection: str,
        filter: Filter,
        *,
        sort: Sort | None = None,
        skip: int = 0,
        limit: int = 0,
        projection: Mapping[str, Any] | None = None,
        hint: str | None = None,
        nearest: Nearest | None = None,
        session: Session | None = None,
    ) -> list[Document]:
        """As in Store, without hints."""
        with _refusing():
            return await super().find(
                collection, filter, sort=sort, skip=skip, limit=limit, projection=projection, nearest=nearest
            )

    async def stream(
        self,
        collection: str,
        filter: Filter,
        *,
        sort: Sort | None = None,
        skip: int = 0,
        limit: int = 0,
        projection: Mapping[str, Any] | None = None,
    ) -> AsyncIterator[Document]:
        """As in Store, of the documents that are there at the beginning."""
        for document in await self.find(collection, filter, sort=sort, skip=skip, limit=limit, projection=projection):
            yield document

    async def count(self, collection: str, filter: Filter, *, session: Session | None = None) -> int:
        """As in Store."""
        with _refusing():
            return await super().count(collection, filter)

    @translating
    async def aggregate(
        self, collection: str, pipeline: Sequence[Mapping[str, Any]], *, session: Session | None = None
    ) -> list[Document]:
        """As in Store, as far as mongomock goes."""
        with _refusing():
            found: list[Document] = await self._mock["memory"][collection].aggregate(pipeline).to_list(None)
            return found

    async def explain(self, collection: str, filter: Filter, *, sort: Sort, limit: int) -> list[str] | None:
        """Nothing: there are no plans."""
        return None

    async def insert(self, collection: str, document: Document, *, session: Session | None = None) -> None:
        """As in Store."""
        try:
            await super().insert(collection, document)
        except DuplicateKey as error:
            raise await self._named(collection, error) from error

    async def insert_many(
        self, collection: str, documents: Sequence[Document], *, ordered: bool = False, session: Session | None = None
    ) -> dict[int, StoreError]:
        """As in Store."""
        refused: dict[int, StoreError] = {}
        for place, document in enumerate(documents):
            try:
                await self.insert(collection, document)
            except DuplicateKey as error:
                refused[place] = error
                if ordered:
                    break
        return refused

    async def update(self, collection: str, filter: Filter, change: Change, *, session: Session | None = None) -> bool:
        """As in Store."""
        with _refusing():
            try:
                return await super().update(collection, filter, _at_present(change))
            except DuplicateKey as error:
                raise await self._named(collection, error) from error

    async def indexes(self, collection: str) -> list[Document]:
        """As in Store."""
        found: list[Document] = await self._mock["memory"][collection].list_indexes().to_list(None)
        return found

    async def _named(self, collection: str, error: DuplicateKey) -> DuplicateKey:
        """The error with the name of its index, which mongomock leaves out; without a key it is the one of `_id`."""
        paths = list(error.values) or ["_id"]
        for index in await self.indexes(collection):
            if list(index["key"]) == paths:
                return DuplicateKey(index["name"], paths[0] if len(paths) == 1 else None, error.values)
        return error


def _at_present(change: Change) -> Change:
    """The change with the present as an instant, where mongomock would write a datetime."""
    if not isinstance(change, Mapping) or "$currentDate" not in change:
        return change
    now = dict.fromkeys(change["$currentDate"], DatetimeMS(time.time_ns() // 1_000_000))
    return {name: part for name, part in change.items() if name != "$currentDate"} | {
        "$set": {**change.get("$set", {}), **now}
    }


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except (NotImplementedError, TypeError) as error:  # the latter where decimals and dates are compared in pipelines
        raise NotSupported(f"The database in memory cannot do this: {error}") from error
