"""The functions of the language: one record each, from which parser, compiler, documentation and tests work."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from engine.errors import ExpressionError
from engine.expressions.moments import DAY, HOUR, MINUTE, Duration, date_at
from engine.expressions.patterns import compile_pattern, fits
from engine.expressions.printing import join_list, text_of
from engine.expressions.scope import Scope
from engine.expressions.values import (
    DECIMALS,
    LIST,
    LONGEST_TEXT,
    NUMBER,
    TEXT,
    Number,
    add,
    bounded,
    compute,
    join_texts,
    kind_of,
    member,
    negate,
    number_of,
    order,
    whole,
)


@dataclass(frozen=True, slots=True)
class Function:
    """One function: its name, how many arguments it takes (`most` None: any number), what it does.

    `run` gets the scope and the arguments. Where `prepare` is set the last argument must be a literal text, and `run`
    gets what `prepare` made of it, once, at compile time. `example` is an expression that is true.
    """

    name: str
    least: int
    most: int | None
    run: Callable[..., Any]
    doc: str
    example: str
    prepare: Callable[[str], Any] | None = None

    def takes(self, count: int) -> bool:
        """Whether it can be called with so many arguments."""
        return self.least <= count and (self.most is None or count <= self.most)

    @property
    def arity(self) -> str:
        """The number of arguments in words: "1 argument", "1 to 2 arguments", "at least 1 argument"."""
        noun = "argument" if (self.most or self.least) == 1 else "arguments"
        if self.most is None:
            return f"at least {self.least} {noun}"
        return f"{self.least} {noun}" if self.least == self.most else f"{self.least} to {self.most} {noun}"


def _refuse(name: str, wanted: str, value: Any) -> ExpressionError:
    return ExpressionError(f"{name}() needs {wanted}, not {kind_of(value)}")


def _list(scope: Scope, name: str, value: Any) -> list[Any]:
    """The items of a list without its nulls; null is the empty list."""
    if value is None:
        return []
    if kind_of(value) is not LIST:
        raise _refuse(name, "a list", value)
    scope.spend(len(value))
    return [item for item in value if item is not None]


def _text(scope: Scope, name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _refuse(name, "text", value)
    scope.spend_text(len(value))
    return value


def _number(name: str, value: Any) -> Number | None:
    if kind_of(value) is not NUMBER:
        raise _refuse(name, "a number", value)
    return number_of(value)


# lists


def _len(scope: Scope, value: Any) -> int:
    if value is None:
        return 0
    if kind_of(value) not in (LIST, TEXT):
        raise _refuse("len", "text or a list", value)
    return len(value)


def _sum(scope: Scope, values: Any) -> Any:
    total: Any = 0
    for value in _list(scope, "sum", values):
        if kind_of(value) is not NUMBER:
            raise _refuse("sum", "a list of numbers", value)
        total = add(scope, total, value)
    return total


def _extreme(name: str, holds: Callable[[Any, Any], bool]) -> Callable[..., Any]:
    def run(scope: Scope, *values: Any) -> Any:
        best = None
        for value in _list(scope, name, values[0] if len(values) == 1 else list(values)):
            if kind_of(value) not in (NUMBER, TEXT):
                raise _refuse(name, "numbers or texts", value)
            if best is None or order(scope, value, best, holds):
                best = value
        return best

    return run


def _join(scope: Scope, values: Any, separator: Any = ", ") -> str:
    if isinstance(values, str) and not isinstance(separator, str):  # the separator first, as in Python
        values, separator = separator, values
    return join_list(scope, _list(scope, "join", values), _text(scope, "join", separator))


def _any(scope: Scope, values: Any) -> bool:
    return any(_list(scope, "any", values))


def _all(scope: Scope, values: Any) -> bool:
    return all(_list(scope, "all", values))


# numbers


def _round(scope: Scope, value: Any, digits: Any = 0) -> Any:
    if value is None or digits is None:
        return None
    number, places = _number("round", value), _number("round", digits)
    if not isinstance(places, int) or abs(places) > DECIMALS.prec:
        raise ExpressionError(f"round() needs a whole number of digits, from -{DECIMALS.prec} to {DECIMALS.prec}")
    if number is None:
        return None
    if isinstance(number, int):
        return number if places >= 0 else _round_integer(number, 10**-places)
    if places <= 0:
        return _round_decimal(number, -places)
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and -exponent <= places:
        return number
    return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, DECIMALS)


def _round_integer(number: int, unit: int) -> int:
    size = (abs(number) + unit // 2) // unit * unit
    return int(bounded(size if number >= 0 else -size))


def _round_decimal(number: Decimal, zeros: int) -> int:
    shifted = DECIMALS.scaleb(number, -zeros)
    return int(bounded(whole(shifted, ROUND_HALF_UP) * 10**zeros))


def _abs(scope: Scope, value: Any) -> Any:
    if value is None:
        return None
    number = _number("abs", value)
    return number if number is None or number >= 0 else negate(number)


_NUMERAL = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?\s*", re.ASCII)


def _numeral(name: str, value: Any) -> Number | None:
    """The number that a value is or, as text, spells; None if it spells none."""
    if not isinstance(value, str):
        return _number(name, value)
    if len(value) > 64 or not _NUMERAL.fullmatch(value):
        return None
    try:
        return DECIMALS.create_decimal(value.strip())
    except ArithmeticError:
        return None


def _int(scope: Scope, value: Any) -> int | None:
    number = None if value is None else _numeral("int", value)
    return None if number is None else whole(number)


def _float(scope: Scope, value: Any) -> Decimal | None:
    number = None if value is None else _numeral("float", value)
    return None if number is None else DECIMALS.create_decimal(number)


# text


def _on_text(name: str, change: Callable[[str], str]) -> Callable[[Scope, Any], Any]:
    def run(scope: Scope, value: Any) -> Any:
        if value is None:
            return None
        changed = change(_text(scope, name, value))
        return changed if len(changed) <= LONGEST_TEXT else join_texts(scope, (changed,))

    return run


def _str(scope: Scope, value: Any) -> Any:
    return None if value is None else text_of(scope, value)


def _about(name: str, holds: Callable[[str, str], bool]) -> Callable[[Scope, Any, Any], bool]:
    def run(scope: Scope, value: Any, part: Any) -> bool:
        if value is None or part is None:
            return False
        return holds(_text(scope, name, value), _text(scope, name, part))

    return run


def _contains(scope: Scope, container: Any, value: Any) -> bool:
    return member(scope, value, container)


def _matches(scope: Scope, value: Any, pattern: Any) -> bool:
    return value is not None and fits(scope, _text(scope, "matches", value), pattern)


# moments


def _now(scope: Scope) -> int:
    return scope.now


def _today(scope: Scope) -> str:
    return date_at(scope.now, scope.timezone)


def _duration(name: str, unit: int) -> Callable[[Scope, Any], Duration | None]:
    def run(scope: Scope, count: Any) -> Duration | None:
        if count is None:
            return None
        length = compute("*", _number(name, count), unit)
        return None if length is None else Duration(whole(length, ROUND_HALF_UP))

    return run


def _coalesce(scope: Scope, *values: Any) -> Any:
    return next((value for value in values if value is not None), None)


_ALL = (
    Function("len", 1, 1, _len, "The number of items or characters; 0 of null.", "len(None) == 0"),
    Function(
        "sum",
        1,
        1,
        _sum,
        "The sum of a list of numbers, without its nulls; 0 of nothing.",
        "sum([1, None, 2.5]) == 3.5",
    ),
    Function(
        "min",
        1,
        None,
        _extreme("min", operator.lt),
        "The least of a list or of the arguments, nulls left out.",
        "min([3, None, 2]) == 2",
    ),
    Function(
        "max",
        1,
        None,
        _extreme("max", operator.gt),
        "The greatest of a list or of the arguments, nulls left out.",
        "max(3, None, 2) == 3",
    ),
    Function(
        "round",
        1,
        2,
        _round,
        "The number with so many decimals (0 unless said), half rounded up.",
        "round(2.345, 2) == 2.35",
    ),
    Function("abs", 1, 1, _abs, "The number without its sign.", "abs(-2) == 2"),
    Function("lower", 1, 1, _on_text("lower", str.lower), "The text in small letters.", "lower('Ab') == 'ab'"),
    Function("upper", 1, 1, _on_text("upper", str.upper), "The text in capitals.", "upper('Ab') == 'AB'"),
    Function(
        "trim", 1, 1, _on_text("trim", str.strip), "The text without white space at its ends.", "trim(' a b ') == 'a b'"
    ),
    Function("str", 1, 1, _str, "The value as a template prints it; null stays null.", "str(1.50) == '1.50'"),
    Function(
        "int", 1, 1, _int, "The whole part of a number, or of a number written as text; else null.", "int('-7.9') == -7"
    ),
    Function("float", 1, 1, _float, "The decimal number that a text spells, or null.", "float('1.5') == 1.5"),
    Function("coalesce", 1, None, _coalesce, "The first argument that is not null.", "coalesce(None, 0, 1) == 0"),
    Function("now", 0, 0, _now, "The moment of the request, in milliseconds.", "now() - days(1) < now()"),
    Function(
        "today",
        0,
        0,
        _today,
        "The date of the request in the app's time zone, as yyyy-MM-dd.",
        "today() < today() + days(1)",
    ),
    Function(
        "days",
        1,
        1,
        _duration("days", DAY),
        "A duration that can be added to dates and moments.",
        "'2024-02-28' + days(2) == '2024-03-01'",
    ),
    Function(
        "hours",
        1,
        1,
        _duration("hours", HOUR),
        "A duration that can be added to dates and moments.",
        "'2024-02-28 23:00' + hours(2) == '2024-02-29 01:00'",
    ),
    Function(
        "minutes",
        1,
        1,
        _duration("minutes", MINUTE),
        "A duration that can be added to dates and moments.",
        "minutes(90) == hours(1.5)",
    ),
    Function(
        "join",
        1,
        2,
        _join,
        "The items of a list as one text, nulls left out, with a separator (', ' unless said) behind or before it.",
        "join(['a', None, 'b'], '-') == 'a-b'",
    ),
    Function("any", 1, 1, _any, "Whether an item of a list is true; false for nothing.", "any([False, None, 1])"),
    Function(
        "all",
        1,
        1,
        _all,
        "Whether no item of a list is false, nulls left out; true for nothing.",
        "all([True, None, 1])",
    ),
    Function(
        "startswith",
        2,
        2,
        _about("startswith", str.startswith),
        "Whether a text starts with another; false of null.",
        "startswith('abc', 'ab')",
    ),
    Function(
        "endswith",
        2,
        2,
        _about("endswith", str.endswith),
        "Whether a text ends with another; false of null.",
        "endswith('abc', 'bc')",
    ),
    Function(
        "contains",
        2,
        2,
        _contains,
        "Whether a text holds a text, or a list a value; false of null.",
        "contains(['a', 'b'], 'a')",
    ),
    Function(
        "matches",
        2,
        2,
        _matches,
        "Whether the whole text matches a pattern in RE2 syntax; false of null.",
        "matches('862-SKB', '\\\\d{3}-[A-Z]{3}')",
        prepare=compile_pattern,
    ),
)

FUNCTIONS: Mapping[str, Function] = {function.name: function for function in _ALL}
"""All functions by name."""
