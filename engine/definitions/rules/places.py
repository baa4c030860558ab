"""Where definitions hold expressions and filter maps: a Context in, every such place out, with what it may name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING

from engine.definitions.model import EntityRightsDef, FieldRightDef
from engine.definitions.model_actions import StepDef
from engine.definitions.model_fields import CalculatedDef, ValidationDef
from engine.definitions.nodes import List, Map, Node, Scalar
from engine.definitions.rules.sites import FieldSite, entries, text_of
from engine.definitions.takes import Named
from engine.errors import ExpressionError
from engine.expressions import (
    Names,
    Source,
    parse_computed,
    parse_expression,
    parse_label,
    parse_template,
)
from engine.fields.base import Shape
from engine.query import FieldSet
from engine.schema import ActionKind, Entity

if TYPE_CHECKING:
    from engine.definitions.rules.context import Context

Parse = Callable[[str], Source]


_parse_answer = partial(parse_expression, allow_records=True)


@lru_cache(maxsize=2048)
def _parsed(parse: Parse, text: str) -> Source | ExpressionError:
    """Heirs and like entities bring the same texts again and again."""
    try:
        return parse(text)
    except ExpressionError as error:
        return error.with_traceback(None)


class Role(StrEnum):
    """What the value of an expression is for."""

    CONDITION = "condition"  # its truth decides something
    CHECK = "check"  # it refuses where it is false; null passes
    VALUE = "value"  # it becomes the value of a field or parameter
    TEXT = "text"  # people or other systems read it; it may well be constant


@dataclass(frozen=True)
class ExpressionPlace:
    """A text that holds an expression, how it is read, and what it may name.

    `computes` is the path whose value it gives for every record of `entity` (`label`, `addresses.label`), if any.
    """

    text: Scalar
    parse: Parse
    names: Names
    role: Role
    entity: str = ""
    computes: str | None = None

    @cached_property
    def source(self) -> Source | ExpressionError:
        """The parsed text, or why it cannot be parsed."""
        return _parsed(self.parse, text_of(self.text))


@dataclass(frozen=True, slots=True)
class FilterPlace:
    """A filter map and the fields that it is about; `record` is what `$record` stands for, None where it is not.

    `transient` ones run on a record at hand, whose fields that are not stored can be asked too.
    """

    map: Map
    paths: Entity | FieldSet
    record: Entity | FieldSet | None
    transient: bool = False


def expression_places(context: Context) -> Iterator[ExpressionPlace]:
    """Every expression, template and label of the author's entities."""
    yield from _expressions_of_fields(context)
    yield from _expressions_of_entities(context)
    yield from _expressions_of_actions(context)
    yield from _expressions_of_listeners(context)


def filter_places(context: Context) -> Iterator[FilterPlace]:
    """Every filter map."""
    yield from _filters_of_fields(context)
    yield from _filters_of_steps(context)
    yield from _filters_of_groups(context)


def conditions_of(site: FieldSite) -> Iterator[Node]:
    """The conditions inside the keys of the field's type (`options: [{name: a, when: …}]`), as nodes."""
    wanted = list(site.field.type.conditions().values())
    if wanted:
        for node in site.definition.type_keys.values():
            yield from _find(node, wanted)


def _find(node: Node, wanted: list[object]) -> Iterator[Node]:
    inner = node.values.values() if isinstance(node, Map) else node.items if isinstance(node, List) else ()
    for child in inner:
        if any(child.data == value and type(child.data) is type(value) for value in wanted):
            yield child
        else:
            yield from _find(child, wanted)


def _expressions_of_fields(context: Context) -> Iterator[ExpressionPlace]:
    for site in (*context.fields, *context.parameters):
        definition, names = site.definition, site.names
        stored = site.action is None
        for condition in (definition.required, definition.access, definition.read, definition.write):
            yield from _condition(condition, names)
        yield from _text(definition.default_expression, parse_computed, names, Role.VALUE)
        if isinstance(definition.calculated, Scalar):
            path = site.field.path if stored else None
            yield ExpressionPlace(
                definition.calculated, parse_computed, names, Role.VALUE, site.entity.name, computes=path
            )
        yield from _validations(definition.validations, names.with_value(site.field))
        label = definition.structure.record_label
        if site.field.type.shape is Shape.NESTED and label is not None:
            path = f"{site.field.path}.label" if stored else None
            inner = names.of_group(site.field)
            yield ExpressionPlace(label, parse_label, inner, Role.VALUE, site.entity.name, computes=path)
        for node in conditions_of(site):
            yield from _condition(node, names)


def _expressions_of_entities(context: Context) -> Iterator[ExpressionPlace]:
    for site in context.sites:
        names, label = Names.of_entity(site.entity), site.definition.record_label
        if label is not None:
            stored = replace(names, old=False, user=False)
            yield ExpressionPlace(label, parse_label, stored, Role.VALUE, site.entity.name, computes="label")
        yield from _validations(site.definition.validations, names)


def _expressions_of_actions(context: Context) -> Iterator[ExpressionPlace]:
    for site in context.sites:
        for definition, action in site.actions:
            names = Names.of_action(site.entity, action)
            if action.kind is ActionKind.ONE:
                yield from _condition(definition.precondition, names)
            yield from _validations(definition.validations, names)
            yield from _text(definition.respond, _parse_answer, names, Role.TEXT)
            for step in definition.steps:
                yield from _expressions_of_step(step, names)


