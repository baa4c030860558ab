"""Answers against what examples expect: in go the expected nodes, JSON data and what was captured, out come failures.

An answer may hold more than is expected. A map expects its keys, a list all of its items in their order, `{any}`
something, `{absent}` no such key; `{name}` captures what stands there, or expects what was captured before.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from engine.definitions.nodes import List, Map, Node, Scalar
from engine.definitions.placeholders import ABSENT, ANY, fill_text, placeholder
from engine.errors import Position
from engine.examples.outcome import Failure
from engine.examples.words import as_text


def compare_answer(expected: Node, found: Any, captured: dict[str, Any], where: str = "") -> Iterator[Failure]:
    """Everything in which JSON data differs from what is expected; `captured` grows by what placeholders meet."""
    if isinstance(expected, Map):
        yield from _compare_map(expected, found, captured, where)
    elif isinstance(expected, List):
        yield from _compare_list(expected, found, captured, where)
    else:
        assert isinstance(expected, Scalar)
        yield from _compare_scalar(expected, found, captured, where)


def _compare_map(expected: Map, found: Any, captured: dict[str, Any], where: str) -> Iterator[Failure]:
    if not isinstance(found, dict):
        yield _differs(expected.at, where, "a map", found)
        return
    for name, node in expected.values.items():
        place = f"{where}.{name}" if where else name
        absent = placeholder(node.data) == ABSENT
        if name not in found:
            if not absent:
                yield Failure(expected.key_at(name), f"{place} is not there", _shown(node), None)
        elif absent:
            yield Failure(expected.key_at(name), f"{place} is there", None, as_text(found[name]))
        else:
            yield from compare_answer(node, found[name], captured, place)


def _compare_list(expected: List, found: Any, captured: dict[str, Any], where: str) -> Iterator[Failure]:
    if not isinstance(found, list):
        yield _differs(expected.at, where, "a list", found)
        return
    if len(found) != len(expected.items):
        message = f"{where or 'the answer'} has {len(found)} items, not {len(expected.items)}"
        yield Failure(expected.at, message, _shown(expected), as_text(found))
        return
    for number, (node, item) in enumerate(zip(expected.items, found, strict=True)):
        yield from compare_answer(node, item, captured, f"{where}[{number}]")


def _compare_scalar(expected: Scalar, found: Any, captured: dict[str, Any], where: str) -> Iterator[Failure]:
    wanted = expected.value
    name = placeholder(wanted)
    if name == ANY or (name is not None and name not in captured):
        if name != ANY:
            captured[str(name)] = found
        return
    if name is not None:
        wanted = captured[name]
    elif isinstance(wanted, str):
        wanted = fill_text(wanted, captured)
    if not _same(wanted, found):
        yield _differs(expected.at, where, as_text(wanted), found)


def _same(wanted: Any, found: Any) -> bool:
    """Numbers are the same whatever they are written like; a boolean is no number."""
    if isinstance(wanted, bool) or isinstance(found, bool):
        return wanted is found
    if isinstance(wanted, int | float | Decimal) and isinstance(found, int | float | Decimal):
        return Decimal(str(wanted)) == Decimal(str(found))
    return type(wanted) is type(found) and bool(wanted == found)


def _differs(at: Position, where: str, wanted: str, found: Any) -> Failure:
    return Failure(at, f"{where or 'the answer'} differs", wanted, as_text(found))


def _shown(node: Node) -> str:
    return as_text(node.data)


__all__ = ["compare_answer"]
