"""Values to answers: everything that the server sends as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from starlette.types import Receive, Scope, Send

from engine.fields.stored_json import encode_stored as encode_json

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
    return answer_bytes(encode_json(value), status, headers)


def answer_bytes(body: bytes, status: int = 200, headers: Iterable[Header] = ()) -> Answer:
    """An answer with a body that is JSON already."""
    length = str(len(body)).encode()
    return Answer(status, body, (_JSON, (b"content-length", length), *headers))


_JSON: Header = (b"content-type", b"application/json")

__all__ = ["Answer", "Header", "answer_bytes", "answer_json", "encode_json"]
