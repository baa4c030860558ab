"""`castwork token`: API tokens of an app's users, made, listed and revoked at the database, beside a running server."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from engine.errors import CastworkError
from server.telling import told

app = typer.Typer(help="API tokens of an app's users.", no_args_is_help=True, rich_markup_mode=None)

Result = TypeVar("Result")
AppPath = Annotated[Path, typer.Argument(metavar="PATH", help="An app's folder.")]
Db = Annotated[str | None, typer.Option(metavar="URI", help="mongodb://... [default: the app's embedded database]")]
User = Annotated[str, typer.Option(metavar="EMAIL", help="Whose rights the token gives.")]
Name = Annotated[str, typer.Option(help="What the token is called; each one of a user has another name.")]

_LIFETIME = re.compile(r"([1-9][0-9]{0,4})([mhd])")
_UNITS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}


class BadArgument(CastworkError):
    """An option that cannot be understood."""


@app.command()
def create(
    path: AppPath,
    user: User,
    name: Name,
    scopes: Annotated[
        str | None,
        typer.Option(help="For what, separated by commas: data, data:companies, data:*:read+update. [default: all]"),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="For how long, such as 12h or 90d. [default: until revoked]")
    ] = None,
    db: Db = None,
) -> None:
    """Make a token and print it, this once. It is shown in the header `token` of requests."""
    from server.runtime.auth.api_tokens import give_api_token

    with told(path):
        lifetime = None if expires is None else parse_lifetime(expires)
    wanted = None if scopes is None else [scope.strip() for scope in scopes.split(",")]
    typer.echo(_at_database(path, db, lambda running: give_api_token(running, user, name, wanted, lifetime)))


@app.command("list")
def list_(path: AppPath, db: Db = None) -> None:
    """List the tokens: user, name, scopes, end, last use."""
    from server.runtime.auth.api_tokens import list_api_tokens

    for token in _at_database(path, db, list_api_tokens):
        scopes = "all" if token.scopes is None else ",".join(token.scopes)
        ends = "never" if token.ends is None else _moment(token.ends)
        typer.echo(f"{token.email}  {token.name}  {scopes}  ends {ends}  used {_moment(token.used)}")


@app.command()
def revoke(path: AppPath, user: User, name: Name, db: Db = None) -> None:
    """End a token."""
    from server.runtime.auth.api_tokens import revoke_api_token

    _at_database(path, db, lambda running: revoke_api_token(running, user, name))
    typer.echo(f"The token {name} of {user} has ended")


def parse_lifetime(text: str) -> int:
    """The ms that `90d`, `12h` or `30m` mean; raises BadArgument."""
    found = _LIFETIME.fullmatch(text)
    if found is None:
        raise BadArgument(f"--expires is {text!r}: expected a number with m, h or d, such as 90d")
    return int(found[1]) * _UNITS[found[2]]


def _at_database(path: Path, db: str | None, work: Callable[..., Awaitable[Result]]) -> Result:
    with told(path):
        return asyncio.run(_run(path, db or os.environ.get("CASTWORK_DB"), work))


async def _run(path: Path, db: str | None, work: Callable[..., Awaitable[Result]]) -> Result:
    from server.app import compile_apps
    from server.database import open_database
    from server.runtime.running import RunningApp
    from server.store import DataInUse

    loaded = compile_apps(path)
    if len(loaded) > 1:
        raise BadArgument(f"{path} holds {len(loaded)} apps: give the folder of one")
    compiled, folder = loaded[0].compiled, loaded[0].folder

    async def at(db: str | None) -> Result:
        async with open_database(db, folder) as database:
            store = await database.connect(compiled.app.name)
            try:
                return await work(RunningApp(compiled, store))
            finally:
                await store.close()

    try:
        return await at(db)
    except DataInUse as error:
        if error.uri is None:
            raise
        return await at(error.uri)  # a server is running: its database serves this command too


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


__all__ = ["app", "parse_lifetime"]
