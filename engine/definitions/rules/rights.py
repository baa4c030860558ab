"""Laws about groups: rights on entities, fields and actions that are there, conditions that can be met."""

from __future__ import annotations

from collections.abc import Iterator

from engine.definitions.codes.code import problem
from engine.definitions.codes.names import ABSTRACT_ENTITY, UNKNOWN_ACTION, UNKNOWN_ENTITY, UNKNOWN_FIELD
from engine.definitions.codes.work import BAD_NETWORK, CLOSED_FIELD, IDLE_RIGHT, PARENT_RIGHT
from engine.definitions.model import EntityRightsDef
from engine.definitions.rules.context import Context, entries, suggest, text_of
from engine.definitions.rules.references import unknown_field
from engine.errors import Diagnostic, Position
from engine.permissions.addresses import parse_network
from engine.schema import Entity, EntityRights, FieldRight


def rights_name_what_is_there(context: Context) -> Iterator[Diagnostic]:
    """Groups give rights on entities that have records, on their fields and actions."""
    for name, at, rights in _rights(context):
        entity = context.resolved.app.entities.get(name)
        if entity is not None:
            yield from _parts(context, entity, rights)
        elif name in context.resolved.definitions:
            message = f'"{name}" is abstract: it has no records to give rights on'
            yield problem(ABSTRACT_ENTITY, at, message, "name the entities that extend it")
        else:
            hint = suggest(name, context.resolved.app.entities)
            yield problem(UNKNOWN_ENTITY, at, f'there is no entity "{name}"', hint)


def rights_have_effect(context: Context) -> Iterator[Diagnostic]:
    """Rights that build on another right are not given without it."""
    for _, _, rights in _rights(context):
        if rights.read == "never" and not _refused(rights, "read"):
            for key in ("update", "delete", "auditLogs", "export"):
                if getattr(rights, rights.table()[key].attribute) not in ("never", False):
                    message = f"{key} has no effect where read is never"
                    yield problem(IDLE_RIGHT, rights.key_at(key), message, f"give read, or remove {key}")
        if rights.update == "never" and not _refused(rights, "update") and rights.given("updateTo"):
            message = "updateTo has no effect where update is never"
            yield problem(IDLE_RIGHT, rights.key_at("updateTo"), message, "give update, or remove updateTo")


def fields_are_open_to_somebody(context: Context) -> Iterator[Diagnostic]:
    """Where groups may use an entity, one of them can read or write each of its fields."""
    for site in context.sites:
        name = site.entity.name
        granted = [group.entities[name] for group in context.resolved.app.groups.values() if name in group.entities]
        granted = [rights for rights in granted if rights.read != "never" or rights.create != "never"]
        for path in _closed(granted):
            if path in {field.name for field in site.entity.system_fields}:
                continue
            at = min(rights.fields[path].at for rights in granted)
            message = f'no group can read or write "{path}" of {name}'
            yield problem(CLOSED_FIELD, at, message, "open it to a group, or remove it if nobody needs it")


def _closed(granted: list[EntityRights]) -> Iterator[str]:
    """Paths that every one of these rights closes; not those inside a group of fields that is closed itself."""
    first, *others = granted or [EntityRights()]
    closed = [
        path
        for path, right in first.fields.items()
        if _shuts(first, right)
        and all(path in rights.fields and _shuts(rights, rights.fields[path]) for rights in others)
    ]
    for path in closed:
        if path.rpartition(".")[0] not in closed:
            yield path


def _shuts(rights: EntityRights, right: FieldRight) -> bool:
    read = rights.read != "never" and right.read != "never"
    write = (rights.create != "never" or rights.update != "never") and right.write != "never"
    return not read and not write


def _refused(rights: EntityRightsDef, key: str) -> bool:
    """Whether the right was given in a form that has been refused already."""
    return rights.given(key) and rights.node.values[key].data != "never"


def networks_are_valid(context: Context) -> Iterator[Diagnostic]:
    """allowedIps lists addresses and networks."""
    for group in context.written.groups.values():
        for network in group.security.allowed_ips if group.security else ():
            try:
                parse_network(text_of(network))
            except ValueError as error:
                hint = "write an address, or a network such as 10.0.0.0/8 or 2001:db8::/32"
                yield problem(BAD_NETWORK, network.at, str(error), hint)


def _rights(context: Context) -> Iterator[tuple[str, Position, EntityRightsDef]]:
    for group in context.written.groups.values():
        for name, rights in entries(group.entities).items():
            yield name, rights.at, rights


def _parts(context: Context, entity: Entity, rights: EntityRightsDef) -> Iterator[Diagnostic]:
    if context.unsure(entity.name):
        return
    system = {field.name for field in entity.system_fields}
    if rights.fields is not None:
        for path in rights.fields.entries:
            at = rights.fields.node.key_at(path)
            if path in system:
                message = f'"{path}" comes with every record that may be read; there is no right on it'
                yield problem(UNKNOWN_FIELD, at, message, "remove it")
            else:
                yield from unknown_field(context, entity, at, path)
            if rights.fields.entries[path] == "parent" and "." not in path:
                message = f'"{path}" stands in no group whose right it could have'
                yield problem(PARENT_RIGHT, at, message, "write readWrite, readOnly or none")
    if rights.actions is not None:
        for name in rights.actions.entries:
            if name not in entity.actions:
                hint = suggest(name, entity.actions)
                at = rights.actions.node.key_at(name)
                yield problem(UNKNOWN_ACTION, at, f'{entity.name} has no action "{name}"', hint)
