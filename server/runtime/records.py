"""Use cases on one record: read, create, update, delete; each does the I/O that the engine's plans ask for.

A read or a create is one round trip, an update or a delete two, and one more for each relationship that is written.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from bson import ObjectId

from engine.actions import CHANGED, CONDITION_MET, CREATED, DELETED, Heard
from engine.compiler import CompiledEntity
from engine.errors import Conflict, FieldProblem, ValidationErrors
from engine.permissions import FULL_ACCESS, Access
from engine.records import Asker, Draft, Frame, Lookup, References, Write, duplicate_problem
from engine.records.options import USUAL, WriteOptions
from server.runtime.auth.people import USERS
from server.runtime.duplicates import find_duplicates, plan_whole
from server.runtime.files.keeping import keep_files, uploader_of
from server.runtime.following import follow_removal, follow_write
from server.runtime.keepers import KEEPERS
from server.runtime.large import work_on
from server.runtime.running import Caller, RunningApp
from server.runtime.units import note_write, run_unit, spoil
from server.store import DuplicateKey

Json = dict[str, Any]
Document = dict[str, Any]

MOST_ATTEMPTS = 40
"""How often a write without a version is planned again when others change the same record in between."""
LONGEST_PAUSE = 0.1
"""Seconds that a writer gives way at most before it tries again."""


async def give_way(turn: int) -> None:
    """Waits a random while that grows with the turns, so that rivals for one record spread out and all get through."""
    await asyncio.sleep(random.uniform(0, min(0.002 * 2**turn, LONGEST_PAUSE)))  # noqa: S311 - guards no secret


async def create_record(running: RunningApp, caller: Caller, name: str, body: Any) -> Json:
    """The new record as the caller may read it. Raises ValidationErrors with every problem of the body."""
    written = await make_record(running, caller, name, body)
    return await _answer(running, caller, running.entity(name), written)


async def make_record(
    running: RunningApp, caller: Caller, name: str, body: Any, options: WriteOptions = USUAL
) -> Write:
    """A new record. Raises what create_record raises."""
    keeper = KEEPERS.get(name)
    if keeper is None:
        return await _create(running, caller, name, body, options)

    async def write(scope: RunningApp, rest: Any, problems: Sequence[FieldProblem]) -> Write:
        return await _create(scope, caller, name, rest, options, problems)

    return await keeper.create(running, caller, body, write)


async def _create(
    running: RunningApp,
    caller: Caller,
    name: str,
    body: Any,
    options: WriteOptions,
    problems: Sequence[FieldProblem] = (),
) -> Write:
    """As make_record; `problems` were found in the body before."""
    compiled = running.entity(name)
    access = running.access(caller, name)
    draft = await work_on(partial(compiled.rules.parse, body, access, new=True, options=options), body)
    draft.unknown.extend(problems)
    await answer_references(running, caller, compiled.references, draft)
    numbers = await _next_numbers(running, compiled, draft)
    reader = running.reader_access(caller, name)
    plan = partial(compiled.rules.plan_create, draft, running.moment(caller), access, numbers, reader=reader)
    creation = await plan_whole(running, compiled, draft, plan)
    written = await _save(running, caller, compiled, creation, access, draft)
    assert written is not None, "nothing stands in the way of a new record"
    return written


async def update_record(
    running: RunningApp,
    caller: Caller,
    name: str,
    record_id: str,
    body: Any,
    *,
    reader: Caller | None = None,
) -> Json:
    """The record after the change, as `reader` may read it: the caller, unless they let somebody else have it changed.

    Raises NotFound, OptimisticLocking, ValidationErrors.
    """
    compiled = running.entity(name)
    written = await change_record(running, caller, name, object_id(compiled, record_id), body)
    return await _answer(running, reader or caller, compiled, written)


async def _answer(running: RunningApp, caller: Caller, compiled: CompiledEntity, written: Write) -> Json:
    return await work_on(partial(render_answer, running, caller, compiled, written), written.planned)


async def change_record(
    running: RunningApp,
    caller: Caller,
    name: str,
    key: ObjectId,
    body: Any,
    options: WriteOptions = USUAL,
    document: Document | None = None,
) -> Write:
    """A change to the record with that id, which is not read again where the `document` is there already. Raises what
    update_record raises."""
    keeper = KEEPERS.get(name)
    if keeper is None:
        return await _update(running, caller, name, key, body, options, document=document)

    async def write(scope: RunningApp, rest: Any, problems: Sequence[FieldProblem]) -> Write:
        return await _update(scope, caller, name, key, rest, options, problems)

    return await keeper.update(running, caller, key, body, write)


async def _update(
    running: RunningApp,
    caller: Caller,
    name: str,
    key: ObjectId,
    body: Any,
    options: WriteOptions,
    problems: Sequence[FieldProblem] = (),
    document: Document | None = None,
) -> Write:
    """As change_record; `problems` were found in the body before."""
    compiled = running.entity(name)
    access = running.access(caller, name)
    draft = await work_on(partial(compiled.rules.parse, body, access, new=False, options=options), body)
    draft.unknown.extend(problems)
    answering = answer_references(running, caller, compiled.references, draft)
    if document is None and draft.asks:
        document, _ = await asyncio.gather(running.store.get(compiled.collection, key), answering)
    else:
        await answering
        document = document or await running.store.get(compiled.collection, key)
    for turn in range(MOST_ATTEMPTS):
        if document is None:
            raise compiled.rules.rights.missing(str(key))
        told = running.reader_access(caller, name)
        plan = partial(compiled.rules.plan_update, document, draft, running.moment(caller), access, told)
        change = await plan_whole(running, compiled, draft, plan, document)
        written = await _save(running, caller, compiled, change, access, draft)
        if written is not None:
            return written
        await give_way(turn)
        document = await running.store.get(compiled.collection, key)
    raise Conflict("The record changes faster than it can be written; send its version or try again")


async def change_document(
    running: RunningApp,
    caller: Caller,
    compiled: CompiledEntity,
    document: Document,
    body: Any,
    heard: Sequence[Heard] = (),
) -> Write | None:
    """The change that a body makes to what was read; None where somebody else changed it since.

    `heard` are listeners that hear of it besides: of a change if there is one, of all else in any case. Raises
    ValidationErrors.
    """
    access = running.access(caller, compiled.entity.name)
    draft = await work_on(partial(compiled.rules.parse, body, access, new=False), body)
    await answer_references(running, caller, compiled.references, draft)
    reader = running.reader_access(caller, compiled.entity.name)
    plan = partial(compiled.rules.plan_update, document, draft, running.moment(caller), access, reader)
    change = await work_on(plan, body, document)
    return await _save(running, caller, compiled, change, access, draft, heard)


async def _save(
    running: RunningApp,
    caller: Caller,
    compiled: CompiledEntity,
    write: Write,
    access: Access,
    draft: Draft,
    heard: Sequence[Heard] = (),
) -> Write | None:
    """Writes what was planned, with all that listeners add to it; None where the record has another version now."""
    if not draft.options.save:
        if found := await find_duplicates(running, compiled, write.record):
            raise ValidationErrors(
                compiled.rules.rights.tell(one, access, (write.record,), draft.root.holds) for one in found
            )
        return write
    if draft.uploads or draft.linked:
        await keep_files(running, caller, draft)
    events = _events(write)
    other = (one for one in heard if one.event in events or one.event not in (CHANGED, CONDITION_MET))
    heard = (*hearing(running, caller, compiled, events), *other)
    try:
        if not heard:
            return write if await store_write(running, caller, compiled, write) else None
        from server.runtime.listeners import save_heard  # listeners write records, which is heard by listeners

        return await save_heard(running, caller, compiled, write, heard)
    except DuplicateKey as error:
        reader = running.reader_access(caller, compiled.entity.name)
        sent = draft.root.holds if reader is None else None
        refusal = await _not_unique(running, compiled, error, write, reader or access, sent)
        spoil(running, refusal)
        raise refusal from error


def hearing(running: RunningApp, caller: Caller, compiled: CompiledEntity, events: Iterable[str]) -> list[Heard]:
    """The listeners that are there for events, each with the event."""
    if not running.listening:
        return []
    table = compiled.behaviour.listeners
    return [heard for event in events for heard in table.hearing(event, caller.origin)]


def _events(write: Write) -> tuple[str, ...]:
    if write.values is None:
        return ()
    return (CREATED if write.expected is None else CHANGED, CONDITION_MET)


async def store_write(running: RunningApp, caller: Caller, compiled: CompiledEntity, write: Write) -> bool:
    """Writes a new record, or a change to one that still has the version on which it was planned, with all that is to
    follow it."""
    if write.values is None:
        return True
    keeper = KEEPERS.get(compiled.entity.name)
    if keeper is None:
        return await _store_write(running, caller, compiled, write)

    async def store(scope: RunningApp) -> bool:
        if write.old is not None:
            await keeper.check_change(scope, caller, write.planned["_id"], write.old, write.record)
        done = await _store_write(scope, caller, compiled, write)
        if done:
            await keeper.written(scope, write)
        return done

    return await run_unit(running, store)


async def _store_write(running: RunningApp, caller: Caller, compiled: CompiledEntity, write: Write) -> bool:
    assert write.values is not None
    note_write(running)
    following = running.compiled.following[compiled.entity.name]
    if following.writes:
        return await follow_write(running, caller, compiled, following, write)
    if write.expected is None:
        await running.store.insert(compiled.collection, write.values)
        return True
    guard = {"_id": write.planned["_id"], "version": write.expected}
    return await running.store.update(compiled.collection, guard, {"$set": write.values})


async def delete_record(running: RunningApp, caller: Caller, name: str, record_id: str) -> Json:
    """The record as it was. Raises NotFound."""
    compiled = running.entity(name)
    access = running.access(caller, name)
    key = object_id(compiled, record_id)
    document = await running.store.get(compiled.collection, key)
    return await delete_document(running, caller, compiled, access, str(key), document)


async def delete_document(
    running: RunningApp,
    caller: Caller,
    compiled: CompiledEntity,
    access: Access,
    record_id: str,
    document: Document | None,
) -> Json:
    """Deletes what was read, in the version that was read; a record that changed meanwhile is read again."""
    for turn in range(MOST_ATTEMPTS):
        document = check_removal(caller, compiled, access, record_id, document)
        if await _remove(running, caller, compiled, document):
            view = compiled.views.get(Frame(hidden=access.hidden))
            return view.render(document, running.moment(caller).scope, access.masks)
        await give_way(turn)
        document = await running.store.get(compiled.collection, document["_id"])
    raise Conflict("The record changes faster than it can be deleted; try again")


def check_removal(
    caller: Caller, compiled: CompiledEntity, access: Access, record_id: str, document: Document | None
) -> Document:
    """The document that was read; raises NotFound where there is none and Forbidden where it may not be deleted."""
    if document is None:
        raise compiled.rules.rights.missing(record_id)
    compiled.rules.rights.check_delete(compiled.rules.load(document), access)
    keeper = KEEPERS.get(compiled.entity.name)
    if keeper is not None:
        keeper.check_removal(caller, document)
    return document


async def _remove(running: RunningApp, caller: Caller, compiled: CompiledEntity, document: Document) -> bool:
    heard = hearing(running, caller, compiled, (DELETED,))
    if not heard:
        return await store_removal(running, caller, compiled, document)
    from server.runtime.listeners import remove_heard  # see _save

    return await remove_heard(running, caller, compiled, document, heard)


async def store_removal(running: RunningApp, caller: Caller, compiled: CompiledEntity, document: Document) -> bool:
    """Deletes a record that still has the version that was read, with all that is to follow."""
    keeper = KEEPERS.get(compiled.entity.name)
    if keeper is None:
        return await _store_removal(running, caller, compiled, document)

    async def remove(scope: RunningApp) -> bool:
        await keeper.check_change(scope, caller, document["_id"], document)
        done = await _store_removal(scope, caller, compiled, document)
        if done:
            await keeper.removed(scope, document["_id"])
        return done

    return await run_unit(running, remove)


async def _store_removal(running: RunningApp, caller: Caller, compiled: CompiledEntity, document: Document) -> bool:
    note_write(running)
    following = running.compiled.following[compiled.entity.name]
    if following.removals:
        return await follow_removal(running, caller, compiled, following, document)
    guard = {"_id": document["_id"], "version": document["version"]}
    return await running.store.delete(compiled.collection, guard)


def object_id(compiled: CompiledEntity, text: str) -> ObjectId:
    """The id in a path; what cannot be an id names no record, so it raises NotFound."""
    if len(text) != 24 or not ObjectId.is_valid(text):
        raise compiled.rules.rights.missing(text)
    return ObjectId(text)


def render_answer(running: RunningApp, caller: Caller, compiled: CompiledEntity, written: Write) -> Json:
    """What was written, as the caller may read it; nothing is read back.

    Where the caller may write what it may not read, only the id and the version are told.
    """
    access = running.access(caller, compiled.entity.name)
    if access is not FULL_ACCESS and not access.allows_read(written.record):
        return {"id": written.record["id"], "version": written.record["version"]}
    view = compiled.views.get(Frame(hidden=access.hidden, transient=True))
    return view.render(written.answer, running.moment(caller).scope, access.masks)


async def answer_references(running: RunningApp, caller: Caller, references: References, draft: Draft) -> None:
    """Puts what the draft's references point to in their place; what is not found becomes a problem."""
    if not draft.asks:
        return
    lookups = references.plan_lookups(draft, asker_for(running, caller))
    found = await asyncio.gather(*(_look_up(running, lookup) for _, lookup in lookups))
    for (choice, lookup), documents in zip(lookups, found, strict=True):
        choice.answer(lookup, documents, draft)


