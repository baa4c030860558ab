"""Plans to MongoDB data. Nothing here can fail, and no value of a client ever becomes an operator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine.query.condition import NEVER, Condition, Element, Every, Not, Some, Test, all_of
from engine.query.cursor import Position, to_keyset
from engine.query.listing import ListPlan

MongoFilter = dict[str, Any]

_NOTHING: Final[Mapping[str, Any]] = {"_id": {"$in": []}}


def to_filter(condition: Condition) -> MongoFilter:
    """The filter that selects the documents for which the condition holds; `_id` comes first.

    Comparisons that are not bound select nothing.
    """
    found = _to_filter(condition)
    if "_id" in found and next(iter(found)) != "_id":
        return {"_id": found.pop("_id"), **found}
    return found


def _to_filter(condition: Condition) -> MongoFilter:
    match condition:
        case Test(place):
            return {condition.storage: condition.match.to_mongo(condition.store, place.field.many)}
        case Not(Test() as test):
            return {test.storage: test.match.to_opposite(test.store, test.place.field.many)}
        case Element(place, inner):
            return {place.storage: {"$elemMatch": _object_match(inner)}}
        case Not(Element(place, inner)):
            return {place.storage: {"$not": {"$elemMatch": _object_match(inner)}}}
        case Every(parts):
            return join_filters(map(_to_filter, parts))
        case Some(parts) if condition != NEVER:
            return {"$or": [to_filter(part) for part in parts]}
        case _:
            return dict(_NOTHING)


def _object_match(condition: Condition) -> MongoFilter:
    """A filter for one element. Engines tell it from a list of operators by its first key, so that is a field's."""
    found = _to_filter(condition)
    fields = {key: value for key, value in found.items() if not key.startswith("$")}
    if found and not fields:
        fields["_"] = {"$exists": False}  # no field is named so: always true
    return {**fields, **found}


def join_filters(parts: Iterable[Mapping[str, Any]]) -> MongoFilter:
    """What all of the filters match, joined key by key; `$and` is left for what cannot be said otherwise, because it
    costs indexes."""
    joined: MongoFilter = {}
    left: list[MongoFilter] = []
    for part in parts:
        for key, value in part.items():
            if key not in joined:
                joined[key] = value
            elif joined[key] != value:
                merged = None if key.startswith("$") else _merge(joined[key], value)
                if merged is None:
                    left.append({key: value})
                else:
                    joined[key] = merged
    return {**joined, "$and": left} if left else joined


def _merge(one: Any, other: Any) -> dict[str, Any] | None:
    """Both tests of one field in one object, where they use different operators."""
    first, second = _operators(one), _operators(other)
    return None if first.keys() & second.keys() else {**first, **second}


def _operators(test: Any) -> dict[str, Any]:
    return test if isinstance(test, dict) else {"$eq": test}


@dataclass(frozen=True, slots=True)
class GeoSort:
    """Nearest first: the stored path, the GeoJSON point, and whether the place may be a list."""

    path: str
    point: dict[str, Any]
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Find:
    """What a list asks of the database. `count_filter` knows no offset; `geo` takes the place of `sort` where set."""

    filter: MongoFilter
    count_filter: MongoFilter
    sort: list[tuple[str, int]]
    skip: int
    limit: int
    projection: dict[str, int] | None
    geo: GeoSort | None = None


def to_find(plan: ListPlan, *, text_search: bool = True, position: Position | None = None) -> Find:
    """The plan of a list as MongoDB data; without `text_search` for a database that has no text index.

    `position` is where the page before ended, if a cursor said so.
    """
    condition = plan.condition if text_search else all_of((plan.condition, plan.words))
    counted = to_filter(condition)
    found = counted if plan.after is None else to_filter(Every((condition, plan.after)))
    if plan.search is not None and text_search:
        text = {"$text": {"$search": plan.search.words}}
        counted, found = {**counted, **text}, {**found, **text}
    if position is not None:
        keyset = to_keyset(position, plan.sort)
        found = join_filters((found, keyset))
    geo = None
    if plan.nearest is not None:
        place, near = plan.nearest
        point = {"type": "Point", "coordinates": [near.longitude, near.latitude]}
        geo = GeoSort(place.storage, point, listed=place.field.many)
    return Find(
        filter=found,
        count_filter=counted,
        sort=list(plan.sort),
        skip=plan.skip,
        limit=plan.limit,
        projection=None if plan.projection is None else dict.fromkeys(plan.projection, 1),
        geo=geo,
    )


__all__ = ["Find", "GeoSort", "MongoFilter", "join_filters", "to_filter", "to_find"]
