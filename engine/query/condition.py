"""Checked filters: paths have become fields and text has become values. What comes out of planning is a Condition.

`all_of`, `any_of` and `negate` put conditions together and keep them small; `bind` fills in what only a request knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from engine.errors import InvalidValue
from engine.fields.base import Capability, FieldType, Shape
from engine.query.matches import Empty, Match, OneOf, Span, Store
from engine.query.operators import Operator
from engine.query.periods import Clock, Period
from engine.query.syntax import Reference, Source
from engine.schema import Field, FieldPath


@dataclass(frozen=True)
class Place:
    """Where a test looks: a path, of which the first `start` fields were entered by the elements around it."""

    path: FieldPath
    start: int = 0

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The fields still to walk through; never empty."""
        return self.path.fields[self.start :]

    @property
    def field(self) -> Field:
        """The field at the end."""
        return self.path.field

    @cached_property
    def storage(self) -> str:
        """The dotted path from the document, or from the element."""
        return ".".join(item.name for item in self.fields) if self.start else self.path.storage

    @property
    def first_many(self) -> int | None:
        """How many fields lead to the first list above the end; None where there is none."""
        for index, item in enumerate(self.path.fields[:-1]):
            if index >= self.start and item.many:
                return index + 1
        return None


@dataclass(frozen=True)
class Test:
    """Any value at the place matches. `bare` tests look at the whole value, others at what filters compare of it."""

    __test__ = False  # keeps pytest from collecting it

    place: Place
    match: Match
    bare: bool = False

    @property
    def storage(self) -> str:
        """The dotted path of what is compared."""
        part = None if self.bare else self.place.field.type.query_part
        return self.place.storage if part is None else f"{self.place.storage}.{part}"

    @property
    def store(self) -> Store:
        """A compared value to its stored form."""
        compared = compared_field(self.place.field)
        return _same if compared is None or compared.type.same_stored else compared.type.to_stored


@dataclass(frozen=True)
class Element:
    """One element of the list at the place meets the whole of `inner`."""

    place: Place
    inner: Condition


@dataclass(frozen=True)
class Every:
    """All parts hold; without parts it holds always."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Some:
    """At least one part holds; without parts it never holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Not:
    """The part does not hold."""

    part: Test | Element


@dataclass(frozen=True)
class Identity:
    """What a reference points to, told by the id; it is compared with the reference's id and not with its text."""

    span: Span


Argument = Span | Identity | Reference | Period | None
"""What an operator compares with; None is EMPTY."""


@dataclass(frozen=True)
class Deferred:
    """A comparison with values that only a request knows. Unbound, it matches nothing."""

    place: Place
    operator: Operator
    arguments: tuple[Argument, ...]


Condition = Test | Element | Every | Some | Not | Deferred

ALWAYS: Final = Every(())
NEVER: Final = Some(())


def all_of(parts: Iterable[Condition]) -> Condition:
    """All parts, flat; NEVER as soon as one is."""
    found: list[Condition] = []
    for part in parts:
        if part == NEVER:
            return NEVER
        found.extend(part.parts if isinstance(part, Every) else (part,))
    return found[0] if len(found) == 1 else Every(tuple(found))


def any_of(parts: Iterable[Condition]) -> Condition:
    """Any part, flat; ALWAYS as soon as one is."""
    found: list[Condition] = []
    for part in parts:
        if part == ALWAYS:
            return ALWAYS
        found.extend(part.parts if isinstance(part, Some) else (part,))
    return found[0] if len(found) == 1 else Some(tuple(found))


def negate(condition: Condition) -> Condition:
    """The opposite. What is not bound matches nothing, and neither does its opposite."""
    match condition:
        case Every(parts):
            return any_of(negate(part) for part in parts)
        case Some(parts):
            return all_of(negate(part) for part in parts)
        case Not(part):
            return part
        case Deferred():
            return condition
        case _:
            return Not(condition)


