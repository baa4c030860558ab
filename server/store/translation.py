"""Errors of the driver: in goes whatever it raised, out comes one of `server.store.errors`."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, ParamSpec, TypeVar

from bson.errors import BSONError, InvalidBSON
from pymongo.errors import (
    ConnectionFailure,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WTimeoutError,
)
from pymongo.errors import DocumentTooLarge as ClientDocumentTooLarge

from server.store.errors import (
    Broken,
    DiskFull,
    DocumentTooLarge,
    DuplicateKey,
    MemoryExceeded,
    NotReadable,
    NotStorable,
    StoreError,
    StoreUnavailable,
    TimedOut,
    WriteConflict,
)

P = ParamSpec("P")
T = TypeVar("T")

DRIVER_ERRORS = (PyMongoError, BSONError, OverflowError, UnicodeError, RecursionError)
"""All that the driver raises for what it was given or for what it met; the last three come out of its BSON encoder."""

DUPLICATE_CODES = frozenset({11000, 11001, 12582})
TOO_LARGE_CODES = frozenset({10334, 17419, 17420})
MEMORY_CODES = frozenset({146, 292})
CONFLICT_CODES = frozenset({112, 251})
DISK_CODES = frozenset({14031})
BROKEN_CODES = frozenset({1})
UNAVAILABLE_CODES = frozenset({6, 7, 64, 89, 91, 134, 189, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436})
"""Not primary, shutting down, host unreachable, majority not reached: server states that pass by themselves."""


def translating(method: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Lets no driver error out of a method of the store."""

    @functools.wraps(method)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except DRIVER_ERRORS as error:
            raise translated(error) from error

    return run


def translated(error: Exception) -> StoreError:
    """The store's error for one of DRIVER_ERRORS; raise it `from` the original."""
    message = str(error)
    if isinstance(error, ClientDocumentTooLarge):
        return DocumentTooLarge(message)
    if isinstance(error, InvalidBSON | UnicodeDecodeError):
        return NotReadable(message)
    if not isinstance(error, PyMongoError):
        return NotStorable(message)
    # Without a server there is nothing to repeat: the selection has just waited for one in vain.
    selecting = isinstance(error, ServerSelectionTimeoutError)
    transient = error.has_error_label("TransientTransactionError") and not selecting
    if isinstance(error, ConnectionFailure | WTimeoutError):
        return StoreUnavailable(message, transient=transient)
    if isinstance(error, ExecutionTimeout):
        return TimedOut(message)
    if isinstance(error, OperationFailure):
        return refusal(error.details or {}, error.code, message, transient=transient)
    return StoreError(message, transient=transient)


def refusal(details: Mapping[str, Any], code: int | None, message: str, *, transient: bool = False) -> StoreError:
    """The error for what the server answered: to a whole command, or about one document of a bulk."""
    if code in DUPLICATE_CODES:
        paths = list(details.get("keyPattern", ()))
        return DuplicateKey(_index_name(message), paths[0] if len(paths) == 1 else None, details.get("keyValue", {}))
    if code in TOO_LARGE_CODES:
        return DocumentTooLarge(message)
    if code in MEMORY_CODES:
        return MemoryExceeded(message)
    if code in CONFLICT_CODES:
        return WriteConflict(message, transient=transient)
    if code in DISK_CODES:
        return DiskFull(message)
    if code in BROKEN_CODES:
        return Broken(message, transient=transient)
    if code in UNAVAILABLE_CODES:
        return StoreUnavailable(message, transient=transient)
    return StoreError(message, transient=transient)


def _index_name(message: str) -> str:
    # E11000 duplicate key error collection: db.companies index: cw_unique_name dup key: { name: "x" }
    return message.partition(" index: ")[2].partition(" dup key:")[0]


__all__ = ["DRIVER_ERRORS", "refusal", "translated", "translating"]
