"""sort: items in the order of some fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.aggregate.shape import ItemShape
from engine.aggregate.stages.stage import Context, MongoStage, Stage, Step
from engine.errors import BadRequest
from engine.fields.base import Capability
from engine.query.syntax import SortItem
from engine.query.values import Budget

MOST_SORT_FIELDS = 8
_DIRECTIONS = {"asc": False, "desc": True}


@dataclass(frozen=True, slots=True)
class SortStep:
    """Orders by stored paths, each with 1 or -1."""

    keys: tuple[tuple[str, int], ...]

    def to_mongo(self) -> list[MongoStage]:
        """`$sort`."""
        return [{"$sort": dict(self.keys)}]


@dataclass(frozen=True, slots=True)
class _Sort:
    items: tuple[SortItem, ...]

    def plan(self, shape: ItemShape, context: Context) -> tuple[Step, ItemShape]:
        keys: dict[str, int] = {}
        for item in self.items:
            storage = _storage(shape, item.path)
            if storage in keys:
                raise BadRequest(f"{item.path} is named twice")
            keys[storage] = -1 if item.descending else 1
        if shape.has_id:
            keys.setdefault("_id", next(iter(keys.values())))
        return SortStep(tuple(keys.items())), shape


def _storage(shape: ItemShape, name: str) -> str:
    path = shape.pick_single(name)
    if Capability.SORT not in path.field.type.capabilities:
        hint = "; sort by one of its inner fields" if path.field.fields else ""
        raise BadRequest(f"{path.name} cannot be sorted by{hint}")
    if any(item.sensitive for item in path.fields):
        raise BadRequest(f"{path.name} is sensitive and cannot be sorted by")
    part = path.field.type.query_part
    if part is None:
        return path.storage
    if part in path.field.by_name:
        shape.pick(f"{path.name}.{part}")
    return f"{path.storage}.{part}"


def _parse(argument: Any, budget: Budget) -> _Sort:
    if not isinstance(argument, dict) or not argument:
        raise BadRequest('takes an object of fields and directions, as {"name": "asc", "size": "desc"}')
    if len(argument) > MOST_SORT_FIELDS:
        raise BadRequest(f"takes at most {MOST_SORT_FIELDS} fields")
    for name, direction in argument.items():
        if not isinstance(direction, str) or direction not in _DIRECTIONS:
            raise BadRequest(f"{name[:64]} takes asc or desc")
    return _Sort(tuple(SortItem(name, _DIRECTIONS[direction]) for name, direction in argument.items()))


SORT = Stage("sort", _parse, "orders the items by fields, asc or desc each; those named first count first")

__all__ = ["SORT", "SortStep"]
