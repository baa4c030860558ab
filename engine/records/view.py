"""Stored documents to the JSON that clients see: views built once per entity and frame, run for every record.

A document whose keys stand as the definition orders them is changed in place; any other (made under an older
definition, or read with a projection) is laid out anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from engine.expressions import Names, Scope
from engine.expressions.filter import Condition, compile_condition
from engine.fields.base import Locale, Shape
from engine.records.calculated import containers
from engine.records.forms import build_loader, derived_id, group_fields
from engine.schema import Entity, Field

Show = Callable[[Any, str], Any]
"""(stored value, id of the record) to JSON."""
SYSTEM = ("_id", "version", "label")
MOST_VIEWS = 256
"""Views that one entity keeps; there are as many as there are frames in use."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What of a record is shown and how. `shown` (None: everything) and `hidden` are dotted paths.

    `transient` shows fields that are not stored, for the answer of the write that brought them. With a `locale`
    values are text as people read it.
    """

    shown: frozenset[str] | None = None
    hidden: frozenset[str] = frozenset()
    transient: bool = False
    locale: Locale | None = None

    def shows(self, item: Field) -> bool:
        """Whether the field, or something in it, is shown."""
        if item.path in self.hidden or (item.transient and not self.transient):
            return False
        return self.shown is None or any(_related(item.path, wanted) for wanted in self.shown)

    def fields(self, fields: Sequence[Field]) -> tuple[Field, ...]:
        """Those that are shown."""
        return tuple(item for item in fields if self.shows(item))


def _related(path: str, wanted: str) -> bool:
    return path == wanted or path.startswith(wanted + ".") or wanted.startswith(path + ".")


class View:
    """Renders records of one entity in one frame."""

    def __init__(self, entity: Entity, frame: Frame) -> None:
        fields = frame.fields(entity.fields)
        self._plan = tuple((item.name, _field_view(item, frame)) for item in fields)
        self._keys = (*SYSTEM, *(item.name for item in fields))
        self._in_place = tuple(
            (name, show)
            for item, (name, show) in zip(fields, self._plan, strict=True)
            if frame.locale is not None or not _is_json(item)
        )
        self._guards = tuple(_guards(fields, (), Names.of_entity(entity), frame))
        self._load = build_loader(entity) if self._guards else None

    def render(self, document: dict[str, Any], scope: Callable[[Any], Scope]) -> dict[str, Any]:
        """The record as JSON data; takes the document over. `scope` is what read conditions of fields are asked in."""
        denied = self._denied(document, scope) if self._load is not None else ()
        if tuple(document) == self._keys:
            record_id = str(document.pop("_id"))
            record = {"id": record_id, **document}
            for name, show in self._in_place:
                record[name] = show(record[name], record_id)
        else:
            record_id = str(document["_id"])
            record = {"id": record_id, "version": document["version"], "label": document["label"]}
            for name, show in self._plan:
                record[name] = show(document.get(name), record_id)
        for guard, allowed in denied:
            for container, keep in zip(containers(record, guard.walk), allowed, strict=True):
                if not keep:
                    del container.item[guard.name]
        return record

    def _denied(
        self, document: dict[str, Any], scope: Callable[[Any], Scope]
    ) -> Sequence[tuple[_Guard, Sequence[bool]]]:
        """For every guarded field, whether each container that holds it may show it."""
        assert self._load is not None
        record = self._load(document)
        seen = scope(record)
        return [
            (guard, [guard.condition(seen.within(one.item, one.parent)) for one in containers(record, guard.walk)])
            for guard in self._guards
        ]


class Views:
    """The views of one entity, made on first use and kept."""

    def __init__(self, entity: Entity) -> None:
        self._entity = entity
        self.get = lru_cache(maxsize=MOST_VIEWS)(self._build)

    def _build(self, frame: Frame) -> View:
        return View(self._entity, frame)


@dataclass(frozen=True, slots=True)
class _Guard:
    """A field with a read condition, inside the nested groups of `walk`."""

    walk: tuple[Field, ...]
    name: str
    condition: Condition


def _guards(fields: Sequence[Field], walk: tuple[Field, ...], names: Names, frame: Frame) -> Iterator[_Guard]:
    for item in fields:
        if item.type.shape is Shape.NESTED:  # inner ones first: the group itself may go after
            inner = frame.fields(group_fields(item))
            yield from _guards(inner, (*walk, item), names.of_group(item), frame)
        if item.read is not True:
            yield _Guard(walk, item.name, compile_condition(item.read, names))


def _is_json(item: Field) -> bool:
    """Whether the stored value, null included, is already what clients see."""
    return item.type.shape is Shape.SCALAR and item.type.same_json and item.type.empty is None and not item.many


def _field_view(item: Field, frame: Frame) -> Show:
    one = _value_view(item, frame)
    if item.many:
        if one is None:
            return lambda raw, record_id: [] if raw is None else raw
        return lambda raw, record_id: [] if raw is None else [one(each, record_id) for each in raw]
    if item.type.shape is Shape.NESTED:
        assert one is not None
        return one
    empty = item.type.empty
    if one is None:
        return lambda raw, record_id: empty if raw is None else raw
    if empty is not None:
        stored_empty = item.type.to_stored(empty)
        return lambda raw, record_id: one(stored_empty if raw is None else raw, record_id)
    return lambda raw, record_id: None if raw is None else one(raw, record_id)


def _value_view(item: Field, frame: Frame) -> Show | None:
    if item.type.shape is Shape.NESTED:
        return _group_view(item, frame)
    if frame.locale is not None:
        return _plain_view(item, frame.locale)
    if item.type.shape is Shape.REFERENCE:
        return _reference_view(item, frame)
    if item.type.same_json:
        return None
    render = item.type.render_stored
    return lambda raw, record_id: render(raw)


def _plain_view(item: Field, locale: Locale) -> Show:
    kind, display = item.type, item.display
    return lambda raw, record_id: kind.plain_text(kind.from_stored(raw), display, locale)


def _reference_view(item: Field, frame: Frame) -> Show:
    plan = tuple((copy.name, _field_view(copy, frame)) for copy in frame.fields(group_fields(item)))
    copied = frozenset(copy.name for copy in group_fields(item))
    render = item.type.render_stored

    def reference(raw: Mapping[str, Any], record_id: str) -> Any:
        found = render({name: raw[name] for name in raw if name not in copied})
        for name, show in plan:
            found[name] = show(raw.get(name), record_id)
        return found

    return reference


def _group_view(item: Field, frame: Frame) -> Show:
    plan = tuple((inner.name, _field_view(inner, frame)) for inner in frame.fields(group_fields(item)))
    path, label = item.path, item.label

    def group(raw: Mapping[str, Any] | None, record_id: str) -> Any:
        source: Mapping[str, Any] = {} if raw is None else raw
        key = source.get("id")
        found = {"id": derived_id(record_id, path) if key is None else str(key), "label": source.get("label", label)}
        for name, show in plan:
            found[name] = show(source.get(name), record_id)
        return found

    return group
