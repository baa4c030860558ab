"""The command line: in go arguments, out come files, reports, a running server, and an exit code."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="castwork",
    help="Schema-driven entity engine: YAML definitions in, a REST API over MongoDB out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

AppPath = Annotated[Path, typer.Argument(metavar="PATH", help="An app's folder, or a folder of apps.")]


class ReportFormat(StrEnum):
    """How `validate` writes what it found."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make; it must not exist or be empty.")],
) -> None:
    """Make a small app to start from."""
    from server.starter import CannotStart, write_starter

    try:
        files = write_starter(folder)
    except CannotStart as error:
        _fail(str(error))
    for file in files:
        typer.echo(f"  {file}")
    typer.echo(f"\nServe it:    castwork serve {folder}\nCheck it:    castwork validate {folder}")


@app.command()
def validate(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Apps' folders, or folders of apps.")],
    report_format: Annotated[
        ReportFormat, typer.Option("--format", help="How to write the report.")
    ] = ReportFormat.TEXT,
) -> None:
    """Report every problem of the definitions. Needs no database.

    Exit codes: 0 all is well, 1 there are errors, 2 a path does not exist or holds no app.
    """
    from engine.definitions import NoApp, find_apps, validate_apps

    try:
        report = validate_apps([found for path in paths for found in find_apps(path)], report_format.value)
    except NoApp as error:
        _fail(str(error), code=2)
    typer.echo(report.text)
    raise typer.Exit(1 if report.errors else 0)


@app.command()
def serve(
    path: AppPath,
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes any free one. [default: 8000]")] = None,
    db: Annotated[
        str | None,
        typer.Option(metavar="URI", help="mongodb://... or memory: [default: an embedded database in PATH/.castwork]"),
    ] = None,
    base_path: Annotated[str | None, typer.Option(help="Where the API begins. [default: /api]")] = None,
    workers: Annotated[int | None, typer.Option(metavar="N", help="Serving processes. [default: 1]")] = None,
    reload: Annotated[
        bool | None, typer.Option("--reload", help="Take changed definitions over while serving.")
    ] = None,
    access_log: Annotated[bool | None, typer.Option("--access-log", help="Log a line for every request.")] = None,
    worker: Annotated[
        int | None, typer.Option(hidden=True, help="The socket of a parent that made this worker.")
    ] = None,
) -> None:
    """Serve the API of one app, or of every app in a folder at /{app}/api.

    Every option can be given as an environment variable too: CASTWORK_DB, CASTWORK_PORT and so on.
    """
    from engine.errors import CastworkError, DefinitionErrors
    from server.app import serve_path
    from server.log import configure_logging
    from server.settings import read_settings

    configure_logging()
    try:
        settings = read_settings(
            os.environ,
            host=host,
            port=port,
            db=db,
            base_path=base_path,
            workers=workers,
            reload=reload,
            access_log=access_log,
        )
        serve_path(path, settings, worker)
    except DefinitionErrors as error:
        _fail(str(error))
    except CastworkError as error:
        _fail(str(error))


@app.command()
def routes(path: AppPath) -> None:
    """Print the route table: method, path, operation, the right it asks for."""
    from server.app import compile_apps

    for one in compile_apps(path):
        for route in one.compiled.routes:
            typer.echo(f"{route.method:7} {route.path:44} {route.operation:14} {route.permission}")


def main() -> None:
    """The program `castwork`."""
    app()


def _fail(message: str, code: int = 1) -> None:
    typer.echo(f"castwork: {message}", err=True)
    raise typer.Exit(code)
