"""Filters to conditions: names become fields, text becomes values, and everything that may not be asked is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from engine.errors import BadRequest, Forbidden, InvalidValue, did_you_mean
from engine.fields.base import Capability, FieldType, Shape
from engine.query.condition import (
    Condition,
    Deferred,
    Element,
    Identity,
    Place,
    all_of,
    any_of,
    compare,
    compare_targets,
    empty_at,
    negate,
    read_value,
    span_in,
    span_of,
    takes_periods,
)
from engine.query.matches import Span
from engine.query.operators import EMPTY, OPERATORS, Operator, Takes
from engine.query.patterns import Kind, parse_like
from engine.query.periods import Clock, Period, parse_period
from engine.query.syntax import AllOf, AnyOf, Argument, Compare, Filter, Native, Reference, Within
from engine.query.values import shorten, show_value
from engine.schema import Field, FieldPath


class Access(Protocol):
    """What a caller may see: rows by `row_filter` (None: all), fields unless `hides` their dotted path."""

    @property
    def row_filter(self) -> Condition | None:
        """Joins every filter of the caller."""

    def hides(self, path: str) -> bool:
        """Whether the field at the path, or anything above it, is hidden from the caller."""

    def guard(self, path: str) -> Condition | None:
        """What a record must satisfy for the caller to see its field at the path; None where nothing is asked."""


class Paths(Protocol):
    """What has fields at dotted paths: an entity, or a FieldSet."""

    @property
    def by_name(self) -> Mapping[str, Field]:
        """The outermost fields by name and alias."""

    def field_at(self, path: str) -> FieldPath | None:
        """The field at a dotted path; None if unknown."""


@dataclass(frozen=True)
class FieldSet:
    """Fields without an entity: those of a nested item, or an action's parameters."""

    by_name: Mapping[str, Field]

    def field_at(self, path: str) -> FieldPath | None:
        """The field at a dotted path from here, by name or alias."""
        found: list[Field] = []
        names = self.by_name
        for name in path.split("."):
            item = names.get(name)
            if item is None:
                return None
            found.append(item)
            names = item.by_name
        return FieldPath(tuple(found))


def plan_filter(
    entity: Paths,
    filter: Filter,
    access: Access | None = None,
    clock: Clock | None = None,
    *,
    transient: bool = False,
) -> Condition:
    """Checks a filter; the caller's row filter is not joined.

    Without a clock relative times wait for `bind`, as `$user.path` and `$record.path` do. `transient` allows fields
    that are never stored, for conditions that run on a record at hand. Raises BadRequest, naming field and operator,
    and Forbidden for a hidden field. A comparison with a field that the caller sees on some records only joins the
    condition for it, so that nothing can be found by values that are not shown.
    """
    return _Planner(entity, access, clock, transient).plan_guarded(filter)


def resolve_path(entity: Paths, path: str, access: Access | None) -> FieldPath:
    """The field that a client names; raises BadRequest where there is none and Forbidden where it is hidden."""
    found = entity.field_at(path)
    if found is None:
        raise BadRequest(_unknown(entity, path))
    check_visible(found.name, access)
    return found


def check_visible(path: str, access: Access | None) -> None:
    """Raises Forbidden where the field at a dotted path is hidden from the caller."""
    if access is not None and access.hides(path):
        raise Forbidden(f'You have no right to read the field "{path}"')


def resolve_search(entity: Paths, path: str, access: Access | None, *, transient: bool = False) -> FieldPath:
    """The field by which a client looks for records or sorts them: it must be stored, and shown on every record.

    What a filter compares of a reference (its label) must be visible too. Raises BadRequest and Forbidden.
    """
    found = resolve_path(entity, path, access)
    if not transient and any(item.transient for item in found.fields):
        raise BadRequest(f'The field "{found.name}" is not stored, so nothing can be found by it')
    if access is not None:
        if any(item.read is not True for item in found.fields):
            raise Forbidden(f'The field "{found.name}" is shown on some records only, so nothing can be found by it')
        check_visible(compared_path(found), access)
    return found


def compared_path(path: FieldPath) -> str:
    """The dotted path of what a bare filter looks at: `company.label` for a relationship."""
    part = path.field.type.query_part
    return path.name if part is None or part not in path.field.by_name else f"{path.name}.{part}"


