"""A database that goes away and comes back under a serving app."""

import asyncio
import os
import signal
import time

import httpx
import pytest

from server.store import EmbeddedDatabase
from tests.integration.http.conftest import Serving, copy_crm

BOUND = 5.0
"""Seconds until a clean refusal, and until service after the return."""
HANGING = 6.0
"""A database that hangs is given up after three waits of 4.5 s together, which a busy machine stretches."""


async def ask(serving, path="/data/companies"):
    """Asks in a thread, so that this loop can watch the database meanwhile. Returns status, body and seconds."""
    started = time.monotonic()
    answer = await asyncio.to_thread(serving.client.get, path)
    return answer.status_code, answer.json(), time.monotonic() - started


async def served_again(serving):
    started = time.monotonic()
    while (await ask(serving))[0] != 200:
        assert time.monotonic() - started < 3 * BOUND
        await asyncio.sleep(0.1)
    return time.monotonic() - started


@pytest.fixture
async def database(tmp_path):
    async with EmbeddedDatabase(tmp_path / "data") as database:
        yield database


async def test_a_hanging_database_is_a_503_and_service_returns_without_a_restart(database, tmp_path):
    serving = await asyncio.to_thread(Serving, copy_crm(tmp_path), "--db", database.uri)
    try:
        assert (await ask(serving))[0] == 200
        for _ in range(3):
            os.kill(database.pid, signal.SIGSTOP)
            try:
                status, body, seconds = await ask(serving)
            finally:
                os.kill(database.pid, signal.SIGCONT)
            assert (status, body["code"]) == (503, "applicationUnavailable")
            assert seconds < HANGING
            assert await served_again(serving) < BOUND
    finally:
        await asyncio.to_thread(serving.close)


async def test_a_lost_database_is_a_503_soon_and_service_returns(database, tmp_path):
    serving = await asyncio.to_thread(Serving, copy_crm(tmp_path), "--db", database.uri)
    try:
        assert (await ask(serving))[0] == 200
        await database.stop()
        status, body, seconds = await ask(serving)
        assert (status, body["code"]) == (503, "applicationUnavailable")
        assert seconds < BOUND
        ready = await asyncio.to_thread(httpx.get, serving.root.join("/readyz"), timeout=20)
        assert (ready.status_code, ready.json()["code"]) == (503, "applicationUnavailable")
        await database.start()
        assert await served_again(serving) < BOUND
    finally:
        await asyncio.to_thread(serving.close)


async def test_a_database_that_is_late_keeps_the_server_unready_and_no_longer(database, tmp_path):
    uri = database.uri
    await database.stop()
    serving = await asyncio.to_thread(Serving, copy_crm(tmp_path), "--db", uri)
    try:
        health = await asyncio.to_thread(httpx.get, serving.root.join("/healthz"))
        ready = await asyncio.to_thread(httpx.get, serving.root.join("/readyz"), timeout=20)
        assert (health.status_code, ready.status_code) == (200, 503)
        assert (await ask(serving))[0] == 503
        await database.start()
        assert await served_again(serving) < 2 * BOUND
    finally:
        await asyncio.to_thread(serving.close)
