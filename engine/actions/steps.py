"""Steps of actions and listeners: one record per kind; its written argument in, a function on the run's progress out.

A new kind of step is one record in STEPS and its key in the written model.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from engine.actions.run import Call, Create, Delete, Log, Progress, Update
from engine.actions.values import Value, compile_text, compile_value, to_body
from engine.errors import ExpressionError, Failed
from engine.expressions import Names, Scope
from engine.expressions.filter import Condition, compile_condition
from engine.fields.base import Shape
from engine.query import Condition as Filter
from engine.query import FieldSet, parse_filter_map, plan_filter, to_predicate
from engine.records.forms import group_fields
from engine.records.masking import MASKED, masked, sensitive_parameters, sensitive_paths
from engine.schema import App, Entity, Field, FieldPath, Step

if TYPE_CHECKING:
    from engine.actions.plan import CompiledAction

Asks = Generator[Call, None, None]
Do = Callable[[Progress], Asks | None]
"""Takes a step; one that has something to ask of the world gives a generator of what it asks."""


@dataclass(frozen=True)
class Place:
    """Where steps are written: their entity, what they may name, and the other actions of the entity."""

    app: App
    entity: Entity
    names: Names
    actions: Mapping[str, CompiledAction]


@dataclass(frozen=True, slots=True)
class StepKind:
    """One kind of step; `calls` tells whether it speaks to other systems."""

    name: str
    compile: Callable[[Any, Place], Do]
    calls: bool = False


@dataclass(frozen=True, slots=True)
class CompiledStep:
    """A step that is ready to be taken."""

    do: Do
    when: Condition | None

    def take(self, progress: Progress) -> Asks:
        """Takes the step if its condition holds."""
        if self.when is not None and not self.when(progress.scope()):
            return
        asks = self.do(progress)
        if asks is not None:
            yield from asks


def compile_steps(steps: Iterable[Step], place: Place) -> tuple[CompiledStep, ...]:
    """The steps in their order."""
    return tuple(
        CompiledStep(
            STEPS[step.kind].compile(step.argument.value, place),
            None if step.when is None else compile_condition(step.when, place.names),
        )
        for step in steps
    )


# on the record


def _compile_set(argument: Mapping[str, Any], place: Place) -> Do:
    targets = _targets(argument, place)

    def do(progress: Progress) -> None:
        for path, value in targets:
            found = _body(path.field, value, progress)
            holder, _ = _place_of(progress, path.fields)
            _put(holder, path.field, found)
            progress.changed()

    return do


def _compile_append(argument: Mapping[str, Any], place: Place) -> Do:
    targets = _targets(argument, place)

    def do(progress: Progress) -> None:
        for path, value in targets:
            found = _body(path.field, value, progress)
            added = found if isinstance(found, list) else [] if found is None else [found]
            holder, container = _place_of(progress, path.fields)
            _whole_list(holder, container, path.field).extend(added)
            progress.changed()

    return do


def _compile_remove(argument: Mapping[str, Any], place: Place) -> Do:
    targets = [
        (_path(place.entity, path), _item_filter(place.entity, path, wanted)) for path, wanted in argument.items()
    ]

    def do(progress: Progress) -> None:
        for path, (condition, bare) in targets:
            matches = to_predicate(progress.bind(condition))
            name = path.field.name
            holder, container = _place_of(progress, path.fields)
            items, seen = _whole_list(holder, container, path.field), container.get(name) or ()
            gone = [matches({name: [item]} if bare else item) for item in seen]
            holder[name] = [item for item, out in zip(items, gone, strict=True) if not out]
            progress.changed()

    return do


def _targets(argument: Mapping[str, Any], place: Place) -> list[tuple[FieldPath, Value]]:
    return [(_path(place.entity, path), compile_value(value, place.names)) for path, value in argument.items()]


def _path(entity: Entity, path: str) -> FieldPath:
    found = entity.field_at(path)
    assert found is not None, "the laws of definitions know every path of a step"
    return found


def _body(item: Field, value: Value, progress: Progress) -> Any:
    found = value(progress.scope())
    _note_references(item, found, progress)
    return to_body(item, found, own=True)


def _note_references(item: Field, value: Any, progress: Progress) -> None:
    """Keeps whole references, so that later steps see all of them."""
    for one in value if isinstance(value, list) else (value,):
        if item.type.shape is Shape.REFERENCE and isinstance(one, dict) and isinstance(one.get("id"), str):
            progress.references[one["id"]] = one
        elif item.type.shape is Shape.NESTED and isinstance(one, dict):
            for name, inner in one.items():
                if name in item.by_name:
                    _note_references(item.by_name[name], inner, progress)


def _place_of(progress: Progress, fields: tuple[Field, ...]) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """The container of the patch that holds the last of some fields, and what it holds as the steps so far leave it.

    The way there leads through single groups: the laws of definitions refuse paths into the items of a list.
    """
    holder, container = progress.patch, progress.record
    for item in fields[:-1]:
        if not isinstance(holder.get(item.name), dict):
            cleared = group_fields(item) if item.name in holder else ()  # and now written into
            holder[item.name] = {one.name: None for one in cleared if one.writable}
        holder, container = holder[item.name], container.get(item.name) or {}
    return holder, container


def _put(holder: dict[str, Any], item: Field, found: Any) -> None:
    """Sets a field of a container of the patch; a single group keeps what was set in it before."""
    before = holder.get(item.name)
    if isinstance(before, dict) and isinstance(found, dict) and not item.many:
        for name, inner in found.items():
            field = item.by_name.get(name)
            if field is None:
                before[name] = inner
            else:
                _put(before, field, inner)
    else:
        holder[item.name] = deepcopy(found)


def _whole_list(holder: dict[str, Any], container: Mapping[str, Any], item: Field) -> list[Any]:
    """The list of a field in the patch; put there as it is now if it was not touched yet."""
    if not isinstance(holder.get(item.name), list):
        values = container.get(item.name) or ()
        if item.type.shape is Shape.NESTED:
            holder[item.name] = [{"id": one["id"]} for one in values]
        else:
            holder[item.name] = to_body(item, list(values), own=True)
    found: list[Any] = holder[item.name]
    return found


def _item_filter(entity: Entity, path: str, wanted: Any) -> tuple[Filter, bool]:
    """What an item must satisfy to be taken out, and whether that is asked of a record that holds the item alone."""
    item = _path(entity, path).field
    if item.type.shape is Shape.NESTED and isinstance(wanted, Mapping):
        return plan_filter(FieldSet(item.by_name), parse_filter_map(wanted), transient=True), False
    alone = FieldSet({item.name: item})
    return plan_filter(alone, parse_filter_map({item.name: wanted}), transient=True), True


# on other records


def _compile_create(argument: Mapping[str, Any], place: Place) -> Do:
    target = place.app.entities[argument["entity"]]
    values = _values(target, argument["values"] or {}, place.names)

    def do(progress: Progress) -> None:
        progress.effects.append(Create(target.name, _elsewhere(values, progress.scope())))

    return do


def _compile_update(argument: Mapping[str, Any], place: Place) -> Do:
    target = place.app.entities[argument["entity"]]
    where = plan_filter(target, parse_filter_map(argument["where"]))
    values = _values(target, argument["set"], place.names)

    def do(progress: Progress) -> None:
        body = _elsewhere(values, progress.scope())
        progress.effects.append(Update(target.name, progress.bind(where), body))

    return do


def _compile_delete(argument: Mapping[str, Any], place: Place) -> Do:
    target = place.app.entities[argument["entity"]]
    where = plan_filter(target, parse_filter_map(argument["where"]))

    def do(progress: Progress) -> None:
        progress.effects.append(Delete(target.name, progress.bind(where)))

    return do


def _values(target: Entity, values: Mapping[str, Any], names: Names) -> list[tuple[FieldPath, Value]]:
    return [(_path(target, path), compile_value(value, names)) for path, value in values.items()]


def _elsewhere(values: Iterable[tuple[FieldPath, Value]], scope: Scope) -> dict[str, Any]:
    """The body that sets values in another record; a path leads through single groups only."""
    body: dict[str, Any] = {}
    for path, value in values:
        holder = body
        for item in path.fields[:-1]:
            inner = holder.get(item.name)
            if not isinstance(inner, dict):
                inner = holder[item.name] = {}
            holder = inner
        holder[path.field.name] = to_body(path.field, value(scope), own=False)
    return body


# everything else


def _compile_action(argument: Mapping[str, Any], place: Place) -> Do:
    name = argument["name"]
    known = place.entity.actions[name].parameters_by_name
    values = [(known[key], compile_value(value, place.names)) for key, value in (argument["params"] or {}).items()]

    def do(progress: Progress) -> Asks:
        scope = progress.scope()
        found = [(item, value(scope)) for item, value in values]
        for item, value in found:
            _note_references(item, value, progress)
        body = {item.name: to_body(item, value, own=False) for item, value in found}
        return place.actions[name].perform_inside(progress, body)

    return do


def _compile_call(argument: Mapping[str, Any], place: Place) -> Do:
    method, timeout = argument["method"], argument["timeout"]
    url = compile_text(argument["url"], place.names)
    body = None if argument["json"] is None else compile_value(argument["json"], place.names)

    def do(progress: Progress) -> Asks:
        scope = progress.scope()
        progress.called = True
        yield Call(method, str(url(scope)), None if body is None else body(scope), timeout)

    return do


def _compile_log(argument: Mapping[str, Any], place: Place) -> Do:
    """Sensitive fields and parameters are masked before the text is made, whatever it would make of them."""
    level, message = argument["level"], compile_text(argument["message"], place.names)
    fields, parameters = sensitive_paths(place.entity), sensitive_parameters(place.entity)

    def do(progress: Progress) -> None:
        if fields or parameters:
            text = _text_without(progress, message, fields, parameters)
        else:
            text = str(message(progress.scope()))
        progress.effects.append(Log(level, text))

    return do


def _text_without(
    progress: Progress, message: Value, fields: Iterable[FieldPath], parameters: Iterable[FieldPath]
) -> str:
    scope = progress.scope()
    record = masked(scope.record, fields)
    old = None if scope.old is None else masked(scope.old, fields)
    blind = replace(scope, item=record, record=record, old=old, params=masked(scope.params, parameters))
    try:
        return str(message(blind))
    except ExpressionError:  # it computes with what is masked
        return MASKED


def _compile_fail(argument: Mapping[str, Any], place: Place) -> Do:
    code, message = argument["code"], compile_text(argument["message"], place.names)

    def do(progress: Progress) -> None:
        raise Failed(str(message(progress.scope())), code=code)

    return do


STEPS: Mapping[str, StepKind] = {
    kind.name: kind
    for kind in (
        StepKind("set", _compile_set),
        StepKind("append", _compile_append),
        StepKind("remove", _compile_remove),
        StepKind("create", _compile_create),
        StepKind("update", _compile_update),
        StepKind("delete", _compile_delete),
        StepKind("action", _compile_action),
        StepKind("call", _compile_call, calls=True),
        StepKind("log", _compile_log),
        StepKind("fail", _compile_fail),
    )
}
"""Every kind of step by its key."""

__all__ = ["STEPS", "Asks", "CompiledStep", "Place", "StepKind", "compile_steps"]
