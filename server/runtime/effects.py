"""What steps want done elsewhere: effects of plans in, writes by the one pipeline and calls of hooks out."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.actions import ActionPlan, Call, Create, Delete, Effect, Log, Run, Update
from engine.compiler import CompiledEntity
from engine.errors import BadRequest
from engine.fields.base import MISSING
from engine.logs import Event
from engine.permissions import FULL_ACCESS
from engine.query import Condition, to_filter
from engine.query.lines import Level
from server.runtime.auth.people import USERS
from server.runtime.calls import host_of
from server.runtime.logs import say
from server.runtime.records import create_record, delete_document, update_record
from server.runtime.running import Caller, RunningApp
from server.runtime.units import finally_do
from server.runtime.users import reset_password

if TYPE_CHECKING:
    from server.runtime.hook_jobs import HookJob

Document = dict[str, Any]

MOST_RECORDS = 1_000
"""Records that one step may change or delete."""

told = logging.getLogger("castwork.app")
"""What apps themselves say."""
LEVELS: Mapping[str, int] = {"INFO": logging.INFO, "WARN": logging.WARNING, "ERROR": logging.ERROR}


@dataclass(frozen=True)
class Subject:
    """What effects are about: the entity, its record (None where there is none), and the record before."""

    compiled: CompiledEntity
    document: Mapping[str, Any] | None = None
    old: Mapping[str, Any] | None = None
    selection: Mapping[str, Any] | None = None
    """The filter of the records that an action of type many runs on."""
    job: HookJob | None = None
    """The job in which this is done, as functions know it."""


async def carry_through(running: RunningApp, caller: Caller, planning: Generator[Call, None, ActionPlan]) -> ActionPlan:
    """The plan, with every call to other systems made, and told, on the way."""
    try:
        while True:
            await _send(running, caller, next(planning))
    except StopIteration as end:
        plan: ActionPlan = end.value
        return plan


async def _send(running: RunningApp, caller: Caller, call: Call) -> None:
    """Paths and queries of URLs may hold secrets, so that only the host is told."""
    where = f"{call.method} {host_of(call)}"
    try:
        await running.calls.send(call)
    except BadRequest:
        say(running, caller, Level.WARN, f"{where} failed", Event.CALLED)
        raise
    say(running, caller, Level.INFO, where, Event.CALLED)


async def carry_out(running: RunningApp, caller: Caller, effect: Effect, subject: Subject) -> Any:
    """Does what one effect says; gives what a function returned, MISSING for all else."""
    return await _DEEDS[type(effect)](running, caller, effect, subject)


def write_line(running: RunningApp, caller: Caller, level: str, message: str) -> None:
    """Adds a line to the app's log, and to the process's own, as soon as the unit at hand is written."""

    def write() -> None:
        told.log(LEVELS[level], "%s", message)
        say(running, caller, Level(level), message, Event.SCRIPT)

    finally_do(running, write)


def touches_records(effect: Effect) -> bool:
    """Whether the effect may change any record at hand."""
    return not isinstance(effect, Log | Create)


async def _create(running: RunningApp, caller: Caller, effect: Create, subject: Subject) -> Any:
    await create_record(running, caller, effect.entity, effect.body)
    return MISSING


async def _update(running: RunningApp, caller: Caller, effect: Update, subject: Subject) -> Any:
    for document in await _matching(running, effect.entity, effect.condition):
        await update_record(running, caller, effect.entity, str(document["_id"]), effect.body)
    return MISSING


async def _delete(running: RunningApp, caller: Caller, effect: Delete, subject: Subject) -> Any:
    compiled = running.entity(effect.entity)
    for document in await _matching(running, effect.entity, effect.condition):
        await delete_document(running, caller, compiled, FULL_ACCESS, str(document["_id"]), document)
    return MISSING


async def _matching(running: RunningApp, entity: str, condition: Condition) -> list[Document]:
    found = await running.store.find(
        running.entity(entity).collection, to_filter(condition), sort=[("_id", 1)], limit=MOST_RECORDS + 1
    )
    if len(found) > MOST_RECORDS:
        raise BadRequest(f"A step concerns more than {MOST_RECORDS:,} records of {entity}; use a function of hooks.py")
    return found


async def _log(running: RunningApp, caller: Caller, effect: Log, subject: Subject) -> Any:
    write_line(running, caller, effect.level, effect.message)
    if subject.job is not None:
        subject.job.say(effect.level, effect.message)
    return MISSING


async def _run(running: RunningApp, caller: Caller, effect: Run, subject: Subject) -> Any:
    from server.runtime.hooks import run_function  # functions have all use cases at hand, these too

    own = OWN_FUNCTIONS.get((subject.compiled.entity.name, effect.function))
    if own is not None:
        assert subject.document is not None, "these run on one record"
        return await own(running, caller, subject.document)
    return await run_function(running, caller, effect, subject)


OWN_FUNCTIONS: Mapping[tuple[str, str], Callable[[RunningApp, Caller, Mapping[str, Any]], Awaitable[Any]]] = {
    (USERS, "resetPassword"): reset_password,
}
"""By entity and name: what actions of the system's own entities do on a record that no step can say."""


_DEEDS: Mapping[type[Effect], Callable[..., Awaitable[Any]]] = {
    Create: _create,
    Update: _update,
    Delete: _delete,
    Log: _log,
    Run: _run,
}

__all__ = ["Subject", "carry_out", "carry_through", "touches_records", "write_line"]
