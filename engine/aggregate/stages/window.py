"""skip and limit: some items from the beginning left out, or only some taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.aggregate.shape import ItemShape
from engine.aggregate.stages.stage import Context, MongoStage, Stage, Step, parse_count
from engine.query.values import Budget


@dataclass(frozen=True, slots=True)
class SkipStep:
    """Leaves out the first items."""

    count: int

    def to_mongo(self) -> list[MongoStage]:
        """`$skip`."""
        return [{"$skip": self.count}]


@dataclass(frozen=True, slots=True)
class LimitStep:
    """Takes the first items only."""

    count: int

    def to_mongo(self) -> list[MongoStage]:
        """`$limit`."""
        return [{"$limit": self.count}]


@dataclass(frozen=True, slots=True)
class _Window:
    step: Step

    def plan(self, shape: ItemShape, context: Context) -> tuple[Step, ItemShape]:
        return self.step, shape


def _parse_skip(argument: Any, budget: Budget) -> _Window:
    return _Window(SkipStep(parse_count(argument)))


def _parse_limit(argument: Any, budget: Budget) -> _Window:
    return _Window(LimitStep(parse_count(argument)))


SKIP = Stage("skip", _parse_skip, "leaves out so many items from the beginning")
LIMIT = Stage("limit", _parse_limit, "takes so many items from the beginning")

__all__ = ["LIMIT", "SKIP", "LimitStep", "SkipStep"]
