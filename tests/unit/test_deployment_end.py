"""The end of a deployment, whatever its background tasks do with a cancellation."""

import asyncio

import pytest

from engine.definitions import Sources
from server import app
from server.settings import read_settings


async def test_a_sweep_that_forgets_its_cancellation_is_ended_all_the_same(tmp_path, monkeypatch):
    forgotten = 0

    async def forgetful():
        nonlocal forgotten
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if forgotten:
                    raise
                forgotten += 1

    monkeypatch.setattr(app, "CANCEL_AGAIN", 0.01)
    compiled = app.compile_app(
        Sources("shop", {"app.yaml": "name: shop\n", "entities/a.yaml": "fields: {b: {type: text}}\n"})
    )
    deployment = app.Deployment(app.LoadedApp(tmp_path, compiled), read_settings({}), pytest.fail, print)
    sweep = asyncio.create_task(forgetful())
    deployment._sweeping = [sweep]
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await deployment.close()
    assert forgotten == 1
    assert sweep.cancelled()
