"""How commands end that cannot do their work: in go the errors of the product, out come words and an exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import typer


@contextmanager
def told(path: Path, code: int = 1) -> Iterator[None]:
    """Errors that the product raises on purpose are told without a traceback, all problems of definitions at once, and
    end the command with `code`; with 2 where there is no app."""
    from engine.errors import CastworkError, DefinitionErrors

    try:
        yield
    except DefinitionErrors:
        from engine.definitions import validate_paths

        fail(validate_paths([path]).text, code)
    except CastworkError as error:
        from engine.definitions import NoApp

        fail(f"castwork: {error}", code=2 if isinstance(error, NoApp) else code)


def fail(message: str, code: int = 1) -> NoReturn:
    """Ends the command."""
    typer.echo(message, err=True)
    raise typer.Exit(code)


__all__ = ["fail", "told"]
