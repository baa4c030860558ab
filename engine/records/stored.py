"""Stored values to what a field holds: in goes whatever is stored for it, out comes one value, or a list of them.

A document may have been written when the field had another type, or held one value where it holds many now. What is not
the type's own reads as nothing, one value reads as a list of it, a list reads as its first value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.fields.base import FieldType, Shape
from engine.schema import Field

Load = Callable[[Any, str], Any]
"""(stored value, id of the record) to what is made of it."""


def first_stored(kind: FieldType, raw: Any) -> Any:
    """The stored value of the type that there is, or the first of a list; None where there is none."""
    if raw is not None and not kind.is_stored(raw):
        raw = raw[0] if isinstance(raw, list) and raw else None
    return raw if raw is not None and kind.is_stored(raw) else None


def all_stored(kind: FieldType, raw: Any) -> list[Any]:
    """The stored values of the type that there are."""
    listed = raw if isinstance(raw, list) else [raw]
    return [one for one in listed if one is not None and kind.is_stored(one)]


def build_reader(item: Field, one: Load | None, unset: Any = None) -> Load:
    """What reads a field. `one` reads a value of its type, None where that stands for itself; `unset` stands for
    nothing, but for nested groups, of which `one` reads None."""
    if item.many:
        return _many(item.type, one)
    return (
        _group(item.type, one) if item.type.shape is Shape.NESTED and one is not None else _one(item.type, one, unset)
    )


def _one(kind: FieldType, one: Load | None, unset: Any) -> Load:
    classes = _telling(kind)

    def same(raw: Any, record_id: str) -> Any:
        if raw is None:
            return unset
        if raw.__class__ in classes:
            return raw
        found = first_stored(kind, raw)
        return unset if found is None else found

    def made(raw: Any, record_id: str) -> Any:
        if raw is None:
            return unset
        if raw.__class__ not in classes:
            raw = first_stored(kind, raw)
            if raw is None:
                return unset
        return one(raw, record_id)  # type: ignore[misc]  # it is not None where this is used

    return same if one is None else made


def _group(kind: FieldType, one: Load) -> Load:
    def group(raw: Any, record_id: str) -> Any:
        return one(None if raw is None else first_stored(kind, raw), record_id)

    return group


def _many(kind: FieldType, one: Load | None) -> Load:
    classes = _telling(kind)

    def known(raw: Any) -> list[Any]:
        if raw.__class__ is list and classes.issuperset(map(type, raw)):
            return list(raw)
        return all_stored(kind, raw)

    def made(raw: Any, record_id: str) -> Any:
        return [] if raw is None else [one(each, record_id) for each in known(raw)]  # type: ignore[misc]  # see _one

    return (lambda raw, record_id: [] if raw is None else known(raw)) if one is None else made


def _telling(kind: FieldType) -> frozenset[type]:
    """The classes that tell by themselves that a value is the type's."""
    return frozenset(kind.stored_classes if type(kind).is_stored is FieldType.is_stored else ())


__all__ = ["Load", "all_stored", "build_reader", "first_stored"]