def compared_field(item: Field) -> Field | None:
    """The field whose values a filter on `item` compares: itself or, with `query_part`, the part if it is a field."""
    part = item.type.query_part
    return item if part is None else item.by_name.get(part)


# From an operator and its arguments to tests


def compare(place: Place, operator: Operator, arguments: Iterable[Any]) -> Condition:
    """The condition that an operator stands for at a place; `arguments` are what its `takes` says."""
    found = any_of(_at(place, match) for match in operator.build(tuple(arguments)))
    return negate(found) if operator.negated else found


def _at(place: Place, match: Match) -> Condition:
    if isinstance(match, Empty):
        return empty_at(place)
    item = place.field
    if isinstance(match, OneOf) and item.type.empty is not None and not item.many and item.type.empty in match.values:
        match = OneOf(match.values, null=True)
    return _tested(place, match)


def _tested(place: Place, match: Match) -> Condition:
    """One test, asked of each group by itself where lists of groups lie on the way and the match needs it."""
    steps = place.first_many if match.whole else None
    if steps is None:
        return Test(place, match)
    return Element(_up_to(place, steps), _tested(Place(place.path, steps), match))


def _up_to(place: Place, steps: int) -> Place:
    return Place(FieldPath(place.path.fields[:steps]), place.start)


def empty_at(place: Place, skips: Callable[[str], bool] | None = None) -> Condition:
    """There is nothing at the place. A single group is empty when all in it is, paths that `skips` names left out."""
    steps = place.first_many
    if steps is not None:
        group = _up_to(place, steps)
        inside = empty_at(Place(place.path, steps), skips)
        return any_of((Test(group, Empty(), bare=True), Element(group, inside)))
    item = place.field
    if item.type.shape is not Shape.NESTED or item.many:
        return Test(place, Empty(item.type.shape is Shape.SCALAR and not _is_comparable(item.type)), bare=True)
    inner = (Place(FieldPath((*place.path.fields, one)), place.start) for one in item.fields if not one.transient)
    return all_of(_unset_at(one, skips) for one in inner if skips is None or not skips(one.path.name))


def _is_comparable(kind: FieldType) -> bool:
    """Whether values are scalars; those that have no equality may be of any shape."""
    return Capability.EQUALS in kind.capabilities


def _unset_at(place: Place, skips: Callable[[str], bool] | None) -> Condition:
    unset = place.field.type.empty
    if unset is None or place.field.many:
        return empty_at(place, skips)
    return Test(place, OneOf((unset,), null=True))


# Values that a request brings


def bind(
    condition: Condition,
    *,
    user: Mapping[str, Any] | None = None,
    record: Mapping[str, Any] | None = None,
    clock: Clock | None = None,
) -> Condition:
    """The condition with the user's and the record's values (in value form) and relative times filled in.

    A list counts as any of its items. A comparison for which nothing is left to compare with, because the value is
    missing, null or of no use to the field, matches nothing; so does one with a relative time when there is no clock.
    """
    sources = {Source.USER: user, Source.RECORD: record}
    match condition:
        case Deferred():
            return _bind_comparison(condition, sources, clock)
        case Every(parts):
            return all_of(bind(part, user=user, record=record, clock=clock) for part in parts)
        case Some(parts):
            return any_of(bind(part, user=user, record=record, clock=clock) for part in parts)
        case Element(place, inner):
            bound = bind(inner, user=user, record=record, clock=clock)
            return NEVER if bound == NEVER else Element(place, bound)
        case _:
            return condition


def is_bound(condition: Condition) -> bool:
    """Whether the condition needs nothing from a request."""
    match condition:
        case Deferred():
            return False
        case Every(parts) | Some(parts):
            return all(map(is_bound, parts))
        case Element(_, inner):
            return is_bound(inner)
        case _:
            return True


