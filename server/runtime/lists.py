"""Use cases on many records: pages, related records in place, and deletions over ids or a query."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from bson import ObjectId

from engine.compiler import CompiledEntity
from engine.errors import BadRequest, Forbidden, RequestError
from engine.fields.base import Locale
from engine.permissions import Access
from engine.query import (
    Find,
    Output,
    join_filters,
    parse_query,
    plan_list,
    plan_read,
    plan_selection,
    to_filter,
    to_find,
)
from engine.query.cursor import Position, seal, unseal
from engine.records import Frame
from engine.schema import FieldPath
from server.runtime.explaining import explain_list
from server.runtime.large import work_on
from server.runtime.parameters import DELETE_FLAGS, refuse_parameters, take_flags
from server.runtime.readers import read_locale
from server.runtime.records import delete_document, delete_record, object_id
from server.runtime.running import Caller, RunningApp
from server.runtime.secrets import cursor_secret
from server.store import Nearest

Json = dict[str, Any]
Document = dict[str, Any]
Pairs = Sequence[tuple[str, str]]

logger = logging.getLogger(__name__)

MOST_SYNCHRONOUS = 1_000
"""Records that one request may change while the client waits."""
SLICE = 100
"""Records that are rendered one after the other before all other requests have their turn."""


async def list_records(running: RunningApp, caller: Caller, name: str, pairs: Pairs) -> Json:
    """A page: `{total, offset, items}`; offset only where there are items, total unless it was declined, and a cursor
    where one is used and more may follow."""
    compiled = running.entity(name)
    access = running.access(caller, name)
    plan = plan_list(compiled.entity, parse_query(pairs), access, running.query_clock())
    secret = None if plan.cursor is None else await cursor_secret(running.store)
    start = unseal(plan.cursor, secret, plan.binding) if plan.cursor and secret is not None else None
    find = to_find(plan, text_search=running.store.text_search, position=start)
    if plan.explain:
        if not caller.developer:
            raise Forbidden("Only a developer may ask how a list is found")
        return await explain_list(running, compiled, plan, find)
    if (scanning := compiled.scans.check(plan)) is not None:
        logger.warning("%s", scanning)
    store, collection = running.store, compiled.collection
    # Masks are asked of the whole record, and a cursor of fields that need not be shown.
    projection = None if access.masks or secret is not None else find.projection
    finding = store.find(
        collection,
        find.filter,
        sort=find.sort,
        skip=find.skip,
        limit=find.limit,
        projection=projection,
        nearest=nearest_of(find),
    )
    page: Json = {}
    if plan.total and not plan.counts_itself:
        # Side by side even where the page may turn out to hold all: one after the other costs large results double.
        documents, page["total"] = await asyncio.gather(finding, store.count(collection, find.count_filter))
    else:
        documents = await finding
        if plan.total:
            page["total"] = len(documents)
    done = len(documents) + (plan.skip if start is None else start.count)
    cursor = None
    if secret is not None and len(documents) == plan.limit:  # read before documents are rendered in place
        cursor = seal(Position.of(documents[-1], plan.sort, done), secret, plan.binding)
    items = await render_many(running, caller, compiled, access, plan.output, documents)
    if items:
        page["offset"] = items[-1]["id"] if plan.by_id else done
    if cursor is not None:
        page["cursor"] = cursor
    page["items"] = items
    return page


def nearest_of(find: Find) -> Nearest | None:
    """How the store sorts by distance, where a query asks for that order."""
    return None if find.geo is None else Nearest(find.geo.path, find.geo.point, find.geo.listed)


async def read_record(running: RunningApp, caller: Caller, name: str, record_id: str, pairs: Pairs) -> Json:
    """The record as the caller may read it. Raises NotFound."""
    compiled = running.entity(name)
    access = running.access(caller, name)
    output = plan_read(compiled.entity, parse_query(pairs), access)
    projection = None if output.projection is None else dict.fromkeys(output.projection, 1)
    if access.row_filter is not None or access.masks:
        projection = None  # rights are asked of the whole record
    key = object_id(compiled, record_id)
    document = await running.store.get(compiled.collection, key, projection)
    if document is None:
        raise compiled.rules.rights.missing(str(key))
    if access.row_filter is not None:
        compiled.rules.rights.check_read(compiled.rules.load(document), access)
    (record,) = await render_many(running, caller, compiled, access, output, [document])
    return record


async def render_many(
    running: RunningApp,
    caller: Caller,
    compiled: CompiledEntity,
    access: Access,
    output: Output,
    documents: Iterable[Document],
) -> list[Json]:
    """Documents as clients see them, in the format and with the related records that they asked for."""
    scope = running.moment(caller).scope
    locale = await read_locale(running, caller, output)
    native = frozenset(path.name for path in output.relationships)
    view = compiled.views.get(Frame(output.shown, access.hidden, locale=locale, native=native))
    items = []
    for index, document in enumerate(documents):
        if index and index % SLICE == 0:
            await asyncio.sleep(0)
        items.append(await work_on(partial(view.render, document, scope, access.masks), document))
    for path in output.relationships:
        await _fetch_related(running, caller, path, locale, items)
    return items


async def _fetch_related(
    running: RunningApp, caller: Caller, path: FieldPath, locale: Locale | None, items: Sequence[Json]
) -> None:
    """Puts records in the place of the references at a path: one query, however many there are. A reference whose id
    the caller may not see, or whose record they may not read, stays as it is."""
    holders = [place for item in items for place in reference_places(item, path) if "id" in place[0][place[1]]]
    records = await read_related(
        running, caller, path, {str(holder[key]["id"]) for holder, key in holders}, Frame(locale=locale)
    )
    for holder, key in holders:
        found = records.get(str(holder[key]["id"]))
        if found is not None:
            holder[key] = found


async def read_related(
    running: RunningApp, caller: Caller, path: FieldPath, ids: Iterable[str], frame: Frame
) -> Mapping[str, Json]:
    """The records with these ids, to which a relationship points, as the caller may read them: one query at most.

    The frame's hidden fields are those of the caller.
    """
    wanted_ids = [ObjectId(one) for one in ids]
    if not wanted_ids:
        return {}
    compiled = running.entity(running.compiled.app.target(path.field).name)
    access = running.related_access(caller, compiled.entity.name)
    if not access.may("read"):
        return {}
    wanted: dict[str, Any] = {"_id": {"$in": wanted_ids}}
    if access.row_filter is not None:
        wanted = join_filters((wanted, to_filter(access.row_filter)))
    documents = await running.store.find(compiled.collection, wanted, limit=len(wanted_ids))
    view, scope = compiled.views.get(replace(frame, hidden=access.hidden)), running.moment(caller).scope
    return {record["id"]: record for record in (view.render(document, scope, access.masks) for document in documents)}


def reference_places(record: Json, path: FieldPath) -> Iterable[tuple[Any, Any]]:
    """Where the references at a path of a rendered record stand: (holder, key or index)."""
    return _places(record, [one.name for one in path.fields])


def _places(value: Any, path: Sequence[str]) -> Iterable[tuple[Any, Any]]:
    """Where references stand below a rendered value: (holder, key or index)."""
    name, *rest = path
    found = value.get(name)
    if rest:
        for one in found if isinstance(found, list) else [found]:
            if one is not None:
                yield from _places(one, rest)
    elif isinstance(found, list):
        yield from ((found, index) for index, one in enumerate(found) if one is not None)
    elif found is not None:
        yield value, name


async def delete_by_ids(running: RunningApp, caller: Caller, name: str, ids: str, pairs: Pairs) -> Json:
    """One id: the record as it was, or NotFound. Several joined by commas: what became of each, by id."""
    flags, rest = take_flags(pairs, DELETE_FLAGS)
    refuse_parameters(rest, DELETE_FLAGS)
    running = running.asked(flags)
    if "," not in ids:
        return await delete_record(running, caller, name, ids)
    wanted = list(dict.fromkeys(one.strip().lower() for one in ids.split(",")))
    if len(wanted) > MOST_SYNCHRONOUS:
        raise _too_many()
    compiled = running.entity(name)
    keys = [ObjectId(one) for one in wanted if ObjectId.is_valid(one)]
    found = {str(document["_id"]): document for document in await running.store.get_many(compiled.collection, keys)}
    return await _delete_all(running, caller, compiled, {one: found.get(one) for one in wanted})


async def delete_by_query(running: RunningApp, caller: Caller, name: str, pairs: Pairs) -> Json:
    """What became of each record that the query matches, by id. Raises BadRequest for a query without any filter."""
    flags, rest = take_flags(pairs, DELETE_FLAGS)
    compiled = running.entity(name)
    running = running.asked(flags)
    access = running.access(caller, name)
    everything = flags.get("all", False)
    query = parse_query(rest, DELETE_FLAGS)
    condition = plan_selection(compiled.entity, query, access, running.query_clock(), everything=everything)
    documents = await running.store.find(
        compiled.collection, to_filter(condition), sort=[("_id", -1)], limit=MOST_SYNCHRONOUS + 1
    )
    if len(documents) > MOST_SYNCHRONOUS:
        raise _too_many()
    return await _delete_all(running, caller, compiled, {str(document["_id"]): document for document in documents})


async def _delete_all(
    running: RunningApp, caller: Caller, compiled: CompiledEntity, documents: Mapping[str, Document | None]
) -> Json:
    access = running.access(caller, compiled.entity.name)
    results: Json = {}
    for record_id, document in documents.items():
        try:
            record = await delete_document(running, caller, compiled, access, record_id, document)
            results[record_id] = {"status": "ok", "response": record}
        except RequestError as error:
            results[record_id] = {"status": "error", "errorMessage": error.message}
    return results


def _too_many() -> BadRequest:
    return BadRequest(f"More than {MOST_SYNCHRONOUS:,} records are too many to wait for; add _async=true")