def _unknown(entity: Paths, path: str) -> str:
    known: tuple[str, ...] = (*SYSTEM_NAMES, *entity.by_name)
    above = ""
    for name in path.split("."):
        here = f"{above}.{name}" if above else name
        found = entity.field_at(here)
        if found is None:
            hint = did_you_mean(name, known) if len(name) <= _LONGEST_NAME else None
            where = f' in "{above}"' if above else ""
            return f'There is no field "{name[:_LONGEST_NAME]}"{where}{f"; {hint}" if hint else ""}'
        above, known = here, tuple(found.field.by_name)
    return f'There is no field "{path[:_LONGEST_NAME]}"'


_LONGEST_NAME: Final = 64
"""Characters of an unknown name that a message repeats."""
SYSTEM_NAMES: Final = ("id", "version", "label")
"""Fields of every record."""


class _Planner:
    def __init__(self, entity: Paths, access: Access | None, clock: Clock | None, transient: bool) -> None:
        self.entity = entity
        self.access = access
        self.clock = clock
        self.transient = transient
        self.guards: list[Condition] = []

    def plan_guarded(self, asked: Filter) -> Condition:
        """The whole filter; every comparison outside groups, and every group, stands under the guards of its fields."""
        match asked:
            case AllOf(parts):
                return all_of(map(self.plan_guarded, parts))
            case AnyOf(parts):
                return any_of(map(self.plan_guarded, parts))
            case _:
                self.guards = []
                found = self.plan(asked, ())
                return all_of((found, *self.guards)) if self.guards else found

    def plan(self, asked: Filter, above: tuple[Field, ...], start: int = 0) -> Condition:
        """`above` are the fields of the group that the filter stands in, `start` how many of them were entered."""
        match asked:
            case AllOf(parts):
                return all_of(self.plan(part, above, start) for part in parts)
            case AnyOf(parts):
                return any_of(self.plan(part, above, start) for part in parts)
            case Within(path, inner, position):
                return self.within(self.resolve(path, above, position), inner, start, position)
            case Compare():
                found = self.resolve(asked.path, above, asked.position)
                if asked.group is not None and _has_inner_fields(found):
                    return self.within(found, asked.group, start, asked.position)
                place = Place(found, start)
                try:
                    return self.compare(place, asked)
                except BadRequest as error:
                    raise _located(error, asked.position) from None

    def resolve(self, path: str, above: tuple[Field, ...], position: int | None) -> FieldPath:
        whole = ".".join((*(item.name for item in above), path))
        try:
            found = resolve_search(self.entity, whole, self.access, transient=self.transient)
        except BadRequest as error:
            raise _located(error, position) from None
        self.add_guard(compared_path(found))
        return found

    def add_guard(self, path: str) -> None:
        """Notes on which records the caller sees a field that the filter looks at."""
        guard = None if self.access is None else self.access.guard(path)
        if guard is not None and guard not in self.guards:
            self.guards.append(guard)

    def skips(self, path: str) -> bool:
        """Whether an inner field does not count when a group is tested for being empty: the caller does not see it."""
        if self.access is not None and self.access.hides(path):
            return True
        self.add_guard(path)
        return False

    def within(self, path: FieldPath, inner: Filter, start: int, position: int | None) -> Condition:
        if not _has_inner_fields(path):
            hint = "put text in braces in double quotes"
            raise _located(BadRequest(f'The field "{path.name}" has no inner fields to compare; {hint}'), position)
        for index, item in enumerate(path.fields):
            if index >= start and item.many:
                steps = index + 1
                entered = Place(FieldPath(path.fields[:steps]), start)
                rest = path if steps < len(path.fields) else None
                if rest is None:
                    return Element(entered, self.plan(inner, path.fields, steps))
                return Element(entered, self.within(rest, inner, steps, position))
        return self.plan(inner, path.fields, start)

    def compare(self, place: Place, asked: Compare) -> Condition:
        operator = OPERATORS[asked.operator]
        where = f"{place.path.name}: {operator.name}"
        self.check(place, operator, where)
        try:
            if operator.takes is Takes.PATTERN:
                return compare(place, operator, _pattern(place.field.type, asked.arguments[0]))
            if operator.takes is Takes.NUMBERS:
                return compare(place, operator, [_number(argument) for argument in asked.arguments])
        except BadRequest as error:
            raise BadRequest(f"{where}: {error.message}") from None
        arguments = [self.read(place, operator, argument, where) for argument in asked.arguments] or [EMPTY]
        if all(argument is EMPTY for argument in arguments):
            found = empty_at(place, self.skips)
            return negate(found) if operator.negated else found
        if any(isinstance(argument, (Reference, Period)) for argument in arguments):
            return Deferred(place, operator, tuple(arguments))
        spans = [one for one in arguments if one is EMPTY or isinstance(one, Span)]
        return compare_targets(place, operator, spans, [one.span for one in arguments if isinstance(one, Identity)])

    def check(self, place: Place, operator: Operator, where: str) -> None:
        kind = place.field.type
        if operator.capability not in kind.capabilities:
            raise BadRequest(f"{where} is not supported; {_supported(kind)}")
        exact = operator.capability is Capability.EQUALS and _is_text(kind)
        if any(item.sensitive for item in place.path.fields) and not exact:
            raise BadRequest(f"{where} is not supported: sensitive fields are found by exact text only")

    def read(
        self, place: Place, operator: Operator, argument: Argument, where: str
    ) -> Span | Identity | Reference | Period | None:
        """One argument as the operator compares with it; a relative time stays a Period while there is no clock."""
        kind = place.field.type
        if isinstance(argument, Reference):
            return argument
        if argument == "":
            self.check_empty(place, operator, where)
            return EMPTY
        try:
            if kind.shape is Shape.NESTED:
                raise kind.refuse(argument)
            if isinstance(argument, Native):
                return span_of(read_value(place.field, argument.value))
            if takes_periods(kind) and (period := parse_period(argument)) is not None:
                return period if self.clock is None else span_in(period, kind, self.clock)
            return self.identify(place, argument) or span_of(kind.parse_text(argument))
        except InvalidValue as error:
            raise BadRequest(f"{where}: {_refusal(argument, error.message)}") from None

    def identify(self, place: Place, text: str) -> Identity | None:
        """What the text names, where the field's type knows and the caller sees the reference's id."""
        found = place.field.type.identify(text)
        path = f"{place.path.name}.id"
        if found is None or (self.access is not None and self.access.hides(path)):
            return None
        self.add_guard(path)
        return Identity(span_of(found))

    def check_empty(self, place: Place, operator: Operator, where: str) -> None:
        if operator.capability is Capability.ORDER:
            raise BadRequest(f"{where} needs a value to compare with")
        if any(item.sensitive for item in place.path.fields):
            raise BadRequest(f"{where} needs a value: the field is sensitive")
        if Capability.EMPTY not in place.field.type.capabilities:
            raise BadRequest(f"{where} needs a value: the field is never empty")


