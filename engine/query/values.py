"""The text of one value of a query (`a,b`, `"a, b"`, `greater(5)`) to an operator's name and its arguments.

Any text gives a Value or BadRequest, in time linear in its length; no field type is asked yet.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from engine.errors import BadRequest
from engine.query.operators import OPERATORS, Takes
from engine.query.syntax import MOST_DEPTH, MOST_NODES, MOST_VALUES

GROUP_OPERATOR: Final = "equals"
"""The operator that takes an object of inner values: `equals({"city": "Rome"})`."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One argument; quoted text is always taken as it stands."""

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """What stands behind `field=`: arguments or, for the elements of a nested group, an object. Both, where text in
    braces stands by itself: which of them is meant depends on the field."""

    operator: str
    arguments: tuple[Piece, ...]
    group: Mapping[str, Any] | None = None


class Budget:
    """How much of its limits a filter has used up, however many parts it comes in."""

    def __init__(self) -> None:
        self._nodes = MOST_NODES
        self._values = MOST_VALUES

    def spend(self, depth: int, values: int = 0) -> None:
        """Counts one node at a depth; raises BadRequest over a limit."""
        self._nodes -= 1
        self._values -= values
        if depth > MOST_DEPTH:
            raise BadRequest(f"A filter may be at most {MOST_DEPTH} levels deep")
        if self._nodes < 0:
            raise BadRequest(f"A filter may have at most {MOST_NODES} conditions")
        if self._values < 0:
            raise BadRequest(f"A filter may have at most {MOST_VALUES} values")


def parse_value(text: str) -> Value:
    """Reads the text behind `field=`; raises BadRequest for a bad quote and for a wrong number of arguments."""
    name, bracket, rest = text.partition("(")
    operator = OPERATORS.get(name)
    if operator is None or not bracket or not rest.endswith(")"):
        group = _read_braces(text) if text.startswith("{") and text.endswith("}") else None
        return Value("equals", tuple(_split(text)) if group is None else (Piece(text),), group)
    inside = rest[:-1]
    if name == GROUP_OPERATOR and inside.startswith("{") and inside.endswith("}"):
        return Value(name, (), _decode_group(inside))
    pieces: tuple[Piece, ...] = ()
    if inside:
        pattern = operator.takes is Takes.PATTERN and _is_delimited(inside)
        pieces = (Piece(inside),) if pattern else tuple(_split(inside))
    operator.check_count(len(pieces), shorten(text))
    return Value(name, pieces)


def shorten(text: str) -> str:
    """The text, quoted for a message, without its end where it is long."""
    return repr(text) if len(text) <= 80 else f"{text[:80]!r}…"


def show_value(value: object) -> str:
    """A value for a message, as the client wrote it in JSON."""
    if isinstance(value, str):
        return shorten(value)
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


def _is_delimited(text: str) -> bool:
    """Whether the text is a regular expression between slashes, in which commas and quotes are its own."""
    return len(text) > 1 and text.startswith("/") and text.endswith("/")


def _split(text: str) -> list[Piece]:
    """Parts between commas. A part in double quotes may hold commas, and quotes that are doubled."""
    if '"' not in text:
        return [Piece(part) for part in text.split(",")]
    pieces = []
    at = 0
    while True:
        if text.startswith('"', at):
            piece, at = _quoted(text, at)
        else:
            end = text.find(",", at)
            end = len(text) if end < 0 else end
            piece, at = Piece(text[at:end]), end
        pieces.append(piece)
        if at == len(text):
            return pieces
        at += 1


def _quoted(text: str, start: int) -> tuple[Piece, int]:
    parts = []
    at = start + 1
    while True:
        end = text.find('"', at)
        if end < 0:
            raise BadRequest(
                f"The quote at character {start + 1} of {shorten(text)} is not closed; inside quotes a quote is doubled"
            )
        parts.append(text[at:end])
        at = end + 1
        if not text.startswith('"', at):
            break
        parts.append('"')
        at += 1
    if at < len(text) and text[at] != ",":
        raise BadRequest(f"A comma must follow the closing quote at character {at} of {shorten(text)}")
    return Piece("".join(parts), quoted=True), at


def _read_braces(text: str) -> Mapping[str, Any] | None:
    """The object that a text is, None where it is any other text."""
    try:
        return _decode_group(text)
    except BadRequest:
        return None


def _decode_group(text: str) -> Mapping[str, Any]:
    if text.count("{") + text.count("[") > 2 * MOST_NODES:
        raise BadRequest(f"A filter may have at most {MOST_NODES} conditions")
    try:
        decoded = json.loads(
            text, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_without_duplicates
        )
    except (ValueError, RecursionError) as error:
        raise BadRequest(
            f'equals({{…}}) takes a JSON object of inner values: {error}. For text in braces write equals("{{…}}")'
        ) from None
    found: Mapping[str, Any] = decoded
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands there twice")
    return found


__all__ = ["Budget", "Piece", "Value", "parse_value", "shorten", "show_value"]
