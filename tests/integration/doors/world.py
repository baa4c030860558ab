"""One small app behind its real HTTP face on a real database: callers of every kind, records that are theirs or not.

Every text of a record is a canary that tells where it stood, so that an answer which holds one tells what leaked.
"""

import asyncio
import copy
import itertools
import json
import logging
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import urlencode

from bson import ObjectId
from pymongo import MongoClient

from engine.compiler import compile_app
from engine.definitions import Sources, read_sources
from engine.records.audit import AUDIT
from server.http.dispatch import build_http
from server.http.serving import Edition, Host, ServedApp, index_routes
from server.log import JsonLines
from server.runtime import records
from server.runtime.auth.tokens import TOKENS, make_token, start_session
from server.runtime.running import SYSTEM, RunningApp
from server.settings import Settings
from server.store import open_store
from server.store.indexes import reconcile_indexes

APP = Path(__file__).parent / "app"
FILES = read_sources(APP).files
BASE = "/api"
NOW = 1_800_000_000_000
names = (f"doors{number}" for number in itertools.count())

ANONYMOUS, WRONG = "anonymous", "wrong token"
GROUPS = ("nothing", "reader", "conditional", "readonly", "hidden", "partly", "full")
DEVELOPER = "developer"
CALLERS = (ANONYMOUS, WRONG, *GROUPS, DEVELOPER)
OWN, FOREIGN, MISSING = "own", "foreign", "missing"
TARGETS = (OWN, FOREIGN, MISSING)
MISSING_ID = "f" * 24
KEPT = ("deals", "accounts", "sys.users")

# Canaries: what stood in fields that no group restricts, and in those that one does, of own and of foreign records.
PLAIN = {OWN: "plumowned", FOREIGN: "plumalien"}
SECRET = {OWN: "hushowned", FOREIGN: "hushalien"}
CODE = {OWN: "codeowned", FOREIGN: "codealien"}
NAME = {OWN: "nameowned", FOREIGN: "namealien"}
SELF = {OWN: "selfowned", FOREIGN: PLAIN[FOREIGN]}
JOB = {OWN: "jobowned", FOREIGN: "jobalien"}
EVERYTHING = frozenset(
    {*SELF.values(), *JOB.values(), *PLAIN.values(), *SECRET.values(), *CODE.values(), *NAME.values()}
)

UNSEEN = {
    ANONYMOUS: EVERYTHING,
    WRONG: EVERYTHING,
    "nothing": EVERYTHING,
    "reader": frozenset({JOB[FOREIGN]}),
    "conditional": frozenset({JOB[FOREIGN], PLAIN[FOREIGN], SECRET[FOREIGN], CODE[FOREIGN], NAME[FOREIGN]}),
    "readonly": frozenset({JOB[FOREIGN]}),
    "hidden": frozenset({JOB[FOREIGN], *SECRET.values(), *CODE.values(), NAME[FOREIGN]}),
    "partly": frozenset({JOB[FOREIGN], SECRET[FOREIGN], *CODE.values(), NAME[FOREIGN]}),
    "full": frozenset({JOB[FOREIGN]}),
    DEVELOPER: frozenset(),
}
"""What each caller may never come to see; everybody knows their own name. Own deals are open and foreign ones won, which `partly` depends on."""


def compiled_app(files=FILES, **changed):
    """The app; `changed` replaces texts in app.yaml."""
    text = files["app.yaml"]
    for old, new in changed.items():
        assert f"{old}: " in text
        text = "\n".join(f"{old}: {new}" if line.startswith(f"{old}: ") else line for line in text.splitlines())
    return compile_app(Sources(str(APP), {**files, "app.yaml": text}))


@dataclass
class Answer:
    """What came back: the body as it was, and everything that anybody could read a secret from."""

    status: int
    body: bytes
    headers: dict

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def text(self):
        return self.body.decode() + json.dumps(self.headers)

    def without_request_id(self):
        """The answer as bytes that are equal for equal answers."""
        request_id = self.headers["x-request-id"].encode()
        headers = {name: value for name, value in self.headers.items() if name != "x-request-id"}
        return self.status, self.body.replace(request_id, b"-"), headers


