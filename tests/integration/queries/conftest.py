"""Apps behind their whole HTTP face, in this process, over one real embedded database."""

import itertools
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from engine.compiler import compile_app
from engine.definitions import Sources
from server.http.dispatch import build_http
from server.http.serving import Edition, Host, ServedApp, index_routes
from server.runtime.running import Caller, RunningApp
from server.settings import Settings
from server.store import EmbeddedDatabase, connecting, open_store, reconcile_indexes

HERE = Path(__file__).parent
NUMBERS = itertools.count()


def pytest_collection_modifyitems(items):
    """The database and its clients live on one event loop, so all tests run there."""
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("asyncio"):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


class Served:
    """One app: `get` asks for a path as a developer, or as `caller`."""

    def __init__(self, running):
        self.running = running
        self.caller = Caller(developer=True)
        settings = Settings()
        edition = Edition(index_routes(running.compiled.routes), running)
        host = Host([ServedApp(running.compiled.app.name, edition, settings.ready_cache)])
        face = build_http(host, settings, "/api", self.identify)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(face), base_url="http://app/api")

    async def identify(self, scope, running, address):
        return self.caller

    async def get(self, path, caller=None, **parameters):
        self.caller = caller or Caller(developer=True)
        return await self.client.get(f"/data/{path}", params=parameters or None)

    async def list(self, path, caller=None, **parameters):
        """The answer to a list that is not refused."""
        answer = await self.get(path, caller, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def names(self, path, caller=None, **parameters):
        """The labels of a list's items."""
        return [item["label"] for item in (await self.list(path, caller, **parameters))["items"]]

    async def add(self, entity, *bodies):
        """Creates records through the API and gives them as they were answered."""
        self.caller = Caller(developer=True)
        found = []
        for body in bodies:
            answer = await self.client.post(f"/data/{entity}", json=body)
            assert answer.status_code == 200, answer.text
            found.append(answer.json())
        return found


@pytest_asyncio.fixture(scope="session", loop_scope="session", name="query_database")
async def run_database(tmp_path_factory):
    async with EmbeddedDatabase(tmp_path_factory.mktemp("queries")) as database:
        yield database


@pytest_asyncio.fixture(loop_scope="session")
async def serve_app(query_database):
    """Serves apps made of files (`entities/things.yaml` and so on), each over a database of its own.

    A `listener` of the driver's is told every command that is sent.
    """
    opened = []

    async def serve(listener=None, **files):
        texts = {"app.yaml": "name: shop\ntimezone: UTC\n"}
        texts.update({f"{name.replace('_', '/', 1)}.yaml": text for name, text in files.items()})
        compiled = compile_app(Sources(".", texts))
        with pytest.MonkeyPatch.context() as patch:
            if listener is not None:
                patch.setattr(connecting, "make_listeners", lambda: [listener])
            store = await open_store(query_database.uri, f"queries{next(NUMBERS)}")
        opened.append(store)
        await reconcile_indexes(store, compiled.indexes)
        return Served(RunningApp(compiled, store))

    yield serve
    for store in opened:
        await store.close()
