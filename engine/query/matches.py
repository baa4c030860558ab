"""The ways in which one value can satisfy an operator: each knows its MongoDB form and its Python form.

A match speaks of one comparable value (what `FieldType.query_value` gives). Where a record holds several values at
the place, any of them may satisfy it. Both forms select the same values, nulls and missing ones included.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt
from typing import Any, Protocol

from bson import Regex

from engine.query.patterns import Pattern

Store = Callable[[Any], Any]
"""A comparable value to its stored form."""
Test = Callable[[Any], bool]
"""Whether a comparable value, or None for a missing one, satisfies the match; a whole list is asked only as `[]`."""

EARTH_RADIUS = 6_378_100.0
"""Metres, as MongoDB counts them."""


class Match(Protocol):
    """One way to satisfy an operator."""

    @property
    def whole(self) -> bool:
        """Whether the match must be tried on one element at a time: it takes null, or it has two bounds."""

    def to_mongo(self, store: Store, many: bool) -> Any:
        """What stands behind the field's name in a MongoDB filter; `many` says that the field holds a list."""

    def to_opposite(self, store: Store, many: bool) -> dict[str, Any]:
        """The same for values that do not match, always as an object of operators."""

    def to_test(self) -> Test:
        """The same in Python; the function never raises."""


@dataclass(frozen=True, slots=True)
class Span:
    """A value as an operator sees it: from `low` to `high`, both included; one single value is both."""

    low: Any
    high: Any


@dataclass(frozen=True, slots=True)
class OneOf:
    """The value is one of `values`; with `null` an unset one counts too (an unset boolean reads as false)."""

    values: tuple[Any, ...]
    null: bool = False

    @property
    def whole(self) -> bool:
        """An unset value is looked for in each group of a list."""
        return self.null

    def to_mongo(self, store: Store, many: bool) -> Any:
        """A plain value where there is one only, so that any index serves it."""
        choices = self._choices(store)
        if len(choices) > 1:
            return {"$in": choices}
        return {"$eq": choices[0]} if isinstance(choices[0], (Mapping, list)) else choices[0]

    def to_opposite(self, store: Store, many: bool) -> dict[str, Any]:
        """None of the values; an unset value passes unless it counts."""
        choices = self._choices(store)
        return {"$nin": choices} if len(choices) > 1 else {"$ne": choices[0]}

    def _choices(self, store: Store) -> list[Any]:
        choices = [store(value) for value in self.values]
        return [*choices, None] if self.null else choices

    def to_test(self) -> Test:
        """Membership."""
        if len(self.values) == 1 and not self.null:
            only = self.values[0]
            return lambda value: bool(value == only)
        known = frozenset((*self.values, None) if self.null else self.values)
        return lambda value: isinstance(value, Hashable) and value in known


@dataclass(frozen=True, slots=True)
class Empty:
    """There is nothing: null, missing, `""` or `[]`; in a list, no element or one that is nothing.

    An `opaque` value is looked at as a whole, whatever it holds: a list with elements is something.
    """

    opaque: bool = False

    @property
    def whole(self) -> bool:
        """Nothing is looked for in each group of a list."""
        return True

    def to_mongo(self, store: Store, many: bool) -> Any:
        """The values that count as nothing; null stands for missing ones too."""
        if self.opaque:
            return {"$in": [None, "", []], "$not": {"$elemMatch": {"$exists": True}}}
        return {"$in": _nothing(many)}

    def to_opposite(self, store: Store, many: bool) -> dict[str, Any]:
        """Something, in every element."""
        return {"$not": self.to_mongo(store, many)} if self.opaque else {"$nin": _nothing(many)}

    def to_test(self) -> Test:
        """Whether the value is nothing."""
        return lambda value: value is None or value in ("", [])


def _nothing(many: bool) -> list[Any]:
    return [None, "", []] if many else [None, ""]


