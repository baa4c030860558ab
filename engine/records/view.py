"""Stored documents to the JSON that clients see: views built once per entity and frame, run for every record.

A document whose keys and values are as the definition has them is changed in place; any other (made under an older
definition, or read with a projection) is laid out anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import contains, itemgetter
from types import MappingProxyType
from typing import Any

from bson import Int64

from engine.expressions import Names, Scope
from engine.expressions.filter import Condition, compile_condition
from engine.fields.base import Locale, Shape
from engine.records.calculated import Container, containers
from engine.records.forms import Record, build_glimpse, build_loader, derived_id, group_fields
from engine.records.outbox import OUTBOX, REVISION
from engine.records.stored import Load, build_reader
from engine.schema import Entity, Field, FieldPath

Document = dict[str, Any]
Show = Load
"""(stored value, id of the record) to JSON."""
Masks = Mapping[str, Callable[[Any], bool]]
"""Dotted paths and what a record (value form) must satisfy for each to be shown."""
NO_MASKS: Masks = MappingProxyType({})
SYSTEM = ("_id", "version", "label")
MOST_VIEWS = 256
"""Views that one entity keeps; there are as many as there are frames in use."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What of a record is shown and how. `shown` (None: everything) and `hidden` are dotted paths.

    `transient` shows fields that are not stored, for the answer of the write that brought them. With a `locale`
    values are text as people read it, but for the references in `native`. With `cells` single values are text as CSV
    holds it, while groups and references stay objects.
    """

    shown: frozenset[str] | None = None
    hidden: frozenset[str] = frozenset()
    transient: bool = False
    locale: Locale | None = None
    native: frozenset[str] = frozenset()
    cells: bool = False

    def as_text(self, item: Field) -> bool:
        """Whether values of the field are shown as people read them."""
        return self.locale is not None and item.path not in self.native

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
            if frame.locale is not None or frame.cells or not _is_json(item)
        )
        converted = {name for name, _ in self._in_place}
        plain = [item for item in fields if item.name not in converted]
        self._plain_values = itemgetter("version", "label", *(item.name for item in plain))
        self._plain_classes = (
            frozenset({int, Int64}),
            frozenset({str}),
            *(frozenset({*item.type.stored_classes, type(None)}) for item in plain),
        )
        self._entity = entity
        self._guards = tuple(_guards(fields, (), Names.of_entity(entity), frame))
        self._load = build_loader(entity)
        self._glimpse = build_glimpse(entity)
        self._as_text = frame.as_text
        self._has_texts = frame.locale is not None
        self._hides_label = "label" in frame.hidden

    def render(
        self, document: dict[str, Any], scope: Callable[[Any], Scope], masks: Masks = NO_MASKS
    ) -> dict[str, Any]:
        """The record as JSON data; takes the document over.

        `scope` is what read conditions of fields are asked in, `masks` what the caller's rights ask of the record for
        single fields.
        """
        denied = self._denied(document, masks) if masks else ()
        old = self._load(document) if self._guards or (denied and self._has_texts) else None
        document.pop(OUTBOX, None)
        document.pop(REVISION, None)
        if tuple(document) == self._keys and all(
            map(contains, self._plain_classes, map(type, self._plain_values(document)))
        ):
            record_id = str(document.pop("_id"))
            record = {"id": record_id, **document}
            for name, show in self._in_place:
                record[name] = show(record[name], record_id)
        else:
            record_id = str(document["_id"])
            record = {"id": record_id, "version": document["version"], "label": document["label"]}
            for name, show in self._plan:
                record[name] = show(document.get(name), record_id)
        if self._hides_label:
            record["label"] = record_id
        if old is not None:
            self._withhold(record, old, scope(old))
        for path in denied:
            self._mask(record, old, path.fields)
        return record

    def _denied(self, document: Document, masks: Masks) -> Sequence[FieldPath]:
        """The fields that rights do not show on this record."""
        seen = self._glimpse(document)
        found = (self._entity.field_at(path) for path, allows in masks.items() if not allows(seen))
        return [path for path in found if path is not None]

    def _withhold(self, record: Record, old: Record, scope: Scope) -> None:
        """Takes out what conditions of the definition forbid, container by container."""
        for guard in self._guards:
            shown = containers(record, guard.walk)
            asked = [guard.condition(scope.within(one.item, one.parent)) for one in containers(old, guard.walk)]
            for container, allowed in zip(shown, asked, strict=True):
                if not allowed:
                    container.item.pop(guard.name, None)

    def _mask(self, record: Record, old: Record | None, path: tuple[Field, ...]) -> None:
        """Takes one field out of all its places in a rendered record; `old` is there where some are shown as text."""
        for depth, item in enumerate(path[:-1]):
            if item.type.shape is Shape.REFERENCE and self._as_text(item):
                if old is not None and path[-1].name == item.type.query_part and depth == len(path) - 2:
                    for container, whole in zip(
                        containers(record, path[:depth]), containers(old, path[:depth]), strict=True
                    ):
                        _show_id(container, whole.item, item)
                return  # no other part of a reference is there
        for container in containers(record, path[:-1]):
            _mask(container, path)


class Views:
    """The views of one entity, made on first use and kept."""

    def __init__(self, entity: Entity) -> None:
        self._entity = entity
        self.get = lru_cache(maxsize=MOST_VIEWS)(self._build)

    def _build(self, frame: Frame) -> View:
        return View(self._entity, frame)


def _show_id(container: Container, whole: Record, item: Field) -> None:
    """Puts the id of a reference in the place of its text."""
    value = whole[item.name]
    if item.name in container.item and value:
        container.item[item.name] = [one["id"] for one in value] if item.many else value["id"]


def _mask(container: Container, path: Sequence[Field]) -> None:
    """Takes one field out of a rendered container; a label that tells too much gives way to what stands without one."""
    name = path[-1].name
    if name == "label" and "id" in container.item and (len(path) == 1 or path[-2].reference is None):
        container.item[name] = container.item["id"] if len(path) == 1 else path[-2].label
    else:
        container.item.pop(name, None)


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
    """Whether the stored value, null included, is already what clients see, provided that its class is the type's."""
    return item.type.shape is Shape.SCALAR and item.type.same_json and item.type.empty is None and not item.many


