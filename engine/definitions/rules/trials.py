"""Conditions over few values: a condition in, what it comes to over every combination of the values of its fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from engine.errors import BadRequest, ExpressionError
from engine.expressions import ROOTS, Names, Scope, Source, compile_expression, compile_template
from engine.expressions.syntax import Expression
from engine.query import FieldSet, is_bound, parse_filter_map, plan_filter, to_predicate
from engine.schema import Entity, Field

MOMENTS = (0, 1_900_000_000_000)
"""Two times in ms: what comes out the same at both does not look at the clock."""
MOST_VALUES = 64
"""Values of a field at most, for all of them to be tried."""
MOST_CASES = 512
"""Combinations of values at most."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A field whose values can be counted; `outer` where it is read from the whole record and not from the item."""

    field: Field
    values: tuple[Any, ...]
    outer: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """A condition that can be tried. `run` gives its value, which may be null, or raises ExpressionError."""

    run: Callable[[Scope], Any]
    cells: tuple[Cell, ...]

    def values(self, fixed: Mapping[str, Any] | None = None) -> Iterator[Any]:
        """What it comes to, case by case; `fixed` are fields of the item that have one value in all of them."""
        cells = [cell for cell in self.cells if cell.outer or cell.field.name not in (fixed or {})]
        for case in product(*(cell.values for cell in cells)):
            chosen = list(zip(cells, case, strict=True))
            item = {cell.field.name: value for cell, value in chosen if not cell.outer} | dict(fixed or {})
            record = {cell.field.name: value for cell, value in chosen if cell.outer}
            for moment in MOMENTS:
                yield self.run(Scope(item, {**item, **record}, now=moment))


def try_expression(source: Source, names: Names) -> Trial | None:
    """The trial of an expression, or None where it reads something whose values cannot be counted."""
    cells = [_cell_of(path, names) for path in source.paths]
    counted = [cell for cell in cells if cell is not None]
    if len(counted) < len(cells) or not _few(counted):
        return None
    try:
        return Trial(compile_source(source, names), tuple(counted))
    except ExpressionError:
        return None


def try_map(data: Mapping[str, Any], paths: Entity | FieldSet) -> Trial | None:
    """The trial of a filter map, as `try_expression`."""
    try:
        condition = plan_filter(paths, parse_filter_map(data), transient=True)
    except BadRequest:
        return None
    found = [paths.field_at(path) for path in _keys(data)]
    fields = {place.field.name: place.field for place in found if place is not None and len(place.fields) == 1}
    cells = [Cell(field, values) for field in fields.values() if (values := values_of(field))]
    if not is_bound(condition) or len(cells) < len(set(_keys(data))) or not _few(cells):
        return None
    holds = to_predicate(condition)
    return Trial(lambda scope: holds(scope.item), tuple(cells))


def compile_source(source: Source, names: Names) -> Callable[[Scope], Any]:
    """An expression or template as a function; raises ExpressionError."""
    if isinstance(source, Expression):
        return compile_expression(source, names)
    return compile_template(source, names)


def values_of(field: Field) -> tuple[Any, ...]:
    """Every value that a field may have, null among them where it can be unset; empty where they cannot be counted."""
    if field.many:
        return ()
    options = options_of(field)
    if options:
        return (*options, None)
    return (False, True) if field.type.json_schema() == {"type": "boolean"} else ()


def options_of(field: Field) -> tuple[Any, ...]:
    """The values among which a field lets choose; empty where it takes others too."""
    options = tuple(field.type.json_schema().get("enum", ()))
    return options if len(options) <= MOST_VALUES else ()


def field_at(path: tuple[str, ...], names: Names) -> Field | None:
    """The field that a path of an expression leads to, whatever root it begins with; None where there is none."""
    first, *rest = path
    item = names.fields.get(first)
    below: Mapping[str, Field] | None = None if item is None else item.by_name
    if item is None:
        root = ROOTS.get(first)
        place = root.place(names) if root else None
        below = place.below if place else None
    for name in rest:
        item = (below or {}).get(name)
        below = None if item is None else item.by_name
    return item


def _cell_of(path: tuple[str, ...], names: Names) -> Cell | None:
    whole = len(path) == 2 and path[0] == "record" and path[0] not in names.fields
    if len(path) > 1 and not whole:
        return None
    field = field_at(path, names)
    values = () if field is None else values_of(field)
    return Cell(field, values, whole and names.record is not names.fields) if field is not None and values else None


def _few(cells: list[Cell]) -> bool:
    cases = 1
    for cell in cells:
        cases *= len(cell.values)
    return cases <= MOST_CASES


def _keys(data: Mapping[str, Any]) -> Iterator[str]:
    """The paths that a filter map names."""
    for key, value in data.items():
        if not key.startswith("_"):
            yield key
            continue
        for inner in value if isinstance(value, list) else (value,):
            if isinstance(inner, Mapping):
                yield from _keys(inner)
