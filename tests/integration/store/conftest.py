"""One embedded database for all tests of the store, a fresh database name for each."""

import itertools
from pathlib import Path

import pytest
import pytest_asyncio

from server.store import EmbeddedDatabase, open_store

HERE = Path(__file__).parent
NUMBERS = itertools.count()


def pytest_collection_modifyitems(items):
    """The database and its clients live on one event loop, so all tests run there."""
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("asyncio"):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def session_data(tmp_path_factory):
    return tmp_path_factory.mktemp("embedded")


@pytest_asyncio.fixture(scope="session", loop_scope="session", name="database")
async def run_database(session_data):
    async with EmbeddedDatabase(session_data) as database:
        yield database


@pytest_asyncio.fixture(loop_scope="session", name="open_named")
async def open_named_store(database):
    """Opens stores over the embedded database and closes them in the end."""
    opened = []

    async def open_one(name=None, **options):
        opened.append(await open_store(database.uri, name or f"test{next(NUMBERS)}", **options))
        return opened[-1]

    yield open_one
    for store in opened:
        await store.close()


@pytest_asyncio.fixture(loop_scope="session", name="store")
async def embedded_store(open_named):
    return await open_named()


@pytest_asyncio.fixture(loop_scope="session", name="any_store", params=["embedded", "memory"])
async def any_kind_of_store(request, open_named):
    """What both promise is tested on both."""
    if request.param == "embedded":
        yield await open_named()
    else:
        memory = await open_store("memory:", "any")
        yield memory
        await memory.close()
