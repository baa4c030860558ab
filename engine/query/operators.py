"""OPERATORS: one record for each operator of the query language, from its arguments to the matches that it stands for.

An operator names no type: it asks for a Capability. A new operator is one record here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from engine.errors import BadRequest
from engine.fields.base import Capability
from engine.query.matches import Empty, Like, Match, Near, OneOf, Range
from engine.query.patterns import Kind, build_pattern
from engine.query.syntax import MOST_VALUES

EMPTY: Final = None
"""Stands among the spans of an operator for `""` and null: an empty value."""


class Takes(StrEnum):
    """How the arguments of an operator are read."""

    VALUES = "values"  # by the field's type, nothing means EMPTY; builds from Spans and EMPTY
    PATTERN = "pattern"  # text with slashes, commas included; builds from a Kind and a text
    NUMBERS = "numbers"  # plain numbers; builds from floats and None
    USER_FIELD = "userField"  # a path of the current user, whose value is compared; builds from Spans


@dataclass(frozen=True, slots=True)
class Operator:
    """`build` makes matches of the read arguments; one of them must hold or, where `negated`, none."""

    name: str
    least: int
    most: int
    capability: Capability
    takes: Takes
    build: Callable[[Sequence[Any]], tuple[Match, ...]]
    meaning: str
    negated: bool = False

    def check_count(self, count: int, where: str) -> None:
        """Raises BadRequest where the operator does not take so many arguments."""
        if self.least <= count <= self.most:
            return
        if self.least == self.most:
            wanted = _counted(self.least)
        elif count < self.least:
            wanted = f"at least {_counted(self.least)}"
        else:
            wanted = f"at most {_counted(self.most)}"
        hint = "; put a value that holds commas in double quotes" if count > self.most > 0 else ""
        raise BadRequest(f"{where}: {self.name} takes {wanted}, not {count or 'none'}{hint}")


def _counted(count: int) -> str:
    return "no value" if count == 0 else "one value" if count == 1 else f"{count} values"


def _equals(spans: Sequence[Any]) -> tuple[Match, ...]:
    found: list[Match] = []
    given = [span for span in spans if span is not EMPTY]
    values = tuple(span.low for span in given if span.low == span.high)
    if values:
        found.append(OneOf(values))
    if len(given) < len(spans):
        found.append(Empty())
    found.extend(Range(span.low, span.high) for span in given if span.low != span.high)
    return tuple(found)


def _between(spans: Sequence[Any]) -> tuple[Match, ...]:
    first, last = spans
    return (Range(first.low, last.high),)


def _greater(spans: Sequence[Any]) -> tuple[Match, ...]:
    return (Range(low=spans[0].high, low_included=False),)


def _greater_or_equals(spans: Sequence[Any]) -> tuple[Match, ...]:
    return (Range(low=spans[0].low),)


def _less(spans: Sequence[Any]) -> tuple[Match, ...]:
    return (Range(high=spans[0].low, high_included=False),)


def _less_or_equals(spans: Sequence[Any]) -> tuple[Match, ...]:
    return (Range(high=spans[0].high),)


def _like(arguments: Sequence[Any]) -> tuple[Match, ...]:
    kind, text = arguments
    return (Like(build_pattern(Kind(kind), text)),)


def _near(numbers: Sequence[Any]) -> tuple[Match, ...]:
    latitude, longitude, nearest, farthest = (*numbers, None, None)[:4]
    if not -90 <= latitude <= 90:
        raise BadRequest("the latitude comes first, from -90 to 90")
    if not -180 <= longitude <= 180:
        raise BadRequest("the longitude comes second, from -180 to 180")
    if (nearest or 0) < 0 or (farthest is not None and farthest < (nearest or 0)):
        raise BadRequest("distances are in metres, the least and then the greatest, neither below 0")
    return (Near(latitude, longitude, nearest or None, farthest),)


OPERATORS: Final[Mapping[str, Operator]] = MappingProxyType(
    {
        operator.name: operator
        for operator in (
            Operator("equals", 1, MOST_VALUES, Capability.EQUALS, Takes.VALUES, _equals, "is one of the values"),
            Operator(
                "notEquals",
                1,
                MOST_VALUES,
                Capability.NOT_EQUALS,
                Takes.VALUES,
                _equals,
                "is none of the values, or is empty",
                negated=True,
            ),
            Operator(
                "like",
                1,
                1,
                Capability.LIKE,
                Takes.PATTERN,
                _like,
                "contains the text; /v begins with it, v/ ends with it, /re/ matches an RE2 pattern",
            ),
            Operator(
                "between", 2, 2, Capability.ORDER, Takes.VALUES, _between, "lies between the values, both included"
            ),
            Operator("greater", 1, 1, Capability.ORDER, Takes.VALUES, _greater, "is greater than the value"),
            Operator(
                "greaterOrEquals",
                1,
                1,
                Capability.ORDER,
                Takes.VALUES,
                _greater_or_equals,
                "is not less than the value",
            ),
            Operator("less", 1, 1, Capability.ORDER, Takes.VALUES, _less, "is less than the value"),
            Operator(
                "lessOrEquals", 1, 1, Capability.ORDER, Takes.VALUES, _less_or_equals, "is not greater than the value"
            ),
            Operator("empty", 0, 0, Capability.EMPTY, Takes.VALUES, _equals, "has no value, no text or no elements"),
            Operator(
                "notEmpty", 0, 0, Capability.EMPTY, Takes.VALUES, _equals, "is the opposite of empty", negated=True
            ),
            Operator(
                "near",
                2,
                4,
                Capability.NEAR,
                Takes.NUMBERS,
                _near,
                "lies near a latitude and longitude, at least and at most so many metres away",
            ),
            Operator(
                "currentUserField",
                1,
                1,
                Capability.EQUALS,
                Takes.USER_FIELD,
                _equals,
                "equals what the current user has at a path; in definitions only",
            ),
        )
    }
)

__all__ = ["EMPTY", "OPERATORS", "Operator", "Takes"]
