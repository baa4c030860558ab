"""`Definitions` in, the resolved model out: names become objects, defaults are filled in, field types configured.

Resolving never fails: what cannot be resolved gets a stand-in, so that every law can be asked about all the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from engine.definitions.definition import Definition
from engine.definitions.inherit import index_name, inherit
from engine.definitions.load import Definitions
from engine.definitions.model import AuditDef, EntityDef, IndexDef
from engine.definitions.model_actions import ActionDef, ListenerDef, StepDef
from engine.definitions.nodes import Node, Scalar
from engine.definitions.resolve_fields import (
    FieldResolver,
    entity_system_fields,
    resolve_validations,
    written,
    written_text,
)
from engine.definitions.resolve_groups import resolve_group
from engine.definitions.takes import Named
from engine.definitions.words import in_words
from engine.errors import Diagnostic
from engine.schema import (
    Action,
    ActionKind,
    App,
    Audit,
    Entity,
    Index,
    Listener,
    Queue,
    Schedule,
    Step,
    Written,
)

DEFAULT_QUEUES = (Queue("mix", 4), Queue("light", 4), Queue("heavy", 1))
DEFAULT_SESSION = 8 * 3600 * 1000


@dataclass(frozen=True)
class Resolved:
    """The model of an app and what laws need beside it.

    `definitions` are the entities with what they inherit; `entities` holds abstract ones too; `problems` are keys that
    field types refused. Where there is any problem at all, stand-ins may take the place of what is broken.
    """

    app: App
    definitions: Mapping[str, EntityDef]
    entities: Mapping[str, Entity]
    problems: tuple[Diagnostic, ...]


def resolve_definitions(definitions: Definitions) -> Resolved:
    """The resolved model of whatever was written."""
    inherited = inherit(definitions.entities)
    resolver = FieldResolver(inherited, definitions.groups)
    entities = {name: _entity(name, entity, resolver) for name, entity in inherited.items()}
    served = {name: entity for name, entity in entities.items() if not inherited[name].abstract}
    app = _app(definitions, served)
    return Resolved(app, inherited, entities, tuple(resolver.problems))


def _app(definitions: Definitions, entities: Mapping[str, Entity]) -> App:
    app = definitions.app
    name = _value(app.name, "app")
    queues = {queue.name: queue for queue in DEFAULT_QUEUES}
    for queue_name, queue in _entries(app.queues).items():
        queues[queue_name] = Queue(queue_name, queue.workers)
    groups = {name: resolve_group(name, group, entities) for name, group in definitions.groups.items()}
    schedules = tuple(
        Schedule(
            name=schedule_name,
            cron=schedule.cron.value,
            entity=schedule.entity.value,
            action=schedule.action.value,
            params=_data(schedule.params),
            missed=schedule.missed,
            at=schedule.at,
        )
        for schedule_name, schedule in _entries(app.schedules).items()
    )
    return App(
        name=name,
        label=app.label or in_words(name),
        description=app.description,
        forbidden=app.forbidden,
        timezone=_value(app.timezone, "UTC"),
        language=_value(app.language, "en"),
        currency=_value(app.currency, "USD"),
        session_timeout=(app.session and app.session.timeout) or DEFAULT_SESSION,
        entities=MappingProxyType(entities),
        groups=MappingProxyType(groups),
        queues=MappingProxyType(queues),
        schedules=schedules,
        hooks=definitions.hooks,
    )


def _entity(name: str, definition: EntityDef, resolver: FieldResolver) -> Entity:
    return Entity(
        name=name,
        label=definition.label or in_words(name),
        description=definition.description,
        fields=resolver.fields_of(name),
        record_label=written_text(definition.record_label),
        audit=_audit(definition.audit_logs),
        indexes=tuple(_index(index) for index in definition.indexes),
        validations=resolve_validations(definition.validations),
        actions=MappingProxyType(
            {action: _action(action, written, resolver) for action, written in _entries(definition.actions).items()}
        ),
        listeners=tuple(_listener(listener, written) for listener, written in _entries(definition.listeners).items()),
        scan=definition.queries.scan if definition.queries else "allow",
        system_fields=entity_system_fields(),
        at=definition.at,
    )


def _audit(definition: bool | AuditDef | None) -> Audit:
    if definition is True:
        return Audit(created=True, changed=True, deleted=True, actions=True)
    if not definition:
        return Audit()
    return Audit(
        created=definition.created,
        changed=definition.changed,
        deleted=definition.deleted,
        actions=definition.actions,
        ignore=tuple(field.value for field in definition.ignore),
        on_delete=definition.on_delete,
        keep=definition.keep,
    )


def _index(definition: IndexDef | tuple[Any, ...]) -> Index:
    name = index_name(definition)
    if isinstance(definition, IndexDef):
        fields = tuple(field.value for field in definition.fields)
        return Index(name, fields, definition.type, definition.unique, definition.at)
    return Index(name, tuple(field.value for field in definition), at=definition[0].at)


def _action(name: str, definition: ActionDef, resolver: FieldResolver) -> Action:
    return Action(
        name=name,
        label=definition.label or in_words(name),
        kind=ActionKind(definition.type),
        precondition=written(definition.precondition),
        parameters=resolver.resolve(definition.parameters, ""),
        validations=resolve_validations(definition.validations),
        steps=_steps(definition.steps),
        run=written_text(definition.run),
        respond=written_text(definition.respond),
        background=definition.background,
        queue=_value(definition.queue, "mix"),
        save_linked=definition.save_linked,
        at=definition.at,
    )


def _listener(name: str, definition: ListenerDef) -> Listener:
    origins = {} if definition.origins is None else {"origins": frozenset(definition.origins)}
    return Listener(
        name=name,
        on=tuple(event.value for event in definition.on),
        when=written(definition.when),
        background=definition.background,
        queue=_value(definition.queue, "mix"),
        steps=_steps(definition.steps),
        run=written_text(definition.run),
        at=definition.at,
        **origins,
    )


def _steps(definitions: tuple[StepDef, ...]) -> tuple[Step, ...]:
    steps = []
    for definition in definitions:
        kind = definition.kind
        if kind is not None and (argument := getattr(definition, kind)) is not None:
            node = definition.node.values[kind]
            steps.append(Step(kind, Written(_argument(argument), node.at), written(definition.when)))
    return tuple(steps)


def _argument(argument: Named | Definition) -> dict[str, Any]:
    """A step's argument as plain data, with defaults filled in and lengths of time in ms."""
    if isinstance(argument, Named):
        return _data(argument)
    values = {}
    for definition in argument.table().values():
        value = getattr(argument, definition.attribute)
        if isinstance(value, Named):
            value = _data(value)
        elif isinstance(value, Node):
            value = value.data
        values[definition.name] = value
    return values


def _entries(named: Named | None) -> Mapping[str, Any]:
    return {} if named is None else named.entries


def _data(named: Named | None) -> dict[str, Any]:
    return {name: node.data for name, node in _entries(named).items()}


def _value(scalar: Scalar | None, default: Any) -> Any:
    return default if scalar is None else scalar.value
