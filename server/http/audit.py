"""Handlers of the audit trail."""

from __future__ import annotations

from starlette.types import ASGIApp

from server.http.requests import Call, read_pairs
from server.http.responses import answer_json
from server.runtime import audit, past


async def list_record_trail(call: Call) -> ASGIApp:
    """GET /data/{entity}/{id}/auditLogs."""
    pairs = read_pairs(call)
    return answer_json(await audit.list_record_trail(call.running, call.caller, call.entity, call.params["id"], pairs))


async def list_entity_trail(call: Call) -> ASGIApp:
    """GET /data/{entity}/auditLogs."""
    return answer_json(await audit.list_entity_trail(call.running, call.caller, call.entity, read_pairs(call)))


async def revert_record(call: Call) -> ASGIApp:
    """PUT /data/{entity}/{id}/revert?to=N; a body is ignored."""
    pairs = read_pairs(call)
    return answer_json(await past.revert_record(call.running, call.caller, call.entity, call.params["id"], pairs))


__all__ = ["list_entity_trail", "list_record_trail", "revert_record"]
