"""Stored documents to the JSON that clients see: views built once per entity and set of fields, run for every record.

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
from engine.fields.base import Shape
from engine.records.calculated import containers
from engine.records.forms import build_loader, derived_id, group_fields
from engine.schema import Entity, Field

Render = Callable[[Any], Any]
RenderGroup = Callable[[Any, str], Any]

SYSTEM = ("_id", "version", "label")


class View:
    """Renders records of one entity with one set of fields."""

    def __init__(
        self, entity: Entity, shown: frozenset[str] | None, hidden: frozenset[str], *, transient: bool
    ) -> None:
        fields = tuple(
            item for item in entity.fields if (transient or not item.transient) and _is_shown(item.path, shown, hidden)
        )
        self._plan = tuple((item.name, _field_view(item, shown, hidden)) for item in fields)
        self._keys = (*SYSTEM, *(item.name for item in fields))
        self._in_place = tuple(
            (item.name, view) for item, (_, view) in zip(fields, self._plan, strict=True) if not _is_json(item)
        )
        self._guards = tuple(_guards(fields, (), Names.of_entity(entity), shown, hidden))
        self._load = build_loader(entity) if self._guards else None

    def render(self, document: dict[str, Any], scope: Callable[[Any], Scope]) -> dict[str, Any]:
        """The record as JSON data; takes the document over. `scope` is what read conditions of fields are asked in."""
        denied = self._denied(document, scope) if self._load is not None else ()
        if tuple(document) == self._keys:
            record_id = str(document.pop("_id"))
            record = {"id": record_id, **document}
            for name, view in self._in_place:
                record[name] = view(record[name], record_id)
        else:
            record_id = str(document["_id"])
            record = {"id": record_id, "version": document["version"], "label": document["label"]}
            for name, view in self._plan:
                record[name] = view(document.get(name), record_id)
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


@dataclass(frozen=True, slots=True)
class _Guard:
    """A field with a read condition, inside the nested groups of `walk`."""

    walk: tuple[Field, ...]
    name: str
    condition: Condition


def _guards(
    fields: tuple[Field, ...],
    walk: tuple[Field, ...],
    names: Names,
    shown: frozenset[str] | None,
    hidden: frozenset[str],
) -> Iterator[_Guard]:
    for item in fields:
        if not _is_shown(item.path, shown, hidden):
            continue
        if item.type.shape is Shape.NESTED:  # inner ones first: the group itself may go after
            yield from _guards(group_fields(item), (*walk, item), names.of_group(item), shown, hidden)
        if item.read is not True:
            yield _Guard(walk, item.name, compile_condition(item.read, names))


def _is_shown(path: str, shown: frozenset[str] | None, hidden: frozenset[str]) -> bool:
    if path in hidden:
        return False
    return shown is None or any(_related(path, wanted) for wanted in shown)


def _related(path: str, wanted: str) -> bool:
    return path == wanted or path.startswith(wanted + ".") or wanted.startswith(path + ".")


def _is_json(item: Field) -> bool:
    """Whether the stored value, null included, is already what clients see."""
    return item.type.shape is Shape.SCALAR and item.type.same_json and item.type.empty is None and not item.many


def _field_view(item: Field, shown: frozenset[str] | None, hidden: frozenset[str]) -> RenderGroup:
    one = _value_view(item, shown, hidden)
    empty = item.type.empty
    if item.many:
        if one is None:
            return lambda raw, record_id: [] if raw is None else raw
        return lambda raw, record_id: [] if raw is None else [one(each, record_id) for each in raw]
    if item.type.shape is Shape.NESTED:
        assert one is not None
        return one
    if one is None:
        return lambda raw, record_id: empty if raw is None else raw
    return lambda raw, record_id: empty if raw is None else one(raw, record_id)


def _value_view(item: Field, shown: frozenset[str] | None, hidden: frozenset[str]) -> RenderGroup | None:
    kind = item.type
    if kind.shape is Shape.SCALAR:
        if kind.same_json:
            return None
        render = kind.render_stored
        return lambda raw, record_id: render(raw)
    inner = tuple(one for one in group_fields(item) if _is_shown(one.path, shown, hidden))
    plan = tuple((one.name, _field_view(one, shown, hidden)) for one in inner)
    if kind.shape is Shape.REFERENCE:
        render = kind.render_stored
        copied = frozenset(one.name for one in group_fields(item))

        def reference(raw: Mapping[str, Any], record_id: str) -> Any:
            found = render({name: raw[name] for name in raw if name not in copied})
            for name, view in plan:
                found[name] = view(raw.get(name), record_id)
            return found

        return reference

    path, label = item.path, item.label

    def group(raw: Mapping[str, Any] | None, record_id: str) -> Any:
        source: Mapping[str, Any] = {} if raw is None else raw
        found = {"id": source.get("id") or derived_id(record_id, path), "label": source.get("label", label)}
        for name, view in plan:
            found[name] = view(source.get(name), record_id)
        return found

    return group


class Views:
    """The views of one entity, made on first use and kept; as many as there are sets of fields in use, at most 256."""

    def __init__(self, entity: Entity) -> None:
        self._entity = entity
        self._cached = lru_cache(maxsize=256)(self._build)

    def get(
        self, shown: frozenset[str] | None = None, hidden: frozenset[str] = frozenset(), *, transient: bool = False
    ) -> View:
        """The view that shows `shown` (None: everything) without `hidden`; both are dotted paths."""
        return self._cached(shown, hidden, transient)

    def _build(self, shown: frozenset[str] | None, hidden: frozenset[str], transient: bool) -> View:
        return View(self._entity, shown, hidden, transient=transient)