def _field_view(item: Field, frame: Frame) -> Show:
    one = _value_view(item, frame)
    empty = item.type.empty
    if empty is not None and one is not None:
        empty = one(item.type.to_stored(empty), "")
    return build_reader(item, one, empty)


def _value_view(item: Field, frame: Frame) -> Show | None:
    if item.type.shape is Shape.NESTED:
        return _group_view(item, frame)
    if frame.locale is not None and frame.as_text(item):
        if f"{item.path}.{item.type.query_part}" in frame.hidden:
            return lambda raw, record_id: str(raw["id"])
        return _plain_view(item, frame.locale)
    if item.type.shape is Shape.REFERENCE:
        return _reference_view(item, frame)
    if frame.cells:
        return _cell_view(item)
    if item.type.same_json:
        return None
    render = item.type.render_stored
    return lambda raw, record_id: render(raw)


def _plain_view(item: Field, locale: Locale) -> Show:
    kind, display = item.type, item.display
    return lambda raw, record_id: kind.plain_text(kind.from_stored(raw), display, locale)


def _cell_view(item: Field) -> Show:
    write, load = item.type.csv_out, item.type.from_stored
    return lambda raw, record_id: write(load(raw))


def _reference_view(item: Field, frame: Frame) -> Show:
    """The parts that the definition names; a document may hold copies that it does not name any more."""
    copies = group_fields(item)
    plan = tuple((copy.name, _field_view(copy, frame)) for copy in frame.fields(copies))
    own = tuple(part.name for part in item.fields if part not in copies)
    hidden = tuple(part.name for part in item.fields if part.path in frame.hidden)
    render = item.type.render_stored

    def reference(raw: Mapping[str, Any], record_id: str) -> Any:
        found = render({name: raw[name] for name in own if name in raw})
        for name in hidden:
            found.pop(name, None)
        for name, show in plan:
            found[name] = show(raw.get(name), record_id)
        return found

    return reference


def _group_view(item: Field, frame: Frame) -> Show:
    plan = tuple((inner.name, _field_view(inner, frame)) for inner in frame.fields(group_fields(item)))
    path, label = item.path, item.label
    hides_label = f"{path}.label" in frame.hidden

    def group(raw: Mapping[str, Any] | None, record_id: str) -> Any:
        source: Mapping[str, Any] = {} if raw is None else raw
        found = {
            "id": str(source["id"]) if source else derived_id(record_id, path),
            "label": label if hides_label else source.get("label", label),
        }
        for name, show in plan:
            found[name] = show(source.get(name), record_id)
        return found

    return group
