"""Rows of an import to writes: in goes a row, out come the records that it wrote, by the pipeline of all writes.

A row is about the record that has its first unique value, or else about a new one. Records that its columns tell of
beside it are written before it, in the same way, and linked. New records get ids that follow from the job and the row,
so that a row which is repeated makes nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

import bson
from bson import ObjectId

from engine.errors import Conflict, FieldProblem, Forbidden, OptimisticLocking, ValidationErrors
from engine.permissions import FULL_ACCESS, OPEN_MASK
from engine.query import to_filter
from engine.records import Asker, Draft, Lookup, Write
from engine.records.columns import Columns, MatchKey
from engine.records.draft import Group
from engine.records.import_options import ImportOptions
from engine.records.options import MARK, WriteOptions
from engine.records.references import Relationship
from engine.routes import Permission, Scope
from server.runtime.jobs.imports.ledger import (
    IMPORTED,
    Outcome,
    Told,
    Touched,
    imported_document,
    imported_id,
    tell_problems,
    write_of,
)
from server.runtime.jobs.imports.source import NumberedRow
from server.runtime.records import MOST_ATTEMPTS, asker_for, change_record, give_way, make_record
from server.runtime.running import Caller, RunningApp
from server.store.gathering import GatheringStore

Document = dict[str, Any]
Place = tuple[str, str]
"""An entity and the stored path of one of its unique fields."""


@dataclass
class Matches:
    """The records that rows are about, as far as they were read: by entity and path, and by the value there."""

    found: dict[Place, dict[bytes, Document | None]] = field(default_factory=dict)

    def get(self, place: Place, value: Any) -> tuple[bool, Document | None]:
        """Whether it is known who has a value, and who does."""
        known = self.found.get(place, {})
        key = _hashable(value)
        return key in known, known.get(key)

    def put(self, place: Place, value: Any, document: Document | None) -> None:
        """Notes who has a value."""
        self.found.setdefault(place, {})[_hashable(value)] = document

    def follow(self, entity: str, before: Document | None, after: Document) -> None:
        """Notes a write of a record."""
        for (name, path), known in self.found.items():
            if name == entity:
                old, new = _value_at(before or {}, path), _value_at(after, path)
                if old is not None and old != new:
                    known[_hashable(old)] = None
                if new is not None:
                    known[_hashable(new)] = after

    def forget(self, place: Place, value: Any) -> None:
        """Lets go of what is not so any more."""
        self.found.get(place, {}).pop(_hashable(value), None)


@dataclass
class RowWriter:
    """Writes the rows of one import. Where the database has no transactions it is `marking`: each record keeps a mark
    of the row that wrote it, and the ledger is told before and after each write, so that a row which was cut off can
    tell what of it was done."""

    caller: Caller
    columns: Columns
    options: ImportOptions
    job: ObjectId
    marking: bool = False

    async def read_matches(self, running: RunningApp, rows: Sequence[NumberedRow]) -> Matches:
        """The records that rows are about, in one query for each table of the rows."""
        matches = Matches()
        for table in _tables(self.columns):
            found = (table.match_key(one.row.cells) for one in rows)
            keys = {_hashable(key.value): key for key in found if key is not None}
            if keys:
                await self.find(running, table, list(keys.values()), matches)
        return matches

    async def find(self, running: RunningApp, table: Columns, keys: Sequence[MatchKey], matches: Matches) -> None:
        """Notes who has the values; nobody is found by what the caller may not see."""
        path, name = keys[0].path, table.entity.name
        access = (running.access if table is self.columns else running.related_access)(self.caller, name)
        compiled = running.entity(name)
        readable = None if access.row_filter is None else {"$and": [to_filter(access.row_filter)]}
        for key in keys:
            matches.put((name, path), key.value, None)
        values = [key.value for key in keys]
        for document in await running.store.find_having(compiled.collection, path, values, readable):
            if access.shows(path, compiled.rules.load(document)):
                matches.put((name, path), _value_at(document, path), document)

    async def foresee(self, running: RunningApp, store: GatheringStore, rows: Sequence[NumberedRow]) -> None:
        """Reads what the rows point to with labels and lookup fields, in one query for each relationship, so that the
        writes of single rows need not ask."""
        for table in _tables(self.columns):
            if not any(column.refers or column.type is None for column in table.columns if not column.dropped):
                continue
            compiled = running.entity(table.entity.name)
            combined = Draft(Group(""), OPEN_MASK)
            for one in rows:
                if one.row.fault is None and len(one.row.cells) <= table.count:
                    body = table.read(one.row.cells)
                    combined.asks += compiled.rules.parse(body, FULL_ACCESS, new=False).asks
            asker = asker_for(running, self.caller)
            for choice, lookup in compiled.references.plan_lookups(combined, asker):
                if isinstance(choice, Relationship):
                    await _foresee(store, choice, lookup)

    async def write(
        self, running: RunningApp, source: NumberedRow, matches: Matches, *, again: bool = False
    ) -> Outcome:
        """What the row wrote; `again` says that it may have been written already, at least in part. Raises
        RequestError, before or after something was written."""
        self.columns.check(source.row.cells)
        writing = _RowWriting(self, running, source, matches, again)
        done = await writing.write_table(self.columns)
        return Outcome(source, True, tuple(writing.touched), (*writing.told, *done.told))


@dataclass(frozen=True, slots=True)
class _Done:
    """A record that a row is about, and what was wrong with it all the same."""

    id: str
    told: tuple[Told, ...] = ()


@dataclass
class _RowWriting:
    """The writing of one row. `planned` are ids of records that would be there by now, were anything written."""

    writer: RowWriter
    running: RunningApp
    source: NumberedRow
    matches: Matches
    again: bool
    touched: list[Touched] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    planned: set[str] = field(default_factory=set)
    count: int = 0

    async def write_table(self, table: Columns) -> _Done:
        """Writes the record that a table is about, after those that belong to it."""
        cells = self.source.row.cells
        links = {
            number: {"id": await self._write_related(related.columns)}
            for number, related in enumerate(table.related)
            if not related.columns.is_blank(cells)
        }
        self.count += 1
        number = self.count
        for turn in range(MOST_ATTEMPTS):
            try:
                return await self._write(table, links, await self._match(table), number)
            except OptimisticLocking:
                key = table.match_key(cells)
                assert key is not None, "only changes ask for a version"
                self.matches.forget((table.entity.name, key.path), key.value)
                await give_way(turn)
        raise Conflict("The record changes faster than it can be written")

    async def _write_related(self, table: Columns) -> str:
        """The id of the record that a relationship is to point to; it is written unless the row only names it."""
        document = await self._match(table)
        if document is not None and self._only_names(table):
            if isinstance(store := self.running.store, GatheringStore):
                store.remember(table.entity.name, {"_id": document["_id"]}, [document])
            return str(document["_id"])
        scopes, name = self.writer.caller.scopes, table.entity.name
        right = Permission.CREATE if document is None else Permission.UPDATE
        if scopes is not None and not scopes.allows(Scope.DATA, name, right):
            raise Forbidden(f"This API token was not made to {right} records of {name}")
        done = await self.write_table(table)
        self.told += done.told
        return done.id

    def _only_names(self, table: Columns) -> bool:
        """Whether the row says nothing of the record but which one it is."""
        cells = self.source.row.cells
        given = [column for column in table.columns if column.place < len(cells) and cells[column.place]]
        return given == [table.unique] and all(one.columns.is_blank(cells) for one in table.related)

    async def _match(self, table: Columns) -> Document | None:
        key = table.match_key(self.source.row.cells)
        if key is None:
            return None
        place = (table.entity.name, key.path)
        known, document = self.matches.get(place, key.value)
        if not known:
            await self.writer.find(self.running, table, [key], self.matches)
            document = self.matches.get(place, key.value)[1]
        return document

    async def _write(self, table: Columns, links: dict[int, Any], document: Document | None, number: int) -> _Done:
        writer, name = self.writer, table.entity.name
        new_id = derived_id(writer.job, self.source.number, number)
        mark = f"{writer.job}/{self.source.number}/{number}" if writer.marking else None
        options = writer.options.writing(mark=mark, new_id=new_id)
        if document is None:
            touched = Touched(number, name, ObjectId(new_id), None, None, mark)
        else:
            touched = Touched(number, name, document["_id"], document, None, mark)
        if writer.marking:
            done = await self._find_done(touched) if self.again else None
            if done is not None:
                return done
            await self._tell_ledger(touched)
        try:
            write = await self._save(table, links, document, options)
        except ValidationErrors as error:
            left = self._without_planned(error.problems) if writer.options.preview else error.problems
            if left:
                raise ValidationErrors(_by_header(left, table)) from error
            return _Done(new_id)
        if not writer.options.preview:
            touched = replace(touched, version=write.planned["version"])
            self.matches.follow(name, document, write.planned)
            if isinstance(store := self.running.store, GatheringStore):
                store.remember(name, {"_id": write.planned["_id"]}, [write.planned])
            if write.values is not None:
                self.touched.append(touched)
            if writer.marking:
                await self._tell_ledger(touched)
        return _Done(write.record["id"], tell_problems(write.tolerated, table))

    async def _save(
        self, table: Columns, links: dict[int, Any], document: Document | None, options: WriteOptions
    ) -> Write:
        writer, running, name = self.writer, self.running, table.entity.name
        cells = self.source.row.cells
        if document is None:
            self.planned.add(options.new_id or "")
            body = table.read(cells, links=links)
            return await make_record(running, writer.caller, name, body, options)
        old = running.entity(name).rules.load(document)
        body = table.read(cells, links=links, old=old, clear=table is writer.columns)
        body["version"] = old["version"]
        return await change_record(running, writer.caller, name, document["_id"], body, options, document)

    def _without_planned(self, problems: Iterable[FieldProblem]) -> list[FieldProblem]:
        """Problems but for records that are missed only because nothing is written."""
        planned = [{"id": key} for key in self.planned]
        return [one for one in problems if (one.info or {}).get("rejectedValue") not in planned]

    async def _find_done(self, touched: Touched) -> _Done | None:
        """The write, where it was made before its worker was lost."""
        store = self.running.store
        found = await store.get(IMPORTED, imported_id(self.writer.job, self.source.number, touched.number))
        if found is None:
            return None
        [noted] = found["writes"]
        document = await store.get(touched.entity, noted["record"])
        if document is None or document.get(MARK) != touched.mark:
            return None
        made = replace(touched, record=noted["record"], before=noted["before"], version=document["version"])
        self.touched.append(made)
        await self._tell_ledger(made)
        return _Done(str(made.record))

    async def _tell_ledger(self, touched: Touched) -> None:
        writes = [write_of(self.source.number, touched)]
        document = imported_document(self.writer.job, writes, self.running.clock())
        key = {"_id": document.pop("_id")}
        if not await self.running.store.update(IMPORTED, key, {"$set": document}):
            await self.running.store.insert(IMPORTED, key | document)


def derived_id(job: ObjectId, row: int, number: int) -> str:
    """The id of a new record that a row makes: always the same, and greater for later rows."""
    place = blake2b(job.binary + number.to_bytes(2), digest_size=4).digest()
    return (job.binary[:4] + row.to_bytes(4) + place).hex()


async def _foresee(store: GatheringStore, choice: Relationship, lookup: Lookup) -> None:
    """Notes the answer to each question that is part of a combined one, where that has them all."""
    assert lookup.collection is not None
    documents = await store.find(lookup.collection, lookup.filter, limit=lookup.limit)
    if len(documents) == lookup.limit:
        return
    having: dict[tuple[str, bytes], list[Document]] = {}
    everybody = Asker(lambda name: FULL_ACCESS)
    for asked in lookup.asked:
        whole = choice.plan_lookup([asked], everybody).filter
        ways = [way for part in whole.get("$or", [whole]) for way in part.items()]
        for path, _ in ways:
            if (path, b"") not in having:
                having[path, b""] = []
                for document in documents:
                    having.setdefault((path, _hashable(document.get(path))), []).append(document)
        found = {one["_id"]: one for path, value in ways for one in having.get((path, _hashable(value)), ())}
        store.remember(lookup.collection, choice.plan_lookup([asked], lookup.asker).filter, list(found.values()))


def _by_header(problems: Iterable[FieldProblem], table: Columns) -> list[FieldProblem]:
    """Problems of a record, each at the header of the column that it comes from."""
    return [
        one if one.field is None else replace(one, field=table.header_at(one.field) or one.field) for one in problems
    ]


def _tables(table: Columns) -> Iterator[Columns]:
    yield table
    for related in table.related:
        yield from _tables(related.columns)


def _value_at(document: Mapping[str, Any], path: str) -> Any:
    """The stored value at a path without lists."""
    value: Any = document
    for name in path.split("."):
        value = None if value is None else value.get(name)
    return value


def _hashable(value: Any) -> bytes:
    """What two values share exactly if the database takes them for one."""
    return bson.encode({"": value})


__all__ = ["Matches", "RowWriter", "derived_id"]
