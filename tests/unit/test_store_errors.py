"""Errors of the driver: each becomes the one of the store that says what can be done about it."""

from bson.errors import InvalidBSON, InvalidDocument
from pymongo.errors import (
    AutoReconnect,
    ExecutionTimeout,
    InvalidURI,
    OperationFailure,
    ServerSelectionTimeoutError,
    WTimeoutError,
)

from server.store import DocumentTooLarge, DuplicateKey, MemoryExceeded, NotStorable, StoreError, StoreUnavailable
from server.store.errors import Broken, DiskFull, NotReadable, TimedOut, WriteConflict
from server.store.translation import translated
from tests.every import every


def refused(code, **details):
    return OperationFailure("refused", code, details)


@every(
    ("error", "expected"),
    [
        (refused(11000, keyPattern={"a": 1}, keyValue={"a": 1}), DuplicateKey),
        (refused(17419), DocumentTooLarge),
        (refused(146), MemoryExceeded),
        (refused(292), MemoryExceeded),
        (refused(112), WriteConflict),
        (refused(14031), DiskFull),
        (refused(1), Broken),
        (refused(91), StoreUnavailable),
        (refused(2), StoreError),
        (ExecutionTimeout("slow", 50), TimedOut),
        (AutoReconnect("gone"), StoreUnavailable),
        (ServerSelectionTimeoutError("nobody"), StoreUnavailable),
        (WTimeoutError("not on a majority"), StoreUnavailable),
        (InvalidURI("no"), StoreError),
        (InvalidBSON("torn"), NotReadable),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), NotReadable),
        (InvalidDocument("no such type"), NotStorable),
        (OverflowError("65 bits"), NotStorable),
    ],
)
def test_every_error_of_the_driver_has_its_own(error, expected):
    assert type(translated(error)) is expected


def test_only_what_the_server_calls_transient_may_be_repeated():
    conflict = OperationFailure("lost", 112, {"errorLabels": ["TransientTransactionError"]})
    assert translated(conflict).transient
    assert not translated(refused(112)).transient
    nobody = ServerSelectionTimeoutError("nobody")
    nobody._add_error_label("TransientTransactionError")
    assert not translated(nobody).transient


def test_a_duplicate_tells_its_index_and_key():
    message = 'E11000 duplicate key error collection: db.companies index: cw_unique_name dup key: { name: "x" }'
    error = translated(OperationFailure(message, 11000, {"keyPattern": {"name": 1}, "keyValue": {"name": "x"}}))
    assert (error.index, error.key_path, error.values) == ("cw_unique_name", "name", {"name": "x"})
    error = translated(OperationFailure(message, 11000, {"keyPattern": {"a": 1, "b": 1}, "keyValue": {"a": 1, "b": 2}}))
    assert (error.key_path, error.values) == (None, {"a": 1, "b": 2})
