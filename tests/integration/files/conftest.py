"""An app whose records point to files, behind its HTTP face, over a real database."""

import contextlib
import itertools
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from engine.compiler import compile_app
from engine.definitions import Sources
from server.http.dispatch import build_http
from server.http.serving import Edition, Host, ServedApp, index_routes
from server.runtime import records
from server.runtime.running import SYSTEM, Caller, RunningApp
from server.settings import Settings
from server.store import EmbeddedDatabase, open_store

FILES = {
    "app.yaml": "name: office\n",
    "entities/papers.yaml": """
recordLabel: "{title}"
fields:
  title: {type: text}
  state: {type: choice, options: [open, closed]}
  scan:  {type: file}
  pages: {type: file, many: true}
  parts: {type: nested, many: true, fields: {photo: {type: file}}}
  secret: {type: file}
  masked: {type: file}
  guarded: {type: file, read: "state == 'open'"}
actions:
  attach: {type: one, parameters: {paper: {type: file}}, steps: [{set: {scan: "=params.paper"}}]}
listeners:
  copying:
    on: [created]
    when: {state: closed}
    steps: [{set: {pages: "=[scan] if scan else []"}}]
""",
    "entities/notes.yaml": "fields: {text: {type: text}}\n",
    "groups/clerks.yaml": """
entities:
  papers:
    read: {state: open}
    create: always
    update: always
    delete: always
    actions: {attach: always}
    fields: {secret: none, masked: {read: {title: shown}}}
""",
    "groups/closed.yaml": "api: {readFiles: false, uploadFiles: false}\nentities: {papers: {read: always}}\n",
    "groups/anonymous.yaml": "entities: {papers: {create: always, read: {title: public}}}\n",
}
COMPILED = compile_app(Sources(".", FILES))
HIDING = compile_app(Sources(".", {**FILES, "app.yaml": FILES["app.yaml"] + "forbidden: hide\n"}))
HOUR = 3_600_000

HERE = Path(__file__).parent
numbers = itertools.count()


def pytest_collection_modifyitems(items):
    """The database and its clients live on one event loop, so all tests run there."""
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("asyncio"):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


class Office:
    """One app, whose clock only moves when a test says so."""

    def __init__(self, compiled, store):
        self.now = 1_900_000_000_000
        self.running = RunningApp(compiled, store, clock=lambda: self.now)
        self.store = store
        self._clients = contextlib.AsyncExitStack()

    async def user(self, name, *groups, developer=False, system=False):
        """A caller with these groups."""
        record = await records.create_record(
            self.running,
            SYSTEM,
            "sys.users",
            {
                "firstName": name,
                "lastName": "Test",
                "email": f"{name}@example.com",
                "groups": [{"primary": index == 0, "group": group} for index, group in enumerate(groups)],
                "permissions": {"developer": developer, "systemUser": system},
            },
        )
        return Caller(user={**record, "id": str(record["id"])}, groups=groups, developer=developer)

    async def client(self, caller=SYSTEM, **settings):
        """A client of the app's API in whose requests nobody but the caller asks."""

        async def identify(scope, running, address):
            return caller

        served = ServedApp("office", Edition(index_routes(self.running.compiled.routes), self.running), 1.0)
        http = build_http(Host([served]), Settings(**settings), "/api", identify)
        client = httpx.AsyncClient(transport=httpx.ASGITransport(http), base_url="http://office/api")
        return await self._clients.enter_async_context(client)

    async def close(self):
        await self._clients.aclose()
        await self.running.outbox.settle()
        await self.store.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def files_database(tmp_path_factory):
    """The URI of a database server for all tests."""
    server = EmbeddedDatabase(tmp_path_factory.mktemp("files"))
    yield await server.start()
    await server.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def open_office(files_database):
    offices = []

    async def open_one(compiled=COMPILED):
        store = await open_store(files_database, f"files{next(numbers)}")
        await store.files.prepare()
        offices.append(Office(compiled, store))
        return offices[-1]

    yield open_one
    for office in offices:
        await office.close()


@pytest_asyncio.fixture(loop_scope="session")
async def office(open_office):
    return await open_office()


async def upload(client, content=b"hello", name="hello.txt", content_type="text/plain"):
    """The id of a new upload."""
    answer = await client.post("/files", files={"file": (name, content, content_type)})
    assert answer.status_code == 200, answer.text
    return answer.json()["fileId"]
