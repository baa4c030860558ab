"""lookup: to every item the records of an entity that match it, as the caller may read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from bson import MaxKey

from engine.aggregate.names import check_name, unknown
from engine.aggregate.shape import GROUP, ItemShape
from engine.aggregate.stages.stage import Context, MongoStage, Stage, Step, parse_keys, parse_text
from engine.aggregate.values import Expression, values_at
from engine.errors import BadRequest, Forbidden
from engine.fields.base import Capability, FieldType
from engine.query import Condition, to_filter
from engine.query.values import Budget
from engine.schema import Entity, Field, FieldPath, rebase

_KEYS: Final = "_keys"
"""Where an item's keys stand while it is joined; no field's name begins like this."""
_NO_KEY: Final = MaxKey()
"""A key that no record has. Lists of keys hold it, because an empty one would find the records without a key."""


@dataclass(frozen=True, slots=True)
class LookupStep:
    """Joins the records of a collection, of which any key is among the item's keys, as a list under a name.

    `keys` is the expression of the item's keys. `foreign` is the stored path by which the database finds records with
    such keys; None where `foreign_keys`, the expression of a record's keys, must be asked of every record.
    """

    collection: str
    name: str
    keys: Expression
    rows: Condition | None
    foreign: str | None
    foreign_keys: Expression

    def to_mongo(self) -> list[MongoStage]:
        """`$lookup`; the joined records carry their id under `id`, as inner objects do."""
        rows = [] if self.rows is None else [{"$match": to_filter(self.rows)}]
        made = [{"$set": {"id": "$_id"}}, {"$project": {"_id": 0}}]
        if self.foreign is None:
            met = {"$size": {"$setIntersection": [f"$${_KEY_VARIABLE}", self.foreign_keys]}}
            pipeline = [*rows, {"$match": {"$expr": {"$gt": [met, 0]}}}, *made]
            let = {_KEY_VARIABLE: self.keys}
            return [{"$lookup": {"from": self.collection, "let": let, "pipeline": pipeline, "as": self.name}}]
        by = {"localField": _KEYS, "foreignField": self.foreign}
        return [
            {"$set": {_KEYS: {"$concatArrays": [self.keys, [_NO_KEY]]}}},
            {"$lookup": {"from": self.collection, **by, "pipeline": [*rows, *made], "as": self.name}},
            {"$project": {_KEYS: 0}},
        ]


_KEY_VARIABLE: Final = "keys"


@dataclass(frozen=True, slots=True)
class _Lookup:
    local: str
    foreign: str
    entity: str
    name: str

    def plan(self, shape: ItemShape, context: Context) -> tuple[Step, ItemShape]:
        entity = context.app.entities.get(self.entity)
        if entity is None:
            readable = [name for name in context.app.entities if context.access(name).may("read")]
            raise unknown(self.entity, readable, "entity")
        access = context.access(entity.name)
        if not access.may("read"):
            raise Forbidden(f"You have no right to read {entity.label}")
        records = ItemShape.of(entity, access)
        local = _key(shape, self.local)
        foreign = _key(records, self.foreign)
        _check_kinds(local, foreign)
        check_name(self.name, shape.by_name)
        step = LookupStep(
            collection=entity.name,
            name=self.name,
            keys=values_at(local),
            rows=access.row_filter,
            foreign=foreign.storage if _is_found(foreign) else None,
            foreign_keys=values_at(foreign),
        )
        return step, shape.with_field(_joined(entity, self.name), records)


def _key(shape: ItemShape, name: str) -> FieldPath:
    path = shape.identity_of(shape.pick(name))
    if path.field.type.query_part is not None:
        raise BadRequest(f"{path.name} cannot be looked up by")
    return path


def _check_kinds(local: FieldPath, foreign: FieldPath) -> None:
    one, other = local.field.type, foreign.field.type
    if _stored_kind(one) is not _stored_kind(other):
        raise BadRequest(
            f"{local.name} is {one.name} and {foreign.name} is {other.name}: values of these two are never equal"
        )


def _stored_kind(kind: FieldType) -> object:
    """Values of different kinds are never equal in the database; all numbers are of one."""
    return Capability.SUM if Capability.SUM in kind.capabilities else type(kind.lowest)


def _is_found(path: FieldPath) -> bool:
    """Whether every engine finds records by the path alone.

    Where it leads through a list of objects an engine may do so by an index only, which every relationship has on its
    id.
    """
    if not any(item.many for item in path.fields[:-1]):
        return True
    return path.fields[-2].reference is not None and path.field.name == "id"


def _joined(entity: Entity, name: str) -> Field:
    """The list of joined records as a field."""
    return Field(
        name=name,
        path=name,
        label=entity.label,
        type=GROUP,
        many=True,
        fields=tuple(rebase(item, name) for item in entity.fields),
        system_fields=tuple(rebase(item, name) for item in entity.system_fields),
    )


def _parse(argument: Any, budget: Budget) -> _Lookup:
    keys = parse_keys(argument, ("localFieldPath", "foreignFieldPath", "foreignEntityName", "as"))
    return _Lookup(
        local=parse_text(keys["localFieldPath"], "localFieldPath"),
        foreign=parse_text(keys["foreignFieldPath"], "foreignFieldPath"),
        entity=parse_text(keys["foreignEntityName"], "foreignEntityName"),
        name=check_name(keys["as"]),
    )


LOOKUP = Stage("lookup", _parse, "adds to every item the list of another entity's records that match it, maybe empty")

__all__ = ["LOOKUP", "LookupStep"]
