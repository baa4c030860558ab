"""EXPORT_RECORDS and EXPORT_USERS: in go a query and the fields to show, out comes a file of what it matches.

The job remembers the query as it was written. Each run plans it anew with the rights that the starter then has, and
begins the file anew: what a run that was cut off had written is deleted.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from engine.compiler import CompiledEntity
from engine.errors import BadRequest, Conflict, Forbidden
from engine.fields.stored_json import encode_stored
from engine.jobs import Job, JobType, Note
from engine.permissions import Access
from engine.permissions.scopes import parse_scopes
from engine.query import Clock, Find, ListPlan, plan_list, project, to_find
from engine.records import Frame
from engine.records.export_columns import ExportColumns, ExportFields, Related, Widths, longest, plan_fields
from engine.records.export_options import ExportOptions, Form, parse_export
from engine.schema import Entity, Field
from server.runtime.auth.people import USERS
from server.runtime.jobs.context import JobContext, Stopped
from server.runtime.jobs.crash_points import CrashPoint, pass_point
from server.runtime.jobs.enqueue import enqueue
from server.runtime.jobs.kinds import JobKind, Results
from server.runtime.lists import read_related, reference_places, render_many
from server.runtime.running import Caller, RunningApp
from server.store import MemoryExceeded, StoredFile

Document = dict[str, Any]
Json = dict[str, Any]
Pairs = Sequence[tuple[str, str]]

MOST_TOGETHER = 200
"""Records that are worked on at once, fewer where there are so many columns that the process would be busy for long."""
MOST_CELLS = 20_000
"""Cells that are written at once."""
MOST_STARTS = 5
"""How often a file is begun anew because a list has outgrown its columns."""
TELLING_TIME = 0.5
"""Seconds between two notes of how far the job is."""


@dataclass(frozen=True, slots=True)
class _Order:
    """A checked export. `fields` are those of a file with columns, None where records are written as they are read."""

    running: RunningApp
    caller: Caller
    compiled: CompiledEntity
    access: Access
    options: ExportOptions
    plan: ListPlan
    find: Find
    fields: ExportFields | None
    bounded: bool
    """Whether the client said how many records they want."""


async def export_later(running: RunningApp, caller: Caller, name: str, pairs: Pairs, *, most: int, files: str) -> Job:
    """A job that writes the records which a query matches to a file; `files` is the address below which files are read.

    Raises BadRequest and Forbidden for what is wrong with the query, and BadRequest where it matches more than `most`
    records.
    """
    payload = {
        "entity": name,
        "pairs": [list(pair) for pair in pairs],
        "asked": running.clock(),
        "most": most,
        "files": files,
        "scopes": None if caller.scopes is None else list(caller.scopes.texts),
    }
    order = _take(running, caller, payload)
    store, collection, find = running.store, order.compiled.collection, order.find
    if not order.bounded and await store.has_more_than(collection, find.filter, find.skip + most):
        raise _too_many(most)
    return await enqueue(
        running,
        _KINDS.get(name, EXPORT_RECORDS),
        caller,
        f"Exporting records of {order.compiled.entity.label}",
        data={"entityName": name},
        payload=payload,
        low_priority=order.options.low_priority,
    )


def _take(running: RunningApp, caller: Caller, payload: Mapping[str, Any]) -> _Order:
    """Checks what is asked for; times such as `today` are those of the moment at which it was asked."""
    compiled = running.entity(payload["entity"])
    entity = compiled.entity
    access = running.access(caller, entity.name)
    for right in ("read", "export"):
        if not access.may(right):
            raise Forbidden(f"You have no {right} right on {entity.name}")
    options, query = parse_export([(name, text) for name, text in payload["pairs"]])
    fields = None
    if options.form is Form.CSV:
        fields = plan_fields(entity, query.fields, access, partial(_target, running, caller))
        query = replace(query, fields=None)
    size = payload["most"] if query.size is None else query.size
    clock = Clock(payload["asked"], running.compiled.app.timezone)
    plan = plan_list(entity, replace(query, size=size), access, clock, most=payload["most"])
    find = to_find(plan, text_search=running.store.text_search)
    return _Order(running, caller, compiled, access, options, plan, find, fields, query.size is not None)


def _target(running: RunningApp, caller: Caller, item: Field) -> tuple[Entity, Access]:
    there = running.compiled.app.target(item)
    access = running.related_access(caller, there.name)
    if not access.may("read"):
        raise Forbidden(f"You have no read right on {there.name}")
    return there, access


def _too_many(most: int) -> BadRequest:
    return BadRequest(f"More than {most:,} records match, the most that one file takes: add filters, or give _size")


async def _run(context: JobContext, counted: str) -> Results:
    """`counted` is what the results call the number of records."""
    payload = context.job.payload or {}
    scopes = payload["scopes"]
    caller = replace(context.caller, scopes=None if scopes is None else parse_scopes(scopes))
    order = _take(context.running, caller, payload)
    if context.job.checkpoint is None:
        await context.note(Note(checkpoint={"begun": context.now()}))
    else:
        await context.running.store.files.delete_of({"job": context.job.id})
    store, find = context.running.store, order.find
    matching = max(0, await store.count(order.compiled.collection, find.filter) - find.skip)
    if matching > find.limit and not order.bounded:
        raise _too_many(find.limit)
    await context.note(Note(standing=0, records_count=min(matching, find.limit)))
    export = _Export(context, order)
    try:
        file = await export.write()
    except MemoryExceeded as error:
        raise BadRequest(
            "Sorting takes more memory than the database has for it; sort by a field with index"
        ) from error
    await context.note(Note(standing=export.count))
    return {"fileLink": f"{payload['files']}/{file.id}", "fileId": file.id, counted: export.count}


class _Outgrown(Exception):
    """A list has more values than it has columns; the file is begun anew."""


@dataclass
class _Export:
    """The writing of one file; `count` is how many records it holds so far."""

    context: JobContext
    order: _Order
    count: int = 0
    _told: float = field(default_factory=time.monotonic)

    async def write(self) -> StoredFile:
        """Writes the file; raises Stopped, LeaseLost and what the database raises, and then leaves none behind."""
        order = self.order
        if order.fields is None:
            return await self._store(self._json())
        for _ in range(MOST_STARTS):
            widths = await self._measure(order.fields)
            self.count = 0
            try:
                return await self._store(self._csv(order.fields, widths))
            except _Outgrown:
                continue
        raise Conflict(
            "Lists of these records grow faster than they can be written: export again, or with _format=json"
        )

    async def _store(self, chunks: AsyncGenerator[bytes, None]) -> StoredFile:
        order, job = self.order, self.context.job
        meta = {"purpose": "export", "user": job.starter.user, "job": job.id, "entity": order.compiled.entity.name}
        name = f"{order.compiled.entity.name}.{order.options.form}"
        async with aclosing(chunks) as opened:
            return await self.context.running.store.files.write(name, order.options.form.content_type, opened, meta)

    # the file as it grows

    async def _json(self) -> AsyncGenerator[bytes, None]:
        order = self.order
        whole = order.options.form is Form.JSON
        if whole:
            yield b"["
        async with aclosing(self._batches(order.plan.projection, MOST_TOGETHER)) as batches:
            async for documents in batches:
                items = await render_many(
                    order.running, order.caller, order.compiled, order.access, order.plan.output, documents
                )
                lines = [encode_stored(item) for item in items]
                if whole:
                    yield (b",\n" if self.count else b"\n") + b",\n".join(lines)
                else:
                    yield b"\n".join(lines) + b"\n"
                await self._tell(len(items))
        if whole:
            yield b"\n]\n"

    async def _csv(self, fields: ExportFields, widths: Widths) -> AsyncGenerator[bytes, None]:
        order = self.order
        target = partial(_target, order.running, order.caller)
        table = ExportColumns(order.compiled.entity, fields, widths, order.access, target)
        yield to_lines([table.headers(names=order.options.field_names)])
        together = max(1, min(MOST_TOGETHER, MOST_CELLS // len(table.columns)))
        async with aclosing(self._batches(project(fields.paths), together)) as batches:
            async for documents in batches:
                records = self._render(documents, fields.shown)
                if any(longest(record, path) > widths[path.name] for path in fields.lists for record in records):
                    raise _Outgrown
                related = await self._relate(fields, records)
                yield to_lines(table.row(record, related) for record in records)
                await self._tell(len(records))

    async def _measure(self, fields: ExportFields) -> Widths:
        """How many columns lists need: a first reading of the same records, of their lists only."""
        widths = {path.name: 1 for path in fields.lists}
        if not fields.lists:
            return widths
        shown = frozenset(widths)
        async with aclosing(self._batches(project(fields.lists), MOST_TOGETHER)) as batches:
            async for documents in batches:
                for record in self._render(documents, shown):
                    for path in fields.lists:
                        widths[path.name] = max(widths[path.name], longest(record, path))
        return widths

    # records

    async def _batches(self, projection: Sequence[str] | None, most: int) -> AsyncGenerator[list[Document], None]:
        """The documents in order, some at a time; raises Stopped between them."""
        order, find = self.order, self.order.find
        whole = projection is None or order.access.masks or order.compiled.entity.has_conditional_fields
        stream = order.running.store.stream(
            order.compiled.collection,
            find.filter,
            sort=find.sort,
            skip=find.skip,
            limit=find.limit,
            projection=None if whole else dict.fromkeys(projection or (), 1),
        )
        documents: list[Document] = []
        async with aclosing(stream) as opened:  # type: ignore[type-var]  # it is a generator
            async for document in opened:
                documents.append(document)
                if len(documents) == most:
                    self._check()
                    yield documents
                    documents = []
        self._check()
        if documents:
            yield documents

    def _check(self) -> None:
        if self.context.stopping:
            raise Stopped

    def _render(self, documents: Sequence[Document], shown: frozenset[str]) -> list[Json]:
        """Documents as the caller may see them, their values as cells."""
        order = self.order
        view = order.compiled.views.get(Frame(shown, order.access.hidden, cells=True))
        scope = order.running.moment(order.caller).scope
        return [view.render(document, scope, order.access.masks) for document in documents]

    async def _relate(self, fields: ExportFields, records: Sequence[Json]) -> Related:
        """The records that some records point to: one query for each relationship."""
        found: dict[str, Mapping[str, Json]] = {}
        for relation in fields.relations:
            places = (place for record in records for place in reference_places(record, relation.path))
            ids = {str(holder[key]["id"]) for holder, key in places if "id" in holder[key]}
            frame = Frame(relation.shown, cells=True)
            found[relation.path.name] = await read_related(
                self.order.running, self.order.caller, relation.path, ids, frame
            )
        return found

    async def _tell(self, count: int) -> None:
        """Notes how far the job is; raises LeaseLost."""
        self.count += count
        pass_point(CrashPoint.AFTER_WRITE)
        if time.monotonic() - self._told >= TELLING_TIME:
            await self.context.note(Note(standing=self.count))
            self._told = time.monotonic()


def to_lines(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows of cells as lines of CSV, every cell in quotes."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue().encode()


EXPORT_RECORDS = JobKind(JobType.EXPORT_RECORDS, partial(_run, counted="recordsExported"))
EXPORT_USERS = JobKind(JobType.EXPORT_USERS, partial(_run, counted="usersExported"))
_KINDS: Mapping[str, JobKind] = {USERS: EXPORT_USERS}
"""By entity, where it has a kind of its own."""

__all__ = ["EXPORT_RECORDS", "EXPORT_USERS", "export_later"]
