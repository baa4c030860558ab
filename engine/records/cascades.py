"""Cascades: what records keep of others, and what becomes of them when those change or go; compiled at start-up.

In go the relationships of an app, out come Referrers (who keeps what of whom) and plans for the documents that refer.
All works on stored documents, so that a document is read, edited and compared without a way through JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bson import ObjectId

from engine.errors import FieldProblem
from engine.permissions.derived import find_sources
from engine.records.calculated import Calculator
from engine.records.changes import Moment
from engine.records.difference import differs
from engine.records.forms import build_loader, build_storer, group_fields, stored_fields
from engine.records.outbox import Intent, Kind, make_intent
from engine.schema import App, Entity, Field, FieldPath, OnDelete

Document = dict[str, Any]


@dataclass(frozen=True)
class Referrer:
    """One relationship field: records of `entity` point with it to records of `target`.

    `keeps` are the parts (label, copies) that follow the target. A `plain` one is all that depends on them, so it can
    be set without a look at the rest of the record.
    """

    entity: str
    target: str
    path: FieldPath
    keeps: tuple[str, ...]
    on_delete: OnDelete
    plain: bool

    @property
    def id_path(self) -> str:
        """Where the id of the target stands; it has an index."""
        return f"{self.path.storage}.id"

    @property
    def root(self) -> str:
        """The outermost field, which a projection asks for."""
        return self.path.fields[0].name

    def kept(self, target: Mapping[str, Any], names: Collection[str] | None = None) -> dict[str, Any]:
        """What references keep of a target, both as stored; `names` are those that matter, None for all."""
        return {name: target.get(name) for name in self.keeps if names is None or name in names}

    def references(self, document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The stored references in a document, to whatever target."""
        for holder, name in holders(document, self.path.fields):
            value = holder.get(name)
            yield from (one for one in (value if isinstance(value, list) else [value]) if _points(one))

    def is_stale(self, document: Mapping[str, Any], target: ObjectId, kept: Mapping[str, Any]) -> bool:
        """Whether some reference to the target keeps something else."""
        return any(one["id"] == target and _differs(one, kept) for one in self.references(document))

    def refresh(self, document: Mapping[str, Any], target: ObjectId, kept: Mapping[str, Any]) -> None:
        """Makes references to the target keep what they should, in place."""
        for one in self.references(document):
            if one["id"] == target:
                one.update(deepcopy(dict(kept)))

    def remove(self, document: Mapping[str, Any], target: ObjectId) -> None:
        """Takes references to the target out, in place."""
        for holder, name in holders(document, self.path.fields):
            value = holder.get(name)
            if isinstance(value, list):
                holder[name] = [one for one in value if not (_points(one) and one["id"] == target)]
            elif _points(value) and value["id"] == target:
                holder[name] = None

    def to_update(self, target: ObjectId, kept: Mapping[str, Any]) -> tuple[Document, list[Document] | None]:
        """The update of many documents that point to the target, and its array filters; for `plain` ones."""
        steps, filters = [], None
        for item in self.path.fields:
            steps.append(item.name)
            if item.many:
                steps.append("$[one]")
                below = [inner.name for inner in self.path.fields[self.path.fields.index(item) + 1 :]]
                filters = [{".".join(("one", *below, "id")): target}]
        place = ".".join(steps)
        return {f"{place}.{name}": value for name, value in kept.items()}, filters


def holders(value: Any, path: Sequence[Field]) -> Iterator[tuple[Any, str]]:
    """The containers below a stored value that hold the last field of a path."""
    if not isinstance(value, Mapping):
        return
    first, *rest = path
    if not rest:
        yield value, first.name
        return
    inner = value.get(first.name)
    for one in inner if isinstance(inner, list) else [inner]:
        yield from holders(one, rest)


def _points(value: Any) -> bool:
    """Whether a value, in either form, is a reference, and not what a field of another type left behind."""
    return isinstance(value, Mapping) and "id" in value


def _differs(reference: Mapping[str, Any], kept: Mapping[str, Any]) -> bool:
    return any(reference.get(name) != value for name, value in kept.items())


