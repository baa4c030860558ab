"""What follows a write: in goes a planned write of one entity, out come the intents that go with it; pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any

from engine.records.cascades import Cascades, Referrer, compile_cascades
from engine.records.changes import Change, Write
from engine.records.outbox import Intent, Kind, make_intent
from engine.schema import App, Entity


class Following:
    """What follows writes of one entity; built once. Where nothing does, nobody asks it anything."""

    def __init__(self, entity: Entity, cascades: Cascades) -> None:
        self.cascades = cascades

    @cached_property
    def writes(self) -> bool:
        """Whether a creation or a change may have to be followed."""
        return bool(self.cascades.followed or self.cascades.own)

    @cached_property
    def removals(self) -> bool:
        """Whether a deletion may have to be followed."""
        return bool(self.cascades.removing)

    @cached_property
    def guarded(self) -> bool:
        """Whether the engine itself changes records, so that `version` alone does not keep writes apart."""
        return bool(self.cascades.own)

    def of_write(self, write: Write, *, cascading: bool = True) -> list[Intent]:
        """The intents of a creation or a change that changes something."""
        found: list[Intent] = []
        cascades = self.cascades
        old = write.old if isinstance(write, Change) else None
        if any(_points_anew(one, old, write.record) for one in cascades.own):
            found.append(make_intent(Kind.CHECK))
        if cascading and old is not None and cascades.is_followed(write.values or ()):
            found.append(make_intent(Kind.PUSH, depth=0))
        return found

    def of_edit(self, values: Collection[str], depth: int) -> list[Intent]:
        """The intents of a change that the engine itself makes to a record, as far down as it is."""
        return [make_intent(Kind.PUSH, depth=depth)] if self.cascades.is_followed(values) else []

    def of_removal(self, *, cascading: bool = True, depth: int = 0) -> list[Intent]:
        """The intents of a deletion."""
        return [make_intent(Kind.REMOVED, depth=depth)] if cascading and self.cascades.removing else []


def _points_anew(referrer: Referrer, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> bool:
    """Whether the record refers to something, or keeps something of it, that it did not before."""
    found = list(referrer.references(new))
    return bool(found) and (old is None or found != list(referrer.references(old)))


def compile_following(app: App) -> Mapping[str, Following]:
    """That of every entity."""
    cascades = compile_cascades(app)
    return {name: Following(entity, cascades[name]) for name, entity in app.entities.items()}


__all__ = ["Following", "compile_following"]
