"""What follows a write: in goes a planned write of one entity, out come the intents that go with it; pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from engine.records.aggregated import Aggregated, find_aggregated
from engine.records.audit import AuditRules, Cause, Event
from engine.records.cascades import Cascades, Referrer, compile_cascades
from engine.records.changes import Change, Write
from engine.records.outbox import Intent, Kind, make_intent
from engine.schema import App, Entity


class Following:
    """What follows writes of one entity; built once. Where nothing does, nobody asks it anything."""

    def __init__(self, entity: Entity, cascades: Cascades, aggregated: Sequence[Aggregated]) -> None:
        self.cascades = cascades
        self.aggregates = tuple(one for one in aggregated if one.entity == entity.name)
        """The entity's own aggregate fields."""
        self.counted = tuple(one for one in aggregated if one.source == entity.name)
        """The aggregate fields for which its records count."""
        self.trail = AuditRules(entity)
        audit = entity.audit
        kept = bool(cascades.followed or cascades.own or self.aggregates or self.counted)
        self.writes = kept or audit.created or audit.changed
        """Whether a creation or a change may have to be followed."""
        self.removals = bool(self.writes or cascades.removing or audit.deleted or audit.on)
        """Whether a deletion may have to be followed."""
        self.guarded = bool(cascades.own or self.aggregates)
        """Whether the engine itself changes records, so that `version` alone does not keep writes apart."""

    def of_write(self, write: Write, cause: Cause, *, cascading: bool = True, relabelling: bool = True) -> list[Intent]:
        """The intents of a creation or a change that changes something; labels reach those who keep them where it is
        `relabelling`, all else where it is `cascading`."""
        cascades = self.cascades
        if isinstance(write, Change):
            old, found = write.old, list(self.trail.of_change(write.before, write.planned, write.values or (), cause))
        else:
            old, found = None, list(self.trail.of_creation(write.planned, cause))
        if any(_points_anew(one, old, write.record) for one in cascades.own):
            found.append(make_intent(Kind.CHECK))
        if old is not None:
            found += cascades.pushes(write.values or (), copies=cascading, labels=relabelling)
        before = write.before
        if cascading:
            found += self._counts(before, write.planned, write.values or (), 0)
        if any(_is_stale(one, before, write.values or ()) for one in self.aggregates):
            found.append(make_intent(Kind.RECOUNT, depth=0))
        return found

    def _counts(
        self, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, values: Collection[str], depth: int
    ) -> list[Intent]:
        """The intent for the aggregates in which a record counts, as it was and as it is."""
        whole = before is None or after is None
        concerned = {
            one.key: one.anchors((before, after)) for one in self.counted if whole or not one.reads.isdisjoint(values)
        }
        return [make_intent(Kind.COUNT, anchors=concerned, depth=depth)] if concerned else []

    def of_edit(
        self,
        document: Mapping[str, Any],
        values: Mapping[str, Any],
        depth: int,
        cause: Cause | None = None,
        event: Event = Event.CHANGED,
    ) -> list[Intent]:
        """The intents of a change that the engine itself makes to a record, as far down as it is; it is recorded, as
        the event, where it has a cause."""
        found: list[Intent] = []
        if cause is not None:
            found += self.trail.of_change(document, {**document, **values}, values, cause, event)
        if self.cascades.is_followed(values):
            found.append(make_intent(Kind.PUSH, depth=depth))
        return found + self._counts(document, {**document, **values}, values, depth)

    def of_removal(
        self, document: Mapping[str, Any], cause: Cause, *, cascading: bool = True, depth: int = 0
    ) -> list[Intent]:
        """The intents of a deletion."""
        found = list(self.trail.of_removal(document, cause))
        if cascading and self.cascades.removing:
            found.append(make_intent(Kind.REMOVED, depth=depth))
        return found + (self._counts(document, None, (), depth) if cascading else [])


def _points_anew(referrer: Referrer, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> bool:
    """Whether the record refers to something, or keeps something of it, that it did not before."""
    found = list(referrer.references(new))
    return bool(found) and (old is None or found != list(referrer.references(old)))


def _is_stale(aggregated: Aggregated, before: Mapping[str, Any] | None, values: Collection[str]) -> bool:
    """Whether a write of the record itself changes what belongs to it."""
    return not aggregated.starts_right if before is None else not aggregated.asks.isdisjoint(values)


def compile_following(app: App) -> Mapping[str, Following]:
    """That of every entity."""
    cascades, aggregated = compile_cascades(app), find_aggregated(app)
    return {name: Following(entity, cascades[name], aggregated) for name, entity in app.entities.items()}


__all__ = ["Following", "compile_following"]
