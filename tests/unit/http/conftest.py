"""The HTTP face over use cases that only note how they were called: no database, no socket."""

import json
from dataclasses import dataclass

import pytest

from engine.routes import build_route_table
from engine.schema import App, Entity
from server.http.dispatch import build_http
from server.http.serving import Edition, Host, ServedApp, index_routes
from server.runtime import lists, records
from server.runtime.running import Caller, RunningApp
from server.settings import Settings


@dataclass
class Reply:
    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


class Database:
    """Counts pings; `failure` is what the next ones raise."""

    def __init__(self):
        self.pings = 0
        self.failure = None

    async def ping(self):
        self.pings += 1
        if self.failure:
            raise self.failure


async def take_for_developer(scope, running, address):
    return Caller(developer=True)


class Face:
    """Drives the ASGI app by hand, so that tests decide how the body arrives."""

    def __init__(self, apps=("crm",), prefix="/api", entities=("companies",), **settings):
        self.entities = entities
        self.database = Database()
        self.settings = Settings(**settings)
        self.host = Host([self.served(name) for name in apps])
        self.app = build_http(self.host, self.settings, prefix, take_for_developer)

    def served(self, name):
        app = App(name, name, entities={entity: Entity(entity, entity, ()) for entity in self.entities})
        routes = index_routes(build_route_table(app))
        running = RunningApp(None, self.database)
        return ServedApp(name, Edition(routes, running), self.settings.ready_cache)

    async def ask(self, method, path, body=b"", headers=None, *, length=True, query=b"", scheme="http", messages=None):
        chunks = [body] if isinstance(body, bytes) else list(body)
        given = dict(headers or {})
        if length and any(chunks):
            given.setdefault("content-length", str(sum(map(len, chunks))))
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query,
            "root_path": "",
            "scheme": scheme,
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        }
        waiting = messages or [
            {"type": "http.request", "body": chunk, "more_body": index < len(chunks) - 1}
            for index, chunk in enumerate(chunks)
        ]
        self.unread = list(waiting)
        sent = []

        async def receive():
            return self.unread.pop(0)

        async def send(message):
            sent.append(message)

        await self.app(scope, receive, send)
        if not sent:
            return None
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Reply(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))


@pytest.fixture
def called(monkeypatch):
    """What the use cases were called with, as (name, arguments after the caller)."""
    calls = []

    def note(module, name):
        async def use_case(running, caller, *arguments):
            calls.append((name, arguments))
            return {"done": name}

        monkeypatch.setattr(module, name, use_case)

    for name in ("list_records", "read_record", "delete_by_ids", "delete_by_query"):
        note(lists, name)
    for name in ("create_record", "update_record"):
        note(records, name)
    return calls


@pytest.fixture
def face(called):
    return Face()
