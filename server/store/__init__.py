"""The product's database: `open_store` answers a Store for a URI, `EmbeddedDatabase` runs a database of its own."""

from __future__ import annotations

from server.store.bound import bound_store, run_bound
from server.store.connecting import Patience, inspect_server, open_client
from server.store.embedded import EmbeddedDatabase
from server.store.embedded_store import EmbeddedStore
from server.store.errors import (
    Broken,
    DatabaseNotInstalled,
    DatabaseNotStarted,
    DataInUse,
    DiskFull,
    DocumentTooLarge,
    DuplicateKey,
    MemoryExceeded,
    NotReadable,
    NotStorable,
    NotSupported,
    StoreError,
    StoreUnavailable,
    TimedOut,
    WriteConflict,
)
from server.store.files import Files, StoredFile
from server.store.indexes import Failure, IndexName, Report, reconcile_indexes
from server.store.mongo import Nearest, Session, Store
from server.store.watching import count_connections

MEMORY = "memory:"


async def open_store(uri: str, database: str, patience: Patience | None = None) -> Store:
    """Opens one database of the server at `uri` (`mongodb://…`, `mongodb+srv://…` or `memory:`).

    Asks the server first what it can do: raises StoreUnavailable when there is none.
    """
    if uri == MEMORY:
        from server.store.memory import MemoryStore  # an extra that is not always installed

        return MemoryStore()
    patience = patience or Patience()
    server = await inspect_server(uri, patience)
    kind = EmbeddedStore if server.embedded else Store
    client = open_client(uri, patience, retry_writes=kind.retry_writes)
    return kind(client, database, transactions=server.transactions, patience=patience)


__all__ = [
    "Broken",
    "DataInUse",
    "DatabaseNotInstalled",
    "DatabaseNotStarted",
    "DiskFull",
    "DocumentTooLarge",
    "DuplicateKey",
    "EmbeddedDatabase",
    "EmbeddedStore",
    "Failure",
    "Files",
    "IndexName",
    "MemoryExceeded",
    "Nearest",
    "NotReadable",
    "NotStorable",
    "NotSupported",
    "Patience",
    "Report",
    "Session",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "StoredFile",
    "TimedOut",
    "WriteConflict",
    "bound_store",
    "count_connections",
    "open_store",
    "reconcile_indexes",
    "run_bound",
]
