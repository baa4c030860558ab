"""The end of background work: workers may hand back their jobs in peace, and nothing goes on that forgot to end."""

import asyncio
from types import SimpleNamespace

import pytest

from server import background
from server.background import working
from server.runtime import outbox
from server.runtime.outbox import Outbox
from server.settings import read_settings


class Handing:
    """A worker that takes a moment to hand back its jobs."""

    def __init__(self):
        self.cancelled = 0
        self.handed_back = False

    async def run(self):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.cancelled += 1
        try:
            await asyncio.sleep(0.05)
            self.handed_back = True
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


@pytest.mark.parametrize("told", [False, True])
async def test_a_worker_is_told_once_to_end_and_waited_for(monkeypatch, told):
    worker, stopping = Handing(), False
    monkeypatch.setattr(background, "GLANCE", 0.001)
    monkeypatch.setattr(background, "_worker_of", lambda *arguments: worker)
    async with working([SimpleNamespace()], read_settings({}), stopping=lambda: stopping):
        await asyncio.sleep(0.01)
        stopping = told
        await asyncio.sleep(0.02)
        assert worker.cancelled == int(told)
    assert (worker.cancelled, worker.handed_back) == (1, True)


async def test_a_worker_that_does_not_end_is_ended(monkeypatch):
    worker = Handing()
    monkeypatch.setattr(background, "LEAVING_TIME", 0.01)
    monkeypatch.setattr(background, "_worker_of", lambda *arguments: worker)
    async with working([SimpleNamespace()], read_settings({})):
        await asyncio.sleep(0.001)
    assert (worker.cancelled, worker.handed_back) == (2, False)


async def test_what_follows_writes_gets_its_time_and_then_ends_even_if_it_forgets_to(monkeypatch):
    monkeypatch.setattr(outbox, "CANCEL_AGAIN", 0.01)
    forgotten, followed = [], []

    async def drain(running, entity, key, written):
        await asyncio.sleep(0.01)
        if entity == "quick":
            followed.append(key)
            return
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if len(forgotten) == 2:
                    raise
                forgotten.append(key)

    monkeypatch.setattr(outbox, "drain", drain)
    following = Outbox()
    following.running = SimpleNamespace()
    following.wake("quick", 1)
    following.wake("slow", 2)
    async with asyncio.timeout(5):
        await following.close(0.1)
    assert (followed, forgotten) == ([1], [2, 2])
