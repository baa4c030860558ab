"""Laws about actions, listeners and schedules: that what they say can be done."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.definitions.codes.code import problem
from engine.definitions.codes.fields import CONTRADICTION
from engine.definitions.codes.files import MISSING_KEY
from engine.definitions.codes.names import UNKNOWN_ACTION, UNKNOWN_PARAMETER
from engine.definitions.codes.work import BAD_CRON, BAD_VALUE, NOT_WRITABLE
from engine.definitions.cron import check_cron
from engine.definitions.model_actions import StepDef
from engine.definitions.nodes import Scalar
from engine.definitions.resolve_fields import parse_default
from engine.definitions.rules.context import Context, entries, is_stand_in, suggest, text_of
from engine.definitions.rules.names import RESERVED_FIELDS
from engine.definitions.rules.references import unknown_field
from engine.definitions.takes import Named
from engine.errors import Diagnostic, InvalidValue, Position
from engine.fields.base import Shape
from engine.query import FieldSet
from engine.schema import Action, ActionKind, Entity, FieldPath

ON_A_RECORD = ("set", "append", "remove", "action")
"""Steps that work on the record of the action."""


def steps_have_a_kind(context: Context) -> Iterator[Diagnostic]:
    """A step says what it does."""
    for site in context.sites:
        for step, _ in site.steps:
            if step.kind is None and step.node.keys.keys() <= step.table().keys():
                kinds = ", ".join(sorted(step.needed[0]))
                yield problem(MISSING_KEY, step.at, "a step needs one key that says what it does", f"one of {kinds}")


def actions_suit_their_type(context: Context) -> Iterator[Diagnostic]:
    """Preconditions and steps on a record need an action of type one."""
    for site in context.sites:
        for definition, action in site.actions:
            if action.kind is ActionKind.ONE:
                continue
            hint = "leave it out, or write type: one"
            if definition.precondition is not None:
                message = f"an action of type {action.kind} has no record for a precondition"
                yield problem(CONTRADICTION, definition.key_at("precondition"), message, hint)
            for step in definition.steps:
                if step.kind in ON_A_RECORD:
                    message = f'an action of type {action.kind} has no record for the step "{step.kind}"'
                    yield problem(CONTRADICTION, step.key_at(step.kind), message, "use update with where, or type: one")


def answers_are_one(context: Context) -> Iterator[Diagnostic]:
    """What an action answers is said by its function or by respond."""
    for site in context.sites:
        for definition, _ in site.actions:
            if definition.given("run") and definition.given("respond"):
                message = "run and respond both say what the action answers"
                hint = "leave respond out: what the function returns is the answer"
                yield problem(CONTRADICTION, definition.key_at("respond"), message, hint)


def linked_parameters_are_fields(context: Context) -> Iterator[Diagnostic]:
    """saveLinked saves parameters to fields of the same name, on one record."""
    for site in context.sites:
        for definition, action in site.actions:
            if action.save_linked and not (set(action.parameters_by_name) & set(site.entity.by_name)):
                message = "saveLinked saves parameters to fields of the same name, and there are none"
                hint = "give a parameter the name of a field, or remove saveLinked"
                yield problem(CONTRADICTION, definition.key_at("saveLinked"), message, hint)


def listeners_do_something(context: Context) -> Iterator[Diagnostic]:
    """A listener has steps or a function, and one for conditionMet has a condition."""
    for site in context.sites:
        for name, listener in site.listeners:
            if not listener.given("steps") and not listener.given("run"):
                hint = "steps: [...], or run: a function of hooks.py"
                yield problem(MISSING_KEY, listener.at, f"the listener {name} does nothing", hint)
            if any(text_of(event) == "conditionMet" for event in listener.on) and listener.when is None:
                hint = "when: the condition that is waited for"
                yield problem(MISSING_KEY, listener.at, f'conditionMet of {name} needs the key "when"', hint)


def steps_write_to_fields(context: Context) -> Iterator[Diagnostic]:
    """What steps set is a field that can be set; what they add to or take from is a list."""
    for site in context.sites:
        for step, _ in site.steps:
            for key in ("set", "append", "remove"):
                yield from _written(context, site.entity, getattr(step, key), own=True)
            yield from _lists(site.entity, step)
            for target, values in _elsewhere(step):
                entity = context.resolved.entities.get(text_of(target))
                if entity is not None:
                    yield from _written(context, entity, values, own=False)


def _elsewhere(step: StepDef) -> Iterator[tuple[Scalar, Named | None]]:
    if step.create is not None:
        yield step.create.entity, step.create.values
    if step.update is not None:
        yield step.update.entity, step.update.set


def _written(context: Context, entity: Entity, values: Named | None, *, own: bool) -> Iterator[Diagnostic]:
    for path in entries(values):
        assert values is not None
        at = values.node.key_at(path)
        found = entity.field_at(path)
        if found is None:
            yield from unknown_field(context, entity, at, path, own=own)
            continue
        parts = found.fields
        if any(part.type.shape is Shape.REFERENCE for part in parts[:-1]):
            hint = f"set {parts[0].name} as a whole"
            yield problem(NOT_WRITABLE, at, f'"{path}" is a part of a reference and follows it', hint)
        elif any(part.write is False for part in parts):
            why = "is given by the engine" if parts[-1].name in RESERVED_FIELDS else "has write: false"
            yield problem(NOT_WRITABLE, at, f'"{path}" {why} and cannot be set', "leave it out")
        elif not found.field.writable:
            what = "is calculated" if found.field.calculated or found.field.aggregate else "fills itself"
            yield problem(NOT_WRITABLE, at, f'"{path}" {what} and cannot be set', "leave it out")
        elif len(parts) > 1 and any(part.many for part in parts[:-1]):
            hint = f"set {parts[0].name} as a whole, or use append and remove"
            yield problem(NOT_WRITABLE, at, f'"{path}" stands in a list, so it is not clear which item is meant', hint)


def values_fit_their_fields(context: Context) -> Iterator[Diagnostic]:
    """What steps and schedules write down as plain values is what the field would take."""
    for site in context.sites:
        for step, _ in site.steps:
            yield from _unfit(step.set, site.entity.field_at)
            for target, values in _elsewhere(step):
                entity = context.resolved.entities.get(text_of(target))
                if entity is not None:
                    yield from _unfit(values, entity.field_at)
    for schedule in entries(context.written.app.schedules).values():
        entity = context.resolved.entities.get(text_of(schedule.entity))
        action = entity.actions.get(text_of(schedule.action)) if entity else None
        if action is not None:
            yield from _unfit(schedule.params, FieldSet(action.parameters_by_name).field_at)


def _unfit(values: Named | None, field_at: Callable[[str], FieldPath | None]) -> Iterator[Diagnostic]:
    for path, node in entries(values).items():
        found = field_at(path)
        if found is None or is_stand_in(found.field) or found.field.type.shape is not Shape.SCALAR:
            continue
        if not found.field.writable or found.field.write is False:
            continue
        if node.data is None or node.data == "" or _is_computed(node.data):
            continue
        try:
            parse_default(found.field.type, node.data, many=found.field.many)
        except InvalidValue as error:
            expected = "a list of values" if found.field.many else found.field.type.expected
            yield problem(BAD_VALUE, node.at, f"{path} cannot have this value: {error.message}", f"write {expected}")


def _is_computed(data: object) -> bool:
    """Whether a value is an expression or a template, or a list that holds one."""
    if isinstance(data, list):
        return any(map(_is_computed, data))
    return isinstance(data, str) and (data.startswith("=") or "{" in data)


def _lists(entity: Entity, step: StepDef) -> Iterator[Diagnostic]:
    for key in ("append", "remove"):
        named = getattr(step, key)
        for path in entries(named):
            found = entity.field_at(path)
            if found is not None and not found.field.many and not is_stand_in(found.field):
                yield problem(CONTRADICTION, named.node.key_at(path), f'"{path}" is not a list', "use set")


def called_actions_fit(context: Context) -> Iterator[Diagnostic]:
    """A step `action` runs an action of type one of the same entity, with parameters that it has."""
    for site in context.sites:
        for step, _ in site.steps:
            if step.action is None:
                continue
            name = text_of(step.action.name)
            action = site.entity.actions.get(name)
            if action is None:
                hint = suggest(name, site.entity.actions)
                message = f'there is no action "{name}"'
                yield problem(UNKNOWN_ACTION, step.action.name.at, message, hint)
            elif action.kind is not ActionKind.ONE:
                message = f"the step runs on one record, {name} is an action of type {action.kind}"
                yield problem(CONTRADICTION, step.action.name.at, message, "name an action of type one")
            else:
                yield from _params(action, step.action.params, step.action.at)


def schedules_fit(context: Context) -> Iterator[Diagnostic]:
    """A schedule has a time and an action of type many or global, with parameters that it has."""
    for name, schedule in entries(context.written.app.schedules).items():
        fault = check_cron(text_of(schedule.cron))
        if fault is not None:
            hint = "write minute hour day month weekday, such as '0 6 * * 1-5'"
            yield problem(BAD_CRON, schedule.cron.position_of(fault.offset), f"{name}: {fault.message}", hint)
        entity = context.resolved.entities.get(text_of(schedule.entity))
        if entity is None or context.unsure(entity.name):
            continue
        action = entity.actions.get(text_of(schedule.action))
        if action is None:
            nearest = suggest(text_of(schedule.action), entity.actions)
            message = f'{entity.name} has no action "{text_of(schedule.action)}"'
            yield problem(UNKNOWN_ACTION, schedule.action.at, message, nearest)
        elif action.kind is ActionKind.ONE:
            message = f"{action.name} runs on one record, and a schedule has none"
            yield problem(CONTRADICTION, schedule.action.at, message, "name an action of type many or global")
        else:
            yield from _params(action, schedule.params, schedule.at)


def _params(action: Action, params: Named | None, at: Position) -> Iterator[Diagnostic]:
    known = action.parameters_by_name
    for name in entries(params):
        assert params is not None
        if name not in known:
            hint = suggest(name, known)
            message = f'the action {action.name} has no parameter "{name}"'
            yield problem(UNKNOWN_PARAMETER, params.node.key_at(name), message, hint)
    for parameter in action.parameters:
        names = {parameter.name, *parameter.aliases}
        filled = parameter.default is not None or parameter.default_expression is not None
        if parameter.required is True and not filled and not names & set(entries(params)):
            message = f"the action {action.name} needs the parameter {parameter.name}"
            yield problem(MISSING_KEY, at, message, f"params: {{{parameter.name}: …}}")
