"""What an import did, row by row: in go writes and refusals, out come documents that others can go by later.

`sys.importedRows` has what was written together: _id (job/row/number, those of the first write), count, expires, and
writes: row, number (which of the row's records), entity, record, before (the document as it was, None for a new one),
version (that the write left; None while it is not known whether it was made) and mark.
`sys.refusedRows` has what was wrong: _id (job/row), line, cells, problems ([{column, code, message}]), expires.

Ids begin with the job and grow with the rows, so that those of one job are one stretch of ids.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bson
from bson import ObjectId

from engine.errors import FieldProblem, RequestError
from engine.jobs import EXPIRES
from engine.records.columns import Columns
from engine.records.csv_text import from_cell, to_cell
from server.runtime.jobs.export import to_lines
from server.runtime.jobs.imports.source import NumberedRow
from server.runtime.jobs.stored import IMPORTED, REFUSED, expiry
from server.store import DuplicateKey, Store

Document = dict[str, Any]

ADDED_COLUMNS = ("code", "message")
"""What the file of refused rows has behind the columns of the file that was imported."""
_CHUNK = 1_000
"""Refused rows that are written to a file at once."""
MOST_BYTES = 4 * 1024 * 1024
"""Bytes that one document of the ledger keeps of records as they were, unless a single one has more."""


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that is wrong with a row; `column` is its header, None for the row as a whole."""

    column: str | None
    code: str
    message: str

    def line(self) -> str:
        """As one line of a log."""
        place = "" if self.column is None else f"{self.column}: "
        return f"{place}{self.message} ({self.code})"


@dataclass(frozen=True, slots=True)
class Touched:
    """One record that a row wrote; `number` counts the records of the row."""

    number: int
    entity: str
    record: ObjectId
    before: Mapping[str, Any] | None
    version: int | None
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row: the records that it wrote, and what was wrong with it. It was `imported` unless that
    stood in the way."""

    source: NumberedRow
    imported: bool
    touched: tuple[Touched, ...] = ()
    told: tuple[Told, ...] = ()


def tell_error(error: RequestError, columns: Columns) -> tuple[Told, ...]:
    """What a refusal says about a row of a table."""
    if error.problems:
        return tell_problems(error.problems, columns)
    return (Told(None, error.code, error.message.replace("The body", "The row")),)


def tell_problems(problems: Iterable[FieldProblem], columns: Columns) -> tuple[Told, ...]:
    """Problems of a body, by the columns that it was made of."""
    return tuple(
        Told(None if one.field is None else columns.header_at(one.field) or one.field, one.code, one.message)
        for one in problems
    )


def to_imported(job: ObjectId, outcomes: Iterable[Outcome], now: int) -> Iterator[Document]:
    """The documents of what rows wrote: as few as there is room for."""
    writes: list[Document] = []
    size = 0
    for outcome in outcomes:
        for one in outcome.touched:
            write = write_of(outcome.source.number, one)
            size += 0 if one.before is None else len(bson.encode(one.before))
            if writes and size > MOST_BYTES:
                yield imported_document(job, writes, now)
                writes, size = [], 0
            writes.append(write)
    if writes:
        yield imported_document(job, writes, now)


def imported_id(job: ObjectId, row: int, number: int) -> str:
    """The id of that document."""
    return f"{job}/{row:010d}/{number:03d}"


def write_of(row: int, touched: Touched) -> Document:
    """One write of a row, as the ledger has it."""
    return {
        "row": row,
        "number": touched.number,
        "entity": touched.entity,
        "record": touched.record,
        "before": touched.before,
        "version": touched.version,
        "mark": touched.mark,
    }


def imported_document(job: ObjectId, writes: Sequence[Document], now: int) -> Document:
    """The document of what was written together."""
    key = imported_id(job, writes[0]["row"], writes[0]["number"])
    return {"_id": key, "count": len(writes), "writes": list(writes), EXPIRES: expiry(now)}


def to_refused(job: ObjectId, outcome: Outcome, now: int) -> list[Document]:
    """The document of what was wrong with a row, if anything was."""
    if not outcome.told:
        return []
    number, row = outcome.source
    problems = [{"column": one.column, "code": one.code, "message": one.message} for one in outcome.told]
    return [
        {
            "_id": f"{job}/{number:010d}",
            "line": row.line,
            "cells": list(row.cells),
            "problems": problems,
            EXPIRES: expiry(now),
        }
    ]


async def keep(store: Store, collection: str, documents: Sequence[Document]) -> None:
    """Writes documents of the ledger, some of which may be there from before the job was cut off."""
    for error in (await store.insert_many(collection, documents)).values() if documents else ():
        if not isinstance(error, DuplicateKey):
            raise error


def of_job(job: ObjectId) -> Document:
    """The filter of a job's documents."""
    return {"_id": {"$gt": f"{job}/", "$lt": f"{job}0"}}


async def write_refused(store: Store, job: ObjectId, header: Sequence[str]) -> AsyncIterator[bytes]:
    """The file of refused rows: as they came, with what was wrong behind them."""
    yield to_lines([[*(to_cell(from_cell(cell)) for cell in header), *ADDED_COLUMNS]])
    rows: list[list[str]] = []
    async for document in store.stream(REFUSED, of_job(job), sort=[("_id", 1)]):
        cells = [from_cell(cell) for cell in document["cells"]]
        cells += [""] * (len(header) - len(cells))
        told = [Told(**problem) for problem in document["problems"]]
        codes = "; ".join(dict.fromkeys(one.code for one in told))
        messages = "; ".join(one.message if one.column is None else f"{one.column}: {one.message}" for one in told)
        rows.append([to_cell(cell) for cell in (*cells, codes, messages)])
        if len(rows) == _CHUNK:
            yield to_lines(rows)
            rows = []
    yield to_lines(rows)


__all__ = [
    "IMPORTED",
    "REFUSED",
    "Outcome",
    "Told",
    "Touched",
    "imported_document",
    "imported_id",
    "keep",
    "of_job",
    "tell_error",
    "tell_problems",
    "to_imported",
    "to_refused",
    "write_of",
    "write_refused",
]
