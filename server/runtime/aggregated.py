"""Aggregate fields kept right: records that are calculated over others, calculated anew when those change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bson import ObjectId

from engine.query import to_filter
from engine.records.aggregated import Aggregated
from engine.records.cascades import holders
from engine.records.outbox import Intent
from engine.schema import Operation
from server.runtime.cascades import Edit, edit_record
from server.runtime.running import RunningApp

Document = dict[str, Any]


async def count(running: RunningApp, name: str, key: ObjectId, intent: Intent, removed: Document | None) -> None:
    """Calculates all records anew in which a record counts, or did."""
    anchors = intent["anchors"]
    for one in running.compiled.following[name].counted:
        if one.key in anchors:
            wanted = one.concerned(anchors[one.key])
            async for document in running.store.stream(one.entity, wanted, projection={"_id": 1}):
                await _calculate(running, one.entity, document["_id"], [one], intent["depth"] + 1)


async def recount(running: RunningApp, name: str, key: ObjectId, intent: Intent, removed: Document | None) -> None:
    """Calculates the aggregate fields of a record anew."""
    await _calculate(running, name, key, running.compiled.following[name].aggregates, intent["depth"] + 1)


async def _calculate(running: RunningApp, name: str, key: ObjectId, fields: Iterable[Aggregated], depth: int) -> None:
    load = running.entity(name).rules.load

    async def prepare(document: Document) -> Edit:
        record = load(document)
        values = [(one, await _value(running, one, record)) for one in fields]

        def edit(edited: Document) -> None:
            for one, value in values:
                for holder, last in holders(edited, one.path.fields):
                    holder[last] = value

        return edit

    await edit_record(running, name, key, prepare, depth)


async def _value(running: RunningApp, field: Aggregated, record: dict[str, Any]) -> Any:
    """The stored value of an aggregate field, as the other records are now."""
    wanted = to_filter(field.bound(record, running.query_clock()))
    if field.rule.operation is Operation.COUNT or field.value is None:
        return field.compute(await running.store.count(field.source, wanted), ())
    values: list[Any] = []
    projection = {field.value.fields[0].name: 1}
    async for document in running.store.stream(field.source, wanted, projection=projection):
        values.extend(field.values(document))
    return field.compute(len(values), values)


__all__ = ["count", "recount"]
