"""compile_app: an app's sources in, everything that requests need out; the stages in order and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from engine.actions import Behaviour, compile_behaviour
from engine.definitions import KnownFiles, Sources, resolve_app
from engine.indexes import IndexPlan, plan_entity_indexes, plan_indexes
from engine.jobs import Timetable
from engine.openapi import build_openapi
from engine.permissions import AccessTable, Explainer
from engine.permissions.membership import Memberships
from engine.records import RecordRules, References, Views
from engine.records.following import Following, compile_following
from engine.records.outbox import OUTBOX_INDEX
from engine.routes import Route, build_route_table
from engine.scans import Scans
from engine.schema import App, Entity


@dataclass(frozen=True)
class CompiledEntity:
    """One entity, ready to serve requests."""

    entity: Entity
    rules: RecordRules
    views: Views
    references: References
    behaviour: Behaviour
    scans: Scans

    @property
    def collection(self) -> str:
        """Where its records are stored."""
        return self.entity.name


@dataclass(frozen=True)
class CompiledApp:
    """One app, ready to run: frozen, shared by every request."""

    app: App
    entities: Mapping[str, CompiledEntity]
    rights: AccessTable
    routes: tuple[Route, ...]

    @cached_property
    def indexes(self) -> tuple[IndexPlan, ...]:
        """The indexes that the database must have."""
        found = (IndexPlan(name, *OUTBOX_INDEX, sparse=True) for name, one in self.following.items() if one.writes)
        return (*plan_indexes(self.app), *found)

    @cached_property
    def following(self) -> Mapping[str, Following]:
        """What follows writes of each entity."""
        return compile_following(self.app)

    @cached_property
    def timetables(self) -> Mapping[str, Timetable]:
        """When schedules come, by their names."""
        return {one.name: Timetable(one.cron, self.app.timezone) for one in self.app.schedules}

    @cached_property
    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document of the app, as if it stood at /api. Takes a second for hundreds of entities."""
        return build_openapi(self.app, self.routes)

    @cached_property
    def explainer(self) -> Explainer:
        """What groups may do, and why."""
        return Explainer(self.app, self.rights)

    @cached_property
    def memberships(self) -> Memberships:
        """What groups mean for logging in."""
        return Memberships(self.app)


def compile_app(sources: Sources, known: KnownFiles | None = None) -> CompiledApp:
    """Raises DefinitionErrors with every problem where the files do not make an app.

    Who compiles an app again and again keeps its `known` files, so that only changed ones are read.
    """
    return build_app(resolve_app(sources, known))


def build_app(app: App) -> CompiledApp:
    """Compiles a resolved schema."""
    entities = {name: _compile_entity(app, entity) for name, entity in app.entities.items()}
    return CompiledApp(app, entities, AccessTable(app), build_route_table(app))


def _compile_entity(app: App, entity: Entity) -> CompiledEntity:
    rules = RecordRules(entity, hide_forbidden=app.forbidden == "hide")
    return CompiledEntity(
        entity,
        rules,
        Views(entity),
        References(app, entity),
        compile_behaviour(app, entity, rules),
        Scans(entity, plan_entity_indexes(entity)),
    )
