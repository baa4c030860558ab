"""What a law sees: the definitions as written and the model resolved from them, walked through side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from engine.definitions.load import Definitions
from engine.definitions.model import EntityDef
from engine.definitions.model_actions import ActionDef, ListenerDef, StepDef
from engine.definitions.model_fields import FieldDef
from engine.definitions.nodes import Scalar
from engine.definitions.resolve import Resolved
from engine.definitions.resolve_fields import StandIn
from engine.definitions.system import SYSTEM_ENTITIES
from engine.definitions.takes import Named
from engine.errors import did_you_mean
from engine.expressions import Names
from engine.fields.base import Shape
from engine.query import FieldSet
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


@dataclass(frozen=True)
class Context:
    """Everything that a law may look at. Entities of the system are known, but laws are not asked about them."""

    written: Definitions
    resolved: Resolved

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """The author's entities with what they inherit, abstract ones too."""
        return tuple(
            Site(definition, self.resolved.entities[name])
            for name, definition in self.resolved.definitions.items()
            if name not in SYSTEM_ENTITIES
        )

    @cached_property
    def fields(self) -> tuple[FieldSite, ...]:
        """All fields of entities, inner ones after their group."""
        return tuple(
            place
            for site in self.sites
            for place in _fields(
                site.definition.fields, site.entity.by_name, site.definition, Names.of_entity(site.entity)
            )
        )

    @cached_property
    def parameters(self) -> tuple[FieldSite, ...]:
        """All parameters of actions, inner ones after their group; bare names stand for the parameters."""
        return tuple(
            place
            for site in self.sites
            for definition, action in site.actions
            for place in _fields(
                definition.parameters,
                action.parameters_by_name,
                site.definition,
                replace(Names.of_action(site.entity, action), fields=action.parameters_by_name),
                action.name,
            )
        )

    @cached_property
    def _fields_by_entity(self) -> Mapping[str, list[FieldSite]]:
        found: dict[str, list[FieldSite]] = {}
        for place in self.fields:
            found.setdefault(place.entity.name, []).append(place)
        return found

    def fields_of(self, entity: str) -> Sequence[FieldSite]:
        """The fields of one entity, inner ones after their group."""
        return self._fields_by_entity.get(entity, ())

    def unsure(self, entity: str) -> bool:
        """Whether the entity is unknown or its file could not be read, so that nothing can be said about its parts."""
        definition = self.resolved.definitions.get(entity)
        return definition is None or definition.faulty

    def is_broken(self, field: Field) -> bool:
        """Whether the field's type, or the entity that it points to, is broken, which has been told already."""
        return is_stand_in(field) or (field.reference is not None and self.unsure(field.reference.entity))

    def leads_to_broken(self, paths: Entity | FieldSet, path: str) -> bool:
        """Whether a field on the way of a dotted path is broken, so that nothing can be said about its end."""
        parts = path.split(".")
        places = (paths.field_at(".".join(parts[:length])) for length in range(1, len(parts) + 1))
        return any(place is not None and self.is_broken(place.field) for place in places)


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


def _fields(
    named: Named | None,
    fields: Mapping[str, Field],
    entity: EntityDef,
    names: Names,
    action: str | None = None,
    depth: int = 0,
) -> Iterator[FieldSite]:
    for name, definition in entries(named).items():
        field = fields[name]
        yield FieldSite(definition, field, entity, names, action, depth)
        if field.type.shape is Shape.NESTED:
            inner = names.of_group(field)
            yield from _fields(definition.structure.fields, field.by_name, entity, inner, action, depth + 1)
