"""The handler of exports."""

from __future__ import annotations

from starlette.types import ASGIApp

from engine.errors import BadRequest
from engine.permissions.addresses import AllowList
from server.http.jobs import answer_job, base_of
from server.http.origin import read_origin
from server.http.requests import Call, read_object, read_pairs
from server.runtime import jobs


async def export_records(call: Call) -> ASGIApp:
    """PUT /data/{entity}/export; the body is empty."""
    if await read_object(call, optional=True):
        raise BadRequest("An export takes no body: its query is in the URL")
    job = await jobs.export_later(
        call.running,
        call.caller,
        call.entity,
        read_pairs(call),
        most=call.settings.max_export,
        files=f"{read_origin(call.scope, AllowList(call.settings.proxies))}{base_of(call)}/files",
    )
    return answer_job(call, job)


__all__ = ["export_records"]
