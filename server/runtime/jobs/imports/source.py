"""The file of an import: in goes its id, out come its header and its rows, read as a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import NamedTuple

from engine.errors import BadRequest
from engine.records.csv_reading import CsvReader, CsvRow
from server.store import Store

PIECE = 32 * 1024
"""Bytes that are parsed before others have their turn."""


class NumberedRow(NamedTuple):
    """A row and its number, which counts from 1 behind the header."""

    number: int
    row: CsvRow


async def read_header(store: Store, file_id: str, encoding: str | None) -> Sequence[str]:
    """The cells of the first row; raises BadRequest where there is none, or where the file is no text."""
    async with aclosing(_batches(store, file_id, encoding)) as batches:
        async for rows in batches:
            if rows:
                if rows[0].fault is not None:
                    raise BadRequest(f"The header line of the file cannot be read: {rows[0].fault}")
                return rows[0].cells
    raise BadRequest("The file is empty: its first line names the columns")


async def read_rows(
    store: Store, file_id: str, encoding: str | None, after: int = 0
) -> AsyncGenerator[list[NumberedRow], None]:
    """The rows behind the header, some at a time, beginning behind the row with the number `after`. Raises BadRequest
    where the file is no text any more."""
    number = -1
    async with aclosing(_batches(store, file_id, encoding)) as batches:
        async for rows in batches:
            numbered = [NumberedRow(place, row) for place, row in enumerate(rows, start=number + 1) if place > after]
            number += len(rows)
            if numbered:
                yield numbered


async def _batches(store: Store, file_id: str, encoding: str | None) -> AsyncGenerator[list[CsvRow], None]:
    reader = CsvReader(encoding)
    async with aclosing(store.files.read(file_id)) as chunks:  # type: ignore[type-var]  # it is a generator
        async for chunk in chunks:
            for start in range(0, len(chunk), PIECE):
                yield list(reader.feed(chunk[start : start + PIECE]))
                await asyncio.sleep(0)
    yield list(reader.end())


__all__ = ["NumberedRow", "read_header", "read_rows"]
