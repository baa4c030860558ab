"""What the operators do to values: values in, a value out; null, kinds and bounds are decided here and nowhere else.

Every function may raise ExpressionError, without an offset: the compiler knows where in the text it happened.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from math import isfinite
from typing import Any, NewType

from engine.errors import ExpressionError
from engine.expressions.moments import Duration, difference, shift
from engine.expressions.scope import Scope

LARGEST_INTEGER = 2**127
LONGEST_TEXT = 100_000
DEEPEST_VALUE = 64

Number = int | Decimal

DECIMALS = Context(
    prec=34, rounding=ROUND_HALF_UP, Emin=-6143, Emax=6144, clamp=1, traps=[InvalidOperation, DivisionByZero, Overflow]
)
"""Decimal arithmetic as wide as Decimal128, so that every result can be stored."""


Kind = NewType("Kind", str)
"""What values are to the operators, in words for messages. Plain text: an Enum's members are slow to look up."""

NULL = Kind("null")
TEXT = Kind("text")
NUMBER = Kind("a number")
LIST = Kind("a list")
RECORD = Kind("a record")
OTHER = Kind("something else")

KINDS: dict[type, Kind] = {
    type(None): NULL,
    str: TEXT,
    int: NUMBER,
    bool: NUMBER,
    Decimal: NUMBER,
    float: NUMBER,
    Duration: NUMBER,
    list: LIST,
    dict: RECORD,
}
"""The kinds of the types that values nearly always have; `kind_of` knows the others."""
_BASES: tuple[tuple[type, Kind], ...] = (
    (str, TEXT),
    (int, NUMBER),
    (list, LIST),
    (tuple, LIST),
    (Mapping, RECORD),
)


def kind_of(value: object) -> Kind:
    """The kind of any value; True and False are numbers, as in Python."""
    kind = KINDS.get(type(value))
    if kind is None:
        kind = next((kind for base, kind in _BASES if isinstance(value, base)), OTHER)
    return kind


# numbers


def number_of(value: Any) -> Number | None:
    """A number as int or Decimal; floats by their shortest text, so that 0.1 is 0.1. None if it is not finite."""
    if isinstance(value, int):
        return value
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    return Decimal(repr(value)) if isfinite(value) else None


def bounded(value: Number) -> Number:
    """The number itself, unless it is an integer of more than 127 bits."""
    if isinstance(value, int) and not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
        raise ExpressionError("The number leaves the range of 127 bits")
    return value


def whole(value: Number, rounding: str = ROUND_DOWN) -> int:
    """The number as an integer."""
    if isinstance(value, int):
        return int(value)
    if value.copy_abs() > LARGEST_INTEGER:
        raise ExpressionError("The number leaves the range of 127 bits")
    return int(value.to_integral_value(rounding))


def _floor_divide(a: Number, b: Number) -> Decimal:
    quotient, rest = DECIMALS.divide_int(a, b), DECIMALS.remainder(a, b)
    return DECIMALS.subtract(quotient, 1) if rest and (rest < 0) != (b < 0) else quotient


def _modulo(a: Number, b: Number) -> Decimal:
    rest = DECIMALS.remainder(a, b)
    return DECIMALS.add(rest, b) if rest and (rest < 0) != (b < 0) else rest


@dataclass(frozen=True, slots=True)
class _Rule:
    """How an arithmetic operator computes: on integers, and on anything that holds a Decimal."""

    whole: Callable[[int, int], Number]
    exact: Callable[[Number, Number], Decimal]
    divides: bool = False


_RULES = {
    "+": _Rule(operator.add, DECIMALS.add),
    "-": _Rule(operator.sub, DECIMALS.subtract),
    "*": _Rule(operator.mul, DECIMALS.multiply),
    "/": _Rule(DECIMALS.divide, DECIMALS.divide, divides=True),
    "//": _Rule(operator.floordiv, _floor_divide, divides=True),
    "%": _Rule(operator.mod, _modulo, divides=True),
}


def compute(symbol: str, a: Any, b: Any) -> Number | None:
    """Arithmetic on two values: null if one of them is null, or if it divides by zero."""
    if a is None or b is None:
        return None
    kinds = kind_of(a), kind_of(b)
    if kinds != (NUMBER, NUMBER):
        raise ExpressionError(f"{symbol} cannot be applied to {kinds[0]} and {kinds[1]}", hint=_remedy(kinds))
    x, y = number_of(a), number_of(b)
    rule = _RULES[symbol]
    if x is None or y is None or (rule.divides and not y):
        return None
    try:
        return bounded(rule.whole(x, y) if isinstance(x, int) and isinstance(y, int) else rule.exact(x, y))
    except ArithmeticError:
        raise ExpressionError("The number leaves the range of 34 digits with exponents up to 6144") from None


def _remedy(kinds: tuple[Kind, Kind]) -> str:
    if TEXT in kinds and NUMBER in kinds:
        return "turn one into the other with str() or int(); durations for dates are made by days(), hours(), minutes()"
    return "pick a value first: a field of the record, an item of the list, or a function such as sum() or join()"


def add(scope: Scope, a: Any, b: Any) -> Any:
    """Adds numbers, joins texts, joins lists, moves a date by a duration."""
    if type(a) is int and type(b) is int:
        return bounded(a + b)
    if a is None or b is None:
        return None
    if isinstance(a, str):
        if isinstance(b, str):
            return join_texts(scope, (a, b))
        if isinstance(b, Duration):
            return shift(a, b)
    elif isinstance(b, str) and isinstance(a, Duration):
        return shift(b, a)
    elif isinstance(a, list) and isinstance(b, list):
        scope.spend(len(a) + len(b))
        return [*a, *b]
    return compute("+", a, b)


