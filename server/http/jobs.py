"""Handlers of background jobs, and the answer to requests that start one."""

from __future__ import annotations

from starlette.types import ASGIApp

from engine.jobs import Command, Job
from server.http.requests import Call, Pairs, read_pairs
from server.http.responses import answer_json
from server.runtime import jobs
from server.runtime.parameters import refuse_parameters

ASYNC = "_async"


async def list_jobs(call: Call) -> ASGIApp:
    """GET /status/jobs."""
    return answer_json(await jobs.list_jobs(call.running, call.caller, read_pairs(call)))


async def read_job(call: Call) -> ASGIApp:
    """GET /status/jobs/{id}."""
    refuse_parameters(read_pairs(call))
    return answer_json(await jobs.show_job(call.running, call.caller, call.params["id"]))


async def list_job_logs(call: Call) -> ASGIApp:
    """GET /status/jobs/{id}/logs."""
    return answer_json(await jobs.list_logs(call.running, call.caller, call.params["id"], read_pairs(call)))


async def stop_job(call: Call) -> ASGIApp:
    """PUT /status/jobs/{id}/stop; as with all commands, a body is ignored."""
    return await _command(call, Command.STOP)


async def force_stop_job(call: Call) -> ASGIApp:
    """PUT /status/jobs/{id}/forceStop."""
    return await _command(call, Command.FORCE_STOP)


async def cancel_job(call: Call) -> ASGIApp:
    """PUT /status/jobs/{id}/cancel."""
    return await _command(call, Command.CANCEL)


async def resume_job(call: Call) -> ASGIApp:
    """PUT /status/jobs/{id}/resume."""
    return await _command(call, Command.RESUME)


async def _command(call: Call, command: Command) -> ASGIApp:
    refuse_parameters(read_pairs(call))
    return answer_json(await jobs.do_command(call.running, call.caller, call.params["id"], command))


def wants_job(pairs: Pairs) -> bool:
    """Whether a request asks for its work to be done in the background."""
    return any(name == ASYNC and text == "true" for name, text in pairs)


def answer_job(call: Call, job: Job) -> ASGIApp:
    """Where to look for what becomes of a job that was started."""
    return answer_json({"jobLink": f"{base_of(call)}/status/jobs/{job.id}", "jobId": job.id})


def base_of(call: Call) -> str:
    """The path below which the app's API stands."""
    app = f"/{call.params['app']}" if "app" in call.params else ""
    return app + call.settings.base_path


__all__ = [
    "answer_job",
    "base_of",
    "cancel_job",
    "force_stop_job",
    "list_job_logs",
    "list_jobs",
    "read_job",
    "resume_job",
    "stop_job",
    "wants_job",
]
