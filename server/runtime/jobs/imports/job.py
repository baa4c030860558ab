"""IMPORT_RECORDS and IMPORT_USERS: in goes a stored CSV file, out come its rows as records, each written once however
often it is cut.

A job reads its file twice: first to see that it is a table to its end, and how long it is, then to write. Rows are
written some at a time. Where the database has transactions, the rows, the ledger of what they wrote, what was wrong
with others, and the checkpoint behind them are one transaction. A row that is refused before it wrote anything does not
disturb the others; else the rows are taken by halves, until the one that is refused stands alone.

Where there are no transactions, each row is noted as under way, then written, then noted as done. New records have ids
that follow from the job and the row, every record keeps the mark of the row that wrote it, and the ledger is told of
each write before and after it: a row that is met again is seen to be done, or done.

A preview does the same up to the point at which something would be written.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bson import ObjectId

from engine.errors import BadRequest, Forbidden, RequestError
from engine.jobs import EXPIRES, Job, JobType, Level, Note
from engine.permissions import Access
from engine.permissions.scopes import parse_scopes
from engine.records.columns import Columns
from engine.records.import_options import ImportOptions, load_import_options
from engine.schema import Entity, Field
from server.runtime.auth.people import USERS
from server.runtime.jobs.context import JobContext, Stopped
from server.runtime.jobs.crash_points import CrashPoint, pass_point
from server.runtime.jobs.enqueue import enqueue
from server.runtime.jobs.imports.ledger import (
    IMPORTED,
    REFUSED,
    Outcome,
    Told,
    keep,
    tell_error,
    to_imported,
    to_refused,
    write_refused,
)
from server.runtime.jobs.imports.rows import Matches, RowWriter
from server.runtime.jobs.imports.source import NumberedRow, read_header, read_rows
from server.runtime.jobs.kinds import JobKind, Results
from server.runtime.jobs.stored import LOGS, expiry
from server.runtime.keepers import KEEPERS
from server.runtime.running import Caller, RunningApp
from server.runtime.units import count_writes
from server.store import DuplicateKey, Store, StoredFile
from server.store.gathering import GatheringStore

Document = dict[str, Any]

MOST_TOGETHER = 200
"""Rows of one transaction."""
MOST_BYTES = 4 * 1024 * 1024
"""Characters of rows that are in memory at once, but for a single one that has more."""
MOST_LINES = 1_000
"""Rows whose problems stand in the job's log; those of all are in its file."""
MOST_FOLLOWED = 500
"""Records whose cascades and audit entries may be behind."""
ERRORS_TYPE = "text/csv; charset=utf-8"


async def import_later(running: RunningApp, caller: Caller, name: str, options: ImportOptions, file: StoredFile) -> Job:
    """A job that imports the rows of a file. Raises Forbidden for what the caller may not ask for, and BadRequest where
    the file's header does not fit the entity."""
    payload = {
        "entity": name,
        "file": file.id,
        "options": options.given(),
        "scopes": None if caller.scopes is None else list(caller.scopes.texts),
    }
    _check_rights(running, caller, name, options)
    header = await read_header(running.store, file.id, options.encoding)
    _columns(running, caller, name, options, header)
    entity = running.entity(name).entity
    given = {"options": payload["options"]} if payload["options"] else {}
    return await enqueue(
        running,
        _KINDS.get(name, IMPORT_RECORDS),
        caller,
        f"{'Checking' if options.preview else 'Importing'} records of {entity.label}",
        data={"fileName": file.name, "entityName": name, **given},
        payload=payload,
        low_priority=options.low_priority,
    )


def _check_rights(running: RunningApp, caller: Caller, name: str, options: ImportOptions) -> None:
    for_developers = options.for_developers
    if for_developers and not caller.developer:
        raise Forbidden(f"The import option {for_developers[0]} is for developers only")
    if for_developers and name in KEEPERS:
        raise BadRequest(f"The import option {for_developers[0]} cannot be used for {name}: its rules always hold")
    access = running.access(caller, name)
    if not access.may("import"):
        raise Forbidden(f"You have no import right on {name}")
    if not (access.may("create") or access.may("update")):
        raise Forbidden(f"You have no right to create or update records of {name}, which an import does")


def _columns(running: RunningApp, caller: Caller, name: str, options: ImportOptions, header: Sequence[str]) -> Columns:
    def target(item: Field) -> tuple[Entity, Access]:
        there = running.compiled.app.target(item)
        return there, running.related_access(caller, there.name)

    entity = running.entity(name).entity
    access = running.access(caller, name)
    return Columns(entity, header, access, target, transient=options.support_transient_fields)


