"""`castwork load`: records out of files go through the write pipeline into a database, beside a running server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.record_files import create_all, read_source
from server.telling import told

if TYPE_CHECKING:
    from server.app import LoadedApp
    from server.http.serving import Edition

app = typer.Typer(rich_markup_mode=None)


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
    sources = [read_source(loaded[0], file, entity or file.stem) for file in files]
    failed = 0
    async with _serving(loaded[0], db) as edition:
        for source in sources:
            refused = await create_all(edition.serving(source.entity), source, typer.echo)
            total = len(source.rows)
            typer.echo(f"{source.file}: {total - refused} of {total} records of {source.entity} created")
            failed += refused
    return failed


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
        async with deployed([loaded], settings, database.connect, typer.echo, inviting=False) as [deployment]:
            yield deployment.served.edition


__all__ = ["app", "load"]
