"""The commands that work on definition files alone: no server, no database."""

from __future__ import annotations

import gc
import json
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from server.telling import told

app = typer.Typer(rich_markup_mode=None)


class ReportFormat(StrEnum):
    """How `validate` writes what it found."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


@app.command()
def validate(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Apps' folders, or folders of apps.")],
    report_format: Annotated[
        ReportFormat, typer.Option("--format", help="How to write the report.")
    ] = ReportFormat.TEXT,
    strict: Annotated[bool, typer.Option("--strict", help="Count warnings as errors.")] = False,
    cache: Annotated[bool, typer.Option(help="Give what was found before where nothing has changed.")] = True,
) -> None:
    """Report every problem of the definitions. Needs no database.

    Exit codes: 0 all is well, 1 there are errors, 2 a path does not exist or holds no app.
    """
    from engine.definitions import check_sources, validate_paths
    from server.check_cache import CheckCache, cache_folder

    gc.disable()  # the process is short: collecting costs more than it frees
    check = CheckCache(cache_folder(os.environ)) if cache else check_sources
    outcome = validate_paths(paths, report_format.value, strict=strict, check=check)
    typer.echo(outcome.text)
    raise typer.Exit(outcome.exit_code)


class FileKind(StrEnum):
    """The kinds of definition files."""

    ENTITY = "entity"
    APP = "app"
    GROUP = "group"
    TEST = "test"


@app.command()
def schema(
    kind: Annotated[
        FileKind, typer.Argument(metavar="[entity|app|group|test]", help="The kind of file.")
    ] = FileKind.ENTITY,
    project: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Offer the names of this app, or of all apps in a folder.")
    ] = None,
) -> None:
    """Print the JSON Schema (draft 2020-12) of definition files, for editors."""
    from engine.definitions import find_apps, read_sources
    from engine.definitions.editor_schema import build_editor_schema, project_names

    names = None
    if project is not None:
        with told(project):
            names = project_names([read_sources(folder) for folder in find_apps(project)])
    typer.echo(json.dumps(build_editor_schema(kind.value, names), indent=2, ensure_ascii=False))


@app.command()
def fmt(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Apps, folders of apps, or single files.")],
    check: Annotated[bool, typer.Option("--check", help="Change nothing; tell which files would change.")] = False,
) -> None:
    """Rewrite definition files in one layout: keys in order, even indentation. Comments stay.

    A file whose comments or meaning would not survive is left alone and told. Exit codes: 0 all is well, 1 a file
    has errors or, with --check, would change, 2 a path does not exist or holds no app.
    """
    from engine.definitions import find_files
    from engine.definitions.format import CannotFormat, format_text, takes_of_file

    faults = changed = 0
    for path in paths:
        with told(path):
            files = find_files(path)
        for file, name in files:
            if takes_of_file(name) is None:
                continue
            text = file.read_bytes().decode("utf-8-sig", errors="surrogateescape")
            try:
                formatted = format_text(name, text)
            except CannotFormat as reason:
                typer.echo(f"{file}: {reason}", err=True)
                faults += reason.broken
                continue
            if formatted != text:
                changed += 1
                typer.echo(f"{file} would change" if check else f"{file} changed")
                if not check:
                    file.write_bytes(formatted.encode())
    raise typer.Exit(1 if faults or (check and changed) else 0)


@app.command()
def rename(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="An app's folder.")],
    field: Annotated[str, typer.Argument(metavar="ENTITY.FIELD", help="Such as companies.taxId.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new name.")],
) -> None:
    """Rename a field in definitions, examples and starting records; the old name becomes an alias.

    Python code and stored records are not changed. Nothing is written where the result would not mean the same.
    """
    from engine.definitions import read_sources
    from engine.definitions.rename import plan_rename
    from engine.definitions.source import read_data

    with told(path):
        done = plan_rename(read_sources(path), read_data(path), field, name)
    for file, text in done.files.items():
        (path / file).write_bytes(text.encode())
        count = done.places[file]
        typer.echo(f"{path / file}: {count} place{'' if count == 1 else 's'}")
    for note in done.notes:
        typer.echo(f"{path}/{note}", err=True)


__all__ = ["FileKind", "ReportFormat", "app", "fmt", "rename", "schema", "validate"]
