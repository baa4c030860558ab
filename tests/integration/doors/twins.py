"""Two databases that are alike but for what a caller may not see: whatever they ask, both must answer the same.

Records are made by the engine itself from visible and from hidden values, with ids that are the same in both.
"""

import asyncio
import copy
from dataclasses import dataclass

from bson import ObjectId
from pymongo import MongoClient

from engine.compiler import compile_app
from engine.definitions import Sources
from engine.fields.reference import group_id
from engine.permissions import FULL_ACCESS
from engine.records import Moment
from server.http.dispatch import build_http
from server.http.serving import Edition, Host, ServedApp, index_routes
from server.runtime.auth.tokens import TOKENS, start_session
from server.runtime.running import RunningApp
from server.settings import Settings
from server.store import open_store
from server.store.indexes import reconcile_indexes
from tests.integration.doors.world import BASE, NOW, World, names, without_marks

THINGS = """
label: Things
recordLabel: "{title} {secret}"
auditLogs: true
fields:
  title:   {type: text}
  stage:   {type: choice, options: [open, won]}
  size:    {type: integer}
  owner:   {type: text}
  secret:  {type: text, aliases: [formerSecret]}
  salary:  {type: integer}
  spot:    {type: geoPoint}
  loud:    {type: text, calculated: upper(secret)}
  double:  {type: integer, calculated: salary * 2}
  keeper:  {type: relationship, entity: keepers, copy: [pin]}
  keepers: {type: relationship, entity: keepers, many: true}
  boss:    {type: relationship, entity: keepers}
  contact:
    type: nested
    recordLabel: "{phone}"
    fields:
      email: {type: text}
      phone: {type: text, aliases: [telephone]}
  lines:
    type: nested
    many: true
    recordLabel: "{item} {price}"
    fields:
      item:  {type: text}
      price: {type: integer}
indexes:
  - {name: words, type: text, fields: [title, secret]}
actions:
  rise:
    parameters: {by: {type: integer, default: 1}}
    steps:
      - set: {salary: "=(salary or 0) + params.by", size: "=(size or 0) + 1"}
  choose:
    parameters: {keeper: {type: relationship, entity: keepers}}
    steps:
      - set: {keeper: "=params.keeper"}
  tally:
    type: many
    respond: "'tallied'"
"""
KEEPERS = """
label: Keepers
recordLabel: "{name}"
fields:
  name:  {type: text}
  owner: {type: text}
  pin:   {type: text, unique: true, lookup: true}
  paid:
    type: integer
    calculated: {aggregate: {entity: things, where: {keeper.id: $record.id}, operation: sum, field: salary}}
"""
HIDDEN = ("secret", "salary", "spot", "boss", "contact.phone", "lines.price")
RIGHTS = "read: always, create: always, update: always, delete: always, auditLogs: always"
MASKED = ", ".join(f"{path}: {{read: {{stage: open}}}}" for path in HIDDEN)
FILES = {
    "app.yaml": "name: twins\nforbidden: hide\n",
    "entities/things.yaml": THINGS,
    "entities/keepers.yaml": KEEPERS,
    "groups/all.yaml": f"entities: {{things: {{{RIGHTS}}}, keepers: {{{RIGHTS}}}}}",
    "groups/blind.yaml": (
        f"entities: {{things: {{{RIGHTS}, fields: {{{', '.join(f'{path}: none' for path in HIDDEN)}}}}}, "
        f"keepers: {{{RIGHTS}, fields: {{pin: none}}}}}}"
    ),
    "groups/half.yaml": (
        f"entities: {{things: {{{RIGHTS}, fields: {{{MASKED}}}}}, keepers: {{{RIGHTS}, fields: {{pin: none}}}}}}"
    ),
    "groups/own.yaml": (
        "entities: {"
        + ", ".join(
            f"{entity}: {{"
            + ", ".join(f"{right}: {{owner: me}}" for right in ("read", "create", "update", "delete"))
            + f", auditLogs: always, fields: {{{hidden}}}}}"
            for entity, hidden in (("things", ""), ("keepers", "paid: none"))
        )
        + "}"
    ),
}
COMPILED = compile_app(Sources("twins", FILES))
GROUPS = ("all", "blind", "half", "own")


