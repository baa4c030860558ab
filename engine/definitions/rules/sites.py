"""Entities and fields where they are written, side by side with what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.definitions.model import EntityDef
from engine.definitions.model_actions import ActionDef, ListenerDef, StepDef
from engine.definitions.model_fields import FieldDef
from engine.definitions.nodes import Scalar
from engine.definitions.resolve_fields import StandIn
from engine.definitions.takes import Named
from engine.errors import did_you_mean
from engine.expressions import Names
from engine.fields.base import Shape
from engine.schema import Action, Entity, Field

MOST_SUGGESTED = 16
"""Names that a hint lists at most."""


@dataclass(frozen=True, slots=True)
class FieldSite:
    """A field where it is written. `names` are the names around it; `action` is set for a parameter."""

    definition: FieldDef
    field: Field
    entity: EntityDef
    names: Names
    action: str | None = None
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Site:
    """An entity as written and as resolved."""

    definition: EntityDef
    entity: Entity

    @property
    def actions(self) -> Iterator[tuple[ActionDef, Action]]:
        """Its actions, as written and as resolved."""
        for name, definition in entries(self.definition.actions).items():
            yield definition, self.entity.actions[name]

    @property
    def listeners(self) -> Iterator[tuple[str, ListenerDef]]:
        """Its listeners by name."""
        yield from entries(self.definition.listeners).items()

    @property
    def steps(self) -> Iterator[tuple[StepDef, Action | None]]:
        """All steps, with the action whose step it is, or None in a listener."""
        for definition, action in self.actions:
            yield from ((step, action) for step in definition.steps)
        for _, listener in self.listeners:
            yield from ((step, None) for step in listener.steps)


def entries(named: Named | None) -> Mapping[str, Any]:
    """The entries of a table, none when it was not given."""
    return {} if named is None else named.entries


def is_stand_in(field: Field) -> bool:
    """Whether the field's type is broken, which has been told already; nothing more is said about it."""
    return isinstance(field.type, StandIn)


def suggest(name: str, known: Iterable[str]) -> str:
    """A hint for an unknown name: the nearest known one, or all of them when they are few."""
    names = list(dict.fromkeys(known))
    if not names:
        return "there are none"
    few = (
        f"known: {', '.join(names)}"
        if len(names) <= MOST_SUGGESTED
        else f"known: {', '.join(names[:MOST_SUGGESTED])} …"
    )
    return did_you_mean(name, names) or few


def text_of(scalar: Scalar) -> str:
    """The text of a scalar that was loaded as a name or an expression."""
    return str(scalar.value)


def field_sites(
    named: Named | None,
    fields: Mapping[str, Field],
    entity: EntityDef,
    names: Names,
    action: str | None = None,
    depth: int = 0,
) -> Iterator[FieldSite]:
    """The fields of a table, inner ones after their group, side by side with the resolved ones."""
    for name, definition in entries(named).items():
        field = fields[name]
        yield FieldSite(definition, field, entity, names, action, depth)
        if field.type.shape is Shape.NESTED:
            inner = names.of_group(field)
            yield from field_sites(definition.structure.fields, field.by_name, entity, inner, action, depth + 1)
