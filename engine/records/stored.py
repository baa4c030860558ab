"""Stored values to what a field holds: in goes whatever is stored for it, out comes one value, or a list of them.

A document may have been written when the field had another type, or held one value where it holds many now. What is not
the type's own reads as nothing, one value reads as a list of it, a list reads as its first value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.fields.base import MISSING, FieldType, Shape
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
    nothing, but for nested groups, of which `one` reads None.

    What is as it should be is told from its class, or from that of its mark, since this is asked of every value.
    """
    kind = item.type
    if item.many:
        return _marked_many(kind, one) if kind.stored_mark and one else _many(kind, one)
    if kind.stored_mark and one:
        return _marked(kind, one, unset, nested=kind.shape is Shape.NESTED)
    return _same(kind, unset) if one is None else _one(kind, one, unset)


def _same(kind: FieldType, unset: Any) -> Load:
    classes = _telling(kind, unset)

    def same(raw: Any, record_id: str) -> Any:
        if raw.__class__ in classes:
            return raw
        found = first_stored(kind, raw)
        return unset if found is None else found

    return same


def _one(kind: FieldType, one: Load, unset: Any) -> Load:
    classes = _telling(kind)

    def made(raw: Any, record_id: str) -> Any:
        if raw is None:
            return unset
        if raw.__class__ not in classes:
            raw = first_stored(kind, raw)
            if raw is None:
                return unset
        return one(raw, record_id)

    return made


def _marked(kind: FieldType, one: Load, unset: Any, *, nested: bool) -> Load:
    assert kind.stored_mark is not None
    key, wanted = kind.stored_mark

    def made(raw: Any, record_id: str) -> Any:
        if raw.__class__ is not dict or raw.get(key).__class__ is not wanted:
            raw = first_stored(kind, raw)
            if raw is None and not nested:
                return unset
        return one(raw, record_id)

    return made


def _many(kind: FieldType, one: Load | None) -> Load:
    classes = _telling(kind)

    def known(raw: Any, record_id: str) -> list[Any]:
        if raw.__class__ is list and classes.issuperset(map(type, raw)):
            return list(raw)
        return all_stored(kind, raw)

    if one is None:
        return known
    return lambda raw, record_id: [one(each, record_id) for each in known(raw, record_id)]


def _marked_many(kind: FieldType, one: Load) -> Load:
    assert kind.stored_mark is not None
    key, wanted = kind.stored_mark

    def made(raw: Any, record_id: str) -> Any:
        if raw.__class__ is not list:
            raw = all_stored(kind, raw)
        return [one(each, record_id) for each in raw if each.__class__ is dict and each.get(key).__class__ is wanted]

    return made


def _telling(kind: FieldType, unset: Any = MISSING) -> frozenset[type]:
    """The classes that tell by themselves that a value is the type's, or that it is unset and reads as null."""
    own = kind.stored_classes if type(kind).is_stored is FieldType.is_stored else ()
    return frozenset((*own, type(None)) if unset is None else own)


__all__ = ["Load", "all_stored", "build_reader", "first_stored"]
