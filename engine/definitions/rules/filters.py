"""Laws about filter maps: fields that are there, operators that they have, values that they can have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.definitions.codes import FILTER, UNKNOWN_FIELD, problem
from engine.definitions.model import EntityRightsDef, FieldRightDef
from engine.definitions.model_actions import StepDef
from engine.definitions.model_fields import CalculatedDef
from engine.definitions.nodes import List, Map, Node, Scalar
from engine.definitions.rules.context import Context, entries, suggest, text_of
from engine.definitions.rules.expressions import conditions_of
from engine.definitions.rules.references import unknown_user_field
from engine.errors import BadRequest, Diagnostic
from engine.expressions import Names
from engine.fields.base import Shape
from engine.query import FieldSet, parse_filter_map, plan_filter
from engine.schema import ActionKind, Entity

_REFERENCE = re.compile(r"\$(record|user)\.([A-Za-z0-9.]+)")
_VALUES = "write a value, a list of values, or an operator such as greater(100)"


@dataclass(frozen=True, slots=True)
class Place:
    """A filter map and the fields that it is about; `record` is what `$record` stands for, None where it is not."""

    map: Map
    paths: Entity | FieldSet
    record: Entity | FieldSet | None


def filters_can_be_planned(context: Context) -> Iterator[Diagnostic]:
    """Every filter map names fields that are there, with operators and values that they can have."""
    for place in (*_of_fields(context), *_of_steps(context), *_of_groups(context)):
        if isinstance(place.paths, FieldSet) or not context.unsure(place.paths.name):
            yield from _check(context, place, place.map)


def _of_fields(context: Context) -> Iterator[Place]:
    for site in (*context.fields, *context.parameters):
        definition, structure = site.definition, site.definition.structure
        own, record = FieldSet(site.names.fields), FieldSet(site.names.record)
        conditions = (definition.required, definition.access, definition.read, definition.write)
        for condition in (*conditions, *conditions_of(site)):
            yield from _condition(condition, own, record)
        if structure.entity is not None:
            yield from _about(context, text_of(structure.entity), structure.where, record)
        if isinstance(definition.calculated, CalculatedDef):
            aggregate = definition.calculated.aggregate
            yield from _about(context, text_of(aggregate.entity), aggregate.where, record)


def _of_steps(context: Context) -> Iterator[Place]:
    for site in context.sites:
        for definition, action in site.actions:
            own = FieldSet(Names.of_action(site.entity, action).fields)
            if action.kind is ActionKind.ONE:
                yield from _condition(definition.precondition, own, own)
            for step in definition.steps:
                yield from _step(context, step, own)
        for _, listener in site.listeners:
            yield from _condition(listener.when, site.entity, site.entity)
            for step in listener.steps:
                yield from _step(context, step, site.entity)


def _step(context: Context, step: StepDef, own: Entity | FieldSet) -> Iterator[Place]:
    yield from _condition(step.when, own, own)
    for argument in (step.update, step.delete):
        if argument is not None:
            yield from _about(context, text_of(argument.entity), argument.where, own)
    for path, node in entries(step.remove).items():
        found = own.field_at(path)
        if found is not None and found.field.type.shape is Shape.NESTED and isinstance(node, Map):
            yield Place(node, FieldSet(found.field.by_name), own)
        elif found is not None:
            yield Place(Map(node.file, node.line, node.column, False, {path: _key(step, path)}, {path: node}), own, own)


def _key(step: StepDef, path: str) -> Scalar:
    assert step.remove is not None
    return step.remove.node.keys[path]


def _of_groups(context: Context) -> Iterator[Place]:
    for group in context.written.groups.values():
        for name, rights in entries(group.entities).items():
            for right in _rights(rights):
                if isinstance(right, Map):
                    yield from _about(context, name, right, context.resolved.entities.get(name))


def _rights(rights: EntityRightsDef) -> Iterator[object]:
    yield from (rights.read, rights.create, rights.update, rights.update_to, rights.delete, rights.audit_logs)
    yield from entries(rights.actions).values()
    for right in entries(rights.fields).values():
        if isinstance(right, FieldRightDef):
            yield from (right.read, right.write)


def _condition(node: Node | None, paths: Entity | FieldSet, record: Entity | FieldSet) -> Iterator[Place]:
    if isinstance(node, Map):
        yield Place(node, paths, record)


def _about(context: Context, entity: str, node: Map | None, record: Entity | FieldSet | None) -> Iterator[Place]:
    target = context.resolved.entities.get(entity)
    if node is not None and target is not None:
        yield Place(node, target, record)


def _check(context: Context, place: Place, written: Map) -> Iterator[Diagnostic]:
    """Each entry by itself, so that each fault has its own place; then the whole, for the limits."""
    faults = [
        fault for name, node in written.values.items() for fault in _check_entry(context, place, written, name, node)
    ]
    yield from faults
    if not faults and written is place.map:
        try:
            plan_filter(place.paths, parse_filter_map(written.data))
        except BadRequest as error:
            if not any(context.leads_to_broken(place.paths, name) for name in written.values):
                yield problem(FILTER, written.at, error.message, _VALUES)


def _check_entry(context: Context, place: Place, written: Map, name: str, node: Node) -> Iterator[Diagnostic]:
    inner = [part for part in (node.items if isinstance(node, List) else (node,)) if isinstance(part, Map)]
    if name in {"_or", "_and"} and inner:
        for part in inner:
            yield from _check(context, place, part)
    elif not name.startswith("_") and place.paths.field_at(name) is None:
        if not context.leads_to_broken(place.paths, name):
            above, _, last = name.rpartition(".")
            outer = place.paths.field_at(above) if above else None
            known = place.paths.by_name if outer is None else outer.field.by_name
            hint = suggest(last if outer else name, known)
            yield problem(UNKNOWN_FIELD, written.key_at(name), f'there is no field "{name}" to filter by', hint)
    elif not context.leads_to_broken(place.paths, name):
        try:
            plan_filter(place.paths, parse_filter_map({name: node.data}))
        except BadRequest as error:
            yield problem(FILTER, node.at, error.message, _VALUES)
        yield from _check_references(context, place, node)


def _check_references(context: Context, place: Place, node: Node) -> Iterator[Diagnostic]:
    """`$record.path` reads a field of the record, `$user.path` one of the user."""
    for part in node.items if isinstance(node, List) else (node,):
        found = _REFERENCE.fullmatch(part.data) if isinstance(part.data, str) else None
        if found is None or not isinstance(part, Scalar):
            continue
        source, path = found.groups()
        at = part.position_of(found.start(2))
        if source == "user":
            yield from unknown_user_field(context, path, at)
            continue
        record = place.record
        if record is not None and record.field_at(path) is None and not context.leads_to_broken(record, path):
            hint = suggest(path, record.by_name)
            yield problem(UNKNOWN_FIELD, at, f'the record has no field "{path}"', hint)
