"""geoNear: records by their distance from a place, the nearest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

from engine.aggregate.names import check_name
from engine.aggregate.shape import NUMBER, ItemShape, renamed
from engine.aggregate.stages.stage import Context, MongoStage, Stage, Step, parse_keys, parse_text
from engine.errors import BadRequest, Forbidden, InvalidValue
from engine.fields import FIELD_TYPES
from engine.fields.base import Capability
from engine.fields.number import to_decimal
from engine.query import ALWAYS, Condition, to_filter
from engine.query.values import Budget
from engine.schema import Field, FieldPath

_PLACE = FIELD_TYPES["geoPoint"].configure({})


@dataclass(frozen=True, slots=True)
class GeoNearStep:
    """Selects by a condition and sorts by distance; `options` are MongoDB's, by their names."""

    rows: Condition
    path: str
    point: Mapping[str, Any]
    options: Mapping[str, Any]

    def to_mongo(self) -> list[MongoStage]:
        """`$geoNear`."""
        near = {"near": dict(self.point), "key": self.path, "spherical": True, **self.options}
        return [{"$geoNear": near if self.rows == ALWAYS else {**near, "query": to_filter(self.rows)}}]


@dataclass(frozen=True, slots=True)
class _GeoNear:
    point: Mapping[str, Any]
    key: str | None
    distance: str
    place: str | None
    numbers: Mapping[str, float]

    def plan(self, shape: ItemShape, context: Context) -> tuple[Step, ItemShape]:
        path = self._path(shape)
        check_name(self.distance, shape.by_name)
        options: dict[str, Any] = {"distanceField": self.distance, **self.numbers}
        left = shape.with_field(Field(self.distance, self.distance, self.distance, NUMBER))
        if self.place is not None:
            check_name(self.place, left.by_name)
            options["includeLocs"] = self.place
            left = left.with_field(renamed(path.field, self.place))
        return GeoNearStep(context.rows, path.storage, self.point, options), left

    def _path(self, shape: ItemShape) -> FieldPath:
        if self.key is not None:
            path = shape.pick_single(self.key)
            if Capability.NEAR not in path.field.type.capabilities or _is_copied(path):
                raise BadRequest(f"key: {path.name} is no place that records are found by")
            return path
        known = list(_places(shape))
        if len(known) != 1:
            names = ", ".join(path.name for path in known)
            raise BadRequest(
                f"key is missing: it says which of {names} is meant" if known else "there is no place field"
            )
        return known[0]


def _is_copied(path: FieldPath) -> bool:
    return any(item.reference is not None for item in path.fields)


def _places(shape: ItemShape) -> Iterator[FieldPath]:
    """Every place in the records that the caller sees; lists of places have no one distance."""
    waiting: list[tuple[Field, ...]] = [(item,) for item in reversed(shape.record)]
    while waiting:
        fields = waiting.pop()
        path = FieldPath(fields)
        if path.field.many or path.field.reference is not None or not _is_open(shape, path):
            continue
        if Capability.NEAR in path.field.type.capabilities:
            yield path
        waiting.extend((*fields, item) for item in reversed(path.field.fields))


def _is_open(shape: ItemShape, path: FieldPath) -> bool:
    try:
        shape.pick(path.name)
    except (BadRequest, Forbidden):
        return False
    return True


def _parse(argument: Any, budget: Budget) -> _GeoNear:
    keys = parse_keys(
        argument,
        ("coordinates", "distanceField"),
        ("minDistance", "maxDistance", "distanceMultiplier", "includeLocs", "key"),
    )
    try:
        point = _PLACE.to_stored(_PLACE.parse_json(keys["coordinates"]))
    except InvalidValue as error:
        raise BadRequest(f"coordinates: {error.message}") from None
    numbers = {name: _number(name, keys[name]) for name in _NUMBERS if keys.get(name) is not None}
    if numbers.get("minDistance", 0) > numbers.get("maxDistance", inf):
        raise BadRequest("minDistance is greater than maxDistance")
    return _GeoNear(
        point=point,
        key=None if keys.get("key") is None else parse_text(keys["key"], "key"),
        distance=check_name(keys["distanceField"]),
        place=None if keys.get("includeLocs") is None else check_name(keys["includeLocs"]),
        numbers=numbers,
    )


_NUMBERS = ("minDistance", "maxDistance", "distanceMultiplier")


def _number(name: str, value: Any) -> float:
    number = to_decimal(value) if not isinstance(value, str) else None
    if number is None or number < 0 or not isfinite(float(number)):
        raise BadRequest(f"{name} takes a number from 0")
    return float(number)


GEO_NEAR = Stage(
    "geoNear",
    _parse,
    "takes the records around a place, the nearest first, and adds their distance in metres",
    first=True,
)

__all__ = ["GEO_NEAR", "GeoNearStep"]
