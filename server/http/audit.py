"""Handlers of the audit trail."""

from __future__ import annotations

from starlette.types import ASGIApp

from server.http.requests import Call, read_pairs
from server.http.responses import answer_json
from server.runtime import audit


async def list_record_trail(call: Call) -> ASGIApp:
    """GET /data/{entity}/{id}/auditLogs."""
    pairs = read_pairs(call)
    return answer_json(await audit.list_record_trail(call.running, call.caller, call.entity, call.params["id"], pairs))


async def list_entity_trail(call: Call) -> ASGIApp:
    """GET /data/{entity}/auditLogs."""
    return answer_json(await audit.list_entity_trail(call.running, call.caller, call.entity, read_pairs(call)))


__all__ = ["list_entity_trail", "list_record_trail"]
