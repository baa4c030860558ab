"""Laws about names: how they are made, which are reserved, and that no two things share one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from engine.definitions.codes.code import problem
from engine.definitions.codes.names import NAME, NAME_TAKEN, RESERVED_ACTION, RESERVED_NAME
from engine.definitions.inherit import index_name
from engine.definitions.model import IndexDef
from engine.definitions.model_fields import FieldDef
from engine.definitions.rules.context import Context, entries, text_of
from engine.errors import Diagnostic, Position

_NAME = re.compile(r"[a-z][A-Za-z0-9]*")
_NOT_NAME = re.compile(r"[^A-Za-z0-9]+")

RESERVED_FIELDS = frozenset({"id", "version", "label"})
RESERVED_ACTIONS = frozenset(
    {"import", "export", "aggregate", "auditLogs", "history", "files", "upsert", "query", "revert"}
)
RESERVED_FOLDERS = frozenset({"sys", "system"})
"""First parts of entity names that belong to the engine and to the database."""
RESERVED_APPS = frozenset({"admin", "local", "config"})
"""Databases of the database itself."""
LONGEST_APP = 38
"""Bytes of a database's name, less than any server allows."""
_ID = re.compile(r"[0-9a-f]{24}")


def app_has_a_good_name(context: Context) -> Iterator[Diagnostic]:
    """An app's name is a name, short enough for a database and not one of the database's own."""
    name = context.written.app.name
    if name is None:
        return
    yield from _check(text_of(name), name.at, "an app")
    if text_of(name) in RESERVED_APPS:
        message = f'an app cannot be called "{text_of(name)}": a database of that name exists'
        yield problem(RESERVED_NAME, name.at, message, "choose another name")
    if len(text_of(name)) > LONGEST_APP:
        yield problem(NAME, name.at, f"an app's name has at most {LONGEST_APP} characters", "choose a shorter one")


def entities_have_good_names(context: Context) -> Iterator[Diagnostic]:
    """Entity names are names, with dots where they stand in folders, outside the folders of the system."""
    for site in context.sites:
        name = site.entity.name
        first, *rest = name.split(".")
        for part in (first, *rest):
            yield from _check(part, site.definition.at, "an entity's file or folder")
        if first in RESERVED_FOLDERS:
            hint = "choose another folder or file name"
            yield problem(RESERVED_NAME, site.definition.at, f'entity names cannot begin with "{first}"', hint)


def parts_have_good_names(context: Context) -> Iterator[Diagnostic]:
    """Fields, aliases, parameters, actions, listeners, groups, queues and schedules are called by names."""
    for place in (*context.fields, *context.parameters):
        noun = "a field" if place.action is None else "a parameter"
        yield from _check(place.field.name, place.definition.at, noun)
        for alias in place.definition.aliases:
            yield from _check(text_of(alias), alias.at, "an alias")
    for site in context.sites:
        for definition, action in site.actions:
            yield from _check(action.name, definition.at, "an action")
        for name, listener in site.listeners:
            yield from _check(name, listener.at, "a listener")
    app = context.written.app
    for name, group in context.written.groups.items():
        yield from _check(name, group.at, "a group's file")
    for noun, named in (("a queue", app.queues), ("a schedule", app.schedules)):
        for name, definition in entries(named).items():
            yield from _check(name, definition.at, noun)


def field_names_are_free(context: Context) -> Iterator[Diagnostic]:
    """id, version and label belong to every record, id and label to every nested group."""
    for place in context.fields:
        at = [
            (place.field.name, place.definition.at),
            *((text_of(alias), alias.at) for alias in place.definition.aliases),
        ]
        for name, position in at:
            if name in RESERVED_FIELDS:
                hint = f"every record has its own {name}; choose another name"
                yield problem(RESERVED_NAME, position, f'"{name}" is a reserved field name', hint)
    for place in context.parameters:
        if place.depth and place.field.name in RESERVED_FIELDS:
            hint = f"every nested item has its own {place.field.name}; choose another name"
            yield problem(RESERVED_NAME, place.definition.at, f'"{place.field.name}" is a reserved field name', hint)


def field_names_are_unique(context: Context) -> Iterator[Diagnostic]:
    """Names and aliases of one record, nested group or action are all different."""
    for site in context.sites:
        yield from _unique(entries(site.definition.fields))
        for definition, _ in site.actions:
            yield from _unique(entries(definition.parameters))
    for place in (*context.fields, *context.parameters):
        yield from _unique(entries(place.definition.structure.fields))


def action_names_are_free(context: Context) -> Iterator[Diagnostic]:
    """An action's name stands in URLs, where an id or another operation could be meant."""
    for site in context.sites:
        for definition, action in site.actions:
            if action.name in RESERVED_ACTIONS or _ID.fullmatch(action.name):
                what = "looks like a record's id" if action.name not in RESERVED_ACTIONS else "is part of the API"
                message = f'an action cannot be called "{action.name}": in a URL it {what}'
                yield problem(RESERVED_ACTION, definition.at, message, "choose another name")


def index_names_are_unique(context: Context) -> Iterator[Diagnostic]:
    """No two indexes of an entity have one name; without a name it is made of the fields."""
    for site in context.sites:
        seen: set[str] = set()
        for index in site.definition.indexes:
            name = index_name(index)
            at = index.at if isinstance(index, IndexDef) else index[0].at
            if name in seen:
                yield problem(NAME_TAKEN, at, f'there are two indexes called "{name}"', "give one of them another name")
            seen.add(name)


def _unique(fields: Mapping[str, FieldDef]) -> Iterator[Diagnostic]:
    taken = dict.fromkeys(fields, "a field")
    for name, definition in fields.items():
        for alias in definition.aliases:
            if text_of(alias) in taken:
                message = f'the alias "{text_of(alias)}" of {name} is {taken[text_of(alias)]} already'
                yield problem(NAME_TAKEN, alias.at, message, "remove the alias, or rename the other")
            taken.setdefault(text_of(alias), f"an alias of {name}")


def is_name(text: str) -> bool:
    """Whether something may be called so."""
    return _NAME.fullmatch(text) is not None


def _check(name: str, at: Position, noun: str) -> Iterable[Diagnostic]:
    if is_name(name):
        return ()
    words = [word for word in _NOT_NAME.split(name) if word]
    better = "".join([words[0][:1].lower() + words[0][1:], *(word.capitalize() for word in words[1:])]) if words else ""
    hint = f'write "{better}"' if _NAME.fullmatch(better) else "begin with a small letter, then letters and digits"
    message = f'{noun} cannot be called "{name}": names begin with a small letter and have only letters and digits'
    return (problem(NAME, at, message, hint),)
