"""`castwork load`: records out of files go through the write pipeline into a database, beside a running server."""

from __future__ import annotations

import asyncio
import csv
import io
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import BadRequest, CastworkError, FieldProblem, RequestError
from server.telling import told

if TYPE_CHECKING:
    from server.app import LoadedApp
    from server.http.serving import Edition
    from server.runtime.running import RunningApp

app = typer.Typer(rich_markup_mode=None)

MAX_NESTING = 32
"""How deep a record may be nested, as in the body of a request."""

Row = Callable[[], Any]
"""Gives the body of one record; raises BadRequest where it cannot be read."""


class CannotLoad(CastworkError):
    """A file that cannot be loaded at all; the message says why."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file: whose records it holds, and how each is read, with the words for where it stands."""

    file: Path
    entity: str
    rows: Sequence[tuple[str, Row]]


@app.command()
def load(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="An app's folder.")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="JSON arrays, JSON lines or CSV files.")],
    entity: Annotated[
        str | None, typer.Option(metavar="E", help="Whose records they are. [default: the name of each file]")
    ] = None,
    db: Annotated[
        str | None,
        typer.Option(metavar="URI", help="mongodb://... [default: the embedded database, a running server's too]"),
    ] = None,
) -> None:
    """Create records from files, in the order of the files.

    Every record is checked as if a client had sent it. Exit codes: 0 all were created, 1 some were not, 2 there is no
    app at the path.
    """
    with told(path):
        failed = asyncio.run(_load(path, files, entity, db))
    if failed:
        raise typer.Exit(1)


async def _load(path: Path, files: Sequence[Path], entity: str | None, db: str | None) -> int:
    """How many records failed."""
    from server.app import CannotServe, compile_apps

    loaded = compile_apps(path)
    if len(loaded) > 1:
        raise CannotServe(f"{path} holds {len(loaded)} apps: give the folder of one")
    sources = [_read_source(loaded[0], file, entity or file.stem) for file in files]
    failed = 0
    async with _serving(loaded[0], db) as edition:
        for source in sources:
            failed += await _create_all(edition.serving(source.entity), source)
    return failed


async def _create_all(running: RunningApp, source: Source) -> int:
    from server.runtime.records import create_record
    from server.runtime.running import SYSTEM

    failed = 0
    for place, read in source.rows:
        try:
            await create_record(running, SYSTEM, source.entity, read())
        except RequestError as error:
            failed += 1
            for told_of in _tell(error):
                typer.echo(f"{source.file}, {place}: {told_of}")
    total = len(source.rows)
    typer.echo(f"{source.file}: {total - failed} of {total} records of {source.entity} created")
    return failed


def _tell(error: RequestError) -> Iterator[str]:
    if not error.problems:
        yield error.message.replace("The body", "It")
    for problem in error.problems:
        yield _tell_problem(problem)


def _tell_problem(problem: FieldProblem) -> str:
    return problem.message if problem.field is None else f"{problem.field}: {problem.message} ({problem.code})"


@asynccontextmanager
async def _serving(loaded: LoadedApp, db: str | None) -> AsyncIterator[Edition]:
    """The app at its database, with the indexes that unique fields need."""
    from server.app import CannotServe, deployed
    from server.database import join_database
    from server.settings import read_settings

    settings = read_settings(os.environ, db=db)
    async with join_database(settings.db, loaded.folder) as database:
        if not database.shared:
            raise CannotServe("A database in memory keeps nothing: give another --db")
        async with deployed([loaded], settings, database.connect, typer.echo) as [deployment]:
            yield deployment.served.edition


def _read_source(loaded: LoadedApp, file: Path, entity: str) -> Source:
    """Raises CannotLoad."""
    from engine.errors import did_you_mean

    known = loaded.compiled.app.entities
    if entity not in known:
        hint = did_you_mean(entity, known) or "--entity names the entity"
        raise CannotLoad(f"{file}: there is no entity named {entity}; {hint}")
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CannotLoad(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CannotLoad(f"{file} is not UTF-8 text") from error
    try:
        if file.suffix.lower() == ".csv":
            return Source(file, entity, list(_csv_rows(loaded, entity, text)))
        return Source(file, entity, list(_json_rows(text)))
    except BadRequest as error:
        raise CannotLoad(f"{file}: {error.message.replace('The body', 'the file')}") from error


def _json_rows(text: str) -> Iterator[tuple[str, Row]]:
    """The items of an array, or the lines of JSON lines."""
    from server.http.strict_json import parse_json

    if text.lstrip().startswith("["):
        for number, body in enumerate(parse_json(text.encode(), MAX_NESTING + 1), start=1):
            yield f"record {number}", partial(_as_it_is, body)
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield f"line {number}", partial(parse_json, line.encode(), MAX_NESTING)


def _as_it_is(body: Any) -> Any:
    return body


def _csv_rows(loaded: LoadedApp, entity: str, text: str) -> Iterator[tuple[str, Row]]:
    from engine.records.columns import Columns

    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        columns = Columns(loaded.compiled.app.entities[entity], next(lines, ()))
        for cells in lines:
            if cells:
                yield f"line {lines.line_num}", partial(columns.read, cells)
    except csv.Error as error:
        raise BadRequest(f"line {lines.line_num} is not valid CSV: {error}") from error


__all__ = ["CannotLoad", "app", "load"]
