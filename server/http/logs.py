"""Handlers of the app's log."""

from __future__ import annotations

from starlette.types import ASGIApp

from server.http.requests import Call, read_object, read_pairs
from server.http.responses import answer_json
from server.runtime import logs
from server.runtime.parameters import refuse_parameters


async def list_logs(call: Call) -> ASGIApp:
    """GET /status/logs."""
    return answer_json(await logs.list_lines(call.running, read_pairs(call)))


async def create_log(call: Call) -> ASGIApp:
    """POST /status/logs."""
    body = await read_object(call)
    refuse_parameters(read_pairs(call))
    return answer_json(await logs.post_line(call.running, call.caller, body))


__all__ = ["create_log", "list_logs"]
