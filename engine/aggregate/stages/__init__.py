"""STAGES: every stage of a pipeline by the name that clients use."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from engine.aggregate.stages.geo_near import GEO_NEAR
from engine.aggregate.stages.group import COUNT, GROUP_BY
from engine.aggregate.stages.lookup import LOOKUP
from engine.aggregate.stages.match import MATCH, MatchStep
from engine.aggregate.stages.project import PROJECT
from engine.aggregate.stages.sort import SORT
from engine.aggregate.stages.stage import Asked, Context, MongoStage, Stage, Step
from engine.aggregate.stages.unwind import UNWIND
from engine.aggregate.stages.window import LIMIT, SKIP

STAGES: Final[Mapping[str, Stage]] = MappingProxyType(
    {stage.name: stage for stage in (MATCH, SORT, PROJECT, GROUP_BY, COUNT, SKIP, LIMIT, UNWIND, LOOKUP, GEO_NEAR)}
)
"""A new stage is one module beside this one and its record here."""

__all__ = ["STAGES", "Asked", "Context", "MatchStep", "MongoStage", "Stage", "Step"]