def _has_inner_fields(path: FieldPath) -> bool:
    return bool(path.field.by_name) and Capability.EQUALS in path.field.type.capabilities


def _located(error: BadRequest, position: int | None) -> BadRequest:
    return error if position is None else BadRequest(f"{error.message} (at character {position + 1} of _query)")


def _supported(kind: FieldType) -> str:
    names = [name for name, known in OPERATORS.items() if known.capability in kind.capabilities]
    names = [name for name in names if OPERATORS[name].takes is not Takes.USER_FIELD]
    return f"the field takes {', '.join(names)}" if names else "no filter works on this field"


def _is_text(kind: FieldType) -> bool:
    return {Capability.LIKE, Capability.ORDER} <= kind.capabilities


_is_number: Final[Callable[[str], object]] = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?").fullmatch


def _pattern(kind: FieldType, argument: Argument) -> Sequence[Any]:
    """What `like` builds from: where the text has to stand, and the text as the type's values hold it."""
    if not isinstance(argument, str):
        raise BadRequest("text is needed")
    like = parse_like(argument)
    try:
        text = like.text if like.kind is Kind.REGEX else kind.parse_like(like.text)
        text.encode()
    except InvalidValue as error:
        raise BadRequest(_refusal(argument, error.message)) from None
    except UnicodeEncodeError:
        raise BadRequest(_refusal(argument, "Expected text")) from None
    return (like.kind, text)


def _number(argument: Argument) -> float:
    if isinstance(argument, str) and _is_number(argument):
        return float(argument)
    raise BadRequest(f"plain numbers are needed, not {_shown(argument)}")


def _refusal(argument: Argument, reason: str) -> str:
    text = f"{reason}{', not' if reason.startswith('Expected') else ':'} {_shown(argument)}"
    name, bracket, _ = argument.partition("(") if isinstance(argument, str) else ("", "", "")
    hint = did_you_mean(name, OPERATORS) if bracket and name not in OPERATORS else None
    return f"{text}; there is no operator {name}, {hint}" if hint else text


def _shown(argument: Argument) -> str:
    if isinstance(argument, Reference):
        return shorten(".".join((f"${argument.source}", *argument.path)))
    return show_value(argument.value if isinstance(argument, Native) else argument)


__all__ = [
    "SYSTEM_NAMES",
    "Access",
    "FieldSet",
    "Paths",
    "check_visible",
    "compared_path",
    "plan_filter",
    "resolve_path",
    "resolve_search",
]
