"""What a handler is called with, and how it reads the request: in go ASGI messages, out come pairs and JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from engine.errors import BadRequest, RequestError, TooLarge, UnsupportedMediaType
from engine.routes import Route
from server.http.serving import Edition, Host, ServedApp
from server.http.strict_json import parse_json
from server.runtime.large import in_thread
from server.runtime.running import Caller, RunningApp
from server.settings import Settings

Pairs = list[tuple[str, str]]

LARGE_BODY = 64 * 1024
"""From how many bytes on a body is parsed in a thread."""


@dataclass(slots=True)
class Call:
    """One request that found its route."""

    scope: Scope
    receive: Receive
    params: Mapping[str, str]
    """The variables of the path."""
    route: Route
    caller: Caller
    app: ServedApp
    edition: Edition
    """The state of the app that serves this request to its end, even if the app is reloaded meanwhile."""
    host: Host
    settings: Settings

    @property
    def running(self) -> RunningApp:
        """What carries the request out; raises Unavailable while the database is not ready for it."""
        return self.edition.serving(self.route.entity)

    @property
    def entity(self) -> str:
        """The entity of a route that has one."""
        assert self.route.entity is not None
        return self.route.entity


def read_pairs(call: Call) -> Pairs:
    """The query string as (name, value) pairs in their order; a name without `=` has an empty value."""
    query: bytes = call.scope["query_string"]
    if not query:
        return []
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise BadRequest("The query string is not UTF-8 text in percent-encoding") from None
    if b"%00" in query:
        raise BadRequest("The query string holds a NUL character")
    return pairs


async def read_object(call: Call, *, optional: bool = False) -> dict[str, Any]:
    """The JSON object in the body; an empty body is `{}` where the body is optional."""
    value = await read_json(call, optional=optional)
    if type(value) is not dict:
        raise BadRequest("The body must be a JSON object")
    return value


async def read_json(call: Call, *, optional: bool = False) -> Any:
    """The JSON value in the body. A missing Content-Type is read as JSON; the limit is counted while reading."""
    headers = dict(call.scope["headers"])
    refusal = _media_refusal(headers)
    limit = _limit(call) if refusal is None else 0
    body = await _read_body(call.receive, headers, limit, refusal or _too_large(limit))
    if not body or body.isspace():
        if optional:
            return {}
        raise BadRequest("The body is empty: send a JSON object")
    parse = partial(parse_json, body, call.settings.max_nesting)
    return await in_thread(parse) if len(body) > LARGE_BODY else parse()


async def read_bytes(call: Call) -> bytes:
    """The body as it is, whatever it is; the limit is that of JSON."""
    limit = _limit(call)
    return await _read_body(call.receive, dict(call.scope["headers"]), limit, _too_large(limit))


def _limit(call: Call) -> int:
    settings = call.settings
    return max(settings.max_body, settings.max_file_body) if call.route.brings_files else settings.max_body


def _media_refusal(headers: Mapping[bytes, bytes]) -> RequestError | None:
    """Why the body cannot be JSON, going by what the request says of it; None when it can."""
    encoding = headers.get(b"content-encoding", b"identity")
    if encoding.strip().lower() != b"identity":
        return UnsupportedMediaType("Bodies are not taken compressed: send it without Content-Encoding")
    written = headers.get(b"content-type", b"")
    if written in (b"", b"application/json"):
        return None
    kind, *parameters = written.lower().replace(b" ", b"").replace(b'"', b"").split(b";")
    is_json = kind == b"application/json" or (kind.startswith(b"application/") and kind.endswith(b"+json"))
    if not is_json:
        return UnsupportedMediaType("This route takes JSON: send Content-Type: application/json")
    charsets = {value for value in parameters if value.startswith(b"charset=")}
    if charsets - {b"charset=utf-8", b"charset=utf8", b"charset=us-ascii"}:
        return UnsupportedMediaType("JSON is taken as UTF-8 only")
    return None


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is too large: at most {limit} bytes are allowed")


async def _read_body(receive: Receive, headers: Mapping[bytes, bytes], limit: int, refusal: RequestError) -> bytes:
    """The whole body; raises `refusal` as soon as it is announced to be, or grows, over `limit` bytes."""
    declared = headers.get(b"content-length", b"0")
    if not declared.isdigit():
        raise BadRequest("The Content-Length is not a number")
    if int(declared) > limit:
        raise refusal
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise refusal
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


__all__ = ["Call", "Pairs", "read_bytes", "read_json", "read_object", "read_pairs"]
