"""One database of a MongoDB server: commands as plain data in, documents out.

Documents are dicts of BSON values: instants are DatetimeMS, decimals Decimal128. Every error that leaves this module is
one of `server.store.errors`.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar

import pymongo
from pymongo import AsyncMongoClient, ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, DuplicateKeyError
from pymongo.read_concern import ReadConcern

from server.store.connecting import Patience
from server.store.errors import StoreError
from server.store.files import Files
from server.store.translation import DRIVER_ERRORS, refusal, translated, translating

Document = dict[str, Any]
Filter = Mapping[str, Any]
Change = Mapping[str, Any] | Sequence[Mapping[str, Any]]
Sort = Sequence[tuple[str, int]]


class Nearest(NamedTuple):
    """The stored path of a place and the GeoJSON point to measure from; `listed` where the place may be a list."""

    path: str
    point: Mapping[str, Any]
    listed: bool = False


Engine = Literal["mongodb", "embedded", "memory"]
Session = AsyncClientSession
T = TypeVar("T")

COUNTERS = "sys.counters"
DISTANCE = "_distance"
"""Where the distance stands while documents are sorted by it; no field's name begins like this."""


class Store:
    """One database of one server, shared by everything in the process; `server.store.open_store` makes it.

    `transactions`, `text_search` and `place_lists` (sphere indexes of lists) tell what the server can do, `chunk` how
    many documents one statement should change, so that others wait for no longer than a moment. Filters,
    changes and pipelines are MongoDB data that the engine made: nothing here checks them. Every method may raise any
    StoreError.
    """

    engine: ClassVar[Engine] = "mongodb"
    text_search: ClassVar[bool] = True
    place_lists: ClassVar[bool] = True
    retry_writes: ClassVar[bool] = True
    chunk: ClassVar[int] = 500

    def __init__(
        self, client: AsyncMongoClient[Document], database: str, *, transactions: bool, patience: Patience
    ) -> None:
        self.transactions = transactions
        self._client = client
        self._database = client[database]
        self._collections: dict[str, AsyncCollection[Document]] = {}
        self._patience = patience
        self._time_limit = patience.command
        self.files = Files(self)

    @translating
    async def close(self) -> None:
        """Closes every connection; the store is of no use afterwards."""
        await self._client.close()

    @translating
    async def drop(self) -> None:
        """Removes the database with everything in it."""
        await self._client.drop_database(self._database.name)

    @translating
    async def ping(self) -> None:
        """Returns when the server answers; raises StoreUnavailable within the selection time."""
        await self._database.command("ping")

    @translating
    async def collection_names(self) -> list[str]:
        """Every collection of the database, the server's own excepted."""
        return await self._database.list_collection_names()

    # reading

    @translating
    async def get(
        self, collection: str, id: Any, projection: Mapping[str, Any] | None = None, *, session: Session | None = None
    ) -> Document | None:
        """The document with this `_id`."""
        return await self._collection(collection).find_one(
            {"_id": id}, projection, session=session, max_time_ms=self._time_limit
        )

    async def get_many(
        self,
        collection: str,
        ids: Iterable[Any],
        projection: Mapping[str, Any] | None = None,
        *,
        session: Session | None = None,
    ) -> list[Document]:
        """The documents with these ids, in no order; ids that do not exist are left out."""
        return await self.find(collection, {"_id": {"$in": list(ids)}}, projection=projection, session=session)

    @translating
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
        """All matching documents, at most `limit` of them (0 is no limit); `hint` names an index.

        `nearest` sorts by distance, then by id, and takes the place of `sort`; documents without a place are left out.
        """
        if nearest is not None:
            stages = page_stages(sort=((DISTANCE, 1), ("_id", 1)), skip=skip, limit=limit, projection=projection)
            measured = self._distance_stages(nearest, filter)
            return await self.aggregate(collection, [*measured, *stages, {"$unset": DISTANCE}], session=session)
        cursor = self._collection(collection).find(
            filter,
            projection,
            skip,
            limit,
            sort=sort,
            batch_size=limit,  # else a page of more than 101 documents takes a second round trip
            hint=hint,
            session=session,
            max_time_ms=self._time_limit,
        )
        return await cursor.to_list()

    async def find_having(
        self,
        collection: str,
        path: str,
        values: Sequence[Any],
        filter: Filter | None = None,
        *,
        session: Session | None = None,
    ) -> list[Document]:
        """The documents that have one of the values at an indexed path, and that match the filter as well."""
        having = {path: {"$in": list(values)} if len(values) != 1 else values[0]}
        return await self.find(collection, {**having, **(filter or {})}, session=session)

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
        """Matching documents one by one in bounded memory, for work over more records than fit a page.

        As a whole it may take longer than one command, so each fetch is bounded by the socket only.
        """
        try:
            found = self._collection(collection).find(filter, projection, skip, limit, sort=sort, batch_size=1000)
            async with found as cursor:
                async for document in cursor:
                    yield document
        except DRIVER_ERRORS as error:
            raise translated(error) from error

    @translating
    async def count(self, collection: str, filter: Filter, *, session: Session | None = None) -> int:
        """The exact number of matching documents."""
        return await self._collection(collection).count_documents(filter, session=session, maxTimeMS=self._time_limit)

    async def has_more_than(self, collection: str, filter: Filter, number: int) -> bool:
        """Whether more than `number` documents match; no more of them than that are looked at."""
        return bool(await self.find(collection, filter, skip=number, limit=1, projection={"_id": 1}))

    @translating
    async def aggregate(
        self, collection: str, pipeline: Sequence[Mapping[str, Any]], *, session: Session | None = None
    ) -> list[Document]:
        """The results of a pipeline."""
        cursor = await self._collection(collection).aggregate(pipeline, session=session, maxTimeMS=self._time_limit)
        return await cursor.to_list()

    @translating
    async def explain(self, collection: str, filter: Filter, *, sort: Sort, limit: int) -> list[str] | None:
        """What the server would do for a find, step by step, outermost first (`FETCH`, `IXSCAN cw_field_state`)."""
        command = {"find": collection, "filter": filter, "sort": dict(sort), "limit": limit}
        bound = {"verbosity": "queryPlanner", "maxTimeMS": self._time_limit}
        answer = await self._database.command({"explain": command, **bound})
        return list(_steps(answer.get("queryPlanner", {}).get("winningPlan", {})))

    # writing

    @translating
    async def insert(self, collection: str, document: Document, *, session: Session | None = None) -> None:
        """Writes a new document; one without `_id` is given one, in place."""
        await self._collection(collection).insert_one(document, session=session)

    @translating
    async def insert_many(
        self, collection: str, documents: Sequence[Document], *, ordered: bool = False, session: Session | None = None
    ) -> dict[int, StoreError]:
        """Writes new documents; answers the errors of those that were refused, by their place in `documents`.

        `ordered` stops at the first that is refused.
        """
        try:
            await self._collection(collection).insert_many(documents, ordered=ordered, session=session)
        except BulkWriteError as error:
            refused = (error.details or {}).get("writeErrors")
            if not refused:  # all written, but not yet by a majority
                raise
            return {item["index"]: refusal(item, item["code"], item["errmsg"]) for item in refused}
        return {}

    @translating
    async def update(self, collection: str, filter: Filter, change: Change, *, session: Session | None = None) -> bool:
        """Changes one document and tells whether one matched; `{"_id": …, "version": …}` makes a compare-and-set."""
        result = await self._collection(collection).update_one(filter, change, session=session)
        return result.matched_count == 1

    @translating
    async def update_many(
        self,
        collection: str,
        filter: Filter,
        change: Change,
        *,
        array_filters: Sequence[Filter] | None = None,
        session: Session | None = None,
    ) -> int:
        """Changes all matching documents and tells how many matched; `array_filters` say which items `$[name]` is."""
        result = await self._collection(collection).update_many(
            filter, change, array_filters=array_filters, session=session
        )
        return result.matched_count

    @translating
    async def delete(self, collection: str, filter: Filter, *, session: Session | None = None) -> bool:
        """Deletes one document and tells whether one matched."""
        result = await self._collection(collection).delete_one(filter, session=session)
        return result.deleted_count == 1

    @translating
    async def delete_many(self, collection: str, filter: Filter, *, session: Session | None = None) -> int:
        """Deletes all matching documents and tells how many."""
        result = await self._collection(collection).delete_many(filter, session=session)
        return result.deleted_count

    @translating
    async def next_numbers(self, counter: str, amount: int = 1, at_least: int = 0) -> int:
        """Takes `amount` numbers in a row and answers the first; a new counter begins with 1.

        `at_least` lifts the first number where it is higher than the counter. No number is given twice; those taken by
        a write that failed are lost.
        """
        counters = self._collection(COUNTERS)
        last = {"$max": ["$last", at_least - 1]}
        change = [{"$set": {"last": {"$add": [last, amount]}}}]
        while True:
            found = await counters.find_one_and_update({"_id": counter}, change, return_document=ReturnDocument.AFTER)
            if found is not None:
                return int(found["last"]) - amount + 1
            # Made by itself: an upsert may lose numbers where several callers make the counter at one moment.
            with contextlib.suppress(DuplicateKeyError):
                await counters.insert_one({"_id": counter, "last": 0})

    # transactions

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A session for transactions that come one after the other.

        Its `session_id` lets others end what it left open should this process die: see `kill_sessions`.
        """
        async with self._client.start_session() as session:
            yield session

    @translating
    async def kill_sessions(self, ids: Sequence[Mapping[str, Any]]) -> None:
        """Undoes the transactions that sessions of dead processes left open; else the server waits for a minute, and
        whoever writes the same documents waits with it.
        """
        await self._client.admin.command("killSessions", list(ids))

    @contextlib.asynccontextmanager
    async def transaction(self, session: Session | None = None) -> AsyncIterator[Session]:
        """A transaction that is committed at the end of the block and undone by any error in it.

        Hand the session to every call that belongs to it, one call at a time. `run_transaction` also repeats.
        """
        if not self.transactions:
            raise StoreError("This database has no transactions: they need a replica set or a sharded cluster")
        async with contextlib.nullcontext(session) if session else self._client.start_session() as opened:
            await opened.start_transaction(
                read_concern=ReadConcern("snapshot"), max_commit_time_ms=self._patience.command
            )
            try:
                yield opened
            except BaseException:
                await opened.abort_transaction()
                raise
            try:
                await opened.commit_transaction()
            except DRIVER_ERRORS as error:
                raise self._not_committed(translated(error)) from error

    async def run_transaction(self, body: Callable[[Session], Awaitable[T]], session: Session | None = None) -> T:
        """Runs the body in a transaction, again and again while other transactions win; answers what it answers.

        The body must bear being run more than once and let store errors pass.
        """
        give_up = time.monotonic() + self._patience.transaction / 1000
        longest_pause = 0.005
        while True:
            try:
                async with self.transaction(session) as opened:
                    return await body(opened)
            except StoreError as error:
                if not error.transient or time.monotonic() > give_up:
                    raise
            await asyncio.sleep(random.uniform(0, longest_pause))  # noqa: S311 - spreads rivals, guards no secret
            longest_pause = min(longest_pause * 2, 0.25)

    # indexes

    @translating
    async def indexes(self, collection: str) -> list[Document]:
        """The indexes as the server describes them: `name`, `key`, `unique`, …; none for a missing collection."""
        return [dict(index) async for index in await self._collection(collection).list_indexes()]

    @translating
    async def create_index(
        self, collection: str, name: str, keys: Sequence[tuple[str, int | str]], options: Mapping[str, Any]
    ) -> None:
        """Builds an index and returns when it is ready; waits for a lost server, too, up to `Patience.index`."""
        with pymongo.timeout(self._patience.index / 1000):
            await self._collection(collection).create_index(keys, name=name, **options)

    def _collection(self, name: str) -> AsyncCollection[Document]:
        known = self._collections.get(name)
        if known is None:
            known = self._collections[name] = self._database[name]
        return known

    def _distance_stages(self, nearest: Nearest, filter: Filter) -> list[dict[str, Any]]:
        """The matching documents that have a place, each with its distance in metres."""
        path, point, _ = nearest
        near = {"near": point, "key": path, "query": filter, "spherical": True, "distanceField": DISTANCE}
        return [{"$geoNear": near}]

    def _not_committed(self, error: StoreError) -> StoreError:
        """The error to raise for a commit that failed; an engine may know more about what happened."""
        return error


def _steps(plan: Mapping[str, Any]) -> Iterator[str]:
    """The stages of a plan; branches come one after the other."""
    plan = plan.get("queryPlan", plan)
    if "stage" in plan:
        yield " ".join(filter(None, (plan["stage"], plan.get("indexName"))))
    for inner in (*plan.get("inputStages", ()), plan.get("inputStage")):
        if inner is not None:
            yield from _steps(inner)


def page_stages(
    *, sort: Sort | None = None, skip: int, limit: int, projection: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """The arguments of a find as the stages of a pipeline."""
    stages: tuple[tuple[str, Any], ...] = (
        ("$sort", sort and dict(sort)),
        ("$skip", skip),
        ("$limit", limit),
        ("$project", projection),
    )
    return [{name: value} for name, value in stages if value]


__all__ = ["DISTANCE", "Change", "Document", "Engine", "Filter", "Nearest", "Session", "Sort", "Store", "page_stages"]