def _expressions_of_listeners(context: Context) -> Iterator[ExpressionPlace]:
    for site in context.sites:
        names = Names.of_entity(site.entity)
        for _, listener in site.listeners:
            yield from _condition(listener.when, names)
            for step in listener.steps:
                yield from _expressions_of_step(step, names)


def _expressions_of_step(step: StepDef, names: Names) -> Iterator[ExpressionPlace]:
    yield from _condition(step.when, names)
    arguments = (
        step.set,
        step.append,
        step.create.values if step.create else None,
        step.update.set if step.update else None,
        step.action.params if step.action else None,
    )
    for named in arguments:
        for node in entries(named).values():
            yield from _values(node, names, Role.VALUE)
    if step.call is not None:
        yield ExpressionPlace(step.call.url, parse_template, names, Role.TEXT)
        if step.call.json is not None:
            yield from _values(step.call.json, names, Role.TEXT)
    for told in (step.log, step.fail):
        yield from _text(told.message if told else None, parse_template, names, Role.TEXT)


def _values(node: Node, names: Names, role: Role) -> Iterator[ExpressionPlace]:
    """Texts that begin with = are expressions, texts with a brace are templates, at any depth of a value."""
    if isinstance(node, Map):
        for inner in node.values.values():
            yield from _values(inner, names, role)
    elif isinstance(node, List):
        for inner in node.items:
            yield from _values(inner, names, role)
    elif isinstance(node.data, str) and isinstance(node, Scalar):
        if node.data.startswith("="):
            yield ExpressionPlace(node, parse_computed, names, role)
        elif "{" in node.data:
            yield ExpressionPlace(node, parse_template, names, role)


def _validations(definitions: tuple[ValidationDef, ...], names: Names) -> Iterator[ExpressionPlace]:
    for definition in definitions:
        yield ExpressionPlace(definition.check, parse_expression, names, Role.CHECK)


def _condition(node: Node | None, names: Names) -> Iterator[ExpressionPlace]:
    if isinstance(node, Scalar) and isinstance(node.value, str):
        yield ExpressionPlace(node, parse_expression, names, Role.CONDITION)


def _text(scalar: Scalar | None, parse: Parse, names: Names, role: Role) -> Iterator[ExpressionPlace]:
    if scalar is not None:
        yield ExpressionPlace(scalar, parse, names, role)


def _filters_of_fields(context: Context) -> Iterator[FilterPlace]:
    for site in (*context.fields, *context.parameters):
        definition, structure = site.definition, site.definition.structure
        conditions = [definition.required, definition.access, definition.read, definition.write]
        conditions += conditions_of(site)
        aggregate = definition.calculated.aggregate if isinstance(definition.calculated, CalculatedDef) else None
        if structure.entity is None and aggregate is None and not any(isinstance(node, Map) for node in conditions):
            continue
        own, record = FieldSet(site.names.fields), FieldSet(site.names.record)
        for condition in conditions:
            yield from _filter(condition, own, record)
        if structure.entity is not None:
            yield from _about(context, text_of(structure.entity), structure.where, record)
        if aggregate is not None:
            yield from _about(context, text_of(aggregate.entity), aggregate.where, record)


def _filters_of_steps(context: Context) -> Iterator[FilterPlace]:
    for site in context.sites:
        for definition, action in site.actions:
            own = FieldSet(Names.of_action(site.entity, action).fields)
            if action.kind is ActionKind.ONE:
                yield from _filter(definition.precondition, own, own)
            for step in definition.steps:
                yield from _filters_of_step(context, step, own)
        for _, listener in site.listeners:
            yield from _filter(listener.when, site.entity, site.entity)
            for step in listener.steps:
                yield from _filters_of_step(context, step, site.entity)


def _filters_of_step(context: Context, step: StepDef, own: Entity | FieldSet) -> Iterator[FilterPlace]:
    yield from _filter(step.when, own, own)
    for argument in (step.update, step.delete):
        if argument is not None:
            yield from _about(context, text_of(argument.entity), argument.where, own)
    for path, node in entries(step.remove).items():
        found = own.field_at(path)
        if found is not None and found.field.type.shape is Shape.NESTED and isinstance(node, Map):
            yield FilterPlace(node, FieldSet(found.field.by_name), own)
        elif found is not None and isinstance(step.remove, Named):
            key = step.remove.node.keys[path]
            yield FilterPlace(Map(node.file, node.line, node.column, False, {path: key}, {path: node}), own, own)


def _filters_of_groups(context: Context) -> Iterator[FilterPlace]:
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


def _filter(node: Node | None, paths: Entity | FieldSet, record: Entity | FieldSet) -> Iterator[FilterPlace]:
    if isinstance(node, Map):
        yield FilterPlace(node, paths, record, transient=True)


def _about(context: Context, entity: str, node: Map | None, record: Entity | FieldSet | None) -> Iterator[FilterPlace]:
    target = context.resolved.entities.get(entity)
    if node is not None and target is not None:
        yield FilterPlace(node, target, record)


__all__ = ["ExpressionPlace", "FilterPlace", "Role", "conditions_of", "expression_places", "filter_places"]
