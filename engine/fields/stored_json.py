"""Rendered records to JSON text: in go values that may hold stored forms, out come the bytes that clients read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from bson import Decimal128, Int64, ObjectId
from bson.datetime_ms import DatetimeMS


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


encode_stored = msgspec.json.Encoder(enc_hook=_encode_stored, decimal_format="number").encode
"""JSON bytes of a value: ids as text, instants as milliseconds, decimals as numbers; refuses unknown types."""

__all__ = ["encode_stored"]
