"""Computed parts of a record (default expressions, calculated fields, labels): built once in dependency order.

In go the fields of an entity, out comes a Calculator that fills records in value form in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from engine.errors import ExpressionError, FieldProblem, InvalidValue
from engine.expressions import (
    Names,
    Scope,
    compile_computed,
    compile_template,
    field_paths,
    parse_computed,
    parse_label,
)
from engine.fields.base import Shape, Supply
from engine.records.forms import Record, group_fields
from engine.schema import Entity, Field, Operation, Written

Refuse = Callable[[str, FieldProblem], None]


@dataclass(frozen=True, slots=True)
class Container:
    """One place of a record that holds fields: the root, or an item of a nested group, with what encloses it."""

    item: Record
    where: str
    parent: Record | None


@dataclass(frozen=True, slots=True)
class Computation:
    """One computed value: `key` of every container at `walk` becomes what `evaluate` answers for its scope."""

    path: str
    walk: tuple[Field, ...]
    key: str
    item: Field | None
    evaluate: Callable[[Scope], Any]
    reads: frozenset[str]


class Calculator:
    """Fills calculated fields, nested labels and the record's label."""

    def __init__(self, entity: Entity, names: Names | None = None) -> None:
        found = list(_computations(entity, names or Names.of_entity(entity)))
        self._steps = tuple(_in_order(found))
        self._labels = tuple(step for step in self._steps if step.item is None or step.item.calculated is None)
        self.reads_modified = bool(_modified_paths(entity) & frozenset().union(*(step.reads for step in self._steps)))

    def run(self, record: Record, scope: Scope, refuse: Refuse, *, labels_only: bool = False) -> None:
        """Computes everything in dependency order; a value that its type refuses becomes a problem and null."""
        for step in self._labels if labels_only else self._steps:
            if not step.walk:
                self._compute(step, Container(record, "", None), scope, refuse)
            else:
                for container in containers(record, step.walk):
                    self._compute(step, container, scope, refuse)

    def label_groups(self, record: Record, scope: Scope, refuse: Refuse) -> None:
        """Computes the labels of nested groups alone, for what is no record but is made of fields."""
        for step in self._labels:
            for container in containers(record, step.walk) if step.walk else ():
                self._compute(step, container, scope, refuse)

    @staticmethod
    def _compute(step: Computation, container: Container, scope: Scope, refuse: Refuse) -> None:
        try:
            inner = scope.within(container.item, container.parent) if step.walk else scope
            value = step.evaluate(inner)
            container.item[step.key] = value if step.item is None else fit(step.item, value)
        except (ExpressionError, InvalidValue) as error:
            where = f"{container.where}.{step.key}" if container.where else step.key
            label = step.item.label if step.item else None
            refuse(where, FieldProblem(where, label, "invalid", f"Could not be calculated: {error.message}", None))
            container.item[step.key] = None if step.item else ""


def containers(
    record: Record, walk: tuple[Field, ...], where: str = "", parent: Record | None = None
) -> Iterator[Container]:
    """Every container below `record` along nested fields, outermost first."""
    if not walk:
        yield Container(record, where, parent)
        return
    item, *rest = walk
    place = f"{where}.{item.name}" if where else item.name
    value = record.get(item.name)
    if item.many:
        for index, one in enumerate(value or ()):
            yield from containers(one, tuple(rest), f"{place}[{index}]", record)
    elif value is not None:
        yield from containers(value, tuple(rest), place, record)


def fit(item: Field, value: Any) -> Any:
    """A computed value as the field's type holds it; raises InvalidValue."""
    if item.many:
        if value is None:
            return []
        if not isinstance(value, list):
            raise InvalidValue("Expected a list of values", value)
        fitted = (item.type.fit(one) for one in value if one is not None and one != "")
        return [one for one in fitted if one != ""]
    return _fit_one(item, value)


def _fit_one(item: Field, value: Any) -> Any:
    if value is None or value == "":
        return item.type.empty
    fitted = item.type.fit(value)
    return item.type.empty if fitted == "" else fitted


def _computations(entity: Entity, names: Names) -> Iterator[Computation]:
    yield from _below(entity.fields, (), names)
    if entity.record_label is None:
        yield Computation("label", (), "label", None, lambda scope: scope.record["id"], frozenset())
    else:
        yield _label("label", (), entity.record_label, names)


def _below(fields: tuple[Field, ...], walk: tuple[Field, ...], names: Names) -> Iterator[Computation]:
    for item in fields:
        if item.calculated is not None:
            text = item.calculated.value
            reads = field_paths(parse_computed(text), names)
            yield Computation(item.path, walk, item.name, item, compile_computed(text, names), reads)
        elif item.aggregate is not None:
            start = 0 if item.aggregate.operation is not Operation.AVG else None
            yield Computation(item.path, walk, item.name, item, _keep(item.name, start), frozenset())
        if item.type.shape is Shape.NESTED:
            inner = names.of_group(item)
            yield from _below(group_fields(item), (*walk, item), inner)
            path = f"{item.path}.label"
            if item.record_label is None:
                yield Computation(path, (*walk, item), "label", None, _constant(item.label), frozenset())
            else:
                yield _label(path, (*walk, item), item.record_label, inner)


def _label(path: str, walk: tuple[Field, ...], written: Written, names: Names) -> Computation:
    template = parse_label(written.value)
    return Computation(path, walk, "label", None, compile_template(template, names), field_paths(template, names))


def _constant(text: str) -> Callable[[Scope], str]:
    return lambda scope: text


def _keep(name: str, start: object) -> Callable[[Scope], Any]:
    """An aggregate is computed by the cascade that follows changes of the other entity; writes keep what it found."""

    def kept(scope: Scope) -> Any:
        value = scope.item.get(name)
        return start if value is None else value

    return kept


def _in_order(found: list[Computation]) -> list[Computation]:
    by_path = {step.path: step for step in found}
    graph: dict[str, set[str]] = {}
    for step in found:
        graph[step.path] = {
            other for other in by_path if other != step.path and any(_touch(read, other) for read in step.reads)
        }
    try:
        return [by_path[path] for path in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        raise ExpressionError(f"These calculated fields need each other: {' -> '.join(error.args[1])}") from error


def _touch(read: str, written: str) -> bool:
    return read == written or read.startswith(written + ".") or written.startswith(read + ".")


def _modified_paths(entity: Entity) -> frozenset[str]:
    return frozenset(path.name for path in entity.all_paths() if path.field.type.supply is Supply.MODIFIED)
