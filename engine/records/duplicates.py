"""A refused key of a unique index in, out comes the problem: which of the record's values another record has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.errors import FieldProblem
from engine.fields.base import Shape
from engine.schema import Entity, Field

_UNKNOWN = object()
"""No stored value is this one."""


def duplicate_problem(
    entity: Entity, key_path: str, record: Mapping[str, Any], document: Mapping[str, Any], values: Mapping[str, Any]
) -> FieldProblem:
    """The problem of the field whose values a unique index holds apart.

    `key_path` is where they are stored, `record` what was to be written, `document` the same as stored, `values` the
    refused key by stored path. Where a record holds several values and none of them is known to be the key, the
    field is told without an index.
    """
    fields, part = _fields_at(entity, key_path)
    item = fields[-1]
    found = list(_places(fields, record, document, ""))
    key = values.get(key_path, _UNKNOWN)
    matches = [one for one in found if (one[2] if part is None else one[2].get(part)) == key]
    if not matches and len(found) == 1:
        matches = found
    where, rejected = matches[0][:2] if matches else (item.path, None)
    if item.type.shape is Shape.REFERENCE and rejected is not None:
        rejected = rejected["id"]
    message = "Another record has this value already"
    return FieldProblem(where, item.label, "notUnique", message, {"rejectedValue": rejected})


def _fields_at(entity: Entity, key_path: str) -> tuple[tuple[Field, ...], str | None]:
    """The fields down to the one that is stored at the path, and which part of it is compared, if not all of it."""
    whole = entity.field_at(key_path)
    if whole is not None and (len(whole.fields) == 1 or whole.fields[-2].type.shape is not Shape.REFERENCE):
        return whole.fields, None
    start, _, part = key_path.rpartition(".")
    path = entity.field_at(start)
    assert path is not None, "indexes are made of fields"
    return path.fields, part


def _places(fields: Sequence[Field], record: Any, document: Any, where: str) -> Iterator[tuple[str, Any, Any]]:
    """Every value of the last field: its concrete place, the value, and the value as stored."""
    if not fields:
        yield where, record, document
        return
    first, *rest = fields
    value, stored = record.get(first.name), document.get(first.name)
    if value is None or stored is None:
        return
    place = f"{where}.{first.name}" if where else first.name
    if first.many:
        for index, (one, kept) in enumerate(zip(value, stored, strict=True)):
            yield from _places(rest, one, kept, f"{place}[{index}]")
    else:
        yield from _places(rest, value, stored, place)
