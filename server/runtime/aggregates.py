"""Use case of aggregation: a pipeline in, computed items out, in one round trip."""

from __future__ import annotations

from functools import partial
from typing import Any

from engine.aggregate import parse_pipeline, plan_aggregate, render_items, to_pipeline
from engine.errors import BadRequest, Forbidden
from engine.permissions import Access
from engine.records import Frame
from engine.routes import Permission, Scope
from server.runtime.running import Caller, RunningApp
from server.store import DocumentTooLarge

Json = dict[str, Any]


async def aggregate_records(running: RunningApp, caller: Caller, name: str, body: Any) -> Json:
    """`{total, items}` of a pipeline over an entity's records. Raises BadRequest and Forbidden, naming the stage."""
    compiled = running.entity(name)
    access = running.access(caller, name)
    plan = plan_aggregate(
        running.compiled.app,
        compiled.entity,
        parse_pipeline(body),
        partial(_access, running, caller),
        running.query_clock(),
    )
    try:
        documents = await running.store.aggregate(compiled.collection, to_pipeline(plan))
    except DocumentTooLarge as error:
        raise BadRequest("One item would hold more than 16 MiB; match fewer records or leave fields out") from error
    view, scope = compiled.views.get(Frame(hidden=access.hidden)), running.moment(caller).scope
    return render_items(plan, documents, lambda document: view.render(document, scope, access.masks))


def _access(running: RunningApp, caller: Caller, name: str) -> Access:
    """The caller's rights on an entity that the pipeline reads; an API token may have been made for fewer entities."""
    if caller.scopes is not None and not caller.scopes.allows(Scope.DATA, name, Permission.READ):
        raise Forbidden("This API token was not made for this")
    return running.access(caller, name)
