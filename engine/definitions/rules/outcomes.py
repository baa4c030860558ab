"""Laws about what expressions and conditions come to: that they depend on something, and can come out either way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.definitions.codes.code import problem
from engine.definitions.codes.fields import CONSTANT, ONE_OUTCOME, UNREACHABLE_OPTION
from engine.definitions.rules.context import Context
from engine.definitions.rules.places import ExpressionPlace, Role, conditions_of
from engine.definitions.rules.trials import (
    MOMENTS,
    Trial,
    compile_source,
    field_at,
    options_of,
    try_expression,
    try_map,
)
from engine.errors import Diagnostic, ExpressionError, Position, did_you_mean
from engine.expressions import Names, Scope, parse_expression
from engine.expressions.syntax import Compare, ListOf, Literal, Node, Read
from engine.query import FieldSet

_SAMENESS = frozenset({"==", "!="})
_MEMBERSHIP = frozenset({"in", "not in"})


def expressions_read_something(context: Context) -> Iterator[Diagnostic]:
    """An expression that reads neither fields nor the clock is a value, and is written as one."""
    for place in context.expressions:
        source = place.source
        if place.role is Role.TEXT or isinstance(source, ExpressionError) or source.paths or not source.trees:
            continue
        try:
            run = compile_source(source, place.names)
            first, second = (run(Scope({}, {}, now=moment)) for moment in MOMENTS)
        except ExpressionError as error:
            message = f"the expression reads nothing, and always fails: {error.message}"
            yield problem(CONSTANT, place.text.position_of(error.offset), message, "correct or remove it")
            continue
        if first == second:
            message = f"the expression reads nothing, and always gives {first!r}"
            yield problem(CONSTANT, place.text.at, message, "write the value itself, or read a field")


def options_can_be_chosen(context: Context) -> Iterator[Diagnostic]:
    """The condition of an option holds for some values of the fields that it reads, the option itself chosen."""
    for site in (*context.fields, *context.parameters):
        conditions = site.field.type.conditions()
        nodes = list(conditions_of(site)) if conditions else []
        if site.field.many or len(nodes) != len(conditions):
            continue
        for (option, written), node in zip(conditions.items(), nodes, strict=True):
            trial = _trial_of(written, site.names)
            if written is False or (trial and _outcomes(trial, {site.field.name: option}) == {False}):
                message = f'the option "{option}" can never be chosen: its condition never holds'
                yield problem(UNREACHABLE_OPTION, node.at, message, "change the condition, or remove the option")


def types_hold_no_doubts(context: Context) -> Iterator[Diagnostic]:
    """What a type takes, and holds for a mistake."""
    for site in (*context.fields, *context.parameters):
        for doubt in site.field.type.doubts():
            yield problem(UNREACHABLE_OPTION, site.definition.value_at(doubt.key), doubt.message, doubt.hint)


def conditions_go_both_ways(context: Context) -> Iterator[Diagnostic]:
    """A condition over choices and booleans holds for some of their values and not for others."""
    told = {node.at for site in (*context.fields, *context.parameters) for node in conditions_of(site)}
    for place in context.expressions:
        if isinstance(place.source, ExpressionError):
            continue
        words = list(_foreign_words(place))
        yield from words
        if place.role in (Role.CONDITION, Role.CHECK) and place.source.paths and not words:
            trial = None if place.text.at in told else try_expression(place.source, place.names)
            yield from _one_sided(trial, place.text.at, check=place.role is Role.CHECK)
    for filter_place in context.filters:
        at = filter_place.map.at
        if at not in told:
            yield from _one_sided(try_map(filter_place.map.data, filter_place.paths), at, check=False)


def _one_sided(trial: Trial | None, at: Position, *, check: bool) -> Iterator[Diagnostic]:
    outcomes = _outcomes(trial, {}, check=check) if trial is not None and trial.cells else set()
    if len(outcomes) == 1:
        noun, always, never = ("check", "passes", "refuses") if check else ("condition", "holds", "fails")
        message = f"this {noun} always {always if outcomes == {True} else never}, whatever its fields hold"
        yield problem(ONE_OUTCOME, at, message, "compare with other values, or remove it")


def _outcomes(trial: Trial, fixed: Mapping[str, Any], *, check: bool = False) -> set[bool]:
    """Whether it holds, case by case; where a case fails to run nothing is known."""
    try:
        return {bool(value) or (check and value is None) for value in trial.values(fixed)}
    except ExpressionError:
        return set()


def _trial_of(written: Any, names: Names) -> Trial | None:
    if isinstance(written, Mapping):
        return try_map(written, FieldSet(names.fields))
    try:
        return try_expression(parse_expression(written), names) if isinstance(written, str) else None
    except ExpressionError:
        return None


def _foreign_words(place: ExpressionPlace) -> Iterator[Diagnostic]:
    """Texts that a choice is compared with and that are none of its options."""
    assert not isinstance(place.source, ExpressionError)
    for tree in place.source.trees:
        for node in _all_below(tree):
            if isinstance(node, Compare):
                lefts = (node.first, *(operand for _, operand in node.rest))
                for left, (symbol, right) in zip(lefts, node.rest, strict=False):
                    if symbol in _SAMENESS:
                        yield from _foreign(place, left, (right,))
                        yield from _foreign(place, right, (left,))
                    elif symbol in _MEMBERSHIP:
                        yield from _foreign(place, left, right.items if isinstance(right, ListOf) else ())
                        yield from _foreign(place, right, (left,), many=True)


def _foreign(place: ExpressionPlace, read: Node, words: Sequence[Node], *, many: bool = False) -> Iterator[Diagnostic]:
    """Words beside a field, one of several values of it where `many`, that are none of its options."""
    field = field_at(read.path, place.names) if isinstance(read, Read) else None
    options = options_of(field) if field is not None and field.many >= many else ()
    for word in words:
        if options and isinstance(word, Literal) and word.value is not None and word.value not in options:
            assert field is not None
            known = [str(option) for option in options]
            hint = did_you_mean(str(word.value), known) or f"options: {', '.join(known)}"
            message = f'{field.name} is never "{word.value}"'
            yield problem(ONE_OUTCOME, place.text.position_of(word.offset), message, hint)


def _all_below(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _all_below(child)
