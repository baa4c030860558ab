"""The embedded engine behind the Store interface: its faults are mended here and known to nobody else.

A logical operator at the top of a filter makes it read the whole collection, whatever stands beside it; a restart makes
it forget which writes and commits it has done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.store.errors import StoreError, StoreUnavailable, WriteConflict
from server.store.mongo import Document, Filter, Nearest, Session, Sort, Store, page_stages, translating


class EmbeddedStore(Store):
    """A Store on the embedded engine.

    Writes should be addressed by plain paths, `_id` first: only finds and counts with logical operators are mended. A
    transaction that a killed process left open blocks writers of the same documents until the engine undoes it, which
    is when the first transactional command comes in after a minute.
    """

    engine = "embedded"
    text_search = False
    retry_writes = False

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
        matches = match_stages(filter)
        if len(matches) > 1 and nearest is None and hint is None:
            stages = page_stages(sort=sort, skip=skip, limit=limit, projection=projection)
            return await self.aggregate(collection, [*matches, *stages], session=session)
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

    @translating
    async def count(self, collection: str, filter: Filter, *, session: Session | None = None) -> int:
        """The exact number of matching documents."""
        if filter or session:
            found = await self.aggregate(collection, [*match_stages(filter), {"$count": "n"}], session=session)
            return int(found[0]["n"]) if found else 0
        # There is no estimate in this engine: it counts the keys, which spares it decoding the documents.
        return await self._collection(collection).estimated_document_count(maxTimeMS=self._time_limit)

    def _not_committed(self, error: StoreError) -> StoreError:
        # After a restart it answers "no such transaction" about one that it did commit, so nothing may be repeated.
        if isinstance(error, WriteConflict | StoreUnavailable):
            return StoreUnavailable(f"It is not known whether the transaction was committed: {error.message}")
        return error


def match_stages(filter: Filter) -> list[dict[str, Any]]:
    """The filter as one stage, or two: tests of paths first, which can use an index, then logical operators."""
    plain = {key: test for key, test in filter.items() if not key.startswith("$")}
    logical = {key: test for key, test in filter.items() if key.startswith("$")}
    return [{"$match": part} for part in (plain, logical) if part] or [{"$match": {}}]
