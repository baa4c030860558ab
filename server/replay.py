"""Examples of requests replayed: in go an app and a file of examples, out comes what the whole server answered to each.

Every file has a database of its own. After each request all that follows from it is waited for: cascades, audit rows,
background jobs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import httpx

from engine.definitions.examples import ANONYMOUS, DEVELOPER, Examples, RequestExample
from engine.definitions.placeholders import fill, fill_text, names_inside
from engine.definitions.source import DATA_SUFFIXES
from engine.errors import CastworkError
from engine.examples.answers import compare_answer
from engine.examples.outcome import Failure, Outcome
from engine.examples.words import as_text
from engine.fields.base import MISSING
from engine.jobs.job import State
from server.app import Deployment, LoadedApp, deployed
from server.background import working
from server.database import Database
from server.http.dispatch import build_http
from server.http.responses import encode_json
from server.http.serving import Host
from server.record_files import create_all, read_source
from server.runtime.auth.people import USERS, find_person
from server.runtime.auth.tokens import start_session
from server.runtime.jobs.stored import JOBS
from server.runtime.records import create_record
from server.runtime.running import SYSTEM, RunningApp
from server.settings import Settings

BASE: Final = "/api"
HOME: Final = f"http://localhost{BASE}"
EMAIL: Final = "developer@example.com"
"""Whom `developer` stands for."""
SESSION: Final = 3_600_000
"""How long those who ask may be idle, in ms."""
LONGEST_WAIT: Final = 30.0
"""Seconds that background work may take before the next request is sent."""
GLANCE: Final = 0.02


class CannotReplay(CastworkError):
    """The examples cannot be tried at all; the message says why."""


class _NotSent(Exception):
    """A request that cannot be sent; the message says why."""


async def replay(loaded: LoadedApp, examples: Examples, database: Database) -> tuple[Outcome, ...]:
    """What became of each request of a file, sent in order. Raises CannotReplay and the errors of the database."""
    async with _serving(loaded, database) as deployment:
        if examples.data:
            await _load_data(deployment)
        http = build_http(Host([deployment.served]), _SETTINGS, BASE)
        replaying = _Replaying(deployment.served.edition.serving(None), http)
        return tuple([await replaying.send(one) for one in examples.requests])


_SETTINGS: Final = Settings(admin_email=EMAIL, admin_password=secrets.token_urlsafe(), allow_private_calls=False)


@contextlib.asynccontextmanager
async def _serving(loaded: LoadedApp, database: Database) -> AsyncIterator[Deployment]:
    """The app with its background jobs on a new database, which is gone afterwards."""
    name = f"{loaded.name}_test_{secrets.token_hex(4)}"
    async with deployed([loaded], _SETTINGS, lambda _: database.connect(name), _ignore) as [deployment]:
        store = deployment.served.edition.serving(None).store
        try:
            async with working([deployment], _SETTINGS):
                yield deployment
        finally:
            await store.drop()


def _ignore(text: str) -> None:
    """Nobody at the terminal logs in to a database that is gone soon."""


async def _load_data(deployment: Deployment) -> None:
    """Creates the app's starting records, users first, else by the names of the files."""
    loaded, refused = deployment.loaded, list[str]()
    running = deployment.served.edition.serving(None)
    for file in sorted(_data_files(loaded.folder), key=lambda file: (file.stem != USERS, file.name)):
        await create_all(running, read_source(loaded, file, file.stem), refused.append)
    if refused:
        raise CannotReplay("\n".join(("The records of data/ cannot be created:", *refused)))
    await running.outbox.settle()


def _data_files(folder: Path) -> Iterator[Path]:
    return (file for file in (folder / "data").glob("*") if file.suffix in DATA_SUFFIXES)


