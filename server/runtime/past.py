"""Records as they were: read at a version or a moment, and made so again; all of it told from the audit trail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.compiler import CompiledEntity
from engine.errors import BadRequest, Forbidden, NotFound
from engine.fields.base import Shape
from engine.permissions import Access
from engine.records import Frame
from engine.records.audit import AUDIT, Event, rebuild
from engine.records.trail import LATEST, NEWEST_FIRST, last_state
from server.runtime.audit import current
from server.runtime.parameters import refuse_parameters
from server.runtime.plain import to_plain
from server.runtime.records import object_id, update_record
from server.runtime.running import Caller, RunningApp

Json = dict[str, Any]
Document = dict[str, Any]
Pairs = Sequence[tuple[str, str]]

VERSION, AS_OF, TO = "_version", "_asOf", "to"


def asks_for_past(pairs: Pairs) -> bool:
    """Whether a request for a record wants it as it was."""
    return any(name in (VERSION, AS_OF) for name, _ in pairs)


async def read_past(running: RunningApp, caller: Caller, name: str, record_id: str, pairs: Pairs) -> Json:
    """The record as it was at `_version`, or at `_asOf` (ms), deleted or not.

    It takes the rights to read it, as it was and as it is now, and to see what happened to it. What it kept of other
    records, and fields that the trail ignores, are shown as they are now.
    """
    compiled = running.entity(name)
    if len(pairs) != 1:
        raise BadRequest(f"Give one of {VERSION} and {AS_OF}, and nothing else")
    asked, text = pairs[0]
    past, access = await _read(running, caller, compiled, record_id, asked, _number(asked, text))
    view = compiled.views.get(Frame(hidden=access.hidden))
    return view.render(past, running.moment(caller).scope, access.masks)


async def revert_record(running: RunningApp, caller: Caller, name: str, record_id: str, pairs: Pairs) -> Json:
    """The record after it was changed to what it was at version `to`: a change as any other, with all its rules and
    rights. Fields that the caller may not read stay as they are."""
    given = dict(pairs)
    refuse_parameters([pair for pair in pairs if pair[0] != TO], (TO,))
    if len(pairs) != 1:
        raise BadRequest("Say once to which version: to=3")
    compiled = running.entity(name)
    wanted = _number(TO, given[TO])
    past, _ = await _read(running, caller, compiled, record_id, VERSION, wanted)
    now = await running.store.get(compiled.collection, past["_id"])
    if now is None:
        raise compiled.rules.rights.missing(str(past["_id"]))
    body = body_of_past(running, caller, compiled, past, now)
    return await update_record(running, caller, name, record_id, {**body, "version": now["version"]})


def body_of_past(
    running: RunningApp, caller: Caller, compiled: CompiledEntity, past: Mapping[str, Any], now: Mapping[str, Any]
) -> Json:
    """The body that makes a record what it was, both as stored; fields that the caller may not read are left out."""
    access = running.access(caller, compiled.entity.name)
    view = compiled.views.get(Frame(hidden=access.hidden))
    scope = running.moment(caller).scope
    body = to_plain(view.render(dict(past), scope, access.masks))
    present = to_plain(view.render(dict(now), scope, access.masks))
    body = {item.name: body[item.name] for item in compiled.entity.fields if item.writable and item.name in body}
    for item in compiled.entity.fields:
        if item.many and item.type.shape is Shape.NESTED and item.name in body:
            known = {one["id"] for one in present.get(item.name) or ()}
            body[item.name] = [_as_item(one, known) for one in body[item.name]]
    return body


def _as_item(item: Mapping[str, Any], known: set[str]) -> Json:
    """An item of a nested list as a body has it: one that is gone comes back as a new one."""
    return dict(item) if item["id"] in known else {name: value for name, value in item.items() if name != "id"}


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 15 and int(text) <= LATEST):
        raise BadRequest(f"{name} takes a whole number, not {text[:64]}")
    return int(text)


async def _read(
    running: RunningApp, caller: Caller, compiled: CompiledEntity, record_id: str, asked: str, wanted: int
) -> tuple[Document, Access]:
    audit, rights, access = compiled.entity.audit, compiled.rules.rights, running.access(caller, compiled.entity.name)
    if not (audit.changed and audit.deleted and audit.on_delete == "keep"):
        raise BadRequest(f"The audit logs of {compiled.entity.name} do not tell what its records were")
    key = object_id(compiled, record_id)
    document = await current(running, compiled, key)
    rows = await running.store.find(AUDIT, {"record": key}, sort=NEWEST_FIRST)
    state = document if document is not None else last_state(reversed(rows))
    if state is None:
        raise rights.missing(str(key))
    record = compiled.rules.load(state)
    rights.check_read(record, access)
    if not access.allows_audit(record):
        raise Forbidden(f"You have no right to see what happened to this record in {compiled.entity.name}")
    if asked == AS_OF:
        later = [row for row in rows if row["at"] > wanted]
    else:
        later = [row for row in rows if row["version"] > wanted or row["event"] == Event.DELETED]
        later.sort(key=lambda row: (row["event"] == Event.DELETED, row["version"]), reverse=True)
    past = rebuild(document, later)
    if past is None or (asked == VERSION and wanted > state["version"]):
        raise NotFound(f"There was no such record in {compiled.entity.name} then")
    if audit.keep is not None and past["version"] != (wanted if asked == VERSION else past["version"]):
        raise BadRequest(f"The audit logs of {compiled.entity.name} do not reach back so far")
    was = compiled.rules.load(past)
    rights.check_read(was, access)
    if any(not allows(record) for allows in access.masks.values()):
        raise Forbidden("You have no right to read all of this record, so that its past is not shown")
    return past, access


__all__ = ["asks_for_past", "body_of_past", "read_past", "revert_record"]
