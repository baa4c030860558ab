"""The command line: in go arguments, out come files, reports, a running server, and an exit code."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from server import definition_commands, example_command, explain_command, job_commands, load_command, token_command
from server.telling import told

app = typer.Typer(
    name="castwork",
    help="Schema-driven entity engine: YAML definitions in, a REST API over MongoDB out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(definition_commands.app)
app.add_typer(explain_command.app)
app.add_typer(load_command.app)
app.add_typer(example_command.app)
app.add_typer(token_command.app, name="token")
app.add_typer(job_commands.app, name="jobs")

AppPath = Annotated[Path, typer.Argument(metavar="PATH", help="An app's folder, or a folder of apps.")]


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make; it must not exist or be empty.")],
) -> None:
    """Make a small app to start from."""
    from server.starter import write_starter

    with told(folder):
        files = write_starter(folder)
    for file in files:
        typer.echo(f"  {file}")
    typer.echo(f"\nServe it:    castwork serve {folder}")
    typer.echo(f"Check it:    castwork validate {folder}\nTest it:     castwork test {folder}")


@app.command()
def serve(
    path: AppPath,
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes any free one. [default: 8000]")] = None,
    db: Annotated[
        str | None,
        typer.Option(
            metavar="URI", help="mongodb://... or memory: [default: an embedded database in the app's folder]"
        ),
    ] = None,
    base_path: Annotated[str | None, typer.Option(help="Where the API begins. [default: /api]")] = None,
    workers: Annotated[int | None, typer.Option(metavar="N", help="Serving processes. [default: 1]")] = None,
    reload: Annotated[
        bool | None, typer.Option("--reload", help="Take changed definitions over while serving.")
    ] = None,
    access_log: Annotated[bool | None, typer.Option("--access-log", help="Log a line for every request.")] = None,
    no_jobs: Annotated[bool, typer.Option("--no-jobs", help="Leave background jobs to castwork worker.")] = False,
    listener: Annotated[int | None, typer.Option(hidden=True, help="The socket of the parent of this worker.")] = None,
) -> None:
    """Serve the API of an app, or of all apps in a folder.

    One app is served at /api, several at /{app}/api.

    Every option can be given as an environment variable too: CASTWORK_DB, CASTWORK_PORT and so on.
    """
    from server.log import configure_logging
    from server.serve import serve_as_worker, serve_path
    from server.settings import read_settings

    configure_logging()
    with told(path):
        settings = read_settings(
            os.environ,
            host=host,
            port=port,
            db=db,
            base_path=base_path,
            workers=workers,
            reload=reload,
            access_log=access_log,
            jobs=False if no_jobs else None,
        )
        if listener is None:
            serve_path(path, settings, os.environ, typer.echo)
        else:
            serve_as_worker(path, settings, listener, os.environ, typer.echo)


@app.command()
def worker(
    path: AppPath,
    db: Annotated[
        str | None,
        typer.Option(metavar="URI", help="mongodb://... [default: the embedded database, a running server's too]"),
    ] = None,
    queue: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A queue to serve; may be repeated. [default: all]")
    ] = None,
) -> None:
    """Run background jobs only, beside servers or instead of them.

    How many jobs of a queue run at once on one machine is set by the app, however many workers there are.
    """
    from server.background import work_at
    from server.log import configure_logging
    from server.settings import read_settings

    configure_logging()
    with told(path):
        work_at(path, read_settings(os.environ, db=db), queue or None, typer.echo)


@app.command()
def routes(path: AppPath) -> None:
    """Print the route table of an app.

    Each line is a method, a path, the operation and the right that it asks for.
    """
    from server.app import compile_apps

    with told(path):
        loaded = compile_apps(path)
    for one in loaded:
        for route in sorted(one.compiled.routes, key=lambda route: (route.entity or "", route.path)):
            typer.echo(f"{route.method:7} {route.path:44} {route.operation:14} {route.permission}")


class DocumentFormat(StrEnum):
    """How `openapi` writes the document."""

    JSON = "json"
    YAML = "yaml"


@app.command()
def openapi(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="An app's folder.")],
    written: Annotated[DocumentFormat, typer.Option("--format", help="How to write it.")] = DocumentFormat.JSON,
) -> None:
    """Print the OpenAPI 3.1 document of an app. Needs no database.

    A running server gives it to developers at /api/openapi.json.
    """
    import json

    import yaml

    from engine.fields.json_text import encode_json
    from server.app import CannotServe, compile_apps

    with told(path):
        loaded = compile_apps(path)
        if len(loaded) != 1:
            names = ", ".join(one.name for one in loaded)
            raise CannotServe(f"{path} holds several apps ({names}): give the folder of one")
    document = json.loads(encode_json(loaded[0].compiled.openapi))
    if written is DocumentFormat.YAML:
        typer.echo(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), nl=False)
    else:
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


def main() -> None:
    """The program `castwork`."""
    app()
