"""Aggregation: a pipeline's JSON to stages, stages and schema to a checked plan, the plan to MongoDB's pipeline, and
what that finds to JSON."""

from engine.aggregate.accumulators import ACCUMULATORS, Accumulator
from engine.aggregate.mongo import MOST_ITEMS, to_pipeline
from engine.aggregate.parse import MOST_STAGES, AskedStage, parse_pipeline
from engine.aggregate.plan import AggregatePlan, plan_aggregate
from engine.aggregate.shape import ItemShape
from engine.aggregate.stages import STAGES, Stage
from engine.aggregate.view import render_items

__all__ = [
    "ACCUMULATORS",
    "MOST_ITEMS",
    "MOST_STAGES",
    "STAGES",
    "Accumulator",
    "AggregatePlan",
    "AskedStage",
    "ItemShape",
    "Stage",
    "parse_pipeline",
    "plan_aggregate",
    "render_items",
    "to_pipeline",
]
