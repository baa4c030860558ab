"""`castwork test`: an app's examples of rights and requests are tried, and rules that none exercises are told."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.telling import told

if TYPE_CHECKING:
    from rich.console import Console

    from engine.definitions.examples import Examples
    from engine.examples.outcome import Failure, Outcome, Tried
    from server.app import LoadedApp
    from server.database import Database

app = typer.Typer(rich_markup_mode=None)

MEMORY, EMBEDDED = "memory:", "embedded:"
"""Ask for a database in memory, and for an embedded one in a folder of its own."""


class OutcomeFormat(StrEnum):
    """How `test` writes what it found."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


@app.command("test")
def try_examples(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="An app's folder, or a folder of apps.")],
    db: Annotated[
        str | None,
        typer.Option(
            metavar="URI",
            help="embedded: or mongodb://..., where a new database is made and removed [default: memory:]",
        ),
    ] = None,
    output: Annotated[OutcomeFormat, typer.Option("--format", help="How to write the report.")] = OutcomeFormat.TEXT,
    require_coverage: Annotated[
        bool, typer.Option("--require-coverage", help="Fail where a rule of a group is not exercised.")
    ] = False,
) -> None:
    """Try the examples in tests/*.yaml: what groups may do, and requests with their answers.

    Exit codes: 0 all is as they say, 1 something is not, 2 they cannot be tried.
    """
    from engine.examples.report import CANNOT_RUN, exit_code, render_github, render_json

    with _errors_only(), told(path, code=CANNOT_RUN):
        tried = asyncio.run(_try_all(path, db))
    match output:
        case OutcomeFormat.JSON:
            typer.echo(render_json(tried))
        case OutcomeFormat.GITHUB:
            typer.echo(render_github(tried, require_coverage=require_coverage))
        case OutcomeFormat.TEXT:
            _print(tried, require_coverage=require_coverage)
    raise typer.Exit(exit_code(tried, require_coverage=require_coverage))


@contextlib.contextmanager
def _errors_only() -> Iterator[None]:
    """Keeps the log quiet about what a database in memory lacks."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(before)


async def _try_all(path: Path, db: str | None) -> list[Tried]:
    from engine.definitions import read_sources
    from engine.definitions.examples import load_examples
    from server.app import compile_apps

    apps = [(loaded, load_examples(read_sources(loaded.folder))) for loaded in compile_apps(path)]
    if not any(file.requests for _, files in apps for file in files):
        return [await _try_one(loaded, files, None) for loaded, files in apps]
    async with _database(db or _usual_database()) as database:
        return [await _try_one(loaded, files, database) for loaded, files in apps]


def _usual_database() -> str:
    """The quickest that is installed."""
    return MEMORY if find_spec("mongomock_motor") else EMBEDDED


@contextlib.asynccontextmanager
async def _database(db: str) -> AsyncIterator[Database]:
    """The database server that new databases are made on."""
    from server.database import open_database
    from server.replay import CannotReplay

    if db == MEMORY and find_spec("mongomock_motor") is None:
        raise CannotReplay("A database in memory is an extra: pip install 'castwork[memory]', or give --db embedded:")
    with tempfile.TemporaryDirectory(prefix="castwork-") as folder:
        async with open_database(None if db == EMBEDDED else db, Path(folder)) as database:
            yield database


async def _try_one(loaded: LoadedApp, files: Sequence[Examples], database: Database | None) -> Tried:
    from engine.examples.outcome import Tried
    from engine.examples.rights import Trials
    from server.replay import replay

    trials = Trials(loaded.compiled, time.time_ns() // 1_000_000)
    outcomes: list[Outcome] = []
    for file in files:
        outcomes += [trials.run(example) for example in file.permissions]
        if file.requests and database is not None:
            outcomes += await replay(loaded, file, database)
    coverage = trials.coverage
    return Tried(str(loaded.folder), tuple(outcomes), coverage.rules, coverage.missing())


def _print(tried: Sequence[Tried], *, require_coverage: bool) -> None:
    from rich.console import Console

    from engine.examples.report import describe_uncovered, placed

    console = Console(highlight=False, soft_wrap=True, markup=False)
    for one in tried:
        for outcome in one.outcomes:
            if outcome.failures:
                console.print(f"{placed(one.root, outcome.at)}: {outcome.name}", style="bold red")
                for failure in outcome.failures:
                    _print_failure(console, one.root, failure)
        for rule in one.uncovered:
            style = "red" if require_coverage else "yellow"
            console.print(f"{placed(one.root, rule.at)}: group {rule.group}: {describe_uncovered(rule)}", style=style)
    examples, failed = sum(len(one.outcomes) for one in tried), sum(one.failed for one in tried)
    rules, missing = sum(one.rules for one in tried), sum(len(one.uncovered) for one in tried)
    told = f"{examples - failed} of {examples} examples passed, {rules - missing} of {rules} rules exercised"
    console.print(told, style="red" if failed else "green")


def _print_failure(console: Console, root: str, failure: Failure) -> None:
    from engine.examples.report import placed

    console.print(f"  {placed(root, failure.at)}: {failure.message}")
    if failure.expected is not None:
        console.print(f"    - {failure.expected}", style="red")
    if failure.found is not None:
        console.print(f"    + {failure.found}", style="green")


__all__ = ["OutcomeFormat", "app", "try_examples"]
