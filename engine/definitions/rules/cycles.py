"""Laws about circles: calculations that need each other, copies that hold each other, actions that run each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import TypeVar

from engine.definitions.codes.code import problem
from engine.definitions.codes.fields import ACTION_CYCLE, CALCULATION_CYCLE, COPY_CYCLE, ROUND_TRIP
from engine.definitions.rules.context import Context, text_of
from engine.errors import Diagnostic, ExpressionError, Position
from engine.expressions import field_paths

Key = tuple[str, str]
"""An entity, and a path in its records."""
Name = TypeVar("Name")


@dataclass(frozen=True, slots=True)
class Calculation:
    """Something computed: what it reads of its record, where it stands, and what it reads of other entities."""

    reads: frozenset[str]
    at: Position
    elsewhere: frozenset[Key] = frozenset()


def calculations_end(context: Context) -> Iterator[Diagnostic]:
    """No calculated field or label needs itself, straight or by way of others, in its own record or in other ones."""
    calculations = _calculations(context)
    for entity in dict.fromkeys(entity for entity, _ in calculations):
        own = {path: item for (name, path), item in calculations.items() if name == entity}
        graph = {
            path: {other for other in own if any(_touch(read, other) for read in item.reads) and other != path}
            | ({path} & item.reads)
            for path, item in own.items()
        }
        for circle in circles(graph):
            message = f"these calculations need each other: {' -> '.join(circle)}"
            if len(set(circle)) == 1:
                message = f"{circle[0]} is calculated from itself"
            hint = "calculate one of them from fields that are not calculated"
            yield problem(CALCULATION_CYCLE, own[circle[0]].at, message, hint)
    yield from _round_trips(context, calculations)


def _round_trips(context: Context, calculations: Mapping[Key, Calculation]) -> Iterator[Diagnostic]:
    """Circles that lead through other records; those inside one record have been told."""
    needs = {key: _needs(context, key[0], item) for key, item in calculations.items()}
    paths: dict[str, list[str]] = {}
    for entity, path in calculations:
        paths.setdefault(entity, []).append(path)
    graph = {
        key: {(entity, path) for entity, read in needed for path in paths.get(entity, ()) if _touch(read, path)}
        for key, needed in needs.items()
    }
    crossing = {
        (key, (entity, path))
        for key, needed in needs.items()
        for entity, read in needed - {(key[0], read) for read in calculations[key].reads}
        for path in paths.get(entity, ())
        if _touch(read, path)
    }
    for circle in circles(graph):
        if any(step in crossing for step in pairwise(circle)):
            told = " -> ".join(f"{entity}.{path}" for entity, path in circle)
            message = f"records calculate each other: {told}"
            hint = "copy a field that is not calculated, or ignore it where these records never form a circle"
            yield problem(ROUND_TRIP, calculations[circle[0]].at, message, hint)


def _needs(context: Context, entity: str, item: Calculation) -> set[Key]:
    """What a calculation needs, in its own record and where its paths lead into other records."""
    needed = {(entity, read) for read in item.reads} | set(item.elsewhere)
    for read in item.reads:
        found = context.resolved.entities[entity].field_at(read)
        parts = () if found is None else found.fields
        for index, part in enumerate(parts[:-1]):
            if part.reference is not None:
                needed.add((part.reference.entity, ".".join(inner.name for inner in parts[index + 1 :])))
    return needed


def copies_end(context: Context) -> Iterator[Diagnostic]:
    """No copied field holds, by way of other copies, itself."""
    graph: dict[str, set[str]] = {}
    places: dict[str, Position] = {}
    for place in context.fields:
        structure, entity = place.definition.structure, place.entity.name
        if structure.entity is None or not structure.copy:
            continue
        here = f"{entity}.{place.field.path.partition('.')[0]}"
        target = context.resolved.entities.get(text_of(structure.entity))
        copied = [target.by_name.get(text_of(name)) for name in structure.copy] if target else []
        graph.setdefault(here, set()).update(f"{text_of(structure.entity)}.{field.name}" for field in copied if field)
        places[here] = place.definition.key_at("copy")
    for circle in circles(graph):
        message = f"these copies hold each other: {' -> '.join(circle)}"
        yield problem(COPY_CYCLE, places[circle[0]], message, "leave one of them out of copy")


def actions_end(context: Context) -> Iterator[Diagnostic]:
    """No action runs itself by way of its steps."""
    for site in context.sites:
        graph: dict[str, set[str]] = {}
        places: dict[str, Position] = {}
        for definition, action in site.actions:
            for step in definition.steps:
                if step.action is not None:
                    graph.setdefault(action.name, set()).add(text_of(step.action.name))
                    places[action.name] = step.action.name.at
        for circle in circles(graph):
            message = f"these actions run each other: {' -> '.join(circle)}"
            yield problem(ACTION_CYCLE, places[circle[0]], message, "take one of these steps out")


def circles(graph: Mapping[Name, set[Name]]) -> Iterator[list[Name]]:
    """Circles of a graph, each begun with its first name in order; those that share a node are told as one."""
    left = {name: set(needed) for name, needed in graph.items()}
    while True:
        try:
            TopologicalSorter(left).prepare()
        except CycleError as error:
            nodes: list[Name] = error.args[1][:0:-1]
            start = nodes.index(min(nodes, key=str))
            yield [*nodes[start:], *nodes[: start + 1]]
            for name in nodes:
                left.pop(name, None)
            left = {name: needed - set(nodes) for name, needed in left.items()}
        else:
            return


def _calculations(context: Context) -> dict[Key, Calculation]:
    """Everything that is computed, by entity and path; what cannot be read is told by the law of expressions."""
    found = {}
    for place in context.expressions:
        if place.computes is not None and not isinstance(place.source, ExpressionError):
            reads = field_paths(place.source, place.names)
            found[place.entity, place.computes] = Calculation(reads, place.text.at)
    for site in context.fields:
        rule = site.field.aggregate
        if rule is not None:
            paths = [path for path in (rule.path, *rule.where.value) if path and not path.startswith("_")]
            elsewhere = frozenset((rule.entity, path) for path in paths)
            found[site.entity.name, site.field.path] = Calculation(
                frozenset(), site.definition.key_at("calculated"), elsewhere
            )
    return found


def _touch(read: str, written: str) -> bool:
    return read == written or read.startswith(written + ".") or written.startswith(read + ".")
