"""ACCUMULATORS: one record for each function that a group computes of its items.

An accumulator names no type: it asks for a Capability. A new one is one record here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from engine.aggregate.shape import NUMBER, WHOLE, ItemShape
from engine.aggregate.values import Expression, value_at
from engine.fields.base import Capability, FieldType
from engine.schema import Field, FieldPath

MOST_PUSHED: Final = 1_000
"""Items of a group whose values `push` collects."""


def _whole(shape: ItemShape, path: FieldPath) -> Expression:
    return value_at(path)


def _identity(shape: ItemShape, path: FieldPath) -> Expression:
    return value_at(shape.identity_of(path))


def _ordered(shape: ItemShape, path: FieldPath) -> Expression:
    """The value; behind what filters compare of it, where that is a part."""
    part = path.field.type.query_part
    if part is None:
        return value_at(path)
    unset = {"$eq": [{"$ifNull": [f"${path.storage}", None]}, None]}
    return {"$cond": [unset, None, {"by": f"${path.storage}.{part}", "is": f"${path.storage}"}]}


def _exact(shape: ItemShape, path: FieldPath) -> Expression:
    """The value as a decimal: sums of whole numbers outgrow 64 bits, and averages have fractions."""
    return {"$convert": {"input": f"${path.storage}", "to": "decimal", "onError": None, "onNull": None}}


def _as_found(found: str, path: FieldPath | None) -> Expression:
    return found


def _without_order(found: str, path: FieldPath | None) -> Expression:
    return found if path is None or path.field.type.query_part is None else f"{found}.is"


def _size(found: str, path: FieldPath | None) -> Expression:
    return {"$size": {"$setDifference": [found, [None]]}}


def _without_null(found: str, path: FieldPath | None) -> Expression:
    return {"$filter": {"input": found, "as": "one", "cond": {"$ne": ["$$one", None]}}}


def _same(item: Field) -> Field:
    return item


def _typed(item: Field, kind: FieldType) -> Field:
    return Field(name=item.name, path=item.path, label=item.label, type=kind)


def _counted(item: Field) -> Field:
    return _typed(item, WHOLE)


def _total(item: Field) -> Field:
    return _typed(item, WHOLE) if item.type.same_stored else item


def _average(item: Field) -> Field:
    return _typed(item, NUMBER) if item.type.same_stored else item


def _list(item: Field) -> Field:
    return replace(item, many=True)


@dataclass(frozen=True, slots=True)
class Accumulator:
    """A function of one field, or of none where `capability` is None.

    `read` gives the expression of an item's value, `fold` MongoDB's operator over it, `finish` what becomes of the
    operator's result. `result` makes the field that holds it out of the one that was read; `empty` is the result over
    no items, as stored. `shows` says that whole values are handed on and neither compared nor computed with, and
    `lists` that such a value may be a list.
    """

    name: str
    capability: Capability | None
    meaning: str
    fold: Callable[[Expression], Mapping[str, Any]]
    read: Callable[[ItemShape, FieldPath], Expression] = _whole
    finish: Callable[[str, FieldPath | None], Expression] = _as_found
    result: Callable[[Field], Field] = _same
    empty: Any = None
    shows: bool = False
    lists: bool = False


ACCUMULATORS: Final[Mapping[str, Accumulator]] = MappingProxyType(
    {
        accumulator.name: accumulator
        for accumulator in (
            Accumulator("count", None, "the number of items", lambda _: {"$sum": 1}, empty=0),
            Accumulator(
                "sum",
                Capability.SUM,
                "the exact sum, without nulls; 0 of nothing",
                lambda value: {"$sum": value},
                read=_exact,
                result=_total,
                empty=0,
            ),
            Accumulator(
                "avg",
                Capability.SUM,
                "the average, without nulls, to 34 digits and rounded half to even; null of nothing",
                lambda value: {"$avg": value},
                read=_exact,
                result=_average,
            ),
            Accumulator(
                "min",
                Capability.EXTREMES,
                "the least value; null of nothing",
                lambda value: {"$min": value},
                read=_ordered,
                finish=_without_order,
            ),
            Accumulator(
                "max",
                Capability.EXTREMES,
                "the greatest value; null of nothing",
                lambda value: {"$max": value},
                read=_ordered,
                finish=_without_order,
            ),
            Accumulator(
                "first",
                Capability.FIRST_LAST,
                "the value of the first item",
                lambda value: {"$first": value},
                shows=True,
                lists=True,
            ),
            Accumulator(
                "last",
                Capability.FIRST_LAST,
                "the value of the last item",
                lambda value: {"$last": value},
                shows=True,
                lists=True,
            ),
            Accumulator(
                "countDistinct",
                Capability.EQUALS,
                "the number of different values, without null",
                lambda value: {"$addToSet": value},
                read=_identity,
                finish=_size,
                result=_counted,
                empty=0,
            ),
            Accumulator(
                "push",
                Capability.FIRST_LAST,
                f"the values of the first {MOST_PUSHED:,} items, without nulls",
                lambda value: {"$firstN": {"input": value, "n": MOST_PUSHED}},
                finish=_without_null,
                result=_list,
                empty=[],
                shows=True,
            ),
        )
    }
)
"""Every function by the name that clients use."""

__all__ = ["ACCUMULATORS", "MOST_PUSHED", "Accumulator"]
