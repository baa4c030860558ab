"""The worlds behind the doors, all on one database server."""

import pytest
import pytest_asyncio

from server.store import EmbeddedDatabase
from tests.integration.doors.world import compiled_app, open_world


@pytest.fixture(scope="session")
def print_at_end(request):
    """Prints a line whatever is captured."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def show(line):
        with capture.global_and_fixture_disabled():
            print(f"\n{line}")

    return show


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database_uri(tmp_path_factory):
    """The URI of a database server for all tests."""
    server = EmbeddedDatabase(tmp_path_factory.mktemp("doors"))
    yield await server.start()
    await server.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def telling(database_uri):
    """The world of an app that tells of records which may not be read."""
    world = await open_world(database_uri, compiled_app())
    yield world
    await world.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def hiding(database_uri):
    """The world of an app that does not."""
    world = await open_world(database_uri, compiled_app(forbidden="hide"))
    yield world
    await world.close()
