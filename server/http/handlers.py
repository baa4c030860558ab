"""One short function per operation: reads the request, calls the use case, answers with what it gives."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping

from starlette.types import ASGIApp

from engine.errors import Unavailable
from engine.routes import Operation
from server.http.accounts import (
    change_current_password,
    change_password,
    log_in,
    log_out,
    tell_current_user,
)
from server.http.actions import act, act_by_query
from server.http.audit import list_entity_trail, list_record_trail, revert_record
from server.http.exports import export_records
from server.http.files import download_file, download_record_file, download_shared_file, share, upload_files
from server.http.imports import import_records, undo_job
from server.http.jobs import (
    answer_job,
    cancel_job,
    force_stop_job,
    list_job_logs,
    list_jobs,
    read_job,
    resume_job,
    stop_job,
    wants_job,
)
from server.http.logs import create_log, list_logs
from server.http.requests import Call, read_json, read_object, read_pairs
from server.http.responses import answer_json
from server.http.serving import Host, ServedApp
from server.runtime import aggregates, jobs, lists, past, records, rights
from server.runtime.idempotency import divide
from server.runtime.parameters import refuse_parameters

Handler = Callable[[Call], Awaitable[ASGIApp]]


async def list_records(call: Call) -> ASGIApp:
    """GET /data/{entity}."""
    return answer_json(await lists.list_records(call.running, call.caller, call.entity, read_pairs(call)))


async def create_record(call: Call) -> ASGIApp:
    """POST /data/{entity}."""
    body = await read_object(call)
    refuse_parameters(read_pairs(call))
    return answer_json(await records.create_record(call.running, call.caller, call.entity, body))


async def delete_by_query(call: Call) -> ASGIApp:
    """DELETE /data/{entity}; a body is ignored."""
    pairs = read_pairs(call)
    if wants_job(pairs):
        return answer_job(call, await jobs.delete_query_later(call.running, call.caller, call.entity, pairs))
    divide(call.running)
    return answer_json(await lists.delete_by_query(call.running, call.caller, call.entity, pairs))


async def aggregate_records(call: Call) -> ASGIApp:
    """PUT /data/{entity}/aggregate; an empty body is a pipeline without stages."""
    body = await read_json(call, optional=True)
    refuse_parameters(read_pairs(call))
    return answer_json(await aggregates.aggregate_records(call.running, call.caller, call.entity, body))


async def read_record(call: Call) -> ASGIApp:
    """GET /data/{entity}/{id}."""
    record_id, pairs = call.params["id"], read_pairs(call)
    if past.asks_for_past(pairs):
        return answer_json(await past.read_past(call.running, call.caller, call.entity, record_id, pairs))
    return answer_json(await lists.read_record(call.running, call.caller, call.entity, record_id, pairs))


async def update_record(call: Call) -> ASGIApp:
    """PUT /data/{entity}/{id}; an empty body changes nothing."""
    record_id = call.params["id"]
    body = await read_object(call, optional=True)
    refuse_parameters(read_pairs(call))
    return answer_json(await records.update_record(call.running, call.caller, call.entity, record_id, body))


async def delete_record(call: Call) -> ASGIApp:
    """DELETE /data/{entity}/{id}, where id may be several joined by commas; a body is ignored."""
    ids, pairs = call.params["id"], read_pairs(call)
    if wants_job(pairs):
        return answer_job(call, await jobs.delete_ids_later(call.running, call.caller, call.entity, ids, pairs))
    if "," in ids:
        divide(call.running)
    return answer_json(await lists.delete_by_ids(call.running, call.caller, call.entity, ids, pairs))


async def describe_app(call: Call) -> ASGIApp:
    """GET /openapi.json."""
    refuse_parameters(read_pairs(call))
    document = await asyncio.to_thread(lambda: call.running.compiled.openapi)
    app = f"/{call.params['app']}" if "app" in call.params else ""
    return answer_json({**document, "servers": [{"url": app + call.settings.base_path or "/"}]})


async def explain_rights(call: Call) -> ASGIApp:
    """GET /data/{entity}/{id}/_access."""
    pairs = read_pairs(call)
    return answer_json(await rights.explain_rights(call.running, call.caller, call.entity, call.params["id"], pairs))


async def tell_health(call: Call) -> ASGIApp:
    """GET /healthz."""
    return await health()


async def tell_readiness(call: Call) -> ASGIApp:
    """GET /readyz of one app."""
    return await readiness(call.host, [call.app])


async def health() -> ASGIApp:
    """The process lives and serves; nothing and nobody is asked."""
    return answer_json({"status": "ok"})


async def readiness(host: Host, apps: Iterable[ServedApp]) -> ASGIApp:
    """Whether requests to the apps would be served well now; raises Unavailable where not."""
    if host.stopping:
        raise Unavailable("The server is stopping", retry_after=5)
    for app in apps:
        await app.check_ready()
    return answer_json({"status": "ready"})


HANDLERS: Mapping[Operation, Handler] = {
    Operation.LIST: list_records,
    Operation.CREATE: create_record,
    Operation.DELETE_BY_QUERY: delete_by_query,
    Operation.AGGREGATE: aggregate_records,
    Operation.EXPORT: export_records,
    Operation.IMPORT: import_records,
    Operation.READ: read_record,
    Operation.UPDATE: update_record,
    Operation.DELETE: delete_record,
    Operation.REVERT: revert_record,
    Operation.EXPLAIN_RIGHTS: explain_rights,
    Operation.RECORD_TRAIL: list_record_trail,
    Operation.ENTITY_TRAIL: list_entity_trail,
    Operation.ACT: act,
    Operation.ACT_BY_QUERY: act_by_query,
    Operation.LOGIN: log_in,
    Operation.LOGOUT: log_out,
    Operation.CHANGE_PASSWORD: change_password,
    Operation.CURRENT_USER: tell_current_user,
    Operation.CHANGE_CURRENT_PASSWORD: change_current_password,
    Operation.UPLOAD_FILES: upload_files,
    Operation.READ_FILE: download_file,
    Operation.READ_RECORD_FILE: download_record_file,
    Operation.SHARE_FILE: share,
    Operation.READ_SHARED_FILE: download_shared_file,
    Operation.LIST_JOBS: list_jobs,
    Operation.READ_JOB: read_job,
    Operation.LIST_JOB_LOGS: list_job_logs,
    Operation.STOP_JOB: stop_job,
    Operation.FORCE_STOP_JOB: force_stop_job,
    Operation.CANCEL_JOB: cancel_job,
    Operation.RESUME_JOB: resume_job,
    Operation.UNDO_JOB: undo_job,
    Operation.LIST_LOGS: list_logs,
    Operation.CREATE_LOG: create_log,
    Operation.DESCRIBE: describe_app,
    Operation.HEALTH: tell_health,
    Operation.READINESS: tell_readiness,
}

__all__ = ["HANDLERS", "Handler", "health", "readiness"]
