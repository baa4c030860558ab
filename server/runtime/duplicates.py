"""Values that other records have already, told with all other problems of a refused write rather than after them.

The unique indexes alone decide; this asks only when a write is refused anyway, so that one answer holds everything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from bson import ObjectId

from engine.compiler import CompiledEntity
from engine.errors import FieldProblem, ValidationErrors
from engine.indexes import IndexPlan
from engine.records import Draft, held_values
from server.runtime.large import work_on
from server.runtime.running import RunningApp

T = TypeVar("T")
Record = dict[str, Any]


async def plan_whole(
    running: RunningApp, compiled: CompiledEntity, draft: Draft, plan: Callable[[], T], old: Record | None = None
) -> T:
    """What `plan` makes of the draft; where it refuses, it is asked again with the duplicates among the problems.

    `old` is the document that is to be changed, where there is one.
    """
    try:
        return await work_on(plan, draft.body, old)
    except ValidationErrors as error:
        told = {problem.field for problem in error.problems}
        found = await find_duplicates(running, compiled, draft.merged) if draft.merged is not None else []
        more = {problem.field: problem for problem in found if problem.field is not None and problem.field not in told}
        if not more:
            raise
        draft.problems.update(more)
        return await work_on(plan, draft.body, old)


async def find_duplicates(running: RunningApp, compiled: CompiledEntity, record: Record) -> list[FieldProblem]:
    """A problem for each unique value of the record (value form) that another one has, in field order. Indexes of
    several fields are left to the database."""
    plans = [
        plan
        for plan in running.compiled.indexes
        if plan.unique and plan.collection == compiled.collection and len(plan.keys) == 1
    ]
    found = await asyncio.gather(*(_taken(running, compiled, plan, record) for plan in plans))
    return [problem for problems in found for problem in problems]


async def _taken(running: RunningApp, compiled: CompiledEntity, plan: IndexPlan, record: Record) -> list[FieldProblem]:
    path = plan.keys[0][0]
    held = held_values(compiled.entity, path, record)
    if not held:
        return []
    itself = {"_id": {"$ne": ObjectId(record["id"])}}
    documents = await running.store.find_having(compiled.collection, path, [one.key for one in held], itself)
    others = (compiled.rules.load(document) for document in documents)
    taken = [one.key for other in others for one in held_values(compiled.entity, path, other)]
    return [one.problem for one in held if one.key in taken]
