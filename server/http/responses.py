"""Values to answers: one encoder for all JSON that the server sends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec
from bson import Decimal128, Int64, ObjectId
from bson.datetime_ms import DatetimeMS
from starlette.types import Receive, Scope, Send

Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, ready to be sent; an ASGI app, as Starlette's responses are."""

    status: int
    body: bytes
    headers: tuple[Header, ...]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it."""
        await send({"type": "http.response.start", "status": self.status, "headers": list(self.headers)})
        await send({"type": "http.response.body", "body": self.body})


def answer_json(value: Any, status: int = 200, headers: Iterable[Header] = ()) -> Answer:
    """An answer with a JSON body. Values may be plain JSON, Decimal and the stored forms that the encoder knows."""
    body = encode_json(value)
    length = str(len(body)).encode()
    return Answer(status, body, (_JSON, (b"content-length", length), *headers))


def _finite(stored: Decimal128) -> Any:
    """JSON has no NaN and no infinity; another program may have stored one."""
    number = stored.to_decimal()
    return number if number.is_finite() else None


_STORED_FORMS: Mapping[type, Callable[[Any], Any]] = {
    ObjectId: str,
    DatetimeMS: int,
    Int64: int,
    Decimal128: _finite,
    MappingProxyType: dict,
}


def _encode_stored(value: Any) -> Any:
    convert = _STORED_FORMS.get(type(value))
    if convert is None:
        raise NotImplementedError(f"No JSON form is known for {type(value).__name__}")
    return convert(value)


encode_json = msgspec.json.Encoder(enc_hook=_encode_stored, decimal_format="number").encode
"""JSON bytes of a value: ids as text, instants as milliseconds, decimals as numbers; refuses unknown types."""

_JSON: Header = (b"content-type", b"application/json")

__all__ = ["Answer", "Header", "answer_json", "encode_json"]
