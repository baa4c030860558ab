"""Where definitions name fields: a Context in, every mention out, with the field that it stands for and its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from engine.definitions.json_keys import json_keys
from engine.definitions.model import AuditDef, EntityRightsDef, IndexDef
from engine.definitions.model_actions import StepDef
from engine.definitions.model_fields import CalculatedDef, FieldDef
from engine.definitions.nodes import List, Map, Node, Scalar
from engine.definitions.rules.context import Context
from engine.definitions.rules.places import FilterPlace
from engine.definitions.rules.sites import FieldSite, Site, entries, text_of
from engine.definitions.takes import Named
from engine.errors import ExpressionError
from engine.expressions import resolve_names
from engine.expressions.syntax import Member, Read
from engine.fields.base import Shape
from engine.query import FieldSet
from engine.schema import Entity, Field

Paths = Entity | FieldSet

_RECORD = re.compile(r"(?:^|(?<=[(,]))\$record\.([A-Za-z0-9.]+)(?=$|[,)])")
_GROUP = re.compile(r"[A-Za-z]+\((\{.*\})\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in a file that stands for a field: its scalar, the character of the scalar's text, the name as written.

    A `declares` one is the key under which the field is defined.
    """

    scalar: Scalar
    offset: int
    name: str
    field: Field
    declares: bool = False


def mentions(context: Context) -> Iterator[Mention]:
    """Every mention in an app without errors; parts that are inherited come once for each heir."""
    for site in context.sites:
        yield from _declared(site.definition.fields, site.entity.by_name)
        yield from _of_entity(site)
        for step, action in site.steps:
            yield from _of_step(context, site.entity, step, action.parameters_by_name if action else {})
    for place in (*context.fields, *context.parameters):
        yield from _of_field(context, place)
    yield from _of_expressions(context)
    for filter_place in context.filters:
        yield from _in_filter(filter_place.map, filter_place.paths, filter_place)
    yield from _of_groups(context)
    for schedule in entries(context.written.app.schedules).values():
        entity = context.resolved.entities.get(text_of(schedule.entity))
        ran = entity.actions.get(text_of(schedule.action)) if entity is not None else None
        for name, node in entries(schedule.params).items():
            if ran is not None and name in ran.parameters_by_name:
                yield from in_value(context, node, ran.parameters_by_name[name])


def in_value(context: Context, node: Node, field: Field) -> Iterator[Mention]:
    """Mentions in a written value of a field: the keys of groups, and the lookup fields of references."""
    if isinstance(node, List):
        for item in node.items:
            yield from in_value(context, item, field)
    elif isinstance(node, Map):
        yield from in_record(context, node, below(context, field))


def in_record(context: Context, node: Map, fields: Mapping[str, Field]) -> Iterator[Mention]:
    """Mentions in a map of values by the names of fields."""
    for name, key in node.keys.items():
        inner = fields.get(name)
        if inner is not None:
            yield Mention(key, 0, name, inner)
            yield from in_value(context, node.values[name], inner)


def below(context: Context, field: Field) -> Mapping[str, Field]:
    """What may be named in a written value of a field."""
    target = context.resolved.entities.get(field.reference.entity) if field.reference is not None else None
    if field.type.shape is Shape.REFERENCE and target is not None:
        return {**target.by_name, **field.by_name}
    return field.by_name


def of_path(scalar: Scalar, path: str, paths: Paths, offset: int = 0) -> Iterator[Mention]:
    """Mentions in a dotted path that begins at a character of a scalar."""
    found = paths.field_at(path)
    if found is not None:
        for name, field in zip(path.split("."), found.fields, strict=True):
            yield Mention(scalar, offset, name, field)
            offset += len(name) + 1


def _of_keys(named: Named | None, paths: Paths) -> Iterator[Mention]:
    for path in entries(named):
        assert named is not None
        yield from of_path(named.node.keys[path], path, paths)


def _declared(named: Named | None, fields: Mapping[str, Field]) -> Iterator[Mention]:
    """The keys under which fields are defined; those of inherited fields stand in another file."""
    for name, definition in entries(named).items():
        assert named is not None
        key = named.node.keys.get(name)
        if key is not None and key.at == definition.at:
            yield Mention(key, 0, name, fields[name], declares=True)
        yield from _declared(definition.structure.fields, fields[name].by_name)


def _of_entity(site: Site) -> Iterator[Mention]:
    definition, entity = site.definition, site.entity
    for check in definition.validations:
        if check.field is not None:
            yield from of_path(check.field, text_of(check.field), entity)
    for index in definition.indexes:
        for scalar in index.fields if isinstance(index, IndexDef) else index:
            descending = text_of(scalar).startswith("-")
            yield from of_path(scalar, text_of(scalar).removeprefix("-"), entity, int(descending))
    if isinstance(definition.audit_logs, AuditDef):
        for scalar in definition.audit_logs.ignore:
            yield from of_path(scalar, text_of(scalar), entity)


