"""EXECUTE_ACTION: in go an action, its parameters and ids or a query, out come records acted on as in a request.

An action of type one runs on one record after the other, each once; what became of it is kept under the record's id.
The others run once; their response is the job's result. As with deletions, a query is planned anew with the rights of
the starter whenever the job goes on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bson import ObjectId

from engine.errors import BadRequest, Conflict, RequestError
from engine.fields.base import MISSING
from engine.fields.json_text import decode_json, encode_json
from engine.jobs import Job, JobType, Level, Note
from engine.jobs.ledger import to_storable
from engine.query import Clock, parse_query, to_filter
from engine.schema import ActionKind, Schedule
from server.runtime import actions
from server.runtime.actions import Order
from server.runtime.effects import Subject, carry_through
from server.runtime.jobs.context import SKIPPED, JobContext, Work
from server.runtime.jobs.enqueue import enqueue
from server.runtime.jobs.kinds import JobKind, Results
from server.runtime.jobs.scripted import ItemJob, WholeJob
from server.runtime.jobs.selected import work_on_selected
from server.runtime.keepers import KEEPERS
from server.runtime.parameters import ACTION_FLAGS, refuse_parameters, take_flags
from server.runtime.running import SYSTEM, Caller, RunningApp

Document = dict[str, Any]
Pairs = Sequence[tuple[str, str]]

UNSURE = "The action was under way when its worker was lost; it may have been carried out, and is not repeated"


async def act_on_ids_later(
    running: RunningApp, caller: Caller, entity: str, name: str, ids: str, pairs: Pairs, body: Any
) -> Job:
    """A job that runs an action on the records with these ids, joined by commas. Raises what is wrong with the action's
    name, its rights and its parameters by themselves, and with a single id."""
    flags, rest = take_flags(pairs, ACTION_FLAGS)
    refuse_parameters(rest, ACTION_FLAGS)
    order = await actions.take_order(running, caller, entity, name, body)
    if order.action.kind is ActionKind.GLOBAL:
        raise BadRequest(f"The action {name} runs on no record: leave the id out")
    if "," not in ids:
        actions.check_target(order, ids, await actions.find_document(order, ids))
    _check_by_itself(order)
    wanted = list(dict.fromkeys(one.strip().lower() for one in ids.split(",")))
    return await _enqueue(order, flags, body, {"ids": wanted})


async def act_on_query_later(
    running: RunningApp, caller: Caller, entity: str, name: str, pairs: Pairs, body: Any
) -> Job:
    """A job that runs an action on the records that a query matches, or on none; raises what a request that is waited
    for raises before anything is done."""
    order = await actions.take_order(running, caller, entity, name, body)
    _check_by_itself(order)
    flags, rest = take_flags(pairs, ACTION_FLAGS)
    payload = {"pairs": [list(pair) for pair in rest], "all": flags.get("all", False), "asked": running.clock()}
    if order.action.kind is ActionKind.GLOBAL:
        refuse_parameters(rest, ACTION_FLAGS)
    else:
        _selection(order, payload)
    return await _enqueue(order, flags, body, payload)


async def act_on_schedule(running: RunningApp, schedule: Schedule, at: int, key: ObjectId) -> Job:
    """A job with this key that runs a schedule's action with all rights, on all records if it is of type many, because
    the time `at` has come. Raises DuplicateKey."""
    action = running.compiled.app.entities[schedule.entity].actions[schedule.action]
    return await enqueue(
        running,
        EXECUTE_ACTION,
        SYSTEM,
        f"Schedule {schedule.name}: executing action {action.name} on entity {schedule.entity}",
        data={
            "entityName": schedule.entity,
            "actionName": action.name,
            "scheduleName": schedule.name,
            "scheduleDate": at,
        },
        payload={
            "pairs": [],
            "all": True,
            "asked": at,
            "entity": schedule.entity,
            "action": action.name,
            "params": encode_json(dict(schedule.params)),
        },
        queue=action.queue,
        key=key,
    )


def _check_by_itself(order: Order) -> None:
    """Raises what is wrong with the action in a job, and with its parameters, whatever the records are."""
    keeper = KEEPERS.get(order.compiled.entity.name)
    if keeper is not None:
        keeper.check_job(order.action.action.name)
    order.action.parameters.check_alone(order.draft, order.running.moment(order.caller))


async def _enqueue(order: Order, flags: Mapping[str, bool], body: Any, payload: Document) -> Job:
    action, entity = order.action.action, order.compiled.entity
    return await enqueue(
        order.running,
        EXECUTE_ACTION,
        order.caller,
        f"Executing action {action.name} on entity {entity.name}",
        data={"entityName": entity.name, "actionName": action.name},
        payload=payload | {"entity": entity.name, "action": action.name, "params": encode_json(body)},
        queue=action.queue,
        low_priority=flags.get("low_priority", False),
    )


async def _run(context: JobContext) -> Results | None:
    running, payload = context.running, context.job.payload or {}
    body = decode_json(payload["params"])
    order = await actions.take_order(running, context.caller, payload["entity"], payload["action"], body)
    if order.action.runs():
        await context.take_desk()
    if order.action.kind is not ActionKind.ONE:
        return await _run_once(context, order)
    if "ids" in payload:
        await _run_on_ids(context, order, payload["ids"])
    else:
        await _run_on_matches(context, order, _selection(order, payload))
    return None


def _selection(order: Order, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The filter of the job's query; times such as `today` are those of the moment at which it was asked."""
    query = parse_query([(name, text) for name, text in payload["pairs"]], ACTION_FLAGS)
    clock = Clock(payload["asked"], order.running.compiled.app.timezone)
    return to_filter(actions.select(order, query, clock, everything=payload["all"]))