async def _run(context: JobContext) -> Results:
    payload = context.job.payload or {}
    options = load_import_options(payload["options"])
    scopes = payload["scopes"]
    caller = replace(
        context.caller,
        scopes=None if scopes is None else parse_scopes(scopes),
        context=_context(payload["entity"], context.job.id, payload["options"]),
    )
    name, file = payload["entity"], payload["file"]
    try:
        running = context.running
        _check_rights(running, caller, name, options)
        checkpoint = context.job.checkpoint or {}
        if "file" not in checkpoint:
            header = await read_header(running.store, file, options.encoding)
            columns = _columns(running, caller, name, options, header)
            marking = not running.store.transactions and not options.preview
            writer = RowWriter(caller, columns, options, context.job.id, marking)
            await _Import(context, writer, file).run(header)
    except RequestError:
        await context.running.store.files.delete(file)
        raise
    await context.running.store.files.delete(file)
    return _results(context.job, options)


def _context(entity: str, job: ObjectId, given: Mapping[str, Any]) -> str:
    """What the audit trail says of where the writes come from, with all options that are not as usual."""
    flags = "".join(f" {name}={str(value).lower()}" for name, value in given.items())
    return f"entities.{entity}.import.{job}{flags}"


def _results(job: Job, options: ImportOptions) -> Results:
    done = job.checkpoint
    results: Document = {
        "rowsValid" if options.preview else "rowsImported": done["imported"],
        "rowsWithErrors": done["errors"],
    }
    if done["file"] is not None:
        results |= {"errorsFileId": done["file"], "errorsFileLink": f"/files/{done['file']}"}
    return results


