"""The commands that work on definition files alone: no server, no database."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

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
) -> None:
    """Report every problem of the definitions. Needs no database.

    Exit codes: 0 all is well, 1 there are errors, 2 a path does not exist or holds no app.
    """
    from engine.definitions import validate_paths

    outcome = validate_paths(paths, report_format.value, strict=strict)
    typer.echo(outcome.text)
    raise typer.Exit(outcome.exit_code)


__all__ = ["ReportFormat", "app", "validate"]
