"""Laws about expressions, templates and labels: they can be read, and all that they name is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from engine.definitions.codes import EXPRESSION, UNKNOWN_NAME, problem
from engine.definitions.model_actions import StepDef
from engine.definitions.model_fields import ValidationDef
from engine.definitions.nodes import List, Map, Node, Scalar
from engine.definitions.rules.context import Context, FieldSite, entries, suggest, text_of
from engine.definitions.rules.references import unknown_user_field
from engine.errors import Diagnostic, ExpressionError
from engine.expressions import (
    ROOTS,
    Expression,
    Names,
    Source,
    check_names,
    compile_expression,
    compile_template,
    parse_computed,
    parse_expression,
    parse_label,
    parse_template,
)
from engine.fields.base import Shape
from engine.schema import ActionKind

_EXAMPLE = "write an expression such as size > 10 and state == 'open'"

Parse = Callable[[str], Source]


@dataclass(frozen=True, slots=True)
class Place:
    """A text that holds an expression, how it is read, and what it may name."""

    text: Scalar
    parse: Parse
    names: Names


def expressions_can_be_read(context: Context) -> Iterator[Diagnostic]:
    """Every expression, template and label is in the language, and names only what is there."""
    for place in (*_of_fields(context), *_of_entities(context), *_of_actions(context), *_of_listeners(context)):
        yield from _check(place, context)


def _of_fields(context: Context) -> Iterator[Place]:
    for site in (*context.fields, *context.parameters):
        definition, names = site.definition, site.names
        for condition in (definition.required, definition.access, definition.read, definition.write):
            yield from _condition(condition, names)
        yield from _text(definition.default_expression, parse_computed, names)
        if isinstance(definition.calculated, Scalar):
            yield Place(definition.calculated, parse_computed, names)
        yield from _validations(definition.validations, names.with_value(site.field))
        if site.field.type.shape is Shape.NESTED:
            yield from _text(definition.structure.record_label, parse_label, names.of_group(site.field))
        for node in conditions_of(site):
            yield from _condition(node, names)


def _of_entities(context: Context) -> Iterator[Place]:
    for site in context.sites:
        names = Names.of_entity(site.entity)
        yield from _text(site.definition.record_label, parse_label, replace(names, old=False, user=False))
        yield from _validations(site.definition.validations, names)


def _of_actions(context: Context) -> Iterator[Place]:
    for site in context.sites:
        for definition, action in site.actions:
            names = Names.of_action(site.entity, action)
            if action.kind is ActionKind.ONE:
                yield from _condition(definition.precondition, names)
            yield from _validations(definition.validations, names)
            yield from _text(definition.respond, partial(parse_expression, allow_records=True), names)
            for step in definition.steps:
                yield from _step(step, names)


def _of_listeners(context: Context) -> Iterator[Place]:
    for site in context.sites:
        names = Names.of_entity(site.entity)
        for _, listener in site.listeners:
            yield from _condition(listener.when, names)
            for step in listener.steps:
                yield from _step(step, names)


def _step(step: StepDef, names: Names) -> Iterator[Place]:
    yield from _condition(step.when, names)
    for named in (step.set, step.append):
        for node in entries(named).values():
            yield from _values(node, names)
    arguments = (
        step.create.values if step.create else None,
        step.update.set if step.update else None,
        step.action.params if step.action else None,
    )
    for named in arguments:
        for node in entries(named).values():
            yield from _values(node, names)
    if step.call is not None:
        yield Place(step.call.url, parse_template, names)
        if step.call.json is not None:
            yield from _values(step.call.json, names)
    for told in (step.log, step.fail):
        yield from _text(told.message if told else None, parse_template, names)


def _values(node: Node, names: Names) -> Iterator[Place]:
    """Texts that begin with = are expressions, texts with a brace are templates, at any depth of a value."""
    if isinstance(node, Map):
        for inner in node.values.values():
            yield from _values(inner, names)
    elif isinstance(node, List):
        for inner in node.items:
            yield from _values(inner, names)
    elif isinstance(node.data, str) and isinstance(node, Scalar):
        if node.data.startswith("="):
            yield Place(node, parse_computed, names)
        elif "{" in node.data:
            yield Place(node, parse_template, names)


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


def _validations(definitions: tuple[ValidationDef, ...], names: Names) -> Iterator[Place]:
    for definition in definitions:
        yield Place(definition.check, parse_expression, names)


def _condition(node: Node | None, names: Names) -> Iterator[Place]:
    if isinstance(node, Scalar) and isinstance(node.value, str):
        yield Place(node, parse_expression, names)


def _text(scalar: Scalar | None, parse: Parse, names: Names) -> Iterator[Place]:
    if scalar is not None:
        yield Place(scalar, parse, names)


def _check(place: Place, context: Context) -> Iterator[Diagnostic]:
    text = text_of(place.text)
    try:
        source = place.parse(text)
    except ExpressionError as error:
        yield problem(EXPRESSION, place.text.position_of(error.offset), error.message, error.hint or _EXAMPLE)
        return
    unknown = check_names(source, place.names)
    for fault in unknown:
        if not _meets_broken(source, fault.offset, place.names, context):
            hint = fault.hint or _hint(source, fault.offset, place.names)
            yield problem(UNKNOWN_NAME, place.text.position_of(fault.offset), fault.message, hint)
    for path, offsets in source.offsets.items():
        if path[0] == "user" and len(path) > 1 and "user" not in place.names.fields:
            yield from unknown_user_field(context, ".".join(path[1:]), place.text.position_of(offsets[0]))
    if not unknown:
        try:
            if isinstance(source, Expression):
                compile_expression(source, place.names)
            else:
                compile_template(source, place.names)
        except ExpressionError as error:
            yield problem(EXPRESSION, place.text.position_of(error.offset), error.message, error.hint or _EXAMPLE)


def _hint(source: Source, offset: int, names: Names) -> str:
    """What to write where nothing is near: the names that are there, unless the fault lies behind the first dot."""
    path = next((path for path, offsets in source.offsets.items() if offset in offsets), ())
    root = ROOTS.get(path[0]) if path else None
    if len(path) > 1 and (path[0] in names.fields or (root and root.place(names))):
        return f'look for what stands below "{path[0]}"'
    return suggest("", names.fields)


def _meets_broken(source: Source, offset: int, names: Names, context: Context) -> bool:
    """Whether the path at that place leads through a field that is broken already, or into a broken entity."""
    for path, offsets in source.offsets.items():
        if offset in offsets:
            fields = names.fields
            for name in path:
                item = fields.get(name) or names.record.get(name)
                if item is None:
                    continue
                if context.is_broken(item):
                    return True
                fields = item.by_name
    return False
