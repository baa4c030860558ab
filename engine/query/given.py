"""Parameters that are no filters of fields: in go the pairs of a query string, out come checked values by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from bson import ObjectId

from engine.errors import BadRequest, did_you_mean

Pairs = Sequence[tuple[str, str]]
Given = Mapping[str, str]
Bounds = tuple[int | None, int | None]
"""First and last millisecond, both included; None leaves a side open."""
T = TypeVar("T")

MOST_SIZE: Final = 1_000
LATEST: Final = 253_402_300_799_999
"""The last millisecond of the year 9999."""


def take_given(pairs: Pairs, known: Sequence[str]) -> Given:
    """The texts by their names; raises BadRequest for an unknown name and for one that is given twice."""
    given: dict[str, str] = {}
    for name, text in pairs:
        if name not in known:
            hint = did_you_mean(name[:64], known) or f"known are {', '.join(known)}"
            raise BadRequest(f"There is no parameter {name[:64]}; {hint}")
        if name in given:
            raise BadRequest(f"{name} may be given only once")
        given[name] = text
    return given


def parse_given(given: Given, name: str, parse: Callable[[str], T], expected: str) -> T | None:
    """The parsed value; None where the parameter is missing or empty. Raises BadRequest where `parse` raises KeyError
    or ValueError."""
    text = given.get(name)
    if not text:
        return None
    try:
        return parse(text)
    except (KeyError, ValueError):
        raise BadRequest(f"{name} takes {expected}, not {text[:64]}") from None


def parse_names(given: Given, name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Known names, separated by commas; none where the parameter is missing."""
    names = tuple(part.strip() for part in given[name].split(",")) if given.get(name) else ()
    for item in names:
        if item not in known:
            raise BadRequest(f"{name} takes {', '.join(known)}, not {item[:64]}")
    return names


def parse_instant(given: Given, name: str) -> int | None:
    """Milliseconds since 1970."""
    return parse_given(given, name, _instant, "milliseconds since 1970")


def parse_size(given: Given, default: int) -> int:
    """How many items a page holds."""
    size = parse_given(given, "_size", _size, f"a whole number from 1 to {MOST_SIZE}")
    return default if size is None else size


def parse_offset(given: Given) -> ObjectId | None:
    """The id after which a page begins."""
    return parse_given(given, "_offset", _offset, "the offset of the page before")


def parse_id(text: str) -> ObjectId | None:
    """The id that a text is; None where it cannot be one."""
    return ObjectId(text) if len(text) == 24 and ObjectId.is_valid(text) else None


def to_any_of(names: Sequence[str]) -> Any:
    """The condition of a value that is one of these."""
    return names[0] if len(names) == 1 else {"$in": list(names)}


def to_between(bounds: Bounds) -> dict[str, Any]:
    """The condition of a number within bounds."""
    low, high = bounds
    return ({} if low is None else {"$gte": low}) | ({} if high is None else {"$lte": high})


def _instant(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 15 and int(text) <= LATEST):
        raise ValueError
    return int(text)


def _size(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MOST_SIZE):
        raise ValueError
    return int(text)


def _offset(text: str) -> ObjectId:
    found = parse_id(text)
    if found is None:
        raise ValueError
    return found


__all__ = [
    "Bounds",
    "Given",
    "Pairs",
    "parse_given",
    "parse_id",
    "parse_instant",
    "parse_names",
    "parse_offset",
    "parse_size",
    "take_given",
    "to_any_of",
    "to_between",
]