class Recalculation:
    """What follows inside one record when something that it keeps is edited: built once per entity."""

    def __init__(self, entity: Entity) -> None:
        self._load = build_loader(entity)
        self._store = build_storer(entity)
        self._calculator = Calculator(entity)
        self._names = ("label", *(item.name for item in stored_fields(entity.fields)))

    def plan(self, document: Document, edit: Callable[[Document], object], moment: Moment) -> Document | None:
        """The values to set (stored form, computed fields and labels among them); None where the edit changes
        nothing."""
        edited = deepcopy(document)
        edit(edited)
        old, new = self._load(document), self._load(edited)
        self._calculator.run(new, moment.scope(new, old), _ignore)
        changed = [
            name for name in self._names if new[name] != old[name] or differs(edited.get(name), document.get(name))
        ]
        stored = self._store(new) if changed else {}
        return {name: stored[name] for name in changed} or None


def _ignore(where: str, problem: FieldProblem) -> None:
    """A value that cannot be computed any more becomes null: there is nobody to be told."""


class Cascades:
    """What follows writes of one entity: `referrers` point to its records, `own` are its own relationships."""

    def __init__(self, entity: Entity, referrers: Iterable[Referrer], own: Iterable[Referrer]) -> None:
        self.referrers = tuple(referrers)
        self.own = tuple(own)
        self.pushing = tuple(one for one in self.referrers if one.keeps)
        self.removing = tuple(one for one in self.referrers if one.on_delete != "none")
        self.followed = frozenset(name for one in self.pushing for name in one.keeps)
        self._entity = entity

    @cached_property
    def recalculation(self) -> Recalculation:
        """Made when the first record of the entity is edited so."""
        return Recalculation(self._entity)

    def is_followed(self, changed: Iterable[str]) -> bool:
        """Whether others keep one of the changed top-level fields, or the label."""
        return not self.followed.isdisjoint(changed)

    def pushes(self, changed: Iterable[str], *, copies: bool = True, labels: bool = True) -> list[Intent]:
        """The intent that brings what others keep up to date, as far as it shall be: labels, and all else."""
        if copies and labels:
            return [make_intent(Kind.PUSH, depth=0)] if self.is_followed(changed) else []
        names = [name for name in self.followed.intersection(changed) if (labels if name == "label" else copies)]
        return [make_intent(Kind.PUSH, depth=0, names=sorted(names))] if names else []


def compile_cascades(app: App) -> Mapping[str, Cascades]:
    """Those of every entity."""
    relationships = [(entity, path) for entity in app.entities.values() for path in _relationships(entity)]
    copied = {(path.field.reference.entity, name) for _, path in relationships for name in _copies(path.field)}  # type: ignore[union-attr] # relationships have a reference
    reads = {name: _reads(app, entity) for name, entity in app.entities.items()}
    referrers = [_referrer(entity, path, reads[entity.name], copied) for entity, path in relationships]
    return {
        name: Cascades(
            entity,
            [one for one in referrers if one.target == name],
            [one for one in referrers if one.entity == name],
        )
        for name, entity in app.entities.items()
    }


def _relationships(entity: Entity) -> Iterator[FieldPath]:
    """Stored relationships of the entity's own: not those that came along as copies of another's."""
    for path in entity.all_paths():
        copied = any(one.reference is not None for one in path.fields[:-1])
        if path.field.reference is not None and not copied and not any(one.transient for one in path.fields):
            yield path


def _referrer(entity: Entity, path: FieldPath, reads: frozenset[str], copied: set[tuple[str, str]]) -> Referrer:
    reference = path.field.reference
    assert reference is not None
    label = ("label",) if reference.sync_label else ()
    copies = _copies(path.field) if reference.sync_copies else ()
    lists = sum(one.many for one in path.fields)
    plain = (
        lists <= 1
        and not any(_touch(read, path.name) for read in reads)
        and (entity.name, path.fields[0].name) not in copied
    )
    return Referrer(entity.name, reference.entity, path, (*label, *copies), reference.on_delete, plain)


def _copies(item: Field) -> tuple[str, ...]:
    return tuple(copy.name for copy in group_fields(item))


def _reads(app: App, entity: Entity) -> frozenset[str]:
    """All that labels, calculated fields and aggregates of anybody read of the entity's records."""
    own = (one.path for sources in find_sources(app, entity).values() for one in sources if one.entity is None)
    others = (
        one.path
        for other in app.entities.values()
        for path, sources in find_sources(app, other).items()
        for one in sources
        if one.entity == entity.name and (place := other.field_at(path)) is not None and place.field.aggregate
    )
    return frozenset((*own, *others))


def _touch(read: str, written: str) -> bool:
    return read == written or read.startswith(written + ".") or written.startswith(read + ".")


__all__ = ["Cascades", "Recalculation", "Referrer", "compile_cascades", "holders"]
