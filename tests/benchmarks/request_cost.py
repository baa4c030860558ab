"""What a request costs: CPU of the generated server and of one written by hand for one entity, side by side: `make bench`.

The one by hand is what an experienced author would write with the same libraries: routes, a type for the body, a table of
tokens, the driver. It knows no rights, queries, labels or messages. With `audited` both write an audit entry with the
record in one transaction. The database is another process and is not counted.
"""

import argparse
import asyncio
import gc
import json
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import uvloop
from bson import ObjectId
from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo import AsyncMongoClient
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from engine.compiler import compile_app
from engine.definitions import Sources
from server.http.dispatch import build_http
from server.http.serving import Edition, Host, ServedApp, index_routes
from server.runtime import records
from server.runtime.auth.tokens import start_session
from server.runtime.running import SYSTEM, RunningApp, wall_clock
from server.settings import Settings
from server.store import EmbeddedDatabase, open_store, reconcile_indexes
from tests.integration.doors.world import send

RECORDS = 60
COMPANIES = """
label: Companies
recordLabel: "{name}"
fields:
  name:      {type: text, required: true, unique: true}
  state:     {type: choice, options: [pending, active, archived], default: pending}
  employees: {type: integer, min: 0}
  customer:  {type: boolean}
  contact:   {type: nested, fields: {phone: {type: phone}, email: {type: email}}}
  addresses: {type: nested, many: true, recordLabel: "{city}", fields: {street: {type: text}, city: {type: text}}}
  homepage:  {type: url}
  rating:    {type: text}
  notes:     {type: longText}
  meeting:   {type: dateTime}
"""
FILES = {
    "app.yaml": "name: bench\n",
    "entities/companies.yaml": COMPANIES,
    "groups/sales.yaml": "entities: {companies: {read: always, create: always, update: always, delete: always}}",
}
BODY = {
    "state": "active",
    "employees": 95,
    "customer": False,
    "contact": {"phone": "702-845-9380", "email": "a@example.com"},
    "addresses": [{"street": "4 Magdeline Place", "city": "Las Vegas"}],
    "homepage": "http://www.example.com",
    "rating": "2.8",
    "notes": "test notes",
    "meeting": 1429623180000,
}


class Contact(msgspec.Struct, omit_defaults=True):
    phone: Annotated[str, msgspec.Meta(pattern=r"^[0-9-]+$")] = ""
    email: Annotated[str, msgspec.Meta(pattern=r"^[^@]+@[^@]+$")] = ""


class Address(msgspec.Struct, omit_defaults=True):
    street: str = ""
    city: str = ""


class Company(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    name: str = ""
    state: Literal["pending", "active", "archived"] | None = None
    employees: Annotated[int, msgspec.Meta(ge=0)] | None = None
    customer: bool | None = None
    contact: Contact | None = None
    addresses: list[Address] | None = None
    homepage: str = ""
    rating: str = ""
    notes: str = ""
    meeting: int | None = None


def write_by_hand(client, tokens, audited):
    """The server that an author would write."""
    database = client.get_database("hand", CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS))
    companies, audit = database["companies"], database["audit"]
    encode = msgspec.json.Encoder(
        enc_hook=lambda value: str(value) if isinstance(value, ObjectId) else int(value)
    ).encode
    decode = msgspec.json.Decoder(Company).decode

    def answer(content):
        return Response(encode(content), media_type="application/json")

    def caller(request):
        return tokens[request.headers["token"]]

    def shown(document):
        document["id"] = document.pop("_id")
        return document

    async def write(deed, entry):
        if not audited:
            await deed(None)
            return
        async with client.start_session() as session, await session.start_transaction():
            await deed(session)
            await audit.insert_one(entry, session=session)

    async def read(request):
        caller(request)
        return answer(shown(await companies.find_one({"_id": ObjectId(request.path_params["id"])})))

    async def read_list(request):
        caller(request)
        found, total = await asyncio.gather(
            companies.find({}).sort("_id", -1).limit(20).to_list(), companies.count_documents({})
        )
        return answer({"total": total, "items": [shown(document) for document in found]})

    async def create(request):
        user = caller(request)
        document = {"_id": ObjectId(), "version": 0, **msgspec.to_builtins(decode(await request.body()))}
        entry = {"user": user, "record": document["_id"], "at": time.time(), "change": dict(document)}
        await write(lambda session: companies.insert_one(document, session=session), entry)
        return answer(shown(document))

    async def update(request):
        user = caller(request)
        change = msgspec.to_builtins(decode(await request.body()))
        document = await companies.find_one({"_id": ObjectId(request.path_params["id"])})
        at = {"_id": document["_id"], "version": document["version"]}
        change["version"] = document["version"] + 1
        entry = {"user": user, "record": document["_id"], "at": time.time(), "change": change}
        await write(lambda session: companies.update_one(at, {"$set": change}, session=session), entry)
        return answer(shown({**document, **change}))

    routes = [
        Route("/api/data/companies", read_list),
        Route("/api/data/companies", create, methods=["POST"]),
        Route("/api/data/companies/{id}", read),
        Route("/api/data/companies/{id}", update, methods=["PUT"]),
    ]
    return Starlette(routes=routes)


