"""project: of every item only some fields, and its id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from engine.aggregate.shape import ItemShape
from engine.aggregate.stages.stage import Context, MongoStage, Stage, Step, parse_names
from engine.query.values import Budget
from engine.schema import Field


@dataclass(frozen=True, slots=True)
class ProjectStep:
    """Keeps stored paths, of which none lies below another."""

    paths: tuple[str, ...]
    keeps_id: bool

    def to_mongo(self) -> list[MongoStage]:
        """`$project`."""
        return [{"$project": {"_id": int(self.keeps_id), **dict.fromkeys(self.paths, 1)}}]


@dataclass(frozen=True, slots=True)
class _Project:
    names: tuple[str, ...]

    def plan(self, shape: ItemShape, context: Context) -> tuple[Step, ItemShape]:
        wanted = frozenset(shape.pick(name).name for name in self.names)
        fields = tuple(_kept(shape.fields, wanted | {"id"}))
        paths = tuple(path for path in _paths(fields, wanted) if path != "id")
        return ProjectStep(paths, shape.has_id), shape.remade(fields)


def _kept(fields: Iterable[Field], wanted: frozenset[str]) -> Iterator[Field]:
    """The fields that are wanted, and groups cut down to what is wanted of them; they keep their id and label."""
    for item in fields:
        if item.path in wanted:
            yield item
        elif any(path.startswith(f"{item.path}.") for path in wanted):
            own = {f"{item.path}.{name}" for name in ("id", "label", item.type.query_part) if name in item.by_name}
            yield replace(
                item,
                fields=tuple(_kept(item.fields, wanted | own)),
                system_fields=tuple(_kept(item.system_fields, wanted | own)),
            )


def _paths(fields: Iterable[Field], wanted: frozenset[str]) -> Iterator[str]:
    """The outermost paths of kept fields: a group that is wanted itself, else what was kept of it."""
    for item in fields:
        inner = (*item.system_fields, *item.fields)
        if item.path in wanted or not inner:
            yield item.path
        else:
            yield from _paths(inner, wanted)


def _parse(argument: Any, budget: Budget) -> _Project:
    return _Project(parse_names(argument, "project"))


PROJECT = Stage("project", _parse, "keeps the named fields, and the id where items have one")

__all__ = ["PROJECT", "ProjectStep"]
