"""How a list is found: its plan in, what the database is sent, the index that serves it and what would help out."""

from __future__ import annotations

import json
from typing import Any

from bson import json_util

from engine.compiler import CompiledEntity
from engine.query import Find, ListPlan
from server.runtime.running import RunningApp

SCAN = "collection scan"
"""Stands for the index of a list that looks at every record."""


async def explain_list(running: RunningApp, compiled: CompiledEntity, plan: ListPlan, find: Find) -> dict[str, Any]:
    """`index` is what the plan makes of the definition's indexes, `database` what the database says of its own
    (None where it says nothing)."""
    service = compiled.scans.judge(plan)
    steps = await running.store.explain(compiled.collection, find.filter, sort=find.sort, limit=find.limit)
    return {
        "filter": _as_json(find.filter),
        "sort": None if find.geo is not None else [{path: turn} for path, turn in find.sort],
        "nearest": None if find.geo is None else {find.geo.path: find.geo.point},
        "skip": find.skip,
        "limit": find.limit,
        "projection": None if find.projection is None else list(find.projection),
        "index": service.index or SCAN,
        "advice": service.advice,
        "database": steps,
    }


def _as_json(filter: dict[str, Any]) -> Any:
    return json.loads(json_util.dumps(filter, json_options=json_util.RELAXED_JSON_OPTIONS))


__all__ = ["SCAN", "explain_list"]