class Walk:
    """Requests to one of the two servers, each a new one of its kind."""

    def __init__(self, http, token):
        self._http = http
        self._headers = [(b"host", b"bench"), (b"token", token.encode()), (b"content-type", b"application/json")]
        self._number = 0
        self._ids = []

    async def _ask(self, method, path, body=None):
        content = b"" if body is None else json.dumps(body).encode()
        answer = await send(self._http, method, f"/api/data/companies{path}", "", self._headers, content)
        assert answer.status == 200, answer
        return answer

    async def create(self):
        self._number += 1
        self._ids.append((await self._ask("POST", "", {"name": f"company {self._number}", **BODY})).json["id"])

    async def get(self):
        await self._ask("GET", f"/{self._ids[5]}")

    async def list(self):
        await self._ask("GET", "")

    async def update(self):
        self._number += 1
        await self._ask("PUT", f"/{self._ids[7]}", {"notes": f"note {self._number}", "employees": self._number})


OPERATIONS = {"get": Walk.get, "list of 20": Walk.list, "create": Walk.create, "update": Walk.update}


async def measure(walks, rounds, requests):
    """CPU seconds of a request by operation and server, one figure for each round; they take turns in random order."""
    taken = {(operation, name): [] for operation in OPERATIONS for name in walks}
    for turn in range(rounds + 1):
        for operation, name in random.sample(sorted(taken), len(taken)):
            gc.collect()
            start = time.process_time()
            for _ in range(requests):
                await OPERATIONS[operation](walks[name])
            if turn:  # the first is for warming up
                taken[operation, name].append((time.process_time() - start) / requests)
    return taken


async def run(rounds, requests, audited):
    """All figures, from a database of its own."""
    entity = COMPANIES + ("auditLogs: true\n" if audited else "")
    compiled = compile_app(Sources("bench", {**FILES, "entities/companies.yaml": entity}))
    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedDatabase(Path(folder)) as database:
            store = await open_store(database.uri, "bench")
            client = AsyncMongoClient(database.uri, w="majority", journal=True)
            try:
                running = RunningApp(compiled, store)
                await reconcile_indexes(store, compiled.indexes)
                await client["hand"]["companies"].create_index("name", unique=True)
                groups = [{"primary": True, "group": "sales"}]
                body = {"firstName": "Ada", "lastName": "North", "email": "ada@example.com", "groups": groups}
                person = await records.create_record(running, SYSTEM, "sys.users", body)
                token = await start_session(store, ObjectId(person["id"]), None, [None], wall_clock(), 10**10)
                host = Host([ServedApp("bench", Edition(index_routes(compiled.routes), running), 1.0)])
                walks = {
                    "generated": Walk(build_http(host, Settings(), "/api"), token),
                    "by hand": Walk(write_by_hand(client, {token: "ada"}, audited), token),
                }
                for walk in walks.values():
                    for _ in range(RECORDS):
                        await walk.create()
                return await measure(walks, rounds, requests)
            finally:
                await client.close()
                await store.close()


def main() -> None:
    """Prints the median of each operation, and how the generated server compares with the one by hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--requests", type=int, default=50)
    options = parser.parse_args()
    for audited in (False, True):
        taken = uvloop.run(run(options.rounds, options.requests, audited))
        for operation in OPERATIONS:
            if audited and operation not in ("create", "update"):
                continue
            ours, theirs = taken[operation, "generated"], taken[operation, "by hand"]
            ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
            name = f"{operation}, audited" if audited else operation
            print(
                f"{name:16} {statistics.median(ours) * 1e6:6.0f} µs of CPU, by hand "
                f"{statistics.median(theirs) * 1e6:6.0f} µs: {ratio:.2f}×"
            )


if __name__ == "__main__":
    main()
