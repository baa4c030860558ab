"""Use cases of actions: records, parameters and rights in; what was planned written as a whole, and the answer, out.

An action of type one runs on each record by itself, in a unit of work of its own; the others run once. What clients
wait for is bounded in records and time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from bson import ObjectId

from engine.actions import ACTION, CHANGED, CONDITION_MET, ActionPlan, CompiledAction, Run
from engine.compiler import CompiledEntity
from engine.errors import BadRequest, Conflict, Forbidden, NotFound, RequestError, did_you_mean
from engine.fields.base import MISSING
from engine.permissions import FULL_ACCESS, Access
from engine.query import (
    Clock,
    Condition,
    ListQuery,
    all_of,
    parse_filter_map,
    parse_query,
    plan_filter,
    plan_selection,
    to_filter,
)
from engine.records import Frame
from engine.records.draft import Draft
from engine.schema import ActionKind
from server.runtime.effects import Subject, carry_out, carry_through, touches_records
from server.runtime.files.keeping import keep_files
from server.runtime.following import follow_action
from server.runtime.keepers import KEEPERS
from server.runtime.parameters import ACTION_FLAGS, refuse_parameters, take_flags
from server.runtime.plain import to_plain
from server.runtime.records import (
    MOST_ATTEMPTS,
    answer_references,
    change_document,
    give_way,
    hearing,
    object_id,
)
from server.runtime.running import Caller, RunningApp
from server.runtime.units import count_writes, in_time, run_unit

Json = dict[str, Any]
Document = dict[str, Any]
Pairs = Sequence[tuple[str, str]]
T = TypeVar("T")

if TYPE_CHECKING:
    from server.runtime.hook_jobs import HookJob

MOST_SYNCHRONOUS = 1_000
"""Records that one request may act on while the client waits."""
NOTHING: Mapping[str, Any] = {}
"""The answer of an action that has nothing to say."""


@dataclass(frozen=True)
class Order:
    """One action with its parameters, as somebody may run it; `draft` are the parameters as they were sent, `job` is
    what runs it on one record in the background."""

    running: RunningApp
    caller: Caller
    compiled: CompiledEntity
    action: CompiledAction
    draft: Draft
    job: HookJob | None = None

    @property
    def access(self) -> Access:
        """The caller's rights on the entity."""
        return self.running.access(self.caller, self.compiled.entity.name)

    @property
    def context(self) -> str:
        """Where the action stands in the definitions, as the audit trail tells it."""
        return f"entities.{self.compiled.entity.name}.actions.{self.action.action.name}"

    @property
    def script(self) -> Caller:
        """Who writes what the action's steps and functions write."""
        return replace(self.caller.as_script(), context=self.context)


async def take_order(running: RunningApp, caller: Caller, entity: str, name: str, body: Any) -> Order:
    """The action, with the references in its parameters looked up. Raises NotFound, Forbidden, BadRequest."""
    compiled = running.entity(entity)
    action = compiled.behaviour.actions.get(name)
    if action is None:
        hint = did_you_mean(name, compiled.behaviour.actions)
        raise NotFound(f"There is no action {name} in {entity}" + (f"; {hint}" if hint else ""))
    if not running.access(caller, entity).may_act(name):
        raise Forbidden(f"You have no right to the action {name} of {entity}")
    draft = action.parameters.parse(body)
    await answer_references(running, caller, action.parameters.references, draft)
    if not draft.problems:
        await keep_files(running, caller, draft)
    return Order(running, caller, compiled, action, draft)


async def act_on_ids(
    running: RunningApp, caller: Caller, entity: str, name: str, ids: str, pairs: Pairs, body: Any
) -> Any:
    """One id: what the action answers. Several joined by commas: what became of each, by id; or the one answer of an
    action of type many. Raises what actions raise, BadRequest for too many ids or too much time."""
    _, rest = take_flags(pairs, ACTION_FLAGS)
    refuse_parameters(rest, ACTION_FLAGS)
    order = await take_order(running, caller, entity, name, body)
    wanted = list(dict.fromkeys(one.strip().lower() for one in ids.split(",")))
    _check_count(len(wanted))
    if order.action.kind is ActionKind.GLOBAL:
        raise BadRequest(f"The action {name} runs on no record: leave the id out")
    if order.action.kind is ActionKind.MANY:
        return await _in_time(running, act_once(order, await select_ids(order, wanted)))
    if "," not in ids:
        document = await find_document(order, wanted[0])
        return await _in_time(running, act_on_document(order, wanted[0], document))
    keys = [ObjectId(one) for one in wanted if ObjectId.is_valid(one)]
    documents = await running.store.get_many(order.compiled.collection, keys)
    found = {str(document["_id"]): document for document in documents}
    return await _act_on_each(order, {one: found.get(one) for one in wanted})


