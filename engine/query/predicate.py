"""Conditions to Python functions on records in value form.

A function selects the same records as the MongoDB filter of the same condition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.query.condition import ALWAYS, Condition, Element, Every, Not, Some, Test
from engine.query.matches import Empty
from engine.schema import Field

Predicate = Callable[[Mapping[str, Any]], bool]
_Look = Callable[[Any], bool]
"""Whether any value below what it is given satisfies a test."""


def to_predicate(condition: Condition) -> Predicate:
    """A function that tells whether the condition holds for a record. Comparisons that are not bound never hold."""
    match condition:
        case Test():
            return _test(condition)
        case Element(place, inner):
            return _element(place.fields, to_predicate(inner))
        case Not(part):
            opposite = to_predicate(part)
            return lambda record: not opposite(record)
        case Every(parts) if condition != ALWAYS:
            return _every([to_predicate(part) for part in parts])
        case Some(parts) if parts:
            return _some([to_predicate(part) for part in parts])
        case _:
            holds = condition == ALWAYS
            return lambda record: holds


def _every(predicates: list[Predicate]) -> Predicate:
    if len(predicates) == 2:
        first, second = predicates
        return lambda record: first(record) and second(record)
    return lambda record: all(predicate(record) for predicate in predicates)


def _some(predicates: list[Predicate]) -> Predicate:
    return lambda record: any(predicate(record) for predicate in predicates)


def _test(test: Test) -> Predicate:
    holds = _compared(test)
    fields = test.place.fields
    if len(fields) == 1 and not fields[0].many:
        name = fields[0].name
        return lambda record: holds(record.get(name))
    whole = isinstance(test.match, Empty) and test.match.opaque
    return _walk(fields, holds if whole else _any_item(holds))


def _compared(test: Test) -> _Look:
    """Whether one value of the field satisfies the match; None is a missing one, [] a list without any."""
    holds = test.match.to_test()
    kind = test.place.field.type
    if test.bare or kind.query_part is None:
        return holds
    query_value = kind.query_value

    def compared(value: Any) -> bool:
        if value is None or value == []:
            return holds(value)
        found = query_value(value)
        return any(map(holds, found)) if isinstance(found, list) else holds(found)

    return compared


def _any_item(holds: _Look) -> _Look:
    """A list satisfies a test through any of its items, or as a whole where it is empty."""
    return lambda value: (any(map(holds, value)) if value else holds([])) if isinstance(value, list) else holds(value)


def _walk(fields: tuple[Field, ...], look: _Look) -> Predicate:
    """From a record down to the last field; lists on the way offer all their items."""
    for item in reversed(fields):
        look = _step(item.name, look)
    return look


def _step(name: str, look: _Look) -> _Look:
    def step(value: Any) -> bool:
        if isinstance(value, Mapping):
            return look(value.get(name))
        if isinstance(value, list):
            return any(step(one) for one in value if isinstance(one, Mapping))
        return look(None)

    return step


def _element(fields: tuple[Field, ...], inner: Predicate) -> Predicate:
    def look(value: Any) -> bool:
        return isinstance(value, list) and any(inner(one) for one in value if isinstance(one, Mapping))

    if len(fields) == 1:
        name = fields[0].name
        return lambda record: look(record.get(name))
    return _walk(fields, look)


__all__ = ["Predicate", "to_predicate"]
