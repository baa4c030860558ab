"""Values as people read them: any value in, text out, within the limits of one evaluation."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from engine.errors import ExpressionError
from engine.expressions.scope import Scope
from engine.expressions.values import (
    DECIMALS,
    DEEPEST_VALUE,
    KINDS,
    LIST,
    NULL,
    NUMBER,
    OTHER,
    RECORD,
    TEXT,
    Kind,
    join_texts,
    kind_of,
    number_of,
)


def join_list(scope: Scope, values: Sequence[Any], separator: str) -> str:
    """The items of a list in one text, nulls left out; lists inside it are written as JSON."""
    scope.spend(len(values))
    texts = [
        _json(scope, value, 1) if kind_of(value) is LIST else text_of(scope, value)
        for value in values
        if value is not None
    ]
    return join_texts(scope, texts, separator)


def text_of(scope: Scope, value: Any) -> str:
    """A value as text: null as nothing, numbers and truth as JSON writes them, the items of a list joined by commas.

    A record that has a label prints as its label, any other as JSON.
    """
    write = _TEXTS_BY_TYPE.get(type(value)) or _TEXTS[kind_of(value)]
    return write(scope, value)


def _number_text(scope: Scope, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    amount = number_of(value)
    if not isinstance(amount, Decimal):
        return ""
    return f"{amount:f}" if abs(amount.adjusted()) <= DECIMALS.prec else str(amount)


def _record_text(scope: Scope, value: Any) -> str:
    label = value.get("label")
    return label if isinstance(label, str) else _json(scope, value, 0)


def _other_text(scope: Scope, value: Any) -> str:
    raise ExpressionError(f"A value of kind {type(value).__name__} cannot be printed")


_TEXTS: Mapping[Kind, Callable[[Scope, Any], str]] = {
    NULL: lambda scope, value: "",
    TEXT: lambda scope, value: str(value),
    NUMBER: _number_text,
    LIST: lambda scope, value: join_list(scope, value, ", "),
    RECORD: _record_text,
    OTHER: _other_text,
}
_TEXTS_BY_TYPE = {known: _TEXTS[kind] for known, kind in KINDS.items()}


def _json(scope: Scope, value: Any, depth: int) -> str:
    if depth == DEEPEST_VALUE:
        raise ExpressionError(f"Values nested deeper than {DEEPEST_VALUE} levels cannot be printed")
    kind = kind_of(value)
    if kind is RECORD:
        scope.spend(1 + len(value))
        entries = [f"{_quoted(scope, str(key))}:{_json(scope, item, depth + 1)}" for key, item in value.items()]
        return "{" + join_texts(scope, entries, ",") + "}"
    if kind is LIST:
        scope.spend(1 + len(value))
        return "[" + join_texts(scope, [_json(scope, item, depth + 1) for item in value], ",") + "]"
    if kind is TEXT:
        return _quoted(scope, value)
    return text_of(scope, value) or "null"


def _quoted(scope: Scope, text: str) -> str:
    scope.spend_text(len(text))
    return json.dumps(text, ensure_ascii=False)
