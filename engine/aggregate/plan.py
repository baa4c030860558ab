"""A pipeline and the schema to a checked plan: the shape of items is folded through the stages, one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.aggregate.parse import AskedStage, locating
from engine.aggregate.shape import ItemShape
from engine.aggregate.stages import Context, MatchStep, Step
from engine.permissions.access import Access
from engine.query import ALWAYS, Clock
from engine.schema import App, Entity


@dataclass(frozen=True)
class AggregatePlan:
    """The steps, of which the first selects the caller's rows, and what the items look like that they leave."""

    steps: tuple[Step, ...]
    shape: ItemShape


def plan_aggregate(
    app: App, entity: Entity, pipeline: Sequence[AskedStage], access: Callable[[str], Access], clock: Clock
) -> AggregatePlan:
    """Checks every stage against what the stages before it leave. `access` gives the caller's rights by entity.

    Raises BadRequest for what does not exist or has the wrong type, and Forbidden for what the caller may not see; both
    name the stage.
    """
    rights = access(entity.name)
    context = Context(app, access, clock, rights.read)
    shape = ItemShape.of(entity, rights)
    joins_rows = bool(pipeline) and pipeline[0].stage.first
    steps: list[Step] = [] if joins_rows or rights.read == ALWAYS else [MatchStep(rights.read)]
    for one in pipeline:
        with locating(one.number, one.stage):
            step, shape = one.asked.plan(shape, context)
        steps.append(step)
    return AggregatePlan(tuple(steps), shape)


__all__ = ["AggregatePlan", "plan_aggregate"]
