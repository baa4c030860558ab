"""Sensitive values on their way into logs and trails: in go records and paths, out come they masked.

What is sensitive is said by the definitions: `sensitive: true` at a field or a parameter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any, Final

from engine.schema import Entity, Field, FieldPath

MASKED: Final = "******"
"""Stands in the place of a sensitive value."""


def sensitive_paths(entity: Entity) -> tuple[FieldPath, ...]:
    """The paths of an entity at which, or around which, a field is sensitive."""
    return tuple(path for path in entity.all_paths() if path.field.sensitive)


def sensitive_parameters(entity: Entity) -> tuple[FieldPath, ...]:
    """The same of the parameters of all its actions."""
    found: Iterable[Field] = (item for action in entity.actions.values() for item in action.parameters)
    return tuple(FieldPath(parts) for item in found for parts in _sensitive_in((), item))


def _sensitive_in(above: tuple[Field, ...], item: Field) -> Iterable[tuple[Field, ...]]:
    here = (*above, item)
    if item.sensitive:
        yield here
    for inner in item.fields:
        yield from _sensitive_in(here, inner)


def mask(value: Any, path: FieldPath) -> None:
    """Puts the stand-in in the place of all values at a path; of a list of values, in the place of the list."""
    name = path.field.name
    for holder in _holders(value, path):
        if holder.get(name) not in (None, [], ""):
            holder[name] = MASKED


def masked(value: Mapping[str, Any], paths: Iterable[FieldPath]) -> dict[str, Any]:
    """A copy with nothing sensitive in it."""
    copy = deepcopy(dict(value))
    for path in paths:
        mask(copy, path)
    return copy


def mask_text(text: str, values: Iterable[Any]) -> str:
    """The text with every mention of a value replaced, longer values first."""
    for known in sorted({str(value) for value in values} - {"", MASKED}, key=len, reverse=True):
        text = text.replace(known, MASKED)
    return text


def values_at(value: Any, path: FieldPath) -> Iterable[Any]:
    """All texts and numbers at a path."""
    for holder in _holders(value, path):
        found = holder.get(path.field.name)
        yield from (one for one in (found if isinstance(found, list) else [found]) if _is_told(one))


def _is_told(value: Any) -> bool:
    return value is not None and not isinstance(value, bool | dict | list)


def _holders(value: Any, path: FieldPath) -> list[Any]:
    """The objects in which the last part of a path stands."""
    holders = [value]
    for item in path.fields[:-1]:
        found = [one.get(item.name) for one in holders if isinstance(one, Mapping)]
        holders = [one for each in found for one in (each if isinstance(each, list | tuple) else [each])]
    return [one for one in holders if isinstance(one, Mapping)]


__all__ = ["MASKED", "mask", "mask_text", "masked", "sensitive_parameters", "sensitive_paths", "values_at"]