async def act_on_query(running: RunningApp, caller: Caller, entity: str, name: str, pairs: Pairs, body: Any) -> Any:
    """What became of each record that a query matches, by id; or the one answer of an action of another type.

    Raises BadRequest for a query without any filter, unless `_all=true` is among the pairs.
    """
    order = await take_order(running, caller, entity, name, body)
    flags, rest = take_flags(pairs, ACTION_FLAGS)
    if order.action.kind is ActionKind.GLOBAL:
        refuse_parameters(rest, ACTION_FLAGS)
        return await _in_time(running, act_once(order, None))
    query = parse_query(rest, ACTION_FLAGS)
    condition = select(order, query, running.query_clock(), everything=flags.get("all", False))
    return await _act_on_condition(order, condition)


async def act_on_filter(
    running: RunningApp, caller: Caller, entity: str, name: str, query: Mapping[str, Any], body: Any
) -> Any:
    """As act_on_query, over a filter map; an empty one is everything."""
    order = await take_order(running, caller, entity, name, body)
    asked = plan_filter(order.compiled.entity, parse_filter_map(query, references=False), order.access)
    condition = asked if order.access.row_filter is None else all_of((asked, order.access.row_filter))
    return await _act_on_condition(order, condition)


def select(order: Order, query: ListQuery, clock: Clock, *, everything: bool) -> Condition:
    """The records that an action over a query concerns; of an action of type many only those that it may run on."""
    access = order.access
    condition = plan_selection(order.compiled.entity, query, access, clock, everything=everything)
    if order.action.kind is ActionKind.MANY:
        return all_of((condition, access.action(order.action.action.name)))
    return condition


async def _act_on_condition(order: Order, condition: Condition) -> Any:
    store, collection, selection = order.running.store, order.compiled.collection, to_filter(condition)
    if order.action.kind is ActionKind.MANY:
        _check_count(await store.count(collection, selection))
        return await _in_time(order.running, act_once(order, selection))
    documents = await store.find(collection, selection, sort=[("_id", -1)], limit=MOST_SYNCHRONOUS + 1)
    _check_count(len(documents))
    return await _act_on_each(order, {str(document["_id"]): document for document in documents})


async def select_ids(order: Order, wanted: Sequence[str]) -> Mapping[str, Any]:
    """The filter of the records with these ids; raises NotFound and Forbidden where the action may not run on one."""
    keys = [object_id(order.compiled, one) for one in wanted]
    documents = await order.running.store.get_many(order.compiled.collection, keys)
    found = {str(document["_id"]): document for document in documents}
    for one in wanted:
        check_target(order, one, found.get(one))
    return {"_id": {"$in": keys}}


async def find_document(order: Order, record_id: str) -> Document | None:
    """What is stored under the id in a path; raises NotFound for what cannot be an id."""
    key = object_id(order.compiled, record_id)
    return await order.running.store.get(order.compiled.collection, key)


async def _act_on_each(order: Order, documents: Mapping[str, Document | None]) -> Json:
    order.action.parameters.check_alone(order.draft, order.running.moment(order.caller))
    results: Json = {}

    async def act() -> Json:
        for record_id, document in documents.items():
            before = count_writes(order.running)
            try:
                response = await act_on_document(order, record_id, document)
                results[record_id] = {"status": "ok", "response": response}
            except RequestError as error:
                if count_writes(order.running) > before:
                    raise  # inside a larger unit, which alone could undo what this record's action wrote
                results[record_id] = {"status": "error", "errorMessage": message_of(error)}
        return results

    return await _in_time(order.running, act())


def message_of(error: RequestError) -> str:
    """An error in one line, with all problems of fields."""
    told = "; ".join(f"{one.field}: {one.message}" if one.field else one.message for one in error.problems)
    return f"{error.message}: {told}" if told else error.message


def check_target(order: Order, record_id: str, document: Document | None) -> None:
    """Raises NotFound for a record that is not there, and Forbidden for one that the action may not run on."""
    rights, access = order.compiled.rules.rights, order.access
    if document is None:
        raise rights.missing(record_id)
    if access is not FULL_ACCESS:
        record, name = order.compiled.rules.load(document), order.action.action.name
        rights.check_read(record, access)
        if not access.allows_action(name, record):
            raise Forbidden(f"You have no right to the action {name} on this record")
    keeper = KEEPERS.get(order.compiled.entity.name)
    if keeper is not None:
        keeper.check_action(order.running, order.caller, order.action.action.name, document)


async def act_on_document(order: Order, record_id: str, document: Document | None) -> Any:
    """Runs an action of type one on what was read; a record that changed meanwhile is read again.

    The answer is what the action responds, or else the record as the caller may read it.
    """
    response, answer = await perform(order, record_id, document)
    return answer if response is MISSING else response


