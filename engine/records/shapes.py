"""Shapes: how the records of an entity are stored, as data that a database keeps, and how two of them differ; pure.

The shapes of an entity are a map of its stored fields; each says its type, whether it holds many values, what reading
them takes, and what is inside of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.fields import FIELD_TYPES
from engine.fields.base import FieldType, Shape, Supply
from engine.records.forms import group_fields, stored_fields
from engine.schema import Entity, Field

Shapes = Mapping[str, Mapping[str, Any]]


def shapes_of(fields: Sequence[Field]) -> dict[str, Any]:
    """The shapes of fields, as BSON holds them."""
    return {item.name: _shape(item) for item in stored_fields(tuple(fields))}


def _shape(item: Field) -> dict[str, Any]:
    return {
        "type": item.type.name,
        "many": item.many,
        "required": item.required is not False,
        "calculated": item.calculated is not None or item.aggregate is not None,
        "entity": None if item.reference is None else item.reference.entity,
        "options": dict(item.type.reading_options()),
        "fields": shapes_of(group_fields(item)) if item.type.shape is Shape.NESTED else {},
    }


def digest_of(shapes: Shapes) -> str:
    """The same for the same shapes, in whatever order their fields stand."""
    return hashlib.sha256(json.dumps(shapes, sort_keys=True).encode()).hexdigest()


def former_type(shape: Mapping[str, Any]) -> FieldType | None:
    """What reads the values of a shape; None for a type that there is no more."""
    kind = FIELD_TYPES.get(shape["type"])
    return None if kind is None else kind.configure({**kind.sample_options, **shape["options"]})


@dataclass(frozen=True, slots=True)
class Difference:
    """One field whose stored values do not fit its definition any more (`converts`), or are to be there where there are
    none (`fills`). `walk` are the groups around it; `before` and `now` say in words what it was and is."""

    walk: tuple[Field, ...]
    item: Field
    before: str
    now: str
    converts: bool
    fills: bool

    def __str__(self) -> str:
        return f"{self.item.path} ({self.before} → {self.now})"


def differences(entity: Entity, former: Shapes) -> tuple[Difference, ...]:
    """What must be done to records of a former shape, in the order of the definition."""
    return tuple(_differences(entity.fields, former, ()))


def _differences(fields: tuple[Field, ...], former: Shapes, walk: tuple[Field, ...]) -> Iterator[Difference]:
    for item in stored_fields(fields):
        before, now = former.get(item.name), _shape(item)
        if before is None:
            if _gives_value(item):
                yield Difference(walk, item, "new", "filled", converts=False, fills=True)
            if item.type.shape is Shape.NESTED and not item.many:
                yield from _differences(group_fields(item), {}, (*walk, item))
            continue
        converts = any(before[key] != now[key] for key in ("type", "many", "entity"))
        counted = item.type.supply is Supply.NUMBER and before["type"] != now["type"]
        required = now["required"] and not before["required"] and _gives_value(item)
        calculated = now["calculated"] and not before["calculated"]
        if converts or counted or required or calculated:
            words = (_words(before), _words(now)) if converts else ("may be empty", "filled")
            yield Difference(walk, item, *words, converts=converts, fills=counted or required or calculated)
        if item.type.shape is Shape.NESTED:
            yield from _differences(group_fields(item), before["fields"], (*walk, item))


def _gives_value(item: Field) -> bool:
    given = item.default, item.default_expression, item.calculated, item.aggregate
    return item.type.supply is Supply.NUMBER or any(one is not None for one in given)


def _words(shape: Mapping[str, Any]) -> str:
    target = f" to {shape['entity']}" if shape["entity"] else ""
    return f"{'many ' if shape['many'] else ''}{shape['type']}{target}"


__all__ = ["Difference", "Shapes", "differences", "digest_of", "former_type", "shapes_of"]