class Log(logging.Handler):
    """Everything that was logged, as the server would write it."""

    def __init__(self):
        super().__init__()
        self.lines = []
        self.setFormatter(JsonLines())

    def emit(self, record):
        self.lines.append(self.format(record))


@dataclass
class World:
    """A running app, its records and its callers."""

    running: RunningApp
    http: object
    raw: object
    tokens: dict = field(default_factory=dict)
    people: dict = field(default_factory=dict)
    documents: dict = field(default_factory=dict)
    ids: dict = field(default_factory=dict)
    """By caller, entity and target."""
    working: bool = False
    """Whether background jobs are run."""

    async def ask(self, caller, method, path, *, query=(), body=None, headers=(), raw_body=None):
        """Sends one request through the whole server."""
        given = [(b"host", b"testserver"), *headers]
        token = self.token(caller)
        if token is not None:
            given.append((b"token", token.encode()))
        content = raw_body if raw_body is not None else b"" if body is None else json.dumps(body).encode()
        if content and not any(name == b"content-type" for name, _ in given):
            given.append((b"content-type", b"application/json"))
        return await send(self.http, method, BASE + path, urlencode(query), given, content)

    def token(self, caller):
        if caller == ANONYMOUS:
            return None
        return "x" * 32 if caller == WRONG else self.tokens[caller]

    def target(self, caller, entity, which):
        """The id of a record as seen from a caller."""
        if which == MISSING:
            return MISSING_ID
        return self.ids[caller if caller in self.people else "full"][entity][which]

    async def reset(self, found=None):
        """The whole database as it was made."""
        await self.running.outbox.settle()
        await asyncio.to_thread(self._reset)  # a transaction of this loop may have to end first
        self.running.desk.known._known.clear()

    def _reset(self):
        for name in self.raw.list_collection_names():
            if name not in (*self.documents, "sys.workers") and self.raw[name].find_one() is not None:
                self.raw[name].delete_many({})
        for name, documents in self.documents.items():
            self._repair(name, {document["_id"]: document for document in documents}, self._all(name))

    def _repair(self, name, wanted, found):
        """Writes what is not as it was; reading costs the database less."""
        gone = list(found.keys() - wanted.keys())
        if gone:
            self.raw[name].delete_many({"_id": {"$in": gone}})
        for key, document in wanted.items():
            if found.get(key) != document:
                self.raw[name].replace_one({"_id": key}, copy.deepcopy(document), upsert=True)

    def _all(self, name):
        return {document["_id"]: without_marks(document) for document in self.raw[name].find()}

    async def restore(self, found):
        """The records as they were made, whatever else there is; `found` is how they are."""
        await asyncio.to_thread(self._restore, found)

    def _restore(self, found):
        for name, documents in self.kept.items():
            self._repair(name, documents, found[name])

    @cached_property
    def kept(self):
        """The records of each entity as they were made, by id."""
        return {name: {document["_id"]: document for document in self.documents[name]} for name in KEPT}

    async def stored(self):
        """The records of each entity as they are, by id, once nothing follows from what was done any more."""
        await self.running.outbox.settle()
        return await asyncio.to_thread(self._stored)

    def _stored(self):
        return {name: self._all(name) for name in KEPT}

    async def remove(self, collection, key):
        """Takes a document away as if it had never been."""
        await self.running.outbox.settle()
        await asyncio.to_thread(self.raw[collection].delete_one, {"_id": ObjectId(key)})
        await asyncio.to_thread(self.raw[AUDIT].delete_many, {"record": ObjectId(key)})

    async def close(self):
        await self.running.store.close()
        self.raw.client.close()


