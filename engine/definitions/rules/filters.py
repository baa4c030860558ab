"""Laws about filter maps: fields that are there, operators that they have, values that they can have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.definitions.codes.code import problem
from engine.definitions.codes.fields import FILTER
from engine.definitions.codes.names import UNKNOWN_FIELD
from engine.definitions.nodes import List, Map, Node, Scalar
from engine.definitions.rules.context import Context, suggest
from engine.definitions.rules.places import FilterPlace
from engine.definitions.rules.references import unknown_user_field
from engine.errors import BadRequest, Diagnostic
from engine.query import FieldSet, parse_filter_map, plan_filter

_REFERENCE = re.compile(r"\$(record|user)\.([A-Za-z0-9.]+)")
_VALUES = "write a value, a list of values, or an operator such as greater(100)"


def filters_can_be_planned(context: Context) -> Iterator[Diagnostic]:
    """Every filter map names fields that are there, with operators and values that they can have."""
    for place in context.filters:
        if isinstance(place.paths, FieldSet) or not context.unsure(place.paths.name):
            yield from _check(context, place, place.map)


def _check(context: Context, place: FilterPlace, written: Map) -> Iterator[Diagnostic]:
    """Each entry by itself, so that each fault has its own place; then the whole, for the limits."""
    faults = [
        fault for name, node in written.values.items() for fault in _check_entry(context, place, written, name, node)
    ]
    yield from faults
    if not faults and written is place.map:
        try:
            plan_filter(place.paths, parse_filter_map(written.data), transient=place.transient)
        except BadRequest as error:
            if not any(context.leads_to_broken(place.paths, name) for name in written.values):
                yield problem(FILTER, written.at, error.message, _VALUES)


def _check_entry(context: Context, place: FilterPlace, written: Map, name: str, node: Node) -> Iterator[Diagnostic]:
    inner = [part for part in (node.items if isinstance(node, List) else (node,)) if isinstance(part, Map)]
    if name in {"_or", "_and"} and inner:
        for part in inner:
            yield from _check(context, place, part)
    elif not name.startswith("_") and place.paths.field_at(name) is None:
        if not context.leads_to_broken(place.paths, name):
            above, _, last = name.rpartition(".")
            outer = place.paths.field_at(above) if above else None
            known = place.paths.by_name if outer is None else outer.field.by_name
            hint = suggest(last if outer else name, known)
            yield problem(UNKNOWN_FIELD, written.key_at(name), f'there is no field "{name}" to filter by', hint)
    elif not context.leads_to_broken(place.paths, name):
        try:
            plan_filter(place.paths, parse_filter_map({name: node.data}), transient=place.transient)
        except BadRequest as error:
            yield problem(FILTER, node.at, error.message, _VALUES)
        yield from _check_references(context, place, node)


def _check_references(context: Context, place: FilterPlace, node: Node) -> Iterator[Diagnostic]:
    """`$record.path` reads a field of the record, `$user.path` one of the user."""
    for part in node.items if isinstance(node, List) else (node,):
        found = _REFERENCE.fullmatch(part.data) if isinstance(part.data, str) else None
        if found is None or not isinstance(part, Scalar):
            continue
        source, path = found.groups()
        at = part.position_of(found.start(2))
        if source == "user":
            yield from unknown_user_field(context, path, at)
            continue
        record = place.record
        if record is not None and record.field_at(path) is None and not context.leads_to_broken(record, path):
            hint = suggest(path, record.by_name)
            yield problem(UNKNOWN_FIELD, at, f'the record has no field "{path}"', hint)
