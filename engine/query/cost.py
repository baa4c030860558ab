"""What a query will cost, told from its condition alone: a Condition in, a bound on the records that meet it out."""

from __future__ import annotations

from engine.query.condition import Condition, Element, Every, Some, Test
from engine.query.matches import OneOf


def most_matches(condition: Condition) -> int | None:
    """How many records can meet the condition at most, because ids and unique fields say so; None where they do not."""
    match condition:
        case Test(place, OneOf(values, null=False), bare=False) if (
            _is_identity(condition) and place.field.type.query_part is None
        ):
            return len(values)
        case Every(parts):
            return min((bound for part in parts if (bound := most_matches(part)) is not None), default=None)
        case Some(parts):
            bounds = [most_matches(part) for part in parts]
            return None if None in bounds else sum(bound for bound in bounds if bound is not None)
        case Element(_, inner):
            return most_matches(inner)
        case _:
            return None


def _is_identity(test: Test) -> bool:
    """Whether no two records have the same value there."""
    return test.place.path.storage == "_id" or test.place.field.unique


__all__ = ["most_matches"]
