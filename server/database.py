"""Where records live: in goes what --db says, out comes a database for each app."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from server.store import MEMORY, DataInUse, EmbeddedDatabase, Store, open_store

EMBEDDED_FOLDER = ".castwork"


@dataclass(frozen=True, slots=True)
class Database:
    """A database server, or the memory of this process."""

    uri: str
    described: str

    @property
    def shared(self) -> bool:
        """Whether several processes see the same data."""
        return self.uri != MEMORY

    async def connect(self, name: str) -> Store:
        """The database of an app; raises StoreUnavailable while the server is out of reach."""
        return await open_store(self.uri, name)


@contextlib.asynccontextmanager
async def open_database(db: str | None, home: Path) -> AsyncIterator[Database]:
    """What `--db` asks for, by default an embedded database in the folder `home`, which ends with the context.

    Raises DatabaseNotStarted and its subclasses.
    """
    if db == MEMORY:
        yield Database(MEMORY, "in memory: nothing is kept")
    elif db is not None:
        yield Database(db, "MongoDB")
    else:
        folder = home / EMBEDDED_FOLDER
        async with EmbeddedDatabase(folder) as embedded:
            yield Database(embedded.uri, f"embedded database in {folder}")


@contextlib.asynccontextmanager
async def join_database(db: str | None, home: Path) -> AsyncIterator[Database]:
    """As open_database; where a server runs already, the embedded database that is its own."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            database = await stack.enter_async_context(open_database(db, home))
        except DataInUse as error:
            if error.uri is None:
                raise
            database = Database(error.uri, "embedded database of the running server")
        yield database


@dataclass(frozen=True, slots=True)
class Databases:
    """The databases of several apps, by the names of the apps."""

    of: Mapping[str, Database]

    @property
    def shared(self) -> bool:
        """Whether several processes see the same data."""
        return all(one.shared for one in self.of.values())

    async def connect(self, name: str) -> Store:
        """The database of an app; raises StoreUnavailable while its server is out of reach."""
        return await self.of[name].connect(name)


@contextlib.asynccontextmanager
async def open_databases(db: str | None, homes: Mapping[str, Path], *, join: bool = False) -> AsyncIterator[Databases]:
    """As open_database, or join_database, for each app at its home: an app's data lies in its own folder, whether it is
    served alone or beside others."""
    entering = join_database if join else open_database
    async with contextlib.AsyncExitStack() as stack:
        yield Databases({name: await stack.enter_async_context(entering(db, home)) for name, home in homes.items()})


__all__ = ["EMBEDDED_FOLDER", "Database", "Databases", "join_database", "open_database", "open_databases"]
