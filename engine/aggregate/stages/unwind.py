"""unwind: one item for each value of a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.aggregate.shape import ItemShape
from engine.aggregate.stages.stage import Context, MongoStage, Stage, Step, parse_keys, parse_text
from engine.errors import BadRequest
from engine.query.values import Budget
from engine.schema import FieldPath


@dataclass(frozen=True, slots=True)
class UnwindStep:
    """Takes the list at a stored path apart; `keeps_empty` items have nothing there."""

    path: str
    keeps_empty: bool

    def to_mongo(self) -> list[MongoStage]:
        """`$unwind`."""
        return [{"$unwind": {"path": f"${self.path}", "preserveNullAndEmptyArrays": self.keeps_empty}}]


@dataclass(frozen=True, slots=True)
class _Unwind:
    path: str
    keeps_empty: bool

    def plan(self, shape: ItemShape, context: Context) -> tuple[Step, ItemShape]:
        path = shape.pick(self.path)
        if len(path.fields) > 1:
            shape.pick_single(FieldPath(path.fields[:-1]).name)
        if not path.field.many:
            raise BadRequest(f"{path.name} holds one value in each item, so there is nothing to unwind")
        return UnwindStep(path.storage, self.keeps_empty), shape.with_single(path)


def _parse(argument: Any, budget: Budget) -> _Unwind:
    keys = parse_keys(argument, ("fieldPath",), ("includeEmpty",))
    keeps_empty = keys.get("includeEmpty")
    if keeps_empty is not None and not isinstance(keeps_empty, bool):
        raise BadRequest("includeEmpty takes true or false")
    return _Unwind(parse_text(keys["fieldPath"], "fieldPath"), bool(keeps_empty))


UNWIND = Stage(
    "unwind", _parse, "makes one item of each value in a list; items without any are kept where includeEmpty is true"
)

__all__ = ["UNWIND", "UnwindStep"]