async def send(http, method, path, query, headers, content):
    """One request to an ASGI app, without a network between."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name, value) for name, value in headers] + [(b"content-length", str(len(content)).encode())],
        "client": ("127.0.0.1", 50_000),
        "server": ("testserver", 80),
    }
    messages = iter([{"type": "http.request", "body": content, "more_body": False}])
    sent = []

    async def receive():
        return next(messages, {"type": "http.disconnect"})

    async def note(message):
        sent.append(message)

    await http(scope, receive, note)
    start, *bodies = sent
    found = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], b"".join(part.get("body", b"") for part in bodies), found)


async def open_world(uri, compiled):
    """A new database with everybody in it; `reset` puts the records there."""
    name = next(names)
    store = await open_store(uri, name)
    running = RunningApp(compiled, store, clock=lambda: NOW)
    await reconcile_indexes(store, compiled.indexes)
    host = Host([ServedApp(compiled.app.name, Edition(index_routes(compiled.routes), running), 1.0)])
    raw = MongoClient(uri, socketTimeoutMS=20_000)[name]
    world = World(running, build_http(host, Settings(), BASE), raw)
    await _people(world)
    await _things(world)
    await world.running.outbox.settle()
    world.documents = {
        name: [without_marks(document) for document in raw[name].find()] for name in (*KEPT, AUDIT, TOKENS)
    }
    return world


async def _people(world):
    for kind in (*GROUPS, DEVELOPER, "alien"):
        which = FOREIGN if kind == "alien" else OWN
        group = kind if kind in GROUPS else "nothing"
        body = {
            "firstName": SELF[which],
            "lastName": NAME[which],
            "email": f"{kind}@example.com",
            "groups": [{"primary": True, "group": group}],
            "permissions": {"developer": kind == DEVELOPER},
        }
        user = await records.create_record(world.running, SYSTEM, "sys.users", body)
        world.people[kind] = user["id"]
        if kind != "alien":
            key = ObjectId(user["id"])
            world.tokens[kind] = await start_session(world.running.store, key, None, [None], NOW, 10**12)


async def _things(world):
    """For each caller an own and a foreign deal with their accounts; each points to the other."""
    foreign = await _deal(world, FOREIGN, "alien")
    await records.update_record(world.running, SYSTEM, "deals", foreign[0], {"stage": "won"})
    for kind in world.people:
        own = foreign if kind == "alien" else await _deal(world, OWN, kind)
        both = {OWN: own, FOREIGN: foreign}
        world.ids[kind] = {
            "deals": {which: deal for which, (deal, _) in both.items()},
            "accounts": {which: account for which, (_, account) in both.items()},
            "sys.users": {OWN: world.people[kind], FOREIGN: world.people["alien"]},
        }


async def _deal(world, which, owner):
    person = {"id": world.people[owner]}
    account = await records.create_record(
        world.running,
        SYSTEM,
        "accounts",
        {"name": PLAIN[which], "owner": person, "code": f"{CODE[which]}{len(world.ids)}"},
    )
    deal = await records.create_record(
        world.running,
        SYSTEM,
        "deals",
        {
            "title": PLAIN[which],
            "owner": person,
            "account": {"id": account["id"]},
            "others": [{"id": account["id"]}],
            "stage": "open",
            "secret": SECRET[which],
            "amount": 5,
            "place": {"latitude": 1, "longitude": 2},
            "contact": {"email": PLAIN[which], "phone": SECRET[which]},
            "lines": [{"item": PLAIN[which], "price": SECRET[which]}],
            "plan": "basic",
        },
    )
    await records.update_record(world.running, SYSTEM, "accounts", account["id"], {"deal": {"id": deal["id"]}})
    return deal["id"], account["id"]


def without_marks(document):
    """A document without what the server keeps in it for itself."""
    return {name: value for name, value in document.items() if name == "_id" or not name.startswith("_")}


def leaked(text, unseen):
    """The canaries of a set that stand in a text, whatever was done to their letters."""
    folded = text.lower()
    return sorted(canary for canary in unseen if canary in folded)


__all__ = [
    "ANONYMOUS",
    "CALLERS",
    "DEVELOPER",
    "EVERYTHING",
    "FILES",
    "FOREIGN",
    "GROUPS",
    "JOB",
    "KEPT",
    "MISSING",
    "MISSING_ID",
    "NOW",
    "OWN",
    "SELF",
    "TARGETS",
    "UNSEEN",
    "WRONG",
    "Answer",
    "Log",
    "World",
    "compiled_app",
    "leaked",
    "make_token",
    "open_world",
    "send",
    "without_marks",
]
