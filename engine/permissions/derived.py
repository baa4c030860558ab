"""Fields that show what other fields hold: in goes an entity, out come the sources of its labels, computed fields and
references.

A label is made of the fields that it names, a calculated field of those that it reads, a reference of its target's
label and copied fields. Who may not see a source may not see what is made of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from engine.expressions import Names, field_paths, parse_computed, parse_label
from engine.fields.base import Shape
from engine.query import comparisons, parse_filter_map
from engine.schema import AggregateRule, App, Entity, Field, FieldPath, Written


@dataclass(frozen=True, slots=True)
class Source:
    """A field that another one is made of: of the same record where `entity` is None, else of records of `entity`."""

    path: str
    entity: str | None = None


Sources = Mapping[str, tuple[Source, ...]]
"""By the dotted path of what is made of them."""


def find_sources(app: App, entity: Entity) -> Sources:
    """The sources of every field of the entity that has some, what is nested deeper first."""
    names = Names.of_entity(entity)
    found = dict(_of_fields(app, entity, entity.fields, names))
    for path in entity.all_paths():
        source = _of_reference(path)
        if source is not None:
            found[path.name] = (source,)
    if entity.record_label is not None:
        found["label"] = _of_label(entity, entity.record_label, names)
    return {path: sources for path, sources in found.items() if sources}


def _of_fields(
    app: App, entity: Entity, fields: Iterable[Field], names: Names
) -> Iterator[tuple[str, tuple[Source, ...]]]:
    for item in fields:
        if item.calculated is not None:
            yield item.path, _own(entity, field_paths(parse_computed(item.calculated.value), names))
        elif item.aggregate is not None:
            yield item.path, _of_aggregate(app.entities[item.aggregate.entity], item.aggregate)
        if item.type.shape is Shape.NESTED:
            inner = names.of_group(item)
            yield from _of_fields(app, entity, item.fields, inner)
            if item.record_label is not None:
                yield f"{item.path}.label", _of_label(entity, item.record_label, inner)


def _of_label(entity: Entity, written: Written, names: Names) -> tuple[Source, ...]:
    return _own(entity, field_paths(parse_label(written.value), names))


def _own(entity: Entity, paths: Iterable[str]) -> tuple[Source, ...]:
    """What an expression reads; a group or a reference that is read as a whole prints as its label."""
    found: list[Source] = []
    for path in sorted(paths):
        found.append(Source(path))
        place = entity.field_at(path)
        if place is not None and "label" in place.field.by_name:
            found.append(Source(f"{path}.label"))
    return tuple(found)


def _of_aggregate(target: Entity, rule: AggregateRule) -> tuple[Source, ...]:
    paths = {path for path, _ in comparisons(parse_filter_map(rule.where.value))}
    if rule.path is not None:
        paths.add(rule.path)
    places = (target.field_at(path) for path in sorted(paths))
    return tuple(Source(place.name, target.name) for place in places if place is not None)


def _of_reference(path: FieldPath) -> Source | None:
    """What a part of a relationship is a copy of; its id is its own."""
    for depth, item in enumerate(path.fields[:-1], 1):
        if item.reference is not None:
            copied = ".".join(part.name for part in path.fields[depth:])
            return None if copied == "id" else Source(copied, item.reference.entity)
    return None


__all__ = ["Source", "Sources", "find_sources"]