@dataclass
class _Import:
    """One run of one import. The checkpoint counts rows: `row` is the last one that is done, `told` those of which
    something was told; `file` is the id of the file that tells it, None where there was nothing to tell."""

    context: JobContext
    writer: RowWriter
    file: str
    together: int = MOST_TOGETHER

    async def run(self, header: Sequence[str]) -> None:
        """Does what is left to do. Raises Stopped, LeaseLost, BadRequest."""
        if self.context.job.checkpoint is None:
            await self._count()
        done = self.context.job.checkpoint
        rows = read_rows(self.context.running.store, self.file, self.writer.options.encoding, done["row"])
        async with aclosing(_gathered(rows)) as batches:
            async for batch in batches:
                await self._write_all(batch)
        await self._report(header)

    async def _count(self) -> None:
        count = 0
        rows = read_rows(self.context.running.store, self.file, self.writer.options.encoding)
        async with aclosing(rows) as batches:
            async for batch in batches:
                count = batch[-1].number
                self._check_stopping()
        begun = {"row": 0, "imported": 0, "errors": 0, "told": 0}
        await self.context.note(Note(checkpoint=begun, records_count=count))

    def _check_stopping(self) -> None:
        if self.context.stopping:
            raise Stopped

    async def _write_all(self, rows: Sequence[NumberedRow]) -> None:
        done = 0
        while done < len(rows):
            self._check_stopping()
            some = rows[done : done + self.together]
            began = time.monotonic()
            done += await self._write_some(some)
            slow = time.monotonic() - began > self.context.timing.batch_time
            self.together = max(1, self.together // 2) if slow else min(MOST_TOGETHER, self.together * 2)
            await self.context.running.outbox.make_room(MOST_FOLLOWED)

    async def _write_some(self, rows: Sequence[NumberedRow]) -> int:
        """Does some rows and tells how many, at least one."""
        if self.writer.marking:
            await self._write_alone(rows[0])
            return 1
        try:
            count = await self.context.fenced(partial(self._write_together, rows))
        except (RequestError, DuplicateKey) as error:
            if len(rows) > 1:
                self.together = len(rows) // 2
                return await self._write_some(rows[: self.together])
            if not isinstance(error, RequestError):
                raise
            await self._refuse(rows[0], error)
            return 1
        pass_point(CrashPoint.AFTER_CHECKPOINT)
        return count

    async def _write_together(self, rows: Sequence[NumberedRow], scope: RunningApp) -> tuple[int, Note]:
        """Does some rows in one unit of work. Raises what refuses one of several rows after something of it was
        written, and what refuses the only one."""
        running, gathering = self._unit_of(scope, len(rows))
        matches = await self.writer.read_matches(running, rows)
        if gathering is not None:
            await self.writer.foresee(running, gathering, rows)
        began, outcomes = time.monotonic(), []
        for row in rows:
            pass_point(CrashPoint.BEFORE_WRITE)
            outcomes.append(await self._write_one(running, row, matches))
            if time.monotonic() - began > self.context.timing.batch_time:
                break
        if gathering is not None:
            await gathering.flush()
        await self._keep(scope.store, outcomes)
        pass_point(CrashPoint.AFTER_WRITE)
        return len(outcomes), self._note(outcomes)

    def _unit_of(self, scope: RunningApp, count: int) -> tuple[RunningApp, GatheringStore | None]:
        """What rows are written with. One by itself is not gathered, so that a refusal is told for what it is."""
        running = scope.asked(self.writer.options.flags)
        if count == 1 or not scope.store.transactions:
            return running, None
        store: Any = GatheringStore(scope.store)  # type: ignore[arg-type]  # inside of a unit stores are bound
        return replace(running, store=store), store

    async def _write_one(self, running: RunningApp, source: NumberedRow, matches: Matches) -> Outcome:
        if source.row.fault is not None:
            return Outcome(source, False, told=(Told(None, "badRequest", source.row.fault),))
        before = count_writes(running)
        try:
            return await self.writer.write(running, source, matches)
        except RequestError as error:
            if count_writes(running) != before and not self.writer.options.preview:
                raise
            return self._refusal(source, error)

    async def _write_alone(self, source: NumberedRow) -> None:
        """Does one row where nothing can be undone."""
        context, running = self.context, self.context.running.asked(self.writer.options.flags)
        again = context.job.underway == str(source.number)
        if not again:
            await context.note(Note(underway=str(source.number)))
        pass_point(CrashPoint.BEFORE_WRITE)
        try:
            if source.row.fault is not None:
                raise BadRequest(source.row.fault)
            outcome = await self.writer.write(running, source, Matches(), again=again)
        except RequestError as error:
            outcome = self._refusal(source, error)
        pass_point(CrashPoint.AFTER_WRITE)
        await self._keep(running.store, [replace(outcome, touched=())])  # the ledger was told of each write
        await context.note(self._note([outcome]))
        pass_point(CrashPoint.AFTER_CHECKPOINT)

    async def _refuse(self, source: NumberedRow, error: RequestError) -> None:
        """Notes that a row is not imported."""
        outcome = self._refusal(source, error)

        async def tell(scope: RunningApp) -> tuple[None, Note]:
            await self._keep(scope.store, [outcome])
            return None, self._note([outcome])

        await self.context.fenced(tell)

    def _refusal(self, source: NumberedRow, error: RequestError) -> Outcome:
        return Outcome(source, False, told=tell_error(error, self.writer.columns))

    async def _keep(self, store: Store, outcomes: Sequence[Outcome]) -> None:
        """Tells the ledger and the log what became of rows."""
        job, now = self.context.job, self.context.running.clock()
        await keep(store, IMPORTED, list(to_imported(job.id, outcomes, now)))
        refused = [one for outcome in outcomes for one in to_refused(job.id, outcome, now)]
        await keep(store, REFUSED, refused)
        room = MOST_LINES - job.checkpoint["told"]
        lines = [_line(job.id, outcome, now) for outcome in outcomes if outcome.told]
        await keep(store, LOGS, lines[: max(0, room)])

    def _note(self, outcomes: Iterable[Outcome]) -> Note:
        checkpoint = dict(self.context.job.checkpoint)
        count = 0
        for outcome in outcomes:
            count += 1
            checkpoint["row"] = outcome.source.number
            checkpoint["imported" if outcome.imported else "errors"] += 1
            checkpoint["told"] += bool(outcome.told)
        told = checkpoint["told"] > self.context.job.checkpoint["told"]
        return Note(checkpoint=checkpoint, processed=count, has_errors=told)

    async def _report(self, header: Sequence[str]) -> None:
        """Writes the file of rows that something was wrong with."""
        context, job = self.context, self.context.job
        files = context.running.store.files
        await files.delete_of({"purpose": "importErrors", "job": job.id})  # that of a run that was cut off here
        written = None
        if job.checkpoint["told"]:
            meta = {"purpose": "importErrors", "user": job.starter.user, "job": job.id}
            name = f"{(job.data or {})['entityName']} errors.csv"
            chunks = write_refused(context.running.store, job.id, header)
            written = (await files.write(name, ERRORS_TYPE, chunks, meta)).id
        await context.note(Note(checkpoint={**job.checkpoint, "file": written}))


async def _gathered(
    batches: AsyncGenerator[list[NumberedRow], None],
) -> AsyncGenerator[list[NumberedRow], None]:
    """The same rows, in batches of the size that is written together, as far as that fits into memory."""
    waiting: list[NumberedRow] = []
    size = 0
    async with aclosing(batches) as opened:
        async for batch in opened:
            for one in batch:
                waiting.append(one)
                size += sum(map(len, one.row.cells))
                if len(waiting) >= MOST_TOGETHER or size > MOST_BYTES:
                    yield waiting
                    waiting, size = [], 0
    if waiting:
        yield waiting


def _line(job: ObjectId, outcome: Outcome, now: int) -> Document:
    """What a job's log says of a row."""
    number, row = outcome.source
    problems = "; ".join(one.line() for one in outcome.told)
    level = Level.WARN if outcome.imported else Level.ERROR
    message = f"Row {number} (line {row.line}): {problems}"
    return {
        "_id": ObjectId(),
        "job": job,
        "timestamp": now,
        "level": level.value,
        "message": message,
        EXPIRES: expiry(now),
    }


IMPORT_RECORDS = JobKind(JobType.IMPORT_RECORDS, _run)
IMPORT_USERS = JobKind(JobType.IMPORT_USERS, _run)
_KINDS: Mapping[str, JobKind] = {USERS: IMPORT_USERS}
"""By entity, where it has a kind of its own."""
IMPORTS = frozenset({IMPORT_RECORDS.type, IMPORT_USERS.type})
"""The types of jobs that import."""

__all__ = ["IMPORTS", "IMPORT_RECORDS", "IMPORT_USERS", "import_later"]
