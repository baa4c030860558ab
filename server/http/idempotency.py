"""Idempotency-Key: in goes a request with that header, out comes its answer, the same however often it is sent.

Every answer is kept but those that time or others may change: 401, 403, 409 conflict, 429 and all from 500 on. After
these the request may be sent again and is carried out anew.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.types import ASGIApp, Message, Receive

from engine.errors import BadRequest
from server.http.problems import answer_refusal, refusal_of
from server.http.requests import Call, read_bytes
from server.http.responses import Answer, Header, answer_bytes
from server.runtime import idempotency
from server.runtime.idempotency import Kept
from server.runtime.running import Discretion, RunningApp

HEADER = b"idempotency-key"
REPLAYED: Header = (b"idempotent-replayed", b"true")
"""Tells that the answer is one that was kept."""
MOST_KEY = 255
"""Characters of a key."""
_VISIBLE = re.compile(rb"[\x21-\x7e]{1,%d}" % MOST_KEY).fullmatch
_QUOTED = re.compile(rb'"((?:[^"\\]|\\["\\])*)"').fullmatch
_UNQUOTE = re.compile(rb"\\(.)").sub


def read_key(headers: list[Header]) -> str | None:
    """The key of a request, as it is or in quotes; None where it has none. Raises BadRequest."""
    found = None
    for name, value in headers:
        if name == HEADER:
            if found is not None:
                raise BadRequest("The header Idempotency-Key is there twice: send one key")
            found = value.strip()
    return None if found is None else _parse(found)


def _parse(value: bytes) -> str:
    key = value
    if value.startswith(b'"'):
        quoted = _QUOTED(value)
        key = _UNQUOTE(rb"\1", quoted[1]) if quoted else b""
    if not _VISIBLE(key):
        raise BadRequest(
            f"An Idempotency-Key is 1 to {MOST_KEY} visible ASCII characters, such as a UUID, with or without quotes"
        )
    return key.decode()


async def answer_once(call: Call, key: str, handler: Callable[[Call], Awaitable[ASGIApp]]) -> ASGIApp:
    """The handler's answer, or the one that it gave to the same request before."""
    running, scope = call.running, call.scope
    body = await read_bytes(call)
    route = b"%s %s?%s" % (scope["method"].encode(), scope["raw_path"], scope["query_string"])
    held = await idempotency.claim(running, idempotency.fingerprint(call.caller, route, key, body))
    if held.kept is not None:
        return answer_bytes(held.kept.content, held.kept.status, (REPLAYED,))

    async def work(inside: RunningApp) -> Kept:
        discretion = Discretion()
        edition = replace(call.edition, running=replace(inside, discretion=discretion))
        answer = await handler(replace(call, edition=edition, receive=_resending(body)))
        assert isinstance(answer, Answer), "what is streamed cannot be kept"
        return Kept(answer.status, answer.body, secret=discretion.needed)

    try:
        kept = await idempotency.carry_out(running, held, work)
    except Exception as error:
        refusal = refusal_of(error)
        if refusal.status >= 500 or not refusal.lasting:
            await idempotency.release(running, held)
            raise refusal from error
        answer = answer_refusal(refusal)
        await idempotency.keep(running, held, Kept(answer.status, answer.body))
        return answer
    return answer_bytes(kept.content, kept.status)


def _resending(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


__all__ = ["HEADER", "REPLAYED", "answer_once", "read_key"]
