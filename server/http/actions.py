"""Handlers of actions: on records by their ids, on those that a query matches, on none."""

from __future__ import annotations

from starlette.types import ASGIApp

from engine.schema import Action, ActionKind
from server.http.jobs import ASYNC, answer_job, wants_job
from server.http.requests import Call, Pairs, read_object, read_pairs
from server.http.responses import answer_json
from server.runtime import actions, jobs
from server.runtime.idempotency import divide


async def act(call: Call) -> ASGIApp:
    """PUT /data/{entity}/{id}/{action}, where id may be several joined by commas; an empty body is no parameters."""
    body = await read_object(call, optional=True)
    name, ids, pairs = _name(call), call.params["id"], read_pairs(call)
    if _later(call, name, pairs):
        job = await jobs.act_on_ids_later(call.running, call.caller, call.entity, name, ids, pairs, body)
        return answer_job(call, job)
    if "," in ids:
        _divide(call, name)
    return answer_json(await actions.act_on_ids(call.running, call.caller, call.entity, name, ids, pairs, body))


async def act_by_query(call: Call) -> ASGIApp:
    """PUT /data/{entity}/{action}; an empty body is no parameters."""
    body = await read_object(call, optional=True)
    name, pairs = _name(call), read_pairs(call)
    if _later(call, name, pairs):
        job = await jobs.act_on_query_later(call.running, call.caller, call.entity, name, pairs, body)
        return answer_job(call, job)
    _divide(call, name)
    return answer_json(await actions.act_on_query(call.running, call.caller, call.entity, name, pairs, body))


def _name(call: Call) -> str:
    assert call.route.action is not None
    return call.route.action


def _later(call: Call, name: str, pairs: Pairs) -> bool:
    """Whether a job does it: as the request says, else as the action does."""
    if any(key == ASYNC for key, _ in pairs):
        return wants_job(pairs)
    return _action(call, name).background


def _divide(call: Call, name: str) -> None:
    """Actions of type one run on each record by itself."""
    if _action(call, name).kind is ActionKind.ONE:
        divide(call.running)


def _action(call: Call, name: str) -> Action:
    return call.running.entity(call.entity).behaviour.actions[name].action


__all__ = ["act", "act_by_query"]