class _Replaying:
    """Sends requests to one server in this process; answers bring values for later requests."""

    def __init__(self, running: RunningApp, http: Any) -> None:
        self._running = running
        self._http = http
        self._members: dict[tuple[str, ...], str] = {}
        self._captured: dict[str, Any] = {}

    async def send(self, example: RequestExample) -> Outcome:
        """Sends one request and looks at its answer."""
        try:
            answer = await self._ask(example)
        except _NotSent as reason:
            return Outcome(example.described, example.at, (Failure(example.at, str(reason)),))
        await self._settle()
        return Outcome(example.described, example.at, tuple(self._look(example, answer)))

    async def _ask(self, example: RequestExample) -> httpx.Response:
        self._check_placeholders(example)
        headers = {name: fill_text(text, self._captured) for name, text in example.headers.items()}
        token = await self._token(example.caller)
        content = b""
        if example.body is not MISSING:
            content = encode_json(fill(example.body, self._captured))
            headers = {"content-type": "application/json", **headers}
        if token is not None:
            headers = {"token": token, **headers}
        path = fill_text(example.path, self._captured)
        transport = httpx.ASGITransport(self._http, raise_app_exceptions=False, client=(example.address, 50_000))
        async with httpx.AsyncClient(transport=transport, base_url=HOME, trust_env=False) as client:
            return await client.request(example.method, path, headers=headers, content=content)

    def _check_placeholders(self, example: RequestExample) -> None:
        asked = [example.path, example.headers, None if example.body is MISSING else example.body]
        missing = set(names_inside(asked)) - self._captured.keys()
        if missing:
            brought = ", ".join(f"{{{name}}}" for name in sorted(missing))
            raise _NotSent(f"not sent, since no answer before it brought {brought}")

    async def _token(self, caller: str | tuple[str, ...]) -> str | None:
        """A token of a session that has just begun, since what was asked before may have ended all others."""
        if caller == ANONYMOUS:
            return None
        email = await self._member_of(caller) if isinstance(caller, tuple) else caller
        person = await find_person(self._running, EMAIL if email == DEVELOPER else email)
        if person is None:
            raise _NotSent(f"not sent, since there is no user with the e-mail address {email}")
        now, store = self._running.clock(), self._running.store
        return await start_session(store, person.id, None, (person.epoch,), now, SESSION)

    async def _member_of(self, groups: tuple[str, ...]) -> str:
        """The address of a user who is in these groups and nothing else."""
        if groups not in self._members:
            email = f"{'-'.join(groups)}@example.com".lower()
            listed = [{"group": name, "primary": name == groups[0]} for name in groups]
            person = {"firstName": "Member of", "lastName": " and ".join(groups), "email": email, "groups": listed}
            await create_record(self._running, SYSTEM, USERS, person)
            self._members[groups] = email
        return self._members[groups]

    async def _settle(self) -> None:
        """Waits until nothing follows from what was asked any more."""
        give_up = time.monotonic() + LONGEST_WAIT
        await self._running.outbox.settle()
        while time.monotonic() < give_up and await self._running.store.find(JOBS, _UNDER_WAY, limit=1):
            await asyncio.sleep(GLANCE)
            await self._running.outbox.settle()

    def _look(self, example: RequestExample, answer: httpx.Response) -> Iterator[Failure]:
        body = _read(answer)
        if answer.status_code != example.status:
            found = f"{answer.status_code} {as_text(body)}"
            yield Failure(example.status_at, "the status differs", str(example.status), found)
        elif example.response is not None:
            yield from compare_answer(example.response, body, self._captured)


_UNDER_WAY: Final[Mapping[str, Any]] = {
    "state": {"$in": [State.FRESH.value, State.LOOSE.value, State.WORKING.value, State.SPLIT.value]}
}


def _read(answer: httpx.Response) -> Any:
    """The answer as JSON data, or as text where it is something else."""
    try:
        return json.loads(answer.content, parse_float=Decimal)
    except ValueError:
        return answer.text


__all__ = ["CannotReplay", "replay"]
