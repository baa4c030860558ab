"""The indexes that an app's database must have: the schema in, plans as plain data out.

Names tell what an index is for, and are the same as long as the definition asks for the same:
`cw_unique_<path>`, `cw_field_<path>`, `cw_place_<path>`, and `cw_index_<name>` for those that the author named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.fields.base import Capability, Shape
from engine.fields.reference import points_to_file
from engine.schema import App, Entity, FieldPath, Index

PREFIX = "cw_"
"""Begins the name of every index that the product made; others in the database are somebody else's."""

ASCENDING, DESCENDING, TEXT, SPHERE = 1, -1, "text", "2dsphere"


@dataclass(frozen=True, slots=True)
class IndexPlan:
    """One index of one collection, which is named like its entity.

    `keys` are stored paths with 1, -1, "text" or "2dsphere". `partial` is the filter of the documents that the index
    covers, None for all; a `sparse` one covers what has the key at all. `listed`: its place may be a list of places.
    """

    collection: str
    name: str
    keys: tuple[tuple[str, int | str], ...]
    unique: bool = False
    partial: Mapping[str, Any] | None = None
    sparse: bool = False
    listed: bool = False


def plan_indexes(app: App) -> tuple[IndexPlan, ...]:
    """Every index, in the order of entities and fields; names are unique within a collection.

    A unique index covers only documents that have a value: a stored null is below the lowest value of every type. In
    the items of a many group unset unique fields are not stored at all, and the index is sparse, because one item that
    has a value would let the nulls of the others count.
    """
    return tuple(plan for entity in app.entities.values() for plan in plan_entity_indexes(entity))


def plan_entity_indexes(entity: Entity) -> Iterator[IndexPlan]:
    """Every index of one entity's collection."""
    for path in entity.all_paths():
        stored_by_target = any(one.type.shape is Shape.REFERENCE for one in path.fields[:-1])
        if not stored_by_target and not any(one.transient for one in path.fields):
            yield from _plan_field(entity.name, path)
    for index in entity.indexes:
        yield _plan_named(entity, index)


def _plan_field(collection: str, path: FieldPath) -> Iterator[IndexPlan]:
    item = path.field
    if item.unique and any(one.many for one in path.fields[:-1]):
        value = _identity(path)
        yield IndexPlan(collection, f"{PREFIX}unique_{value}", ((value, ASCENDING),), True, sparse=True)
    elif item.unique:
        yield _unique(collection, _identity(path), item.type.lowest)
    elif Capability.NEAR in item.type.capabilities:
        yield IndexPlan(collection, f"{PREFIX}place_{path.storage}", ((path.storage, SPHERE),), listed=item.many)
    elif item.index or item.reference is not None or points_to_file(item.type):
        yield _plain(collection, _identity(path))
    if item.index and _compared(path) != _identity(path):
        yield _plain(collection, _compared(path))


def _plan_named(entity: Entity, index: Index) -> IndexPlan:
    keys: list[tuple[str, int | str]] = []
    covered: dict[str, Any] = {}
    listed = False
    for written in index.fields:
        path = entity.field_at(written.removeprefix("-"))
        assert path is not None  # the definitions were refused otherwise
        value = _identity(path) if index.unique else _compared(path)
        if index.kind == "text":
            keys.append((value, TEXT))
        elif Capability.NEAR in path.field.type.capabilities:
            keys.append((value, SPHERE))
            listed = listed or path.field.many
        else:
            keys.append((value, DESCENDING if written.startswith("-") else ASCENDING))
        if Capability.EQUALS in path.field.type.capabilities:
            covered[value] = {"$gte": path.field.type.lowest}
    name = f"{PREFIX}index_{index.name}"
    partial = (index.unique and covered) or None
    return IndexPlan(entity.name, name, tuple(keys), index.unique, partial, listed=listed)


def _unique(collection: str, value: str, lowest: object) -> IndexPlan:
    return IndexPlan(collection, f"{PREFIX}unique_{value}", ((value, ASCENDING),), True, {value: {"$gte": lowest}})


def _plain(collection: str, value: str) -> IndexPlan:
    return IndexPlan(collection, f"{PREFIX}field_{value}", ((value, ASCENDING),))


def _compared(path: FieldPath) -> str:
    """Where the value stands that a bare filter on the field compares; of a reference, what people read of it."""
    part = path.field.type.query_part
    return f"{path.storage}.{part}" if part else path.storage


def _identity(path: FieldPath) -> str:
    """Where the value stands that tells two records apart; of a reference, the id, which also leads back to it."""
    return f"{path.storage}.id" if path.field.type.shape is Shape.REFERENCE else _compared(path)


__all__ = ["PREFIX", "SPHERE", "TEXT", "IndexPlan", "plan_entity_indexes", "plan_indexes"]
