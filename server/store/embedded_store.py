"""The embedded engine behind the Store interface: its faults are mended here and known to nobody else.

A logical operator at the top of a filter makes it read the whole collection, whatever stands beside it; `$geoNear`
passes over lists of places, which no index takes; a restart makes it forget which writes and commits it has done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import cos, radians
from typing import Any

from engine.query.matches import EARTH_RADIUS
from server.store.errors import StoreError, StoreUnavailable, WriteConflict
from server.store.mongo import DISTANCE, Document, Filter, Nearest, Session, Sort, Store, page_stages
from server.store.translation import translating


class EmbeddedStore(Store):
    """A Store on the embedded engine.

    Writes should be addressed by plain paths, `_id` first: only finds, counts and pipelines that begin with a match are
    mended. A transaction that a killed process left open blocks writers of the same documents until the engine undoes
    it, which is when the first transactional command comes in after a minute.
    """

    engine = "embedded"
    text_search = False
    place_lists = False
    retry_writes = False
    chunk = 50  # it compares every document with every id: 0.7 ms a document, 2.8 ms in chunks of a thousand

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
        """As in Store."""
        if len(match_stages(filter)) > 1 and nearest is None and hint is None:
            stages = page_stages(sort=sort, skip=skip, limit=limit, projection=projection)
            return await self.aggregate(collection, [{"$match": filter}, *stages], session=session)
        return await super().find(
            collection,
            filter,
            sort=sort,
            skip=skip,
            limit=limit,
            projection=projection,
            hint=hint,
            nearest=nearest,
            session=session,
        )

    async def find_having(
        self,
        collection: str,
        path: str,
        values: Sequence[Any],
        filter: Filter | None = None,
        *,
        session: Session | None = None,
    ) -> list[Document]:
        """As in Store. It uses an index for one value, and reads the whole collection for several."""
        found = [await self.find(collection, {path: value, **(filter or {})}, session=session) for value in values]
        return [document for documents in found for document in documents]

    async def aggregate(
        self, collection: str, pipeline: Sequence[Mapping[str, Any]], *, session: Session | None = None
    ) -> list[Document]:
        """As in Store."""
        if pipeline and "$match" in pipeline[0]:
            pipeline = [*match_stages(pipeline[0]["$match"]), *pipeline[1:]]
        return await super().aggregate(collection, pipeline, session=session)

    @translating
    async def count(self, collection: str, filter: Filter, *, session: Session | None = None) -> int:
        """The exact number of matching documents."""
        if filter or session:
            found = await self.aggregate(collection, [{"$match": filter}, {"$count": "n"}], session=session)
            return int(found[0]["n"]) if found else 0
        # There is no estimate in this engine: it counts the keys, which spares it decoding the documents.
        return await self._collection(collection).estimated_document_count(maxTimeMS=self._time_limit)

    async def has_more_than(self, collection: str, filter: Filter, number: int) -> bool:
        """As in Store. What is skipped is decoded here, so that counting is never slower."""
        return await self.count(collection, filter) > number

    def _distance_stages(self, nearest: Nearest, filter: Filter) -> list[dict[str, Any]]:
        if not nearest.listed:
            return super()._distance_stages(nearest, filter)
        measured = {"$set": {DISTANCE: _distance(nearest)}}
        return [{"$match": filter}, measured, {"$match": {DISTANCE: {"$ne": None}}}]

    def _not_committed(self, error: StoreError) -> StoreError:
        # After a restart it answers "no such transaction" about one that it did commit, so nothing may be repeated.
        if isinstance(error, WriteConflict | StoreUnavailable):
            return StoreUnavailable(f"It is not known whether the transaction was committed: {error.message}")
        return error


def _distance(nearest: Nearest) -> dict[str, Any]:
    """Metres to the nearest of the places in a list, as an expression: the haversine formula on MongoDB's sphere."""
    longitude, latitude = nearest.point["coordinates"]
    across = {"$subtract": [{"$arrayElemAt": ["$$place.coordinates", 0]}, longitude]}
    there = {"$arrayElemAt": ["$$place.coordinates", 1]}
    shares = {"$multiply": [{"$cos": {"$degreesToRadians": there}}, cos(radians(latitude))]}
    half = {
        "$add": [
            _half_chord({"$subtract": [there, latitude]}),
            {"$multiply": [shares, _half_chord(across)]},
        ]
    }
    metres = {"$multiply": [2 * EARTH_RADIUS, {"$asin": {"$min": [1.0, {"$sqrt": half}]}}]}
    places = {"$cond": [{"$isArray": f"${nearest.path}"}, f"${nearest.path}", []]}
    return {"$min": {"$map": {"input": places, "as": "place", "in": metres}}}


def _half_chord(degrees: dict[str, Any]) -> dict[str, Any]:
    return {"$pow": [{"$sin": {"$divide": [{"$degreesToRadians": degrees}, 2]}}, 2]}


def match_stages(filter: Filter) -> list[dict[str, Any]]:
    """The filter as one stage, or two: tests of paths first, which can use an index, then logical operators."""
    plain = {key: test for key, test in filter.items() if not key.startswith("$")}
    logical = {key: test for key, test in filter.items() if key.startswith("$")}
    return [{"$match": part} for part in (plain, logical) if part] or [{"$match": {}}]
