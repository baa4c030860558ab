"""Placeholders of examples: `{name}` in a text stands for a value that an earlier answer brought; JSON in, JSON out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

ANY: Final = "any"
"""`{any}` in an expected answer: something has to be there, whatever it is."""
ABSENT: Final = "absent"
"""`{absent}` in an expected answer: the key may not be there at all."""

_PLACE = re.compile(r"\{\{|\}\}|\{(?P<name>[A-Za-z][A-Za-z0-9]*)\}")
_WHOLE = re.compile(r"\{(?P<name>[A-Za-z][A-Za-z0-9]*)\}")


def placeholder(value: Any) -> str | None:
    """The name, where a value is nothing but one placeholder."""
    found = _WHOLE.fullmatch(value) if isinstance(value, str) else None
    return None if found is None else found["name"]


def names_in(text: str) -> Iterator[tuple[int, str]]:
    """The placeholders of a text and where each name begins."""
    return ((found.start("name"), found["name"]) for found in _PLACE.finditer(text) if found["name"])


def names_inside(value: Any) -> Iterator[str]:
    """The names of all placeholders in JSON data."""
    if isinstance(value, str):
        yield from (name for _, name in names_in(value))
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from names_inside(inner)


def fill(value: Any, known: Mapping[str, Any]) -> Any:
    """JSON data with every placeholder replaced: alone by the value itself, inside a text by its text; `{{` is a
    brace. All names must be known."""
    if isinstance(value, Mapping):
        return {name: fill(inner, known) for name, inner in value.items()}
    if isinstance(value, list):
        return [fill(inner, known) for inner in value]
    if not isinstance(value, str):
        return value
    name = placeholder(value)
    return fill_text(value, known) if name is None else known[name]


def fill_text(text: str, known: Mapping[str, Any]) -> str:
    """A text with its placeholders replaced."""
    return _PLACE.sub(lambda found: str(known[found["name"]]) if found["name"] else found[0][0], text)


__all__ = ["ABSENT", "ANY", "fill", "fill_text", "names_in", "names_inside", "placeholder"]
