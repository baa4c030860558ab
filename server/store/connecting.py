"""The way to a server: in goes a URI, out come what the server told of itself and a client for a Store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from pymongo import AsyncMongoClient

from server.store.translation import DRIVER_ERRORS, translated
from server.store.watching import make_listeners


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the store waits, in milliseconds; the options of a URI win where they say otherwise.

    `command` bounds one command on the server. The driver's methods for writes take no such bound (its general one
    costs every command 60–100 µs and the bound on the selection), so writes are bounded by the socket, 5 s later.
    `transaction` bounds the repeats of `run_transaction`. A read from a server that hangs is given up after connect +
    heartbeat + selection.
    """

    command: int = 30_000
    selection: int = 2_000
    connect: int = 1_500
    heartbeat: int = 500
    pool: int = 4_000
    transaction: int = 30_000
    index: int = 3_600_000


@dataclass(frozen=True, slots=True)
class Server:
    """What a server told of itself."""

    transactions: bool
    embedded: bool


async def inspect_server(uri: str, patience: Patience) -> Server:
    """Asks a server what it is; raises StoreUnavailable when there is none."""
    client = open_client(uri, patience, retry_writes=False)
    try:
        hello = await client.admin.command("hello")
        build = await client.admin.command("buildInfo")
    except DRIVER_ERRORS as error:
        raise translated(error) from error
    finally:
        await client.close()
    transactions = "setName" in hello or hello.get("msg") == "isdbgrid"
    return Server(transactions=transactions, embedded="secantusVersion" in build)


def open_client(uri: str, patience: Patience, *, retry_writes: bool) -> AsyncMongoClient[dict[str, Any]]:
    """A client for a Store; connects when it is first used. Raises StoreError for a URI that is none."""
    asked = {name.lower() for name, _ in parse_qsl(uri.partition("?")[2])}
    options: dict[str, Any] = {
        "appName": "castwork",
        "serverSelectionTimeoutMS": patience.selection,
        "connectTimeoutMS": patience.connect,
        "socketTimeoutMS": patience.command + 5_000,
        "heartbeatFrequencyMS": patience.heartbeat,
        "waitQueueTimeoutMS": patience.pool,
        "retryWrites": retry_writes,
    }
    wanted = {name: value for name, value in options.items() if name.lower() not in asked}
    if not asked & {"w", "j", "journal"}:
        wanted |= {"w": "majority", "journal": True}
    try:
        return AsyncMongoClient(uri, datetime_conversion="DATETIME_MS", event_listeners=make_listeners(), **wanted)
    except DRIVER_ERRORS as error:
        raise translated(error) from error


__all__ = ["Patience", "Server", "inspect_server", "open_client"]
