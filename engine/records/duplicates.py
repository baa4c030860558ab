"""Unique values of records: in go a record and where an index holds values apart, out come the values and problems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import FieldProblem
from engine.fields.base import Shape
from engine.records.forms import Record, value_storer
from engine.schema import Entity, Field

_UNKNOWN = object()
"""No stored value is this one."""


@dataclass(frozen=True, slots=True)
class Held:
    """One value that a unique index holds apart: its concrete place in the record, the value as people know it, and
    as the index does."""

    place: str
    value: Any
    key: Any
    label: str

    @property
    def problem(self) -> FieldProblem:
        """Another record has the value."""
        return _problem(self.place, self.label, self.value)


def held_values(entity: Entity, key_path: str, record: Record) -> list[Held]:
    """Everything that a record (value form) holds at the stored path of a unique index; unset values are left out."""
    fields, part = _fields_at(entity, key_path)
    item = fields[-1]
    store = value_storer(item)
    held = []
    for place, value in _places(fields, record, ""):
        stored = value if store is None else store(value)
        shown = value["id"] if item.type.shape is Shape.REFERENCE else value
        held.append(Held(place, shown, stored if part is None else stored.get(part), item.label))
    return held


def duplicate_problem(entity: Entity, key_path: str, record: Record, values: Mapping[str, Any]) -> FieldProblem:
    """The problem of the field whose values an index at `key_path` holds apart; `values` is the key that it refused,
    by stored path. Where a record holds several values and none of them is the key, the field is told as a whole."""
    held = held_values(entity, key_path, record)
    key = values.get(key_path, _UNKNOWN)
    refused = [one for one in held if one.key == key] or (held if len(held) == 1 else [])
    if refused:
        return refused[0].problem
    item = _fields_at(entity, key_path)[0][-1]
    return _problem(item.path, item.label, None)


def _problem(place: str, label: str, value: Any) -> FieldProblem:
    return FieldProblem(place, label, "notUnique", "Another record has this value already", {"rejectedValue": value})


def _fields_at(entity: Entity, key_path: str) -> tuple[tuple[Field, ...], str | None]:
    """The fields down to the one that is stored at the path, and which part of it is compared, if not all of it."""
    whole = entity.field_at(key_path)
    if whole is not None and (len(whole.fields) == 1 or whole.fields[-2].type.shape is not Shape.REFERENCE):
        return whole.fields, None
    start, _, part = key_path.rpartition(".")
    path = entity.field_at(start)
    assert path is not None, "indexes are made of fields"
    return path.fields, part


def _places(fields: Sequence[Field], value: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Every value of the last field that is set, with its concrete place."""
    if value is None:
        return
    if not fields:
        yield where, value
        return
    first, *rest = fields
    found = value.get(first.name)
    place = f"{where}.{first.name}" if where else first.name
    if first.many:
        for index, one in enumerate(found or ()):
            yield from _places(rest, one, f"{place}[{index}]")
    else:
        yield from _places(rest, found, place)
