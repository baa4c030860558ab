"""Conditions of definitions (a boolean, a filter map or an expression) to functions of a Scope, compiled once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.errors import BadRequest, ExpressionError
from engine.expressions.compile import compile_expression
from engine.expressions.names import Names
from engine.expressions.parse import parse_expression
from engine.expressions.scope import Scope
from engine.query import Clock, FieldSet, bind, is_bound, parse_filter_map, plan_filter, to_predicate
from engine.schema import Written

Condition = Callable[[Scope], bool]
"""Whether a condition holds; an expression may raise ExpressionError when it runs."""


def compile_condition(written: Written | bool | str | Mapping[str, Any], names: Names) -> Condition:
    """Compiles any of the three forms; raises ExpressionError for what is wrong with it.

    A filter map looks at `scope.item`, by the bare names of `names`; `$user.path` and `$record.path` read the scope's
    user and whole record. An expression that evaluates to null does not hold.
    """
    value = written.value if isinstance(written, Written) else written
    if isinstance(value, bool):
        return lambda scope: value
    if isinstance(value, Mapping):
        return _compile_map(value, names)
    if isinstance(value, str):
        evaluate = compile_expression(parse_expression(value), names)
        return lambda scope: bool(evaluate(scope))
    raise ExpressionError("A condition is true, false, a filter map or an expression in text")


def _compile_map(value: Mapping[str, Any], names: Names) -> Condition:
    try:
        condition = plan_filter(FieldSet(names.fields), parse_filter_map(value), transient=True)
    except BadRequest as error:
        raise ExpressionError(error.message) from None
    if is_bound(condition):
        holds = to_predicate(condition)
        return lambda scope: holds(scope.item)

    def bound(scope: Scope) -> bool:
        clock = Clock(scope.now, scope.timezone)
        return to_predicate(bind(condition, user=scope.user, record=scope.record, clock=clock))(scope.item)

    return bound


__all__ = ["Condition", "compile_condition"]
