"""Records as people read them (`_format=plainText`): in goes a record in value form, out come display strings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.fields.base import Locale, Shape
from engine.records.forms import Record, group_fields
from engine.schema import Entity, Field

Plain = Callable[[Any, Locale], Any]


def build_plain(entity: Entity) -> Callable[[Record, Locale], dict[str, Any]]:
    """A function from a record to its display form: same keys, unset values stay null, groups stay objects."""
    fill = _filler(tuple(item for item in entity.fields if not item.transient))

    def plain(record: Record, locale: Locale) -> dict[str, Any]:
        return {"id": record["id"], "version": record["version"], "label": record["label"], **fill(record, locale)}

    return plain


def _filler(fields: tuple[Field, ...]) -> Callable[[Mapping[str, Any], Locale], dict[str, Any]]:
    plan = [(item.name, item.many, _value_plain(item)) for item in fields]

    def fill(values: Mapping[str, Any], locale: Locale) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for name, many, plain in plan:
            value = values.get(name)
            if many:
                shown[name] = [plain(one, locale) for one in value or ()]
            else:
                shown[name] = None if value is None else plain(value, locale)
        return shown

    return fill


def _value_plain(item: Field) -> Plain:
    kind, display = item.type, item.display
    if kind.shape is Shape.NESTED:
        fill = _filler(group_fields(item))
        return lambda value, locale: {"id": value["id"], "label": value["label"], **fill(value, locale)}
    return lambda value, locale: kind.plain_text(value, display, locale)
