"""Plans to MongoDB's pipelines; nothing here can fail, and no value of a client ever becomes an operator or a path."""

from __future__ import annotations

from typing import Final

from engine.aggregate.plan import AggregatePlan
from engine.aggregate.stages import MongoStage

MOST_ITEMS: Final = 10_000
"""Items that an answer may have."""


def to_pipeline(plan: AggregatePlan) -> list[MongoStage]:
    """The stages in their order; one item more than an answer may have tells that there are too many."""
    stages = [stage for step in plan.steps for stage in step.to_mongo()]
    return [*stages, {"$limit": MOST_ITEMS + 1}]


__all__ = ["MOST_ITEMS", "to_pipeline"]
