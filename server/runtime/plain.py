"""Rendered records as plain JSON data: in goes what views give, with stored forms in it, out come text and numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from bson import Decimal128, Int64, ObjectId
from bson.datetime_ms import DatetimeMS


def to_plain(value: Any) -> Any:
    """JSON data of str, int, Decimal, bool, None, dict and list; raises TypeError for what has no JSON form."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    convert = _FORMS.get(kind)
    if convert is not None:
        return convert(value)
    base = next((base for base in _BASES if isinstance(value, base)), None)
    if base is None:
        raise TypeError(f"{kind.__name__} has no JSON form")
    return _BASES[base](value)


def _object(value: Mapping[Any, Any]) -> dict[str, Any]:
    for name in value:
        if not isinstance(name, str):
            raise TypeError(f"the key {name!r} of an object is no text")
    return {str(name): to_plain(inner) for name, inner in value.items()}


def _finite(value: Decimal) -> Decimal | None:
    return value if value.is_finite() else None


def _fraction(value: float) -> Decimal | None:
    return _finite(Decimal(repr(value)))


_PLAIN = frozenset({str, int, bool, type(None)})
_FORMS: Mapping[type, Callable[[Any], Any]] = {
    Decimal: _finite,
    float: _fraction,
    ObjectId: str,
    DatetimeMS: int,
    Int64: int,
    Decimal128: lambda value: _finite(value.to_decimal()),
}
_BASES: Mapping[type, Callable[[Any], Any]] = {
    Mapping: _object,
    list: lambda value: [to_plain(inner) for inner in value],
    tuple: lambda value: [to_plain(inner) for inner in value],
    str: str,
    int: int,  # lengths of time
    float: _fraction,
}

__all__ = ["to_plain"]
