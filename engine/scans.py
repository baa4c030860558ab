"""What serves a list: its plan and the indexes of its collection in, the index that finds the records out; where none
does, the line of the definition that would make one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from engine.errors import BadRequest
from engine.fields.base import Capability, Shape
from engine.indexes import PREFIX, IndexPlan
from engine.query import ALWAYS, Condition, ListPlan
from engine.query.condition import Element, Every, Some, Test
from engine.query.matches import Empty, Near, OneOf, Range
from engine.schema import Entity, FieldPath

BY_ID: Final = "_id_"
"""The index that every collection has."""
_NO_HELP: Final = "no index helps: only equality, order and near are looked up, so add a condition of that kind"


@dataclass(frozen=True, slots=True)
class Service:
    """`index` names what finds the records; None is a scan of the whole collection, and `advice` says what to write."""

    index: str | None
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class _Key:
    """One comparison that an index could look up. `exact` compares for equality, `filled` never matches null."""

    storage: str
    path: FieldPath
    exact: bool
    filled: bool


class Scans:
    """Judges the lists of one entity; built once."""

    def __init__(self, entity: Entity, indexes: Iterable[IndexPlan]) -> None:
        self._entity = entity
        own = IndexPlan(entity.name, BY_ID, (("_id", 1),), unique=True)
        self._indexes = (own, *indexes)

    def check(self, plan: ListPlan) -> str | None:
        """What should be logged of a list, None for nothing; raises BadRequest where the entity refuses scans."""
        if self._entity.scan == "allow":
            return None
        service = self.judge(plan)
        if service.index is not None:
            return None
        told = f"This list would look at every record of {self._entity.name}: {service.advice}"
        if self._entity.scan == "refuse":
            raise BadRequest(told)
        return told

    def judge(self, plan: ListPlan) -> Service:
        """What finds the records of a list."""
        if plan.search is not None:
            return Service(f"{PREFIX}index_{plan.search.index}")
        condition = plan.condition if plan.after is None else Every((plan.condition, plan.after))
        return self._judge_order(plan.sort) if condition == ALWAYS else self._judge(condition)

    def _judge(self, condition: Condition) -> Service:
        keys = tuple(_keys(condition))
        names = {key.storage: key for key in keys}
        usable = [(score, index.name) for index in self._indexes if (score := _score(index, names))]
        if usable:
            return Service(max(usable, key=lambda one: one[0])[1])
        for part in condition.parts if isinstance(condition, Every) else (condition,):
            if isinstance(part, Some) and part.parts:
                branches = [self._judge(branch) for branch in part.parts]
                unserved = next((branch for branch in branches if branch.index is None), None)
                if unserved is None:
                    return Service(", ".join(dict.fromkeys(str(branch.index) for branch in branches)))
                if not keys:
                    return unserved
        return Service(None, self._advice([key for key in keys if _can_be_indexed(key.path)]))

    def _judge_order(self, sort: Sequence[tuple[str, int]]) -> Service:
        """A list of everything is served by the index that holds its order."""
        for index in self._indexes:
            turned = [(path, -turn) for path, turn in sort]
            if list(index.keys[: len(sort)]) in (list(sort), turned) and index.partial is None and not index.sparse:
                return Service(index.name)
        names = [("-" if turn != sort[0][1] else "") + ("id" if path == "_id" else path) for path, turn in sort]
        return Service(None, self._entry(names))

    def _advice(self, keys: Sequence[_Key]) -> str:
        ordered = sorted(keys, key=lambda key: not key.exact)  # what is equal comes before what is in order
        if not ordered:
            return _NO_HELP
        if len(ordered) == 1:
            path = ordered[0].path
            if path.field in self._entity.system_fields or path.field.unique:  # whose own index leaves empties out
                return self._entry([path.name])
            return f'write "index: true" at the field {path.name} ({path.field.at})'
        return self._entry(list(dict.fromkeys(key.path.name for key in ordered)))

    def _entry(self, names: Sequence[str]) -> str:
        return f'write "- [{", ".join(names)}]" under "indexes:" of the entity ({self._entity.at})'


def _keys(condition: Condition, above: str = "") -> Iterator[_Key]:
    """The comparisons that every record meets and that an index can look up."""
    match condition:
        case Every(parts):
            for part in parts:
                yield from _keys(part, above)
        case Element(place, inner):
            yield from _keys(inner, f"{above}{place.storage}.")
        case Test(place, OneOf(null=null)):
            yield _Key(above + condition.storage, place.path, True, not null)
        case Test(place, Empty(opaque=False)):
            yield _Key(above + condition.storage, place.path, True, False)
        case Test(place, Range() | Near()):
            yield _Key(above + condition.storage, place.path, False, True)


def _score(index: IndexPlan, keys: dict[str, _Key]) -> int:
    """How much of a query an index takes on: its leading keys, unique ones and those for equality above all."""
    score = 0
    for path, _ in index.keys:
        key = keys.get(path)
        if key is None or not (key.filled or (index.partial is None and not index.sparse)):
            break
        score += 2 if key.exact else 1
        if not key.exact:
            break
    return score and score + 100 * index.unique


def _can_be_indexed(path: FieldPath) -> bool:
    copied = any(one.type.shape is Shape.REFERENCE for one in path.fields[:-1])
    return Capability.INDEX in path.field.type.capabilities and not copied


__all__ = ["BY_ID", "Scans", "Service"]
