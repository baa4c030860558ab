"""Two values of one field in, out comes whether they differ, in value form or as stored."""

from __future__ import annotations

from typing import Any


def differs(one: Any, other: Any) -> bool:
    """Whether the values are not the same to JSON, where true is not 1 as it is to Python."""
    if one is other:
        return False
    if one != other:
        return True
    if isinstance(one, dict):
        return any(differs(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return any(map(differs, one, other))
    return isinstance(one, bool) is not isinstance(other, bool)