@dataclass(frozen=True, slots=True)
class Range:
    """The value lies between the bounds; None is no bound. Null is never in a range."""

    low: Any = None
    high: Any = None
    low_included: bool = True
    high_included: bool = True

    @property
    def whole(self) -> bool:
        """Both bounds must hold for the same element."""
        return self.low is not None and self.high is not None

    def to_mongo(self, store: Store, many: bool) -> Any:
        """Comparison operators, in one `$elemMatch` where two of them meet a list."""
        bounds = {}
        if self.low is not None:
            bounds["$gte" if self.low_included else "$gt"] = store(self.low)
        if self.high is not None:
            bounds["$lte" if self.high_included else "$lt"] = store(self.high)
        return {"$elemMatch": bounds} if many and self.whole else bounds

    def to_opposite(self, store: Store, many: bool) -> dict[str, Any]:
        """No value between the bounds."""
        return {"$not": self.to_mongo(store, many)}

    def to_test(self) -> Test:
        """Values of another kind than the bounds are outside, as in MongoDB."""
        low, high, low_included, high_included = self.low, self.high, self.low_included, self.high_included

        def test(value: Any) -> bool:
            if value is None:
                return False
            try:
                if low is not None and not (value >= low if low_included else value > low):
                    return False
                return high is None or bool(value <= high if high_included else value < high)
            except TypeError:
                return False

        return test


@dataclass(frozen=True, slots=True)
class Like:
    """The text matches a pattern."""

    pattern: Pattern

    @property
    def whole(self) -> bool:
        """One text is enough."""
        return False

    def to_mongo(self, store: Store, many: bool) -> Any:
        """A regular expression; it never holds text of the client that was not parsed and written anew."""
        return {"$regex": Regex(self.pattern.portable)}

    def to_opposite(self, store: Store, many: bool) -> dict[str, Any]:
        """No such text."""
        return {"$not": self.to_mongo(store, many)}

    def to_test(self) -> Test:
        """The same pattern in RE2."""
        matches = self.pattern.matches
        return lambda value: isinstance(value, str) and matches(value)


@dataclass(frozen=True, slots=True)
class Near:
    """The place lies at most `farthest` and at least `nearest` metres away; None is no limit."""

    latitude: float
    longitude: float
    nearest: float | None = None
    farthest: float | None = None

    @property
    def whole(self) -> bool:
        """Both distances are of the same place."""
        return True

    def to_mongo(self, store: Store, many: bool) -> Any:
        """Circles on the sphere. They select; the order by distance is the plan's."""
        centre = [self.longitude, self.latitude]
        bounds: dict[str, Any] = {}
        if self.farthest is not None:
            bounds["$geoWithin"] = {"$centerSphere": [centre, self.farthest / EARTH_RADIUS]}
        else:
            bounds["$ne"] = None
        if self.nearest is not None:
            bounds["$not"] = {"$geoWithin": {"$centerSphere": [centre, self.nearest / EARTH_RADIUS]}}
        return {"$elemMatch": bounds} if many else bounds

    def to_opposite(self, store: Store, many: bool) -> dict[str, Any]:
        """No such place."""
        return {"$not": self.to_mongo(store, many)}

    def to_test(self) -> Test:
        """Great-circle distance on the same sphere."""

        def test(value: Any) -> bool:
            if not isinstance(value, Mapping):
                return False
            metres = self.distance(float(value["latitude"]), float(value["longitude"]))
            if self.farthest is not None and metres > self.farthest:
                return False
            return self.nearest is None or metres > self.nearest

        return test

    def distance(self, latitude: float, longitude: float) -> float:
        """Metres to a place."""
        up, across = radians(latitude - self.latitude), radians(longitude - self.longitude)
        shares = cos(radians(self.latitude)) * cos(radians(latitude))
        half = sin(up / 2) ** 2 + shares * sin(across / 2) ** 2
        return 2 * EARTH_RADIUS * asin(min(1.0, sqrt(half)))


__all__ = ["EARTH_RADIUS", "Empty", "Like", "Match", "Near", "OneOf", "Range", "Span", "Store", "Test"]
