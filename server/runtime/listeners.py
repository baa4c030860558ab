"""Listeners at work: in goes a planned write that somebody listens to, out comes it written with all that follows.

Steps that set fields of the record join the very write that they hear of. What else a listener does belongs to the same
unit of work; background listeners become jobs that are stored in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from engine.actions import ACTION, ActionPlan, CompiledListener, Effect, Heard
from engine.compiler import CompiledEntity
from engine.errors import BadRequest, Conflict
from engine.permissions import FULL_ACCESS
from engine.records import Write
from server.runtime.effects import Subject, carry_out, carry_through, touches_records
from server.runtime.files.keeping import keep_files
from server.runtime.records import answer_references, change_document, hearing, store_removal, store_write
from server.runtime.running import Caller, RunningApp
from server.runtime.units import in_time, run_unit

if TYPE_CHECKING:
    from server.runtime.hook_jobs import HookJob

Document = Mapping[str, Any]

DEEPEST = 8
"""Listeners that may set each other off."""
_TOO_SLOW = "slow listeners belong in the background"


@dataclass
class _Response:
    """What the listeners make of one event."""

    effects: list[tuple[CompiledListener, Effect]] = field(default_factory=list)
    later: list[Heard] = field(default_factory=list)
    called: bool = False


async def save_heard(
    running: RunningApp, caller: Caller, compiled: CompiledEntity, write: Write, heard: Sequence[Heard]
) -> Write | None:
    """Writes a new or changed record as its listeners leave it; None where the record has another version now.

    Raises what listeners raise, and then nothing is written; Conflict where a listener asked another system in vain.
    """
    return await in_time(running, _save_heard(running, caller, compiled, write, heard), _TOO_SLOW)


async def _save_heard(
    running: RunningApp, caller: Caller, compiled: CompiledEntity, write: Write, heard: Sequence[Heard]
) -> Write | None:
    _check_depth(running, heard)
    response = _Response()
    script, moment = caller.as_script(), running.moment(caller)
    waiting: list[Heard] = list(heard)
    done: set[CompiledListener] = set()
    while waiting:
        one = waiting.pop(0)
        listener = one.listener
        if listener in done or listener.listener.background:
            response.later += [one] if listener.listener.background else []
            continue
        if not listener.concerns(one.event, write.record, write.old, moment):
            continue
        done.add(listener)
        plan = await carry_through(running, caller, listener.plan(write.record, write.old, moment))
        if plan.patch:
            draft = compiled.rules.parse(plan.patch, FULL_ACCESS, new=False)
            await answer_references(running, script, compiled.references, draft)
            write = compiled.rules.amend(write, draft, moment, running.reader_access(script, compiled.entity.name))
            await keep_files(running, script, draft)
        response.effects += [(listener, effect) for effect in plan.effects]
        response.called = response.called or plan.called
        waiting += hearing(running, script, compiled, (ACTION + name for name in plan.performed))
    final = write
    later = [one for one in response.later if one.listener.concerns(one.event, final.record, final.old, moment)]

    async def body(scope: RunningApp) -> Write | None:
        if not await store_write(scope, caller, compiled, final):
            return None
        subject = Subject(compiled, final.planned, final.before)
        await _follow(scope, caller, subject, response.effects, later)
        return await _as_it_is(scope, compiled, final, response.effects)

    written = await run_unit(running, body)
    if written is None and response.called:
        raise Conflict("The record was changed by somebody else while another system was asked; try again")
    return written


async def remove_heard(
    running: RunningApp, caller: Caller, compiled: CompiledEntity, document: dict[str, Any], heard: Sequence[Heard]
) -> bool:
    """Deletes a record and does what its listeners do then. What they set on the record itself goes with it."""
    return await in_time(running, _remove_heard(running, caller, compiled, document, heard), _TOO_SLOW)


async def _remove_heard(
    running: RunningApp, caller: Caller, compiled: CompiledEntity, document: dict[str, Any], heard: Sequence[Heard]
) -> bool:
    _check_depth(running, heard)
    moment, record = running.moment(caller), compiled.rules.load(document)
    response = _Response()
    for one in heard:
        if not one.listener.concerns(one.event, record, record, moment):
            continue
        if one.listener.listener.background:
            response.later.append(one)
            continue
        plan = await carry_through(running, caller, one.listener.plan(record, record, moment))
        response.effects += [(one.listener, effect) for effect in plan.effects]
        response.called = response.called or plan.called

    async def body(scope: RunningApp) -> bool:
        if not await store_removal(scope, caller, compiled, document):
            return False
        await _follow(scope, caller, Subject(compiled, document, document), response.effects, response.later)
        return True

    gone = await run_unit(running, body)
    if not gone and response.called:
        raise Conflict("The record was changed by somebody else while another system was asked; try again")
    return gone


async def plan_later(
    running: RunningApp, caller: Caller, listener: CompiledListener, document: Document, old: Document | None
) -> ActionPlan:
    """What a background listener is to do, some time after the event; `document` is the record as it was then."""
    load = running.entity(listener.entity.name).rules.load
    before = None if old is None else load(old)
    return await carry_through(running, caller, listener.plan(load(document), before, running.moment(caller)))


async def respond_later(
    running: RunningApp,
    caller: Caller,
    listener: CompiledListener,
    plan: ActionPlan,
    document: Document,
    old: Document | None,
    job: HookJob | None = None,
) -> None:
    """Does it, in one unit of work, in a job. What steps set is a change of its own to the record as it is now, if it
    is there still."""
    compiled, script = running.entity(listener.entity.name), caller.as_script()

    async def body(unit: RunningApp) -> None:
        now = await unit.store.get(compiled.collection, document["_id"])
        if plan.patch and now is not None:
            heard = hearing(unit, script, compiled, (ACTION + name for name in plan.performed))
            written = await change_document(unit, script, compiled, now, plan.patch, heard)
            if written is None:
                raise Conflict("The record is being changed by somebody else")
            now = written.planned
        for effect in plan.effects:
            await carry_out(unit, script, effect, Subject(compiled, now or document, old, job=job))

    await run_unit(running, body)


def _check_depth(running: RunningApp, heard: Iterable[Heard]) -> None:
    if len(running.chain) >= DEEPEST:
        chain = " → ".join((*running.chain, next(iter(heard)).listener.name))
        raise BadRequest(f"More than {DEEPEST} listeners set each other off: {chain}")


async def _follow(
    scope: RunningApp,
    caller: Caller,
    subject: Subject,
    effects: Sequence[tuple[CompiledListener, Effect]],
    later: Sequence[Heard],
) -> None:
    """Does, inside the unit, what the listeners want done besides changing the record."""
    from server.runtime.jobs.listening import listen_later  # jobs know what is done in them

    script = caller.as_script()
    for listener, effect in effects:
        await carry_out(replace(scope, chain=(*scope.chain, listener.name)), script, effect, subject)
    assert subject.document is not None, "listeners hear of records"
    for listener in dict.fromkeys(one.listener for one in later):
        await listen_later(scope, caller, listener, subject.document, subject.old)


async def _as_it_is(
    scope: RunningApp, compiled: CompiledEntity, write: Write, effects: Sequence[tuple[CompiledListener, Effect]]
) -> Write:
    """The write as the listeners' own writes leave the record."""
    if not any(touches_records(effect) for _, effect in effects):
        return write
    now = await scope.store.get(compiled.collection, write.planned["_id"])
    if now is None or now["version"] == write.planned["version"]:
        return write
    return write.seen_as(compiled.rules.load(now), now)
