"""EXECUTE_LISTENER: in goes what happened to a record, out comes what a background listener does about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.actions import CompiledListener
from engine.errors import BadRequest
from engine.jobs import JobType, Note
from server.runtime import listeners
from server.runtime.jobs.context import JobContext
from server.runtime.jobs.desk import Pause
from server.runtime.jobs.enqueue import enqueue
from server.runtime.jobs.kinds import JobKind
from server.runtime.jobs.scripted import ItemJob
from server.runtime.running import Caller, RunningApp

Document = Mapping[str, Any]


async def listen_later(
    running: RunningApp, caller: Caller, listener: CompiledListener, document: Document, old: Document | None
) -> None:
    """Stores a job in the unit at hand that does what the listener does, with the record as it was at the event."""
    await enqueue(
        running,
        EXECUTE_LISTENER,
        caller,
        f"Executing listener {listener.name}",
        data={"listenerName": listener.listener.name},
        payload={
            "entity": listener.entity.name,
            "listener": listener.listener.name,
            "record": document,
            "old": old,
            "chain": list(running.chain),
        },
        queue=listener.listener.queue,
    )


async def _run(context: JobContext) -> None:
    payload = context.job.payload or {}
    listener = context.running.entity(payload["entity"]).behaviour.listeners.named(payload["listener"])
    if listener is None:
        raise BadRequest(f"There is no listener {payload['listener']} in {payload['entity']} any more")
    await context.take_desk()
    if context.job.checkpoint is not None:
        return
    running = replace(context.running, chain=tuple(payload["chain"]))
    plan = await listeners.plan_later(running, context.caller, listener, payload["record"], payload["old"])

    async def body(scope: RunningApp) -> Note | Pause:
        unit = replace(scope, chain=(*running.chain, listener.name))
        job = ItemJob(context, listener.name, keeps=listener.listener.run is not None, stops=not plan.called)
        await listeners.respond_later(unit, context.caller, listener, plan, payload["record"], payload["old"], job)
        return job.pause or Note(checkpoint=True)

    await context.apart(body)


EXECUTE_LISTENER = JobKind(JobType.EXECUTE_LISTENER, _run)

__all__ = ["EXECUTE_LISTENER", "listen_later"]
