"""Values as authors write them in steps: plain data with expressions in it goes in, functions of a Scope come out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from engine.errors import InvalidValue
from engine.expressions import Names, Scope, compile_computed, compile_template, parse_template
from engine.fields.base import Shape
from engine.records.forms import GROUP_SYSTEM
from engine.schema import Field

Value = Callable[[Scope], Any]


def compile_value(written: Any, names: Names) -> Value:
    """A text that begins with `=` is an expression, one with a brace a template, at any depth; all else is itself.

    Raises ExpressionError for what cannot be compiled.
    """
    if isinstance(written, str):
        return compile_text(written, names)
    if isinstance(written, Mapping):
        entries = tuple((key, compile_value(value, names)) for key, value in written.items())
        return lambda scope: {key: value(scope) for key, value in entries}
    if isinstance(written, list | tuple):
        items = tuple(compile_value(value, names) for value in written)
        return lambda scope: [item(scope) for item in items]
    plain = Decimal(repr(written)) if isinstance(written, float) else written
    return lambda scope: plain


def compile_text(written: str, names: Names) -> Value:
    """As compile_value, of one text."""
    if written.startswith("="):
        return compile_computed(written, names)
    if "{" in written:
        return compile_template(parse_template(written), names)
    return lambda scope: written


def to_body(item: Field, value: Any, *, own: bool) -> Any:
    """A value as a body would give it to the field, for the one way in which records are written.

    Computed values are in value form, plain ones as bodies have them; what fits neither is for the write to refuse.
    `own` keeps the ids of a list's items: they are those of the record that is written.
    """
    if item.many and isinstance(value, list):
        return [_one_to_body(item, one, own=own) for one in value]
    return _one_to_body(item, value, own=own)


def _one_to_body(item: Field, value: Any, *, own: bool) -> Any:
    if value is None or value == "":
        return None
    return _TO_BODY[item.type.shape](item, value, own)


def _scalar_to_body(item: Field, value: Any, own: bool) -> Any:
    try:
        return item.type.render(item.type.fit(value))
    except InvalidValue:
        return value


def _reference_to_body(item: Field, value: Any, own: bool) -> Any:
    if isinstance(value, Mapping) and value.get("id") is not None:
        return {"id": value["id"]}
    return value


def _group_to_body(item: Field, value: Any, own: bool) -> Any:
    if not isinstance(value, Mapping):
        return value
    body = {}
    for name, inner in value.items():
        field = item.by_name.get(name)
        if name in GROUP_SYSTEM:
            if own and name == "id" and item.many and inner is not None:
                body[name] = inner
        else:
            body[name] = inner if field is None else to_body(field, inner, own=own)
    return body


_TO_BODY: Mapping[Shape, Callable[[Field, Any, bool], Any]] = {
    Shape.SCALAR: _scalar_to_body,
    Shape.REFERENCE: _reference_to_body,
    Shape.NESTED: _group_to_body,
}

__all__ = ["Value", "compile_text", "compile_value", "to_body"]
