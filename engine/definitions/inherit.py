"""Entities as written in, entities with what they inherit out: the parent's parts, then the child's over them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from engine.definitions.model import EntityDef, IndexDef
from engine.definitions.takes import Named

TAKEN_OVER = ("record_label", "audit_logs", "queries")
"""What a child has from its parent unless it says otherwise."""


def inherit(entities: Mapping[str, EntityDef]) -> dict[str, EntityDef]:
    """Every entity with what it inherits; where entities extend each other in a circle, the circle is cut."""
    done: dict[str, EntityDef] = {}
    for name in entities:
        _complete(name, entities, done, ())
    return {name: done[name] for name in entities}


def line_of_descent(name: str, entities: Mapping[str, EntityDef]) -> list[str]:
    """The entity and its ancestors, nearest first; the last one is a repetition where they form a circle."""
    line = [name]
    while (parent := _parent(line[-1], entities)) is not None:
        line.append(parent)
        if parent in line[:-1]:
            break
    return line


def index_name(index: IndexDef | tuple[Any, ...]) -> str:
    """The name of an index: as given, or made of its fields (`state_type`, `-created` being `created`)."""
    if isinstance(index, IndexDef):
        if index.name is not None:
            return str(index.name.value)
        index = index.fields
    return "_".join(field.value.lstrip("-").replace(".", "_") for field in index)


def _parent(name: str, entities: Mapping[str, EntityDef]) -> str | None:
    extends = entities[name].extends
    return extends.value if extends is not None and extends.value in entities else None


def _complete(
    name: str, entities: Mapping[str, EntityDef], done: dict[str, EntityDef], below: tuple[str, ...]
) -> EntityDef:
    if name not in done:
        entity = entities[name]
        parent = _parent(name, entities)
        if parent is not None and parent not in (*below, name):
            entity = _extend(_complete(parent, entities, done, (*below, name)), entity)
        done[name] = entity
    return done[name]


def _extend(parent: EntityDef, child: EntityDef) -> EntityDef:
    own = {index_name(index) for index in child.indexes}
    taken_over = {name: getattr(parent, name) for name in TAKEN_OVER if getattr(child, name) is None}
    return dataclasses.replace(
        child,
        fields=_join(parent.fields, child.fields),
        actions=_join(parent.actions, child.actions),
        listeners=_join(parent.listeners, child.listeners),
        validations=(*parent.validations, *child.validations),
        indexes=(*(index for index in parent.indexes if index_name(index) not in own), *child.indexes),
        **taken_over,
    )


def _join(parent: Named | None, child: Named | None) -> Named | None:
    if parent is None or child is None:
        return child or parent
    return Named(child.node, {**parent.entries, **child.entries})
