"""Laws about references: every entity, field, action, group, function and queue that is named is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.definitions.codes.code import Code, problem
from engine.definitions.codes.names import (
    ABSTRACT_ENTITY,
    EXTENDS_CYCLE,
    UNKNOWN_ACTION,
    UNKNOWN_ENTITY,
    UNKNOWN_EVENT,
    UNKNOWN_FIELD,
    UNKNOWN_FUNCTION,
    UNKNOWN_GROUP,
    UNKNOWN_QUEUE,
    UNKNOWN_USER_FIELD,
)
from engine.definitions.inherit import line_of_descent
from engine.definitions.model import IndexDef
from engine.definitions.model_fields import CalculatedDef
from engine.definitions.nodes import List, Scalar
from engine.definitions.rules.context import Context, entries, suggest, text_of
from engine.errors import Diagnostic, Position, did_you_mean
from engine.schema import Entity

USERS = "sys.users"
EVENTS = ("created", "changed", "deleted", "conditionMet")


def parents_exist(context: Context) -> Iterator[Diagnostic]:
    """`extends` names an entity, and nobody is their own ancestor."""
    for site in context.sites:
        extends = site.definition.extends
        if extends is None:
            continue
        if text_of(extends) not in context.resolved.definitions:
            yield _unknown(UNKNOWN_ENTITY, extends, "there is no entity", context.resolved.definitions)
            continue
        line = line_of_descent(site.entity.name, context.written.entities)
        if line[-1] == site.entity.name and len(line) > 1:
            message = f"{' extends '.join(line)}: an entity cannot inherit from itself"
            yield problem(EXTENDS_CYCLE, extends.at, message, "remove one of these extends")


def targets_exist(context: Context) -> Iterator[Diagnostic]:
    """Relationships, aggregates, steps and schedules name entities that have records."""
    for place in (*context.fields, *context.parameters):
        yield from _entity(place.definition.structure.entity, context)
        if isinstance(place.definition.calculated, CalculatedDef):
            yield from _entity(place.definition.calculated.aggregate.entity, context)
    for site in context.sites:
        for step, _ in site.steps:
            for argument in (step.create, step.update, step.delete):
                if argument is not None:
                    yield from _entity(argument.entity, context)
    for schedule in entries(context.written.app.schedules).values():
        yield from _entity(schedule.entity, context)


def fields_exist(context: Context) -> Iterator[Diagnostic]:
    """Validations, indexes and audit settings name fields of their entity."""
    for site in context.sites:
        definition, entity = site.definition, site.entity
        named = [check.field for check in definition.validations if check.field is not None]
        for index in definition.indexes:
            named += index.fields if isinstance(index, IndexDef) else index
        if definition.audit_logs is not None and not isinstance(definition.audit_logs, bool):
            named += definition.audit_logs.ignore
        for scalar in named:
            yield from unknown_field(context, entity, scalar.at, text_of(scalar).lstrip("-"), own=True)
        for written, action in site.actions:
            for check in written.validations:
                if check.field is not None and text_of(check.field).partition(".")[0] not in action.parameters_by_name:
                    noun = f"the action {action.name} has no parameter"
                    yield _unknown(UNKNOWN_FIELD, check.field, noun, action.parameters_by_name)


def copied_fields_exist(context: Context) -> Iterator[Diagnostic]:
    """`copy` names fields of the target, not their inner parts."""
    for place in (*context.fields, *context.parameters):
        structure = place.definition.structure
        target = context.resolved.entities.get(text_of(structure.entity)) if structure.entity else None
        if target is None or context.unsure(target.name):
            continue
        for name in structure.copy:
            field = target.by_name.get(text_of(name))
            if field is None and target.field_at(text_of(name)) is not None:
                hint = f'write "{text_of(name).partition(".")[0]}" to copy the whole of it'
                yield problem(UNKNOWN_FIELD, name.at, "only whole fields can be copied", hint)
            elif field is None:
                yield _unknown(UNKNOWN_FIELD, name, f"{target.name} has no field", target.by_name)
            elif field.transient:
                message = f"{target.name}.{field.name} is transient, so there is nothing to copy"
                yield problem(UNKNOWN_FIELD, name.at, message, "leave it out of copy")


def aggregated_fields_exist(context: Context) -> Iterator[Diagnostic]:
    """An aggregate names a field of its entity."""
    for place in context.fields:
        if isinstance(place.definition.calculated, CalculatedDef):
            aggregate = place.definition.calculated.aggregate
            target = context.resolved.entities.get(text_of(aggregate.entity))
            if target is not None and aggregate.field is not None:
                yield from unknown_field(context, target, aggregate.field.at, text_of(aggregate.field))


def groups_exist(context: Context) -> Iterator[Diagnostic]:
    """Fields that hold groups name groups of the app."""
    for place in (*context.fields, *context.parameters):
        listed = place.definition.type_keys.get("groups")
        for name in listed.items if isinstance(listed, List) else ():
            if isinstance(name, Scalar) and isinstance(name.value, str) and name.value not in context.written.groups:
                yield _unknown(UNKNOWN_GROUP, name, "there is no group", context.written.groups)


def functions_exist(context: Context) -> Iterator[Diagnostic]:
    """`run` names a function of hooks.py that takes ctx and nothing else."""
    known = context.written.functions
    if known is None:
        return
    for site in context.sites:
        for definition in (*entries(site.definition.actions).values(), *entries(site.definition.listeners).values()):
            name = definition.run
            if name is not None and text_of(name) not in known:
                default = f"write `async def {text_of(name)}(ctx):` at the top level of hooks.py"
                hint = did_you_mean(text_of(name), known) or default
                yield problem(UNKNOWN_FUNCTION, name.at, f'hooks.py has no function "{text_of(name)}"', hint)
            elif name is not None and not known[text_of(name)]:
                message = f"{text_of(name)} of hooks.py cannot be called with one argument"
                yield problem(UNKNOWN_FUNCTION, name.at, message, f"write `async def {text_of(name)}(ctx):`")


def queues_exist(context: Context) -> Iterator[Diagnostic]:
    """`queue` names a queue of the app."""
    known = context.resolved.app.queues
    if context.written.app.faulty:
        return
    for site in context.sites:
        for definition in (*entries(site.definition.actions).values(), *entries(site.definition.listeners).values()):
            if definition.queue is not None and text_of(definition.queue) not in known:
                yield _unknown(UNKNOWN_QUEUE, definition.queue, "there is no queue", known)


def events_exist(context: Context) -> Iterator[Diagnostic]:
    """Listeners listen to the four events of records and to actions of their entity."""
    for site in context.sites:
        for _, listener in site.listeners:
            for event in listener.on:
                kind, dot, action = text_of(event).partition(".")
                if kind == "action" and dot:
                    if action not in site.entity.actions:
                        at = event.position_of(len("action."))
                        yield _unknown_at(UNKNOWN_ACTION, at, action, "there is no action", site.entity.actions)
                elif text_of(event) not in EVENTS:
                    known = (*EVENTS, *(f"action.{name}" for name in site.entity.actions))
                    hint = did_you_mean(text_of(event), known) or f"write one of {', '.join(EVENTS)}, action.NAME"
                    yield problem(UNKNOWN_EVENT, event.at, f'there is no event "{text_of(event)}"', hint)


def unknown_field(
    context: Context, entity: Entity, at: Position, path: str, *, own: bool = False
) -> Iterator[Diagnostic]:
    """A problem where the path leads to no field of the entity, unless something on its way is broken already.

    Inside the entity's `own` file the message leaves its name out, so that heirs of a fault tell the same.
    """
    if entity.field_at(path) is None and not context.unsure(entity.name) and not context.leads_to_broken(entity, path):
        yield problem(UNKNOWN_FIELD, at, *_what_is_missing(entity, "there is" if own else f"{entity.name} has", path))


def unknown_user_field(context: Context, path: str, at: Position) -> Iterator[Diagnostic]:
    """A warning where the path leads to no field of users."""
    users = context.resolved.entities[USERS]
    if users.field_at(path) is None:
        yield problem(UNKNOWN_USER_FIELD, at, *_what_is_missing(users, "a user has", path))


def _what_is_missing(entity: Entity, start: str, path: str) -> tuple[str, str]:
    """The message for an unknown path, and a hint from where its last known part leaves off."""
    above, _, last = path.rpartition(".")
    place = entity.field_at(above) if above else None
    if place is None:
        known = [*entity.by_name, *(field.name for field in entity.system_fields)]
        return f'{start} no field "{path}"', suggest(path, known)
    return f'{start} no field "{last}" in {above}', suggest(last, place.field.by_name)


def _entity(name: Scalar | None, context: Context) -> Iterator[Diagnostic]:
    if name is None:
        return
    definition = context.resolved.definitions.get(text_of(name))
    if definition is None:
        yield _unknown(UNKNOWN_ENTITY, name, "there is no entity", context.resolved.app.entities)
    elif definition.abstract:
        message = f'"{text_of(name)}" is abstract: it has no records'
        yield problem(ABSTRACT_ENTITY, name.at, message, "name an entity that extends it")


def _unknown(code: Code, name: Scalar, message: str, known: Iterable[str]) -> Diagnostic:
    return _unknown_at(code, name.at, text_of(name), message, known)


def _unknown_at(code: Code, at: Position, name: str, message: str, known: Iterable[str]) -> Diagnostic:
    return problem(code, at, f'{message} "{name}"', suggest(name, known))
