"""Cursors: where a page ended, as text that clients hand back; and the filter of what comes after it.

A cursor holds the stored values of the sort keys. It is signed with a secret of the server and bound to the entity, the
filter and the order that it was made for: any other text is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import bson
from bson.codec_options import CodecOptions, DatetimeConversion

from engine.errors import BadRequest

_SIGNATURE: Final = 16
"""Bytes of the signature."""
_OPTIONS: Final[CodecOptions[dict[str, Any]]] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)
Sort = Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Position:
    """The end of a page: the values of the sort keys in its last record, and how many records lie up to there."""

    values: tuple[Any, ...]
    count: int = 0

    @classmethod
    def of(cls, document: Mapping[str, Any], sort: Sort, count: int) -> Position:
        """The position of a stored document."""
        return cls(tuple(_value_at(document, path) for path, _ in sort), count)


def seal(position: Position, secret: bytes, binding: str) -> str:
    """The position as text for clients."""
    payload = bson.encode({"v": list(position.values), "n": position.count})
    return base64.urlsafe_b64encode(_sign(payload, secret, binding) + payload).rstrip(b"=").decode()


def unseal(text: str, secret: bytes, binding: str) -> Position:
    """The position in a client's text; raises BadRequest for what was not made with this secret and binding."""
    try:
        sealed = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        sealed = b""
    signature, payload = sealed[:_SIGNATURE], sealed[_SIGNATURE:]
    if not hmac.compare_digest(signature, _sign(payload, secret, binding)):
        raise BadRequest("_cursor: this is no cursor of this list; begin anew with an empty one")
    held = bson.decode(payload, _OPTIONS)
    return Position(tuple(held["v"]), held["n"])


def _sign(payload: bytes, secret: bytes, binding: str) -> bytes:
    return hmac.digest(secret, hashlib.sha256(binding.encode()).digest() + payload, "sha256")[:_SIGNATURE]


def to_keyset(position: Position, sort: Sort) -> dict[str, Any]:
    """The filter of the documents after a position; nulls, missing ones included, come first ascending."""
    branches: list[dict[str, Any]] = []
    equal: list[dict[str, Any]] = []
    for (path, direction), value in zip(sort, position.values, strict=True):
        branches += [_all((*equal, after)) for after in _after(path, direction, value)]
        equal.append({path: {"$eq": value}})
    return branches[0] if len(branches) == 1 else {"$or": branches}


def _after(path: str, direction: int, value: Any) -> list[dict[str, Any]]:
    if direction > 0:
        return [{path: {"$ne": None} if value is None else {"$gt": value}}]
    return [] if value is None else [{path: {"$lt": value}}, {path: {"$eq": None}}]


def _all(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {path: test for part in parts for path, test in part.items()}


def _value_at(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document.get(name) if isinstance(document, Mapping) else None
    return document


__all__ = ["Position", "seal", "to_keyset", "unseal"]
