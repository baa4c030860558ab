"""Laws about circles: calculations that need each other, copies that hold each other, actions that run each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from engine.definitions.codes import ACTION_CYCLE, CALCULATION_CYCLE, COPY_CYCLE, problem
from engine.definitions.nodes import Scalar
from engine.definitions.rules.context import Context, Site, text_of
from engine.errors import Diagnostic, ExpressionError, Position
from engine.expressions import Names, Source, field_paths, parse_computed, parse_label
from engine.fields.base import Shape


def calculations_end(context: Context) -> Iterator[Diagnostic]:
    """No calculated field or label needs itself, straight or by way of others."""
    for site in context.sites:
        reads, places = _reads(site, context)
        graph = {
            path: {other for other in reads if any(_touch(read, other) for read in needed) and other != path}
            | ({path} & needed)
            for path, needed in reads.items()
        }
        for circle in circles(graph):
            message = f"these calculations need each other: {' -> '.join(circle)}"
            if len(set(circle)) == 1:
                message = f"{circle[0]} is calculated from itself"
            hint = "calculate one of them from fields that are not calculated"
            yield problem(CALCULATION_CYCLE, places[circle[0]], message, hint)


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


def circles(graph: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """Circles of a graph, each begun with its first name in order; those that share a node are told as one."""
    left = {name: set(needed) for name, needed in graph.items()}
    while True:
        try:
            TopologicalSorter(left).prepare()
        except CycleError as error:
            nodes = error.args[1][:0:-1]
            start = nodes.index(min(nodes))
            yield [*nodes[start:], *nodes[: start + 1]]
            for name in nodes:
                left.pop(name, None)
            left = {name: needed - set(nodes) for name, needed in left.items()}
        else:
            return


def _reads(site: Site, context: Context) -> tuple[dict[str, frozenset[str]], dict[str, Position]]:
    """What every calculation of an entity reads, by the path that it computes, and where it stands."""
    reads: dict[str, frozenset[str]] = {}
    places: dict[str, Position] = {}

    def add(path: str, text: Scalar | None, parse: Callable[[str], Source], names: Names) -> None:
        if text is None:
            return
        try:
            reads[path] = field_paths(parse(text_of(text)), names)
            places[path] = text.at
        except ExpressionError:
            return  # told by the law of expressions

    add("label", site.definition.record_label, parse_label, Names.of_entity(site.entity))
    for place in context.fields_of(site.entity.name):
        calculated = place.definition.calculated
        if isinstance(calculated, Scalar):
            add(place.field.path, calculated, parse_computed, place.names)
        if place.field.type.shape is Shape.NESTED:
            label = place.definition.structure.record_label
            add(f"{place.field.path}.label", label, parse_label, place.names.of_group(place.field))
    return reads, places


def _touch(read: str, written: str) -> bool:
    return read == written or read.startswith(written + ".") or written.startswith(read + ".")