def record_id(number):
    """An id that is the same wherever it is asked for."""
    return f"{number:024x}"


def make(entity, number, values, references=None, like=None):
    """A document. `references` are documents by the field that points to them; parts get the ids that they have in
    the document `like`."""
    rules = COMPILED.entities[entity].rules
    body = {
        **values,
        **{name: "x" if not isinstance(to, list) else ["x"] * len(to) for name, to in (references or {}).items()},
    }
    draft = rules.parse(body, FULL_ACCESS, new=True)
    for asked in draft.asks:
        target = references[asked.item.name]
        target = target[asked.key] if isinstance(target, list) else target
        copies = {part.name: target[part.name] for part in asked.item.fields if part.name not in ("id", "label")}
        asked.holder[asked.key] = {"id": str(target["_id"]), "label": target["label"], **copies}
    document = _with_number(rules.plan_create(draft, Moment(NOW), FULL_ACCESS, {}).document, number)
    return document if like is None else _with_ids(document, like)


def _with_number(document, number):
    return {**document, "_id": ObjectId(record_id(number))}


def _with_ids(document, like):
    """The document with the ids of parts from another one; references keep the ids of what they point to."""
    if isinstance(document, dict) and isinstance(like, dict):
        return {
            name: like["id"] if name == "id" and not _is_numbered(value) else _with_ids(value, like.get(name))
            for name, value in document.items()
        }
    if isinstance(document, list) and isinstance(like, list):
        return [_with_ids(one, like[index] if index < len(like) else None) for index, one in enumerate(document)]
    return document


def _is_numbered(key):
    return str(key).startswith("0" * 16)


@dataclass(repr=False)
class Twins:
    """Both worlds, with the same callers."""

    one: World
    other: World

    async def fill(self, one, other):
        """Puts documents in place of all that there were, by entity."""
        await asyncio.gather(self._fill(self.one, one), self._fill(self.other, other))

    async def _fill(self, world, documents):
        await world.running.outbox.settle()
        await asyncio.to_thread(_refill, world.raw, documents)

    async def ask(self, caller, *request, **more):
        """Both answers to one request, without what no two answers share."""
        return await asyncio.gather(*(self._ask(world, caller, *request, **more) for world in (self.one, self.other)))

    async def _ask(self, world, caller, *request, **more):
        answer = await world.ask(caller, *request, **more)
        return answer.without_request_id()

    async def close(self):
        await self.one.close()
        await self.other.close()


def _refill(raw, documents):
    for name in raw.list_collection_names():
        if name != TOKENS and name != "sys.users":
            raw[name].delete_many({})
    for name, found in documents.items():
        if found:
            raw[name].insert_many(copy.deepcopy(found))


async def open_twins(uri):
    """Two new databases with the same people in them."""
    one = await _open(uri)
    people = {}
    for number, group in enumerate(GROUPS):
        reference = {"id": ObjectId(group_id(group)), "label": group}
        people[group] = _person(number, reference)
    other = await _open(uri)
    for world in (one, other):
        await asyncio.to_thread(world.raw["sys.users"].insert_many, copy.deepcopy(list(people.values())))
        for group, person in people.items():
            world.tokens[group] = await start_session(world.running.store, person["_id"], None, [None], NOW, 10**12)
    return Twins(one, other)


async def _open(uri):
    name = next(names)
    store = await open_store(uri, name)
    running = RunningApp(COMPILED, store, clock=lambda: NOW)
    await reconcile_indexes(store, COMPILED.indexes)
    host = Host([ServedApp("twins", Edition(index_routes(COMPILED.routes), running), 1.0)])
    raw = MongoClient(uri, socketTimeoutMS=20_000)[name]
    return World(running, build_http(host, Settings(), BASE), raw)


def _person(number, group):
    body = {"firstName": "Ada", "lastName": group["label"], "email": f"{group['label']}@example.com"}
    rules = COMPILED.entities["sys.users"].rules
    draft = rules.parse(body, FULL_ACCESS, new=True)
    document = _with_number(rules.plan_create(draft, Moment(NOW), FULL_ACCESS, {}).document, 900 + number)
    part = {"id": ObjectId(), "label": group["label"], "primary": True, "group": group}
    return without_marks({**document, "groups": [part]})
