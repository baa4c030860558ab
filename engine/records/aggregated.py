"""Fields calculated over the records of other entities: in go their rules, out come what to ask, and whom it concerns.

Sums and averages are exact: values are added as decimals here, never as floating point numbers in a database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any, Final

from engine.errors import InvalidValue
from engine.fields.base import Shape
from engine.query import AllOf, Clock, Compare, Condition, Filter, bind, comparisons, parse_filter_map, plan_filter
from engine.query.syntax import Reference, Source
from engine.records.calculated import fit
from engine.records.forms import Record, value_storer
from engine.schema import AggregateRule, App, Entity, FieldPath, Operation

_WIDE: Final = Context(prec=400)
"""More digits than a sum of decimals can have."""
_QUOTIENT: Final = Context(prec=34)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A comparison that leads back: records whose value at `target` is that of the other record at `source`."""

    source: FieldPath
    target: FieldPath


@dataclass(frozen=True)
class Aggregated:
    """One aggregate field: of records of `entity` at `path`, over records of `source`.

    `reads` are the top-level fields of the source that count, `asks` those of the record itself.
    """

    entity: str
    path: FieldPath
    source: str
    rule: AggregateRule
    condition: Condition
    value: FieldPath | None
    anchor: Anchor | None
    reads: frozenset[str]
    asks: frozenset[str]

    @property
    def key(self) -> str:
        """Names it in intents."""
        return f"{self.entity}/{self.path.name}"

    @property
    def starts_right(self) -> bool:
        """Whether nothing can match a record that is only being made: it is found by its new id."""
        return self.anchor is not None and self.anchor.target.name == "id"

    def bound(self, record: Record, clock: Clock) -> Condition:
        """Which records of the source belong to a record."""
        return bind(self.condition, record=record, clock=clock)

    def anchors(self, documents: Iterable[Mapping[str, Any] | None]) -> list[Any] | None:
        """The values that lead from documents of the source to the records they concern; None: to all there are."""
        if self.anchor is None:
            return None
        found: list[Any] = []
        for document in documents:
            for value in _values(document, _stored_names(self.anchor.source)):
                if value is not None and value not in found:
                    found.append(value)
        return found

    def concerned(self, anchors: list[Any] | None) -> dict[str, Any]:
        """The filter of the records that are led to."""
        if anchors is None or self.anchor is None:
            return {}
        return {self.anchor.target.storage: {"$in": anchors}}

    def compute(self, count: int, values: Iterable[Any]) -> Any:
        """The stored value, from how many records match and their stored values; nulls do not count in averages.

        A value that the field cannot hold is null.
        """
        item = self.path.field
        try:
            value = fit(item, self._compute(count, values))
        except InvalidValue:
            value = None
        store = value_storer(item)
        return value if value is None or store is None else store(value)

    def _compute(self, count: int, values: Iterable[Any]) -> Any:
        if self.rule.operation is Operation.COUNT:
            return count
        total, number = Decimal(0), 0
        for value in values:
            total = _WIDE.add(total, Decimal(value))
            number += 1
        if self.rule.operation is Operation.SUM:
            return _plain(total)
        return _QUOTIENT.divide(total, Decimal(number)) if number else None

    def values(self, document: Mapping[str, Any]) -> Iterator[Any]:
        """The values (value form) of one document of the source."""
        assert self.value is not None
        kind = self.value.field.type
        for stored in _values(document, _stored_names(self.value)):
            if stored is not None and kind.is_stored(stored):
                yield stored if kind.same_stored else kind.from_stored(stored)


def _plain(number: Decimal) -> Any:
    """Whole numbers as such, for fields that take nothing else."""
    return int(number) if number == number.to_integral_value() else number


def _stored_names(path: FieldPath) -> list[str]:
    return path.storage.split(".")


def _values(value: Any, names: list[str]) -> Iterator[Any]:
    """All stored values at a path; lists offer all their items."""
    if isinstance(value, list):
        for one in value:
            yield from _values(one, names)
    elif not names:
        yield value
    elif isinstance(value, Mapping):
        yield from _values(value.get(names[0]), names[1:])


def find_aggregated(app: App) -> tuple[Aggregated, ...]:
    """Every aggregate field of the app, outside lists of groups."""
    return tuple(
        _aggregated(app, entity, path, path.field.aggregate)
        for entity in app.entities.values()
        for path in entity.all_paths()
        if path.field.aggregate is not None and not any(item.reference is not None for item in path.fields[:-1])
    )


def _aggregated(app: App, entity: Entity, path: FieldPath, rule: AggregateRule) -> Aggregated:
    source = app.entities[rule.entity]
    asked = parse_filter_map(rule.where.value)
    compared = list(comparisons(asked))
    value = None if rule.path is None else source.field_at(rule.path)
    places = [source.field_at(one) for one, _ in compared]
    reads = {place.fields[0].name for place in (*places, value) if place is not None}
    references = [one for _, arguments in compared for one in arguments]
    asks = {one.path[0] for one in references if isinstance(one, Reference) and one.source is Source.RECORD}
    return Aggregated(
        entity=entity.name,
        path=path,
        source=source.name,
        rule=rule,
        condition=plan_filter(source, asked),
        value=value,
        anchor=next(iter(sorted(_anchors(asked, source, entity), key=lambda one: one.target.name != "id")), None),
        reads=frozenset(reads),
        asks=frozenset(asks),
    )


def _anchors(asked: Filter, source: Entity, entity: Entity) -> Iterator[Anchor]:
    """Comparisons that every match must meet, between fields whose stored values are alike."""
    parts = asked.parts if isinstance(asked, AllOf) else (asked,)
    for part in parts:
        if not isinstance(part, Compare) or part.operator != "equals" or len(part.arguments) != 1:
            continue
        argument = part.arguments[0]
        if not isinstance(argument, Reference) or argument.source is not Source.RECORD:
            continue
        here, there = source.field_at(part.path), entity.field_at(".".join(argument.path))
        if here is None or there is None:
            continue
        scalar = here.field.type.shape is Shape.SCALAR and there.field.type.shape is Shape.SCALAR
        if scalar and type(here.field.type) is type(there.field.type):
            yield Anchor(here, there)


__all__ = ["Aggregated", "Anchor", "find_aggregated"]
