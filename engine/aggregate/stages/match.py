"""match: only items that satisfy a filter map go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.aggregate.shape import ItemShape
from engine.aggregate.stages.stage import Context, MongoStage, Stage, Step
from engine.errors import BadRequest
from engine.query import PARAMETERS, Condition, Filter, parse_filter_map, plan_filter, to_filter
from engine.query.values import Budget

_IGNORED = frozenset(PARAMETERS) - {"_query"}
"""Parameters of lists that say nothing of which records are meant: clients send them along."""


@dataclass(frozen=True, slots=True)
class MatchStep:
    """Selects by a checked condition."""

    condition: Condition

    def to_mongo(self) -> list[MongoStage]:
        """`$match`."""
        return [{"$match": to_filter(self.condition)}]


@dataclass(frozen=True, slots=True)
class _Match:
    filter: Filter

    def plan(self, shape: ItemShape, context: Context) -> tuple[Step, ItemShape]:
        return MatchStep(plan_filter(shape, self.filter, shape, context.clock)), shape


def _parse(argument: Any, budget: Budget) -> _Match:
    if not isinstance(argument, dict):
        raise BadRequest('takes an object of conditions, as {"state": "active"}')
    conditions = {key: value for key, value in argument.items() if key not in _IGNORED}
    return _Match(parse_filter_map(conditions, references=False, budget=budget))


MATCH = Stage("match", _parse, "keeps the items that satisfy a filter map")

__all__ = ["MATCH", "MatchStep"]