def asker_for(running: RunningApp, caller: Caller) -> Asker:
    """The caller as they point to records and files."""
    uploader = uploader_of(caller)
    return Asker(
        partial(running.related_access, caller), uploader, None if uploader.user is None else (USERS, uploader.user)
    )


async def _look_up(running: RunningApp, lookup: Lookup) -> list[Document]:
    if lookup.collection is None:
        return []
    return await running.store.find(lookup.collection, lookup.filter, limit=lookup.limit)


async def _next_numbers(running: RunningApp, compiled: CompiledEntity, draft: Draft) -> dict[str, int]:
    """A number from the counter of each field that needs one; a draft that will be refused takes none."""
    items = compiled.rules.numbers_for(draft)
    if draft.problems or draft.unknown or not draft.options.save:
        return dict.fromkeys((item.name for item in items), 0)
    return {
        item.name: await running.store.next_numbers(
            f"{compiled.entity.name}.{item.name}", at_least=item.type.first_number()
        )
        for item in items
    }


async def _not_unique(
    running: RunningApp,
    compiled: CompiledEntity,
    error: DuplicateKey,
    write: Write,
    access: Access,
    sent: Callable[[str], bool] | None,
) -> ValidationErrors:
    """The unique index that refused a write, as the field that it guards, and what others would have refused, as far
    as who hears of it may know. A transaction that a refusal has ended is asked nothing more."""
    place = compiled.collection, error.index
    plan = next((plan for plan in running.compiled.indexes if (plan.collection, plan.name) == place), None)
    if plan is None:
        raise error
    problem = duplicate_problem(compiled.entity, plan.keys[0][0], write.record, error.values)
    found = [] if running.unit is not None else await find_duplicates(running, compiled, write.record)
    problems = found if any(one.field == problem.field for one in found) else [problem, *found]
    return ValidationErrors([compiled.rules.rights.tell(one, access, (write.record,), sent) for one in problems])