def _bind_comparison(
    asked: Deferred, sources: Mapping[Source, Mapping[str, Any] | None], clock: Clock | None
) -> Condition:
    place, operator = asked.place, asked.operator
    listed = operator.most > operator.least
    spans: list[Span | None] = []
    ids: list[Span | None] = []
    for argument in asked.arguments:
        before = len(spans) + len(ids)
        if isinstance(argument, Reference):
            for value in _values_at(sources[argument.source], argument.path):
                _add_value(place.field, value, spans, ids)
        elif isinstance(argument, Period):
            if clock is not None:
                spans.extend(_placed(argument, place.field.type, clock))
        elif isinstance(argument, Identity):
            ids.append(argument.span)
        else:
            spans.append(argument)
        count = len(spans) + len(ids) - before
        if (count == 0 and operator.negated) or (count != 1 and not listed):
            return NEVER  # "none of them", or a bound, cannot be told while a value is unknown
    return compare_targets(place, operator, spans, ids)


def compare_targets(
    place: Place, operator: Operator, spans: Iterable[Span | None], ids: Iterable[Span | None]
) -> Condition:
    """As `compare`, where a reference may also be told by one of `ids`; with nothing to compare it matches nothing."""
    spans, ids = tuple(spans), tuple(ids)
    found = [compare(place, operator, spans)] if spans else []
    target = place.field.by_name.get("id")
    if ids and target is not None:
        found.append(compare(Place(FieldPath((*place.path.fields, target)), place.start), operator, ids))
    return all_of(found) if operator.negated and found else any_of(found)


def _add_value(item: Field, value: Any, spans: list[Span | None], ids: list[Span | None]) -> None:
    """Puts a value in form; a reference or group is compared by its id. What the field cannot hold is left out."""
    target = item.by_name.get("id")
    with suppress(InvalidValue):
        if isinstance(value, Mapping):
            if target is not None:
                ids.append(span_of(target.type.fit(value.get("id"))))
        else:
            spans.append(span_of(read_value(item, value, fit=True)))


def _placed(period: Period, kind: FieldType, clock: Clock) -> Iterable[Span]:
    with suppress(InvalidValue):
        yield span_in(period, kind, clock)


def _values_at(source: Mapping[str, Any] | None, path: tuple[str, ...]) -> list[Any]:
    values: list[Any] = [source]
    for name in path:
        values = [value.get(name) for value in _flat(values) if isinstance(value, Mapping)]
    return [value for value in _flat(values) if value is not None and value != ""]


def _flat(values: Iterable[Any]) -> list[Any]:
    return [one for value in values for one in (value if isinstance(value, list) else (value,))]


def read_value(item: Field, value: Any, *, fit: bool = False) -> Any:
    """A JSON value made comparable with the field's or, with `fit`, a value of another field; raises InvalidValue."""
    compared = compared_field(item)
    if compared is not None:
        return compared.type.fit(value) if fit else compared.type.parse_json(value)
    if isinstance(value, str):
        return item.type.parse_text(value)
    raise item.type.refuse(value)


def span_of(value: Any) -> Span:
    """A single value."""
    return Span(value, value)


def span_in(period: Period, kind: FieldType, clock: Clock) -> Span:
    """The first and the last value of the type that lie in the period."""
    first, last = period.bounds(clock)
    return Span(kind.from_instant(first, clock.timezone), kind.from_instant(last, clock.timezone))


def takes_periods(kind: FieldType) -> bool:
    """Whether relative words mean something to the type."""
    return Capability.INSTANT in kind.capabilities


def _same(value: Any) -> Any:
    return value


__all__ = [
    "ALWAYS",
    "NEVER",
    "Condition",
    "Deferred",
    "Element",
    "Every",
    "Identity",
    "Not",
    "Place",
    "Some",
    "Test",
    "all_of",
    "any_of",
    "bind",
    "compare",
    "compare_targets",
    "compared_field",
    "empty_at",
    "is_bound",
    "negate",
    "read_value",
    "span_in",
    "span_of",
    "takes_periods",
]
