"""One app over a real database, with people of several kinds, whose log, counts and spans are looked at."""

import itertools
import logging

import httpx
import pytest
import pytest_asyncio

from engine.compiler import compile_app
from engine.definitions import Sources
from server.http.dispatch import build_http
from server.http.serving import Edition, Host, ServedApp, index_routes
from server.log import JsonLines, quieten
from server.runtime import records
from server.runtime.auth.desk import Desk
from server.runtime.auth.hashing import Hasher
from server.runtime.calls import Calls
from server.runtime.hooks import load_hooks
from server.runtime.jobs import prepare_jobs
from server.runtime.logs import AppLog
from server.runtime.running import SYSTEM, RunningApp
from server.settings import Settings
from server.store import EmbeddedDatabase, open_store, reconcile_indexes
from tests.integration.http.conftest import crm, serve  # noqa: F401 - fixtures

PASSWORD = "canary-password-7"
CARDS = """
label: Cards
auditLogs: true
recordLabel: name
fields:
  name: {type: text, required: true}
  code: {type: text, sensitive: true}
  size: {type: integer}
actions:
  tell:
    parameters: {pin: {type: text, sensitive: true}, note: {type: text}}
    steps:
      - log: {level: WARN, message: "{name} {code} {params.pin} {params.note}"}
  hook:  {run: hook, parameters: {pin: {type: text, sensitive: true}}}
  crash: {run: crash}
  half:  {steps: [{log: {level: INFO, message: never said}}, {fail: {code: refused, message: refused}}]}
  call:  {steps: [{call: {method: POST, url: "http://127.0.0.1:9/canary-path?q=canary-query", timeout: 500ms}}]}
"""
HOOKS = """
async def hook(ctx):
    ctx.log("INFO", f"hooked {ctx.record['name']} {ctx.record['code']} {ctx.params['pin']}")

async def crash(ctx):
    raise RuntimeError("canary-inside")
"""
FILES = {
    "app.yaml": "name: crm\nlabel: CRM\n",
    "entities/cards.yaml": CARDS,
    "groups/users.yaml": "label: Users\nentities:\n  cards: {read: always, create: always, update: always}\n",
    "groups/support.yaml": "label: Support\nimpersonate: true\nentities:\n  cards: {read: always}\n",
    "hooks.py": HOOKS,
}
COMPILED = compile_app(Sources(".", FILES))
numbers = itertools.count()


class Lines(logging.Handler):
    """What the process would write on standard error."""

    def __init__(self):
        super().__init__()
        self.setFormatter(JsonLines())
        self.written = []

    def emit(self, record):
        self.written.append(self.format(record))


class House:
    """The app behind its HTTP face. `settings` are those of the server."""

    def __init__(self, running, lines, **settings):
        self.running, self.lines = running, lines
        self.settings = Settings(**settings)
        running.log.reads = self.settings.log_reads
        served = ServedApp("crm", Edition(index_routes(COMPILED.routes), running), 1.0)
        self.app = build_http(Host([served]), self.settings, "/api")
        self.tokens = {}

    async def ask(self, method, path, body=None, *, who=None, peer="192.0.2.10", headers=None, base="/api"):
        given = dict(headers or {})
        if who is not None:
            given["token"] = self.tokens[who]
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(peer, 40000))
        async with httpx.AsyncClient(transport=transport, base_url="http://crm.example") as client:
            return await client.request(method, base + path, json=body, headers=given)

    async def person(self, name, *groups, developer=False):
        body = {
            "firstName": name,
            "lastName": "Test",
            "email": f"{name}@example.com",
            "groups": [{"primary": index == 0, "group": group} for index, group in enumerate(groups)],
            "permissions": {"developer": developer},
            "authentication": {"newPassword": PASSWORD, "passwordConfirmation": PASSWORD},
        }
        await records.create_record(self.running, SYSTEM, "sys.users", body)
        return await self.login(name)

    async def login(self, name, as_other=None):
        more = {} if as_other is None else {"emailImpersonatedUser": f"{as_other}@example.com"}
        answer = await self.ask("POST", "/auth/login", {"email": f"{name}@example.com", "password": PASSWORD, **more})
        assert answer.status_code == 200, answer.text
        self.tokens[(as_other and f"{name} as {as_other}") or name] = answer.json()["token"]
        return answer.json()["token"]

    async def logs(self, query="", status=200):
        answer = await self.ask("GET", f"/status/logs{query}", who="dev")
        assert answer.status_code == status, answer.text
        return answer.json()

    async def messages(self, query=""):
        return [one["message"] for one in (await self.logs(query))["items"]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def observed_database(tmp_path_factory):
    """The URI of a database server for all tests."""
    server = EmbeddedDatabase(tmp_path_factory.mktemp("observing"))
    yield await server.start()
    await server.stop()


@pytest.fixture
async def open_house(observed_database):
    """Opens the app, each time with a database of its own and with a developer who is logged in."""
    stores, lines = [], Lines()
    root = logging.getLogger()
    before = root.level
    root.addHandler(lines)
    quieten()
    root.setLevel(logging.INFO)

    async def open_one(**settings):
        store = await open_store(observed_database, f"observed{next(numbers)}")
        stores.append(store)
        await reconcile_indexes(store, COMPILED.indexes)
        await prepare_jobs(store)
        running = RunningApp(
            COMPILED,
            store,
            desk=Desk(Hasher(memory_kib=64, passes=1)),
            hooks=load_hooks(COMPILED.app),
            calls=Calls(allow_private=True),
            log=AppLog(),
        )
        house = House(running, lines, **settings)
        await house.person("dev", developer=True)
        return house

    yield open_one
    root.removeHandler(lines)
    root.setLevel(before)
    for store in stores:
        await store.close()


@pytest.fixture
async def house(open_house):
    return await open_house()