def subtract(scope: Scope, a: Any, b: Any) -> Any:
    """Subtracts numbers, moves a date back by a duration, measures the time between two dates."""
    if type(a) is int and type(b) is int:
        return bounded(a - b)
    if isinstance(a, str):
        if isinstance(b, Duration):
            return shift(a, -b)
        if isinstance(b, str):
            return difference(a, b)
    return compute("-", a, b)


def _plain(symbol: str) -> Callable[[Scope, Any, Any], Any]:
    def apply(scope: Scope, a: Any, b: Any) -> Any:
        return compute(symbol, a, b)

    return apply


ARITHMETIC: Mapping[str, Callable[[Scope, Any, Any], Any]] = {
    "+": add,
    "-": subtract,
    "*": _plain("*"),
    "/": _plain("/"),
    "//": _plain("//"),
    "%": _plain("%"),
}
"""The arithmetic operators by their symbol."""


def negate(value: Any) -> Any:
    """The number with its sign turned around; null stays null."""
    if value is None:
        return None
    if kind_of(value) is not NUMBER:
        raise ExpressionError(f"- cannot be applied to {kind_of(value)}")
    return -value if isinstance(value, int) else compute("-", 0, value)


# comparison


def order(scope: Scope, a: Any, b: Any, holds: Callable[[Any, Any], bool]) -> bool:
    """Whether `holds` (operator.lt and the like) is true of two texts or two numbers; false if one is null."""
    if type(a) is int and type(b) is int:
        return holds(a, b)
    if a is None or b is None:
        return False
    kinds = kind_of(a), kind_of(b)
    if kinds == (NUMBER, NUMBER):
        x, y = number_of(a), number_of(b)
        return x is not None and y is not None and holds(x, y)
    if kinds == (TEXT, TEXT):
        scope.spend_text(min(len(a), len(b)))
        return holds(a, b)
    raise ExpressionError(f"There is no order between {kinds[0]} and {kinds[1]}", hint=_remedy(kinds))


def equal(scope: Scope, a: Any, b: Any, depth: int = 0) -> bool:
    """Whether two values are the same; numbers by amount, lists item by item, records entry by entry."""
    if a is None or b is None:
        return a is b
    if type(a) is int and type(b) is int:
        return a == b
    kinds = kind_of(a), kind_of(b)
    if kinds[0] is not kinds[1]:
        return False
    if kinds[0] is TEXT:
        if len(a) != len(b):
            return False
        scope.spend_text(len(a))
        return bool(a == b)
    if kinds[0] is NUMBER:
        x, y = number_of(a), number_of(b)
        return x is not None and x == y
    if a is b:
        return True
    if kinds[0] is OTHER:
        return bool(a == b)
    if len(a) != len(b):
        return False
    if depth == DEEPEST_VALUE:
        raise ExpressionError(f"Values nested deeper than {DEEPEST_VALUE} levels cannot be compared")
    scope.spend(1 + len(a))
    if kinds[0] is LIST:
        return all(equal(scope, x, y, depth + 1) for x, y in zip(a, b, strict=True))
    return all(key in b and equal(scope, item, b[key], depth + 1) for key, item in a.items())


def member(scope: Scope, value: Any, container: Any) -> bool:
    """Whether a list holds a value, or a text holds a text. Nothing is in null, and null is in no text."""
    if container is None:
        return False
    kind = kind_of(container)
    if kind is LIST:
        scope.spend(len(container))
        return any(equal(scope, value, item) for item in container)
    if kind is TEXT:
        if value is None:
            return False
        if isinstance(value, str):
            scope.spend_text(len(container))
            return value in container
        raise ExpressionError(f"Text can hold text, not {kind_of(value)}", hint="turn the value into text with str()")
    raise ExpressionError(f"Only a list or text can hold something, not {kind}")


# paths


def below(scope: Scope, value: Any, keys: Sequence[str]) -> Any:
    """What stands at a dotted path below a value.

    Below null and below a scalar there is null. Below a list there is the list of what stands below its items, with
    nulls left out and the items of inner lists in line with the others.
    """
    for key in keys:
        if type(value) is dict:
            value = value.get(key)
        elif value is None:
            return None
        else:
            value = _step(scope, value, key)
    return value


def _step(scope: Scope, value: Any, key: str) -> Any:
    kind = kind_of(value)
    if kind is RECORD:
        return value.get(key)
    if kind is not LIST:
        return None
    scope.spend(len(value))
    found: list[Any] = []
    for item in value:
        inner = item.get(key) if kind_of(item) is RECORD else None
        if isinstance(inner, list):
            scope.spend(len(inner))
            found += [deep for deep in inner if deep is not None]
        elif inner is not None:
            found.append(inner)
    return found


def item_at(value: Any, index: Any) -> Any:
    """`value[index]`: an item of a list or a character of a text by number, an entry of a record by text, else null."""
    if value is None or index is None:
        return None
    kinds = kind_of(value), kind_of(index)
    if kinds == (RECORD, TEXT):
        return value.get(index)
    if kinds[0] in (LIST, TEXT) and kinds[1] is NUMBER:
        position = number_of(index)
        if position is None or position != whole(position):
            return None
        try:
            return value[whole(position)]
        except IndexError:
            return None
    raise ExpressionError(
        f"{kinds[0].capitalize()} cannot be indexed by {kinds[1]}",
        hint="lists and texts are indexed by whole numbers, records by text",
    )


def join_texts(scope: Scope, parts: Sequence[str], separator: str = "") -> str:
    """The parts in one text, unless that grows too long."""
    length = sum(map(len, parts)) + len(separator) * max(len(parts) - 1, 0)
    if length > LONGEST_TEXT:
        raise ExpressionError(f"The text grows over {LONGEST_TEXT:,} characters")
    scope.spend_text(length)
    return separator.join(parts)
