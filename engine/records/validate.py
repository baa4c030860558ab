"""The rules of an entity as one validator: a record and its draft's problems in, all problems out, in field order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import ExpressionError, FieldProblem, InvalidValue
from engine.expressions import Names, Scope, compile_expression, field_paths, parse_expression
from engine.expressions.filter import Condition, compile_condition
from engine.fields.base import FieldType, Shape
from engine.records.calculated import containers
from engine.records.forms import Record, group_fields
from engine.schema import Field, Validation

Problems = Mapping[str, FieldProblem]
REQUIRED_MESSAGE = "This field is required"


@dataclass(frozen=True, slots=True)
class Check:
    """One check by the app's author: false refuses, null passes; `reads` are the dotted paths it looks at."""

    evaluate: Callable[[Scope], Any]
    reads: frozenset[str]
    validation: Validation

    def problem(self, scope: Scope, where: str | None, label: str | None) -> FieldProblem | None:
        """What is wrong, if anything."""
        try:
            result = self.evaluate(scope)
        except ExpressionError as error:
            return FieldProblem(where, label, "general", f"The check could not be evaluated: {error.message}", None)
        if result is None or result:
            return None
        return FieldProblem(where, label, self.validation.code, self.validation.message, None)


def compile_checks(validations: Iterable[Validation], names: Names) -> tuple[Check, ...]:
    """The checks in the order they were written."""
    checks = []
    for validation in validations:
        expression = parse_expression(validation.check.value)
        reads = field_paths(expression, names)
        checks.append(Check(compile_expression(expression, names), reads, validation))
    return tuple(checks)


class Validator:
    """All rules of a set of fields and the record validations above them; built once."""

    def __init__(self, fields: tuple[Field, ...], names: Names, validations: Iterable[Validation] = ()) -> None:
        self._rules = tuple(_FieldRules(item, names) for item in fields)
        self._asking = tuple(rules for rules in self._rules if rules.asks)
        self._checks = [
            (check, names.fields[root].label if root in names.fields else None)
            for check in compile_checks(validations, names)
            for root in [(check.validation.path or "").split(".")[0]]
        ]
        self._places = {item.name: place for place, item in enumerate(fields)}

    def validate(self, record: Record, refused: Problems, scope: Scope) -> list[FieldProblem]:
        """Every problem in field order; `refused` are those that parsing already found, by concrete path."""
        found: list[FieldProblem] = []
        for rules in self._rules if refused else self._asking:
            rules.check(record, "", refused, scope, found)
        if self._checks:
            by_fields = len(found)
            broken = [problem.field for problem in found if problem.field is not None]
            for check, label in self._checks:
                if any(_concerns(place, read) for place in broken for read in check.reads):
                    continue  # a value that is wrong by itself would only be reported twice
                problem = check.problem(scope, check.validation.path, label)
                if problem is not None:
                    found.append(problem)
            if len(found) > by_fields:
                found.sort(key=self._place_of)
        return found

    def _place_of(self, problem: FieldProblem) -> int:
        """Where the field of a problem stands; problems of no field come last."""
        return self._places.get(_root_of(problem.field or ""), len(self._places))


def _concerns(place: str, read: str) -> bool:
    return _root_of(place) == _root_of(read)


def _root_of(place: str) -> str:
    """The field of the record itself that a place is in."""
    return place.split(".", maxsplit=1)[0].split("[", maxsplit=1)[0]


class _FieldRules:
    """The rules of one field inside any container that has it."""

    __slots__ = (
        "_asking",
        "_check",
        "_checks",
        "_conditions",
        "_inner",
        "_item",
        "_many",
        "_name",
        "_nested",
        "_required",
        "_transient",
        "_walk",
        "asks",
    )

    def __init__(self, item: Field, names: Names, walk: tuple[Field, ...] = ()) -> None:
        self._item = item
        self._walk = walk
        self._transient = any(one.transient for one in (*walk, item))
        self._name = item.name
        self._many = item.many
        self._nested = item.type.shape is Shape.NESTED
        self._required: Condition | None = None
        if item.required is not False:
            self._required = compile_condition(item.required, names)
        self._check = None if type(item.type).check is FieldType.check else item.type.check
        value_names = names.with_value(item)
        self._checks = compile_checks(item.validations, value_names)
        self._conditions = {
            value: compile_condition(written, names) for value, written in item.type.conditions().items()
        }
        inner_names = names.of_group(item) if self._nested else names
        below = (*walk, item)
        self._inner = (
            tuple(_FieldRules(inner, inner_names, below) for inner in group_fields(item)) if self._nested else ()
        )
        self._asking: tuple[_FieldRules, ...] = tuple(rules for rules in self._inner if rules.asks)
        self.asks: bool = bool(self._required or self._check or self._checks or self._asking)

    def check(self, container: Record, prefix: str, refused: Problems, scope: Scope, found: list[FieldProblem]) -> None:
        """Adds the field's problems in one container; `prefix` stands before its name."""
        where = prefix + self._name
        if refused and where in refused:
            found.append(refused[where])
            return
        value = container.get(self._name)
        if (
            self._required is not None
            and self._is_missing(value)
            and self._required(scope)
            and not (self._transient and self._was_asked(self._required, scope))
        ):
            found.append(FieldProblem(where, self._item.label, "required", REQUIRED_MESSAGE, None))
            return
        if self._many:
            for index, one in enumerate(value or ()):
                place = f"{where}[{index}]"
                if refused and place in refused:
                    found.append(refused[place])
                else:
                    self._check_one(one, place, container, refused, scope, found)
        elif value is not None:
            self._check_one(value, where, container, refused, scope, found)

    def _was_asked(self, required: Condition, scope: Scope) -> bool:
        """Whether the container needed the value before the write, too. What is not stored is asked for once: when the
        container is new, or when the condition comes to hold."""
        if scope.old is None:
            return False
        before = (one for one in containers(dict(scope.old), self._walk) if one.item["id"] == scope.item["id"])
        return any(required(scope.within(one.item, one.parent)) for one in before)

    def _is_missing(self, value: Any) -> bool:
        if self._nested and not self._many:
            return value is None or all(inner._is_missing(value.get(inner._name)) for inner in self._inner)
        return value is None or value in ("", []) or value == self._item.type.empty

    def _check_one(
        self, value: Any, where: str, container: Record, refused: Problems, scope: Scope, found: list[FieldProblem]
    ) -> None:
        if self._nested:
            asked = self._inner if refused else self._asking
            inner_scope = scope.within(value, container) if asked else scope
            for rules in asked:
                rules.check(value, f"{where}.", refused, inner_scope, found)
        elif self._check is not None:
            try:
                self._check(value)
                condition = self._conditions.get(value) if self._conditions else None
                if condition is not None and not condition(scope):
                    raise InvalidValue("Not a valid choice", value)
            except InvalidValue as error:
                found.append(FieldProblem(where, self._item.label, error.code, error.message, error.info))
                return
        if self._checks:
            value_scope = scope.of_value(value)
            for check in self._checks:
                problem = check.problem(value_scope, where, self._item.label)
                if problem is not None:
                    found.append(problem)