def _of_field(context: Context, place: FieldSite) -> Iterator[Mention]:
    definition, structure = place.definition, place.definition.structure
    target = context.resolved.entities.get(text_of(structure.entity)) if structure.entity is not None else None
    for scalar in structure.copy if target is not None else ():
        assert target is not None
        yield from of_path(scalar, text_of(scalar), target)
    yield from _of_checks(context, place, definition)
    if definition.default is not None:
        yield from in_value(context, definition.default, place.field)
    if isinstance(definition.calculated, CalculatedDef):
        aggregate = definition.calculated.aggregate
        source = context.resolved.entities.get(text_of(aggregate.entity))
        if source is not None and aggregate.field is not None:
            yield from of_path(aggregate.field, text_of(aggregate.field), source)


def _of_checks(context: Context, place: FieldSite, definition: FieldDef) -> Iterator[Mention]:
    """What the checks of a field's values tell their problem about."""
    entity = context.resolved.entities[place.entity.name]
    for check in definition.validations if place.action is None else ():
        if check.field is not None:
            yield from of_path(check.field, text_of(check.field), entity)


def _of_step(context: Context, entity: Entity, step: StepDef, params: Mapping[str, Field]) -> Iterator[Mention]:
    targets: list[tuple[Named | None, Entity | None]] = [(step.set, entity), (step.append, entity)]
    if step.create is not None:
        targets.append((step.create.values, context.resolved.entities.get(text_of(step.create.entity))))
    if step.update is not None:
        targets.append((step.update.set, context.resolved.entities.get(text_of(step.update.entity))))
    for named, target in targets:
        if target is not None:
            yield from _of_keys(named, target)
            for path, node in entries(named).items():
                found = target.field_at(path)
                if found is not None:
                    yield from in_value(context, node, found.field)
    for path, node in entries(step.remove).items():
        found = entity.field_at(path)
        if found is not None and found.field.type.shape is Shape.NESTED and isinstance(node, Map):
            yield from _of_keys(step.remove, entity)  # other forms are filter maps as a whole
    if step.action is not None:
        ran = entity.actions.get(text_of(step.action.name))
        for name, node in entries(step.action.params).items():
            if ran is not None and name in ran.parameters_by_name:
                yield from in_value(context, node, ran.parameters_by_name[name])


def _of_expressions(context: Context) -> Iterator[Mention]:
    for place in context.expressions:
        if isinstance(place.source, ExpressionError):
            continue
        for node, found in resolve_names(place.source, place.names).fields.items():
            assert isinstance(node, Read | Member)
            for number, field in found:
                yield Mention(place.text, node.places[number], node.path[number], field)


def _of_groups(context: Context) -> Iterator[Mention]:
    for group in context.written.groups.values():
        for name, rights in entries(group.entities).items():
            entity = context.resolved.entities.get(name)
            if entity is not None and isinstance(rights, EntityRightsDef):
                yield from _of_keys(rights.fields, entity)


def _in_filter(written: Map, paths: Paths, place: FilterPlace) -> Iterator[Mention]:
    for name, key in written.keys.items():
        node = written.values[name]
        if name.startswith("_"):
            for inner in node.items if isinstance(node, List) else (node,):
                if isinstance(inner, Map):
                    yield from _in_filter(inner, paths, place)
            continue
        yield from of_path(key, name, paths)
        found = paths.field_at(name)
        if found is not None and isinstance(node, Map):
            yield from _in_filter(node, FieldSet(found.field.by_name), place)
        for part in node.items if isinstance(node, List) else (node,):
            if isinstance(part, Scalar) and isinstance(part.value, str) and found is not None:
                yield from _in_filter_value(part, found.field, place)


def _in_filter_value(scalar: Scalar, field: Field, place: FilterPlace) -> Iterator[Mention]:
    """`$record.path`, and the keys of `equals({"city": "Rome"})`."""
    text = text_of(scalar)
    for reference in _RECORD.finditer(text):
        if place.record is not None:
            yield from of_path(scalar, reference[1], place.record, reference.start(1))
    group = _GROUP.fullmatch(text)
    for key in json_keys(text, group.start(1)) if group is not None else ():
        path = [part for part in key.path if not part.startswith("_")]
        found = FieldSet(field.by_name).field_at(".".join(path)) if path else None
        if found is not None and path and path[-1] == key.path[-1]:
            yield Mention(scalar, key.start, key.path[-1], found.field)


def unique(found: Iterable[Mention]) -> list[Mention]:
    """Each place once, in the order of files and places."""
    once = {(mention.scalar.file.name, mention.scalar.start, mention.offset): mention for mention in found}
    return [once[place] for place in sorted(once)]


__all__ = ["Mention", "below", "in_record", "in_value", "mentions", "of_path", "unique"]