# actions on many records or none: the checkpoint is the function's own


async def _run_once(context: JobContext, order: Order) -> Results:
    try:
        selection = await _selection_once(context, order)
        if selection is not None and not context.job.records_count:
            count = await context.running.store.count(order.compiled.collection, selection)
            await context.note(Note(records_count=count))
        planning = order.action.plan(None, order.draft, context.running.moment(context.caller))
        plan = await carry_through(context.running, order.caller, planning)
        subject = Subject(order.compiled, selection=selection, job=WholeJob(context))
        response = await actions.apply_once(order, plan, subject, context.running)
    except RequestError as error:
        await context.log(Level.ERROR, actions.message_of(error))
        await context.note(Note(has_errors=True))
        return {"status": "error", "errorMessage": actions.message_of(error)}
    if not context.stop_noticed:
        await context.note(Note(processed=max(0, context.job.records_count - context.job.records_processed)))
    return {"status": "ok"} if response is MISSING else {"status": "ok", "response": to_storable(response)}


async def _selection_once(context: JobContext, order: Order) -> Mapping[str, Any] | None:
    payload = context.job.payload or {}
    if order.action.kind is ActionKind.GLOBAL:
        return None
    if "ids" in payload:
        return await actions.select_ids(order, payload["ids"])
    return _selection(order, payload)


# on records one by one


def _effect(context: JobContext, order: Order, key: Callable[[Any], str]) -> Callable[..., Awaitable[Any]]:
    """Runs the action on one item, whose record has the id `key` gives."""

    async def act(running: RunningApp, item: Any, document: Document | None, again: bool) -> Any:
        if again:
            raise Conflict(UNSURE)
        if document is None and "ids" not in (context.job.payload or {}):
            return SKIPPED  # somebody deleted it, or it does not match any more
        job = ItemJob(context, key(item), keeps=order.action.action.run is not None, stops=not order.action.calls())
        here = replace(order, running=running, job=job)
        response, _ = await actions.perform(here, key(item), document)
        return job.pause or to_storable(response)

    return act


async def _run_on_ids(context: JobContext, order: Order, ids: Sequence[str]) -> None:
    """The checkpoint is how many of the ids are done."""
    if context.job.checkpoint is None:
        await context.note(Note(checkpoint=0, records_count=len(ids)))
    collection, key = order.compiled.collection, ids.__getitem__

    async def load(running: RunningApp, places: Sequence[int]) -> dict[str, Document]:
        keys = [ObjectId(ids[place]) for place in places if ObjectId.is_valid(ids[place])]
        return {str(one["_id"]): one for one in await running.store.get_many(collection, keys)}

    effect = _effect(context, order, key)
    action = order.action
    work = Work(load, effect, key, lambda place: place + 1, alone=action.calls(), apart=action.runs())
    await context.each(range(context.job.checkpoint, len(ids)), work)


async def _run_on_matches(context: JobContext, order: Order, selection: Mapping[str, Any]) -> None:
    effect = _effect(context, order, str)
    action, collection = order.action, order.compiled.collection
    await work_on_selected(context, collection, selection, effect, alone=action.calls(), apart=action.runs())


EXECUTE_ACTION = JobKind(JobType.EXECUTE_ACTION, _run)

__all__ = ["EXECUTE_ACTION", "act_on_ids_later", "act_on_query_later", "act_on_schedule"]
