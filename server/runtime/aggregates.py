"""Use case of aggregation: a pipeline in, computed items out, in one round trip."""

from __future__ import annotations

from functools import partial
from typing import Any

from engine.aggregate import parse_pipeline, plan_aggregate, render_items, to_pipeline
from engine.errors import BadRequest
from engine.records import Frame
from server.runtime.running import Caller, RunningApp
from server.store import DocumentTooLarge, MemoryExceeded

Json = dict[str, Any]


async def aggregate_records(running: RunningApp, caller: Caller, name: str, body: Any) -> Json:
    """`{total, items}` of a pipeline over an entity's records. Raises BadRequest and Forbidden, naming the stage."""
    compiled = running.entity(name)
    access = running.access(caller, name)
    pipeline, clock = parse_pipeline(body), running.query_clock()
    rights = partial(running.related_access, caller)
    plan = plan_aggregate(running.compiled.app, compiled.entity, pipeline, rights, clock)
    try:
        documents = await running.store.aggregate(compiled.collection, to_pipeline(plan))
    except DocumentTooLarge as error:
        raise BadRequest("One item would hold more than 16 MiB; match fewer records or leave fields out") from error
    except MemoryExceeded as error:
        raise BadRequest("This takes more memory than the database has for it; match fewer records first") from error
    view, scope = compiled.views.get(Frame(hidden=access.hidden)), running.moment(caller).scope
    return render_items(plan, documents, lambda document: view.render(document, scope, access.masks))
