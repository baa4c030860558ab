"""`ctx.data`: records of all entities for functions of hooks.py, by the query language and use cases of HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from bson import ObjectId

from engine.compiler import CompiledEntity
from engine.errors import BadRequest
from engine.permissions import FULL_ACCESS
from engine.query import ListQuery, parse_filter_map, parse_query, plan_list, to_find
from engine.records import Frame
from server.runtime.aggregates import aggregate_records
from server.runtime.lists import nearest_of
from server.runtime.plain import to_plain
from server.runtime.records import create_record, delete_record, update_record
from server.runtime.running import Caller, RunningApp
from server.runtime.script_records import ScriptRecord

Json = dict[str, Any]
Query = Mapping[str, Any] | str | None
"""A filter map, or a query as in a URL; None is everything."""
Write = Callable[[Callable[[RunningApp], Awaitable[Any]]], Awaitable[Any]]
PAGE = 200
"""Records that are read at once."""


class ScriptData:
    """Reads and writes for one call of a function."""

    def __init__(self, running: RunningApp, caller: Caller, write: Write) -> None:
        self._running = running
        self._caller = caller
        self._write = write

    async def find(
        self, entity: str, query: Query = None, *, size: int | None = None, sort: str | Sequence[str] | None = None
    ) -> AsyncIterator[ScriptRecord]:
        """Matching records, all of them or `size`; `sort` names fields, `-` before one turns its order around.

        A query by distance comes in the order of distance.
        """
        compiled = self._running.entity(entity)
        asked = _read_query(query, sort)
        plan = plan_list(compiled.entity, asked, FULL_ACCESS, self._running.query_clock())
        found = to_find(plan, text_search=self._running.store.text_search)
        left = size if size is not None else plan.limit if asked.size is not None else None
        skip = found.skip
        while left is None or left > 0:
            count = PAGE if left is None else min(PAGE, left)
            page = await self._running.store.find(
                compiled.collection,
                found.filter,
                sort=found.sort,
                skip=skip,
                limit=count,
                nearest=nearest_of(found),
            )
            for document in page:
                yield self._show(compiled, document)
            if len(page) < count:
                return
            left = None if left is None else left - count
            skip += count

    async def get(self, entity: str, id: str) -> ScriptRecord | None:
        """The record of an id; None where there is none."""
        compiled = self._running.entity(entity)
        if not ObjectId.is_valid(id):
            return None
        document = await self._running.store.get(compiled.collection, ObjectId(id))
        return None if document is None else self._show(compiled, document)

    async def count(self, entity: str, query: Query = None) -> int:
        """How many records match."""
        compiled = self._running.entity(entity)
        plan = plan_list(compiled.entity, _read_query(query, None), FULL_ACCESS, self._running.query_clock())
        return await self._running.store.count(
            compiled.collection, to_find(plan, text_search=self._running.store.text_search).count_filter
        )

    async def create(self, entity: str, values: Mapping[str, Any]) -> ScriptRecord:
        """A new record."""
        body = to_plain(values)
        return self._record(entity, await self._write(lambda scope: create_record(scope, self._caller, entity, body)))

    async def update(self, entity: str, id: str, values: Mapping[str, Any], version: int | None = None) -> ScriptRecord:
        """The record after a change; with a version it is refused where the record has another one."""
        body = to_plain(values) | ({} if version is None else {"version": version})
        return self._record(
            entity, await self._write(lambda scope: update_record(scope, self._caller, entity, id, body))
        )

    async def delete(self, entity: str, id: str) -> ScriptRecord:
        """The record as it was before it was deleted."""
        return self._record(entity, await self._write(lambda scope: delete_record(scope, self._caller, entity, id)))

    async def aggregate(self, entity: str, stages: Sequence[Mapping[str, Any]]) -> list[Json]:
        """The items that a pipeline gives."""
        answer = await aggregate_records(self._running, self._caller, entity, to_plain(stages))
        items: list[Json] = to_plain(answer["items"])
        return items

    async def action(
        self, entity: str, target: str | Sequence[str] | Mapping[str, Any] | None, name: str, params: Json | None = None
    ) -> Any:
        """What an action answers: `target` is an id, a list of ids, a filter map, or None for an action on nothing."""
        from server.runtime import actions  # actions run functions, and functions run actions

        body = to_plain(params or {})

        async def act(scope: RunningApp) -> Any:
            if isinstance(target, Mapping):
                return await actions.act_on_filter(scope, self._caller, entity, name, target, body)
            if target is None:
                return await actions.act_on_query(scope, self._caller, entity, name, [], body)
            ids = target if isinstance(target, str) else ",".join(target)
            return await actions.act_on_ids(scope, self._caller, entity, name, ids, [], body)

        return to_plain(await self._write(act))

    def _show(self, compiled: CompiledEntity, document: dict[str, Any]) -> ScriptRecord:
        view = compiled.views.get(Frame())
        return self._record(compiled.entity.name, view.render(document, self._running.moment(self._caller).scope))

    def _record(self, entity: str, rendered: Json) -> ScriptRecord:
        return ScriptRecord(entity, to_plain(rendered))


def _read_query(query: Query, sort: str | Sequence[str] | None) -> ListQuery:
    pairs = parse_qsl(query, keep_blank_values=True) if isinstance(query, str) else []
    if sort is not None:
        pairs += [("_sortField", sort if isinstance(sort, str) else ",".join(sort)), ("_sortType", "asc")]
    asked = parse_query(pairs)
    if isinstance(query, str) or not query:
        return asked
    if not isinstance(query, Mapping):
        raise BadRequest("A query is a filter map, or text as in a URL")
    return replace(asked, filter=parse_filter_map(to_plain(query), references=False))


__all__ = ["ScriptData"]
