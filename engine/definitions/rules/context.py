"""What a law sees: the definitions as written and the model resolved from them, walked through side by side."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from engine.definitions.load import Definitions
from engine.definitions.resolve import Resolved
from engine.definitions.rules.places import ExpressionPlace, FilterPlace, expression_places, filter_places
from engine.definitions.rules.sites import FieldSite, Site, entries, field_sites, is_stand_in, suggest, text_of
from engine.definitions.system import SYSTEM_ENTITIES
from engine.expressions import Names
from engine.query import FieldSet
from engine.schema import Entity, Field


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
            for place in field_sites(
                site.definition.fields, site.entity.by_name, site.definition, Names.of_entity(site.entity)
            )
        )

    @cached_property
    def parameters(self) -> tuple[FieldSite, ...]:
        """All parameters of actions, inner ones after their group; bare names stand for the parameters first."""
        return tuple(
            place
            for site in self.sites
            for definition, action in site.actions
            for place in field_sites(
                definition.parameters,
                action.parameters_by_name,
                site.definition,
                Names.of_parameters(site.entity, action),
                action.name,
            )
        )

    @cached_property
    def expressions(self) -> tuple[ExpressionPlace, ...]:
        """Every expression, template and label."""
        return tuple(expression_places(self))

    @cached_property
    def filters(self) -> tuple[FilterPlace, ...]:
        """Every filter map."""
        return tuple(filter_places(self))

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


__all__ = ["Context", "FieldSite", "Site", "entries", "is_stand_in", "suggest", "text_of"]
