"""What an action responds: an expression in, a function from a scope to JSON data out.

Fields that are answered as they are, alone or in a list or record that the expression makes, have the JSON form of
their type; what is computed is plain numbers, texts and booleans.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.actions.parameters import render_value
from engine.expressions import Expression, Names, Scope, compile_expression, resolve_names
from engine.expressions.syntax import ListOf, Member, Node, Read, RecordOf
from engine.schema import Field

Render = Callable[[Any], Any]
_Found = Mapping[Node, Sequence[tuple[int, Field]]]


def compile_answer(expression: Expression, names: Names) -> Callable[[Scope], Any]:
    """Raises ExpressionError where the expression names something that is not there."""
    evaluate = compile_expression(expression, names)
    render = _render_of(expression.tree, resolve_names(expression, names).fields)
    if render is None:
        return evaluate
    return lambda scope: render(evaluate(scope))


def _render_of(node: Node, found: _Found) -> Render | None:
    """None where the value is its own JSON form."""
    if isinstance(node, RecordOf):
        named = {key: _render_of(value, found) for key, value in zip(node.keys, node.values, strict=True)}
        kept = {key: render for key, render in named.items() if render is not None}
        return (lambda record: record | {key: one(record[key]) for key, one in kept.items()}) if kept else None
    if isinstance(node, ListOf):
        items = [_render_of(item, found) or _as_it_is for item in node.items]
        return lambda values: [render(value) for render, value in zip(items, values, strict=True)]
    if isinstance(node, Read | Member) and (fields := found.get(node)) and fields[-1][0] == len(node.path) - 1:
        return _render_field(fields[-1][1], through_lists=any(item.many for _, item in fields[:-1]))
    return None


def _render_field(item: Field, *, through_lists: bool) -> Render:
    if through_lists:
        return lambda values: None if values is None else [render_value(item, value) for value in values]
    return lambda value: render_value(item, value)


def _as_it_is(value: Any) -> Any:
    return value


__all__ = ["compile_answer"]