async def perform(order: Order, record_id: str, document: Document | None) -> tuple[Any, Any]:
    """The action's own response (MISSING where it has none), and the record afterwards. Raises Conflict where others
    are faster each time, or where another system was asked in vain."""
    running, compiled = order.running, order.compiled
    for turn in range(MOST_ATTEMPTS):
        check_target(order, record_id, document)
        assert document is not None
        planning = order.action.plan(compiled.rules.load(document), order.draft, running.moment(order.caller))
        plan = await carry_through(running, order.caller, planning)
        done = await run_unit(running, partial(_apply, order, plan, document))
        if done is not None:
            return done
        if plan.called:
            raise Conflict("The record was changed by somebody else while another system was asked; try again")
        await give_way(turn)
        document = await running.store.get(compiled.collection, document["_id"])
    raise Conflict("The record changes faster than it can be written; try again")


async def _apply(order: Order, plan: ActionPlan, document: Document, scope: RunningApp) -> tuple[Any, Any] | None:
    """Writes what was planned on a document, inside a unit; None where the record has another version now.

    A function that is gone on with finds done what comes before it; what comes after one that paused is left.
    """
    compiled, caller, script, job = order.compiled, order.caller, order.script, order.job
    first = job is None or not job.resumed
    now, answer = document, document
    if any(isinstance(effect, Run) for effect in plan.effects):
        found = await scope.store.get(compiled.collection, document["_id"])
        if found is None or found["version"] != document["version"]:
            return None
    author = replace(_with_all_rights(caller), context=order.context) if plan.linked else script
    heard = [
        one
        for name in plan.performed
        for one in hearing(scope, caller if name == plan.performed[-1] else script, compiled, (ACTION + name,))
    ]
    if plan.linked and plan.patch != plan.linked:  # the steps have their part in the change, too
        heard = [*hearing(scope, script, compiled, (CHANGED, CONDITION_MET)), *heard]
    if first and (plan.patch or heard):
        written = await change_document(scope, author, compiled, now, plan.patch, heard)
        if written is None:
            return None
        now, answer = written.planned, written.answer
    response = plan.response
    for effect in plan.effects:
        returned = await carry_out(scope, script, effect, Subject(compiled, now, document, job=job))
        if isinstance(effect, Run) and effect.action == order.action.action.name:
            response = returned
    if any(touches_records(effect) for effect in plan.effects):
        fresh = await scope.store.get(compiled.collection, document["_id"])
        if fresh is not None and fresh["version"] != now["version"]:
            now, answer = fresh, {**answer, **fresh}
    if job is None or job.pause is None:
        await follow_action(scope, replace(caller, context=order.context), compiled, now)
    return _json(response), _render(order, answer)


def _with_all_rights(caller: Caller) -> Caller:
    """The caller where the action writes what they gave: the action's right is all that is asked."""
    return replace(caller.as_script(), origin=caller.origin)


def _render(order: Order, document: Mapping[str, Any]) -> Json:
    """The record as the caller may read it; where they may not, its id and version."""
    compiled, access = order.compiled, order.access
    if access is not FULL_ACCESS and not access.allows_read(compiled.rules.load(document)):
        return {"id": str(document["_id"]), "version": document["version"]}
    view = compiled.views.get(Frame(hidden=access.hidden, transient=True))
    return view.render(dict(document), order.running.moment(order.caller).scope, access.masks)


def _json(response: Any) -> Any:
    return MISSING if response is MISSING else to_plain(response)


async def act_once(order: Order, selection: Mapping[str, Any] | None) -> Any:
    """Runs an action of type many over the records of a filter, or one of type global over none; NOTHING where it
    responds nothing."""
    planning = order.action.plan(None, order.draft, order.running.moment(order.caller))
    plan = await carry_through(order.running, order.caller, planning)
    response = await run_unit(
        order.running, partial(apply_once, order, plan, Subject(order.compiled, selection=selection))
    )
    return NOTHING if response is MISSING else response


async def apply_once(order: Order, plan: ActionPlan, subject: Subject, scope: RunningApp) -> Any:
    """Does what was planned without a record, inside a unit; gives the response, MISSING where there is none."""
    script, response = order.script, plan.response
    for effect in plan.effects:
        returned = await carry_out(scope, script, effect, subject)
        if isinstance(effect, Run):
            response = returned
    return _json(response)


def _check_count(count: int) -> None:
    if count > MOST_SYNCHRONOUS:
        raise BadRequest(f"More than {MOST_SYNCHRONOUS:,} records are too many to wait for; add _async=true")


async def _in_time(running: RunningApp, work: Awaitable[T]) -> T:
    return await in_time(running, work, "add _async=true")
