"""Filters written as maps (`{state: active, size: greater(100), _or: {…}}`), in definitions and JSON bodies, to syntax.

Keys are ANDed; a list means any of its values; a map behind a group means one and the same element of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from engine.errors import BadRequest, did_you_mean
from engine.query.operators import OPERATORS, Takes
from engine.query.syntax import AllOf, AnyOf, Argument, Compare, Filter, Native, Reference, Source, Within
from engine.query.values import Budget, Piece, Value, parse_value, show_value

_is_reference: Final[Callable[[str], re.Match[str] | None]] = re.compile(
    r"\$(user|record)\.([A-Za-z0-9]+(?:\.[A-Za-z0-9]+)*)"
).fullmatch


def parse_filter_map(mapping: Mapping[str, Any], *, references: bool = True, budget: Budget | None = None) -> Filter:
    """Reads a filter map; raises BadRequest.

    `references` gives `$user.path`, `$record.path` and `currentUserField(path)` their meaning; where the map comes from
    a client it is False, and such text stands for itself.
    """
    return _Maps(references, budget or Budget()).read(mapping, 1)


def filter_of(path: str, value: Value, budget: Budget, position: int | None = None, depth: int = 1) -> Filter:
    """The condition that `path=value` stands for, as a client wrote it."""
    return _Maps(False, budget).of_value(path, value, depth, position)


def read_value(path: str, text: str) -> Value:
    """The text behind `path=`; errors name the path."""
    try:
        return parse_value(text)
    except BadRequest as error:
        raise BadRequest(f"{path[:64]}: {error.message}") from None


class _Maps:
    def __init__(self, references: bool, budget: Budget) -> None:
        self.references = references
        self.budget = budget

    def read(self, mapping: Mapping[str, Any], depth: int) -> Filter:
        parts = tuple(self.entry(key, value, depth) for key, value in mapping.items())
        return parts[0] if len(parts) == 1 else AllOf(parts)

    def entry(self, key: Any, value: Any, depth: int) -> Filter:
        if not isinstance(key, str):
            raise BadRequest(f"A filter names fields by text, not by {show_value(key)}")
        if key in _JOINS:
            self.budget.spend(depth)
            parts = tuple(self.joined(key, value, depth + 1))
            if not parts:
                raise BadRequest(f"{key} needs at least one condition")
            return _JOINS[key](parts)
        if key.startswith("_"):
            hint = did_you_mean(key, _JOINS)
            raise BadRequest(f"A filter has no {key}{f'; {hint}' if hint else ''}")
        return self.condition(key, value, depth)

    def joined(self, key: str, value: Any, depth: int) -> Iterator[Filter]:
        if isinstance(value, Mapping):
            for name, inner in value.items():
                yield self.entry(name, inner, depth)
        elif isinstance(value, list):
            for one in value:
                if not isinstance(one, Mapping):
                    raise BadRequest(f"{key} takes a map of conditions, or a list of such maps")
                self.budget.spend(depth)
                yield self.read(one, depth + 1)
        else:
            raise BadRequest(f"{key} takes a map of conditions, or a list of such maps")

    def condition(self, path: str, value: Any, depth: int) -> Filter:
        if isinstance(value, str):
            if self.references and (reference := _reference(value)) is not None:
                return self.compare(path, "equals", (reference,), depth)
            return self.of_value(path, read_value(path, value), depth)
        if isinstance(value, Mapping):
            return self.within(path, value, depth)
        values = value if isinstance(value, list) else [value]
        if not values:
            raise BadRequest(f"{path}: a list of values may not be empty")
        return self.compare(path, "equals", tuple(self.native(path, one) for one in values), depth)

    def native(self, path: str, value: Any) -> Argument:
        if value is None:
            return ""
        if isinstance(value, str):
            reference = _reference(value) if self.references else None
            return value if reference is None else reference
        if isinstance(value, float):
            return Native(Decimal(repr(value)))
        if isinstance(value, (bool, int, Decimal)):
            return Native(value)
        raise BadRequest(f"{path}: a value is text, a number, true, false or null, not {_kind(value)}")

    def of_value(self, path: str, value: Value, depth: int, position: int | None = None) -> Filter:
        if value.group is not None and not value.arguments:
            return self.within(path, value.group, depth, position)
        if OPERATORS[value.operator].takes is Takes.USER_FIELD:
            return self.compare(path, "equals", (self.user_field(path, value.arguments[0]),), depth)
        found = self.compare(path, value.operator, tuple(map(self.argument, value.arguments)), depth, position)
        return found if value.group is None else replace(found, group=self.braces(value.group, depth))

    def braces(self, group: Mapping[str, Any], depth: int) -> Filter | None:
        """What an object asks of inner fields, None where it cannot be meant so."""
        try:
            return self.read(group, depth + 1) if group and not self.references else None
        except BadRequest:
            return None

    def argument(self, piece: Piece) -> Argument:
        reference = _reference(piece.text) if self.references and not piece.quoted else None
        return piece.text if reference is None else reference

    def user_field(self, path: str, piece: Piece) -> Argument:
        if not self.references:
            raise BadRequest(f"{path}: currentUserField works in definitions only")
        reference = _reference(f"$user.{piece.text}")
        if reference is None:
            raise BadRequest(f"{path}: currentUserField takes the path of a field of the user, not {piece.text!r}")
        return reference

    def compare(
        self, path: str, operator: str, arguments: tuple[Argument, ...], depth: int, position: int | None = None
    ) -> Compare:
        self.budget.spend(depth, len(arguments))
        return Compare(path, operator, arguments, position)

    def within(self, path: str, value: Mapping[str, Any], depth: int, position: int | None = None) -> Filter:
        self.budget.spend(depth)
        if not value:
            raise BadRequest(f"{path[:64]}: a map of inner values may not be empty")
        return Within(path, self.read(value, depth + 1), position)


_JOINS: Final[Mapping[str, Callable[[tuple[Filter, ...]], Filter]]] = {"_or": AnyOf, "_and": AllOf}


def _reference(text: str) -> Reference | None:
    found = _is_reference(text)
    return None if found is None else Reference(Source(found[1]), tuple(found[2].split(".")))


def _kind(value: object) -> str:
    return "a list" if isinstance(value, list) else "a map" if isinstance(value, Mapping) else show_value(value)


__all__ = ["filter_of", "parse_filter_map", "read_value"]
