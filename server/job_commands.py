"""`castwork jobs`: background jobs of an app, listed, watched and commanded at the database, beside running servers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.telling import fail, told

if TYPE_CHECKING:
    from server.runtime.running import RunningApp

app = typer.Typer(help="Background jobs of an app.", no_args_is_help=True, rich_markup_mode=None)

AppPath = Annotated[Path, typer.Argument(metavar="PATH", help="An app's folder.")]
JobId = Annotated[str, typer.Argument(metavar="ID", help="The job's id.")]
Db = Annotated[str | None, typer.Option(metavar="URI", help="mongodb://... [default: the app's embedded database]")]

ENDS = ("FINISHED", "STOPPED", "CANCELED")
GLANCE = 0.5
"""How often a watched job is looked at, in seconds."""


@app.command("list")
def list_(
    path: AppPath,
    status: Annotated[str | None, typer.Option(help="Only those, such as RUNNING,PENDING.")] = None,
    size: Annotated[int, typer.Option(help="How many at most.")] = 20,
    db: Db = None,
) -> None:
    """List jobs, the newest first: id, status, progress, when made, label."""

    async def show() -> None:
        from server.runtime.jobs import list_jobs
        from server.runtime.running import SYSTEM

        pairs = [("_size", str(size))] + ([] if status is None else [("status", status)])
        async with _running(path, db) as running:
            for job in (await list_jobs(running, SYSTEM, pairs))["items"]:
                errors = ", with errors" if job["hasErrors"] else ""
                typer.echo(
                    f"{job['id']}  {job['status']:8}  {job['progress']:3}%  {_moment(job['createDate'])}  "
                    f"{job['label']}{errors}"
                )

    with told(path):
        asyncio.run(show())


@app.command()
def watch(
    job_id: JobId,
    path: AppPath,
    db: Db = None,
) -> None:
    """Follow a job to its end. Exit codes: 0 it finished without errors, 1 otherwise."""
    with told(path):
        job = asyncio.run(_watch(path, db, job_id))
    outcome = f"{job['status']}{', with errors' if job['hasErrors'] else ''}"
    if job["status"] != "FINISHED" or job["hasErrors"]:
        fail(outcome)
    typer.echo(outcome)


@app.command()
def stop(job_id: JobId, path: AppPath, db: Db = None) -> None:
    """Let a job end after the record that it is at."""
    _command(path, db, job_id, "stop")


@app.command()
def resume(job_id: JobId, path: AppPath, db: Db = None) -> None:
    """Let a stopped job go on where it was."""
    _command(path, db, job_id, "resume")


@app.command()
def cancel(job_id: JobId, path: AppPath, db: Db = None) -> None:
    """End a stopped job for good."""
    _command(path, db, job_id, "cancel")


@app.command()
def force_stop(job_id: JobId, path: AppPath, db: Db = None) -> None:
    """Give up on a job that does not stop; what it still writes has no effect."""
    _command(path, db, job_id, "forceStop")


def _command(path: Path, db: str | None, job_id: str, name: str) -> None:
    async def command() -> dict[str, Any]:
        from engine.jobs import Command
        from server.runtime.jobs import do_command
        from server.runtime.running import SYSTEM

        async with _running(path, db) as running:
            return await do_command(running, SYSTEM, job_id, Command(name))

    with told(path):
        typer.echo(asyncio.run(command())["status"])


async def _watch(path: Path, db: str | None, job_id: str) -> dict[str, Any]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from server.runtime.jobs import show_job
    from server.runtime.running import SYSTEM

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    async with _running(path, db) as running:
        with Progress(*columns) as progress:
            bar = progress.add_task("", total=100)
            while True:
                job = await show_job(running, SYSTEM, job_id)
                total, done = job["recordsCount"] or 100, job["recordsProcessed"]
                completed = done if job["recordsCount"] else job["progress"]
                progress.update(bar, description=f"{job['label']}: {job['status']}", total=total, completed=completed)
                if job["status"] in ENDS:
                    return job
                await asyncio.sleep(GLANCE)


@asynccontextmanager
async def _running(path: Path, db: str | None) -> AsyncIterator[RunningApp]:
    """The one app at the path, at its database."""
    from server.app import CannotServe, compile_apps
    from server.database import join_database
    from server.runtime.running import RunningApp

    loaded = compile_apps(path)
    if len(loaded) > 1:
        raise CannotServe(f"{path} holds {len(loaded)} apps: give the folder of one")
    async with join_database(db or os.environ.get("CASTWORK_DB"), loaded[0].folder) as database:
        store = await database.connect(loaded[0].name)
        try:
            yield RunningApp(loaded[0].compiled, store)
        finally:
            await store.close()


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


__all__ = ["app"]
