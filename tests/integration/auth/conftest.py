"""Running apps over a real database, with a clock that tests move, and hashes that cost next to nothing."""

import itertools
from dataclasses import dataclass

import pytest
import pytest_asyncio

from engine.compiler import compile_app
from engine.definitions import Sources
from engine.errors import RequestError
from engine.permissions.addresses import parse_address
from server.runtime import actions, records
from server.runtime.auth import callers, login
from server.runtime.auth.desk import Desk
from server.runtime.auth.hashing import Hasher
from server.runtime.running import SYSTEM, RunningApp
from server.store import EmbeddedDatabase, open_store, reconcile_indexes

FILES = {
    "app.yaml": "name: crm\nlabel: CRM\nsession: {timeout: 8h}\n",
    "entities/companies.yaml": "label: Companies\nrecordLabel: name\nfields:\n  name: {type: text}\n",
    "groups/sales.yaml": (
        "label: Sales\n"
        "entities:\n  companies: {read: always}\n"
        "security: {maxLoginAttempts: 3, sessionTimeout: 30m, password: {minLength: 10, digit: true}}\n"
    ),
    "groups/office.yaml": "label: Office\nsecurity: {allowedIps: [10.0.0.0/8, '2001:db8::/32']}\n",
    "groups/support.yaml": "label: Support\nimpersonate: true\n",
}
COMPILED = compile_app(Sources(".", FILES))
ANONYMOUS = compile_app(Sources(".", {**FILES, "groups/anonymous.yaml": "label: Anybody\n"}))
SHORT = compile_app(Sources(".", {**FILES, "app.yaml": "name: crm\nlabel: CRM\nsession: {timeout: 4s}\n"}))

PASSWORD = "correct horse 7"
HOME = parse_address("192.0.2.10")
OFFICE = parse_address("10.1.2.3")
ELSEWHERE = parse_address("198.51.100.9")

numbers = itertools.count()


class Clock:
    """Milliseconds that pass only when they are told to, and pauses that take no time."""

    def __init__(self):
        self.now = 1_800_000_000_000
        self.pauses = []

    def __call__(self):
        return self.now

    async def pause(self, seconds):
        self.pauses.append(seconds)
        self.now += round(seconds * 1000)

    def pass_(self, *, seconds=0, minutes=0, hours=0, days=0):
        self.now += 1000 * (seconds + 60 * (minutes + 60 * (hours + 24 * days)))


@dataclass
class World:
    """One app, its database and its clock."""

    running: RunningApp
    clock: Clock

    @property
    def store(self):
        return self.running.store

    async def user(self, email, *groups, developer=False, password=PASSWORD, **more):
        """A new user; the first group is the primary one."""
        name = email.split("@")[0].capitalize()
        body = {
            "firstName": name,
            "lastName": "Test",
            "email": email,
            "groups": [{"primary": index == 0, "group": group} for index, group in enumerate(groups)],
            "permissions": {"developer": developer},
            **more,
        }
        if password is not None:
            body["authentication"] = {"newPassword": password, "passwordConfirmation": password}
        return await records.create_record(self.running, SYSTEM, "sys.users", body)

    async def login(self, email, password=PASSWORD, address=HOME, **more):
        return await login.login(self.running, {"email": email, "password": password, **more}, address)

    async def token(self, email, **more):
        return (await self.login(email, **more))["token"]

    async def who(self, token, address=HOME, running=None):
        return await callers.authenticate(running or self.running, token, address)

    async def act(self, action, user_id, caller=SYSTEM):
        """What an action on a user answers."""
        return await actions.act_on_ids(self.running, caller, "sys.users", action, user_id, [], {})

    async def refused(self, coroutine):
        """The error that a use case ends with."""
        with pytest.raises(RequestError) as caught:
            await coroutine
        return caught.value

    async def status(self, coroutine):
        """The HTTP status that a use case would give."""
        try:
            await coroutine
        except RequestError as error:
            return error.status
        return 200


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(tmp_path_factory):
    """The URI of a database server for all tests."""
    server = EmbeddedDatabase(tmp_path_factory.mktemp("auth"))
    yield await server.start()
    await server.stop()


@pytest.fixture
async def open_world(database):
    """Makes worlds; each has a database of its own unless it is given the name of another."""
    stores = []

    async def open_one(compiled=COMPILED, name=None, clock=None, hasher=None, policy=None):
        clock = clock or Clock()
        store = await open_store(database, name or f"auth{next(numbers)}")
        stores.append(store)
        if name is None:
            await reconcile_indexes(store, compiled.indexes)
        desk = Desk(hasher or Hasher(memory_kib=64, passes=1), policy)
        return World(RunningApp(compiled, store, clock, clock.pause, desk), clock)

    yield open_one
    for store in stores:
        await store.close()


@pytest.fixture
async def world(open_world):
    return await open_world()
