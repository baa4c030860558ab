"""The expression language is total: any text is an expression or an ExpressionError, any run gives a value or one."""

from __future__ import annotations

import os
import string
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ExpressionError
from engine.expressions import (
    FUNCTIONS,
    Expression,
    Names,
    Scope,
    Template,
    check_names,
    compile_expression,
    compile_template,
    parse_computed,
    parse_expression,
    parse_label,
    parse_template,
)
from engine.fields.base import FieldType
from engine.schema import Field


@dataclass(frozen=True)
class Anything(FieldType):
    def json_schema(self) -> dict[str, Any]:
        return {}


SCALE = int(os.environ.get("CASTWORK_EXAMPLES", "25"))
ROOTS = ("a", "b", "c", "d")
FIELDS = {name: Field(name, name, name, Anything()) for name in ROOTS}
NAMES = Names(FIELDS, FIELDS, params=FIELDS)


def _outcome(function: Callable[[Any], Any], argument: Any) -> Any:
    try:
        return function(argument)
    except ExpressionError as error:
        return error


# arbitrary text

WORDS = """None True and or not in is if else for x lambda yield await f' b' 'x' 0 1 2.5 1e9 0x1 1_0 1j == != <= // **
    := ... .a {{ }} =' __class__ ñ ｎ ( ) [ ] { } + - * / % < > = ! . , : ' " \\ # @ & | ^ ~ _"""
PIECES = [*ROOTS, *FUNCTIONS, *WORDS.split(), " ", "\n", "\t", "\0", "\ud800", "\u2028", " for x in "]
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(PIECES), max_size=25).map("".join),
    st.text(string.punctuation + string.ascii_lowercase + " ", max_size=60),
)


@given(TEXTS)
@settings(max_examples=40 * SCALE, deadline=None)
def test_any_text_is_an_expression_or_an_error_inside_the_text(text):
    for parse, kinds in (
        (parse_expression, Expression),
        (parse_template, Template),
        (parse_label, Template),
        (parse_computed, Expression | Template),
    ):
        made = _outcome(parse, text)
        if isinstance(made, ExpressionError):
            assert made.message
            assert 0 <= made.offset <= len(text)
            continue
        assert isinstance(made, kinds)
        for path, offsets in made.offsets.items():
            assert all(text[offset:].startswith(path[0]) for offset in offsets)


# generated expressions

VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63),
        st.sampled_from(
            [0, 1, -1, 2**127, "", "a", "2024-02-29", "2024-12-31 23:59", Decimal("1E+6144"), Decimal("1E-6143")]
        ),
        st.decimals(allow_nan=True),
        st.floats(),
        st.text(max_size=10),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from([*ROOTS, "label"]), inner, max_size=3)
    ),
    max_leaves=8,
)

LEAVES = st.one_of(
    st.sampled_from(
        [*ROOTS, "a.b", "b.c.d", "record.a", "user.x", "params.b", "old.a", "None", "True", "''", "'a'", "'2024-02-29'"]
    ),
    st.integers(0, 10**20).map(str),
    st.decimals(0, 10**9, places=3).map(str),
)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def call(name: str, arguments: list[str]) -> str:
        function = FUNCTIONS[name]
        arguments = arguments[: function.most or len(arguments)]
        if function.prepare is not None:
            arguments[-1] = "'a*(b|c)'"
        return f"{name}({', '.join(arguments)})"

    calls = st.sampled_from(sorted(FUNCTIONS)).flatmap(
        lambda name: st.lists(inner, min_size=max(FUNCTIONS[name].least, 1), max_size=3).map(
            lambda arguments: call(name, arguments if FUNCTIONS[name].most != 0 else [])
        )
    )
    operators = st.sampled_from(
        ["+", "-", "*", "/", "//", "%", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"]
    )
    return st.one_of(
        calls,
        st.tuples(inner, operators, inner).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"),
        inner.map("(-{})".format),
        inner.map("(not {})".format),
        inner.map("({} is None)".format),
        st.tuples(inner, inner, inner).map(lambda parts: "({} if {} else {})".format(*parts)),
        st.tuples(inner, inner).map(lambda parts: "{}[{}]".format(f"({parts[0]})", parts[1])),
        inner.map("({}).a".format),
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.tuples(inner, inner).map(lambda parts: "[x for x in {} if {}]".format(*parts)),
        st.tuples(inner, inner).map(lambda parts: "[[x, x.a, {}] for x in {}]".format(*parts)),
    )


EXPRESSIONS = st.recursive(LEAVES, _grown, max_leaves=8)
RECORDS = st.fixed_dictionaries(dict.fromkeys(ROOTS, VALUES))


@given(EXPRESSIONS, RECORDS, st.one_of(st.none(), RECORDS), st.sampled_from(["UTC", "Asia/Tokyo", "Nowhere/At"]))
@settings(max_examples=20 * SCALE, deadline=None)
def test_a_run_gives_a_value_or_an_error_of_the_language(text, record, other, timezone):
    with suppress(ExpressionError):  # too deep, comprehensions in comprehensions
        expression = parse_expression(text)
        assert check_names(expression, NAMES) == []
        before = repr(record)
        scope = Scope(record, record, now=1_700_000_000_000, timezone=timezone, user=other, old=other, params=record)
        try:
            first = compile_expression(expression, NAMES)(scope)
        finally:
            assert repr(record) == before
        assert _bounded(first)
        second = compile_expression(parse_expression(text), NAMES)(scope)
        assert repr(second) == repr(first)


def _bounded(value: Any) -> bool:
    if isinstance(value, int):
        return abs(value) <= 2**127
    return not isinstance(value, str) or len(value) <= 100_000


@given(st.lists(st.one_of(EXPRESSIONS.map("{{{}}}".format), st.sampled_from(["{{", "}}", " - "])), max_size=4), RECORDS)
@settings(max_examples=8 * SCALE, deadline=None)
def test_a_template_gives_text_or_an_error_of_the_language(parts, record):
    with suppress(ExpressionError):
        template = parse_template("".join(parts))
        text = compile_template(template, NAMES)(Scope(record, record, now=0))
        assert isinstance(text, str)
        assert len(text) <= 100_000


NUMBERS = st.one_of(st.integers(-(10**12), 10**12), st.decimals(-(10**12), 10**12, places=4))


@given(NUMBERS, NUMBERS)
@settings(deadline=None)
def test_arithmetic_keeps_the_laws_of_numbers(a, b):
    def of(text: str) -> Any:
        return compile_expression(parse_expression(text), NAMES)(Scope({"a": a, "b": b}, {}, now=0))

    assert of("a + b == b + a")
    assert of("a - b + b == a")
    assert of("a * b == b * a")
    assert of("(a < b) + (a == b) + (a > b)") == 1
    assert of("(a <= b) == (not b < a)")
    if b:
        assert of("(a // b) * b + a % b == a")
        assert of("abs(a % b) < abs(b)")
        assert of("a % b == 0 or (a % b > 0) == (b > 0)")
        assert of("abs(a / b * b - a) <= abs(a) * 1e-30")
    else:
        assert of("a / b") is of("a // b") is of("a % b") is None


@given(st.text(max_size=20), st.text(max_size=20))
@settings(deadline=None)
def test_literal_texts_come_back_as_they_were_written(a, b):
    if "\0" in a + b or any("\ud800" <= char <= "\udfff" for char in a + b):
        return
    written = a.replace("\\", "\\\\").replace("'", "\\'")
    printable = all(char.isprintable() for char in written)
    if printable:
        assert compile_expression(parse_expression(f"'{written}'"), NAMES)(Scope({}, {}, now=0)) == a
        template = parse_template(b.replace("{", "{{").replace("}", "}}"))
        assert compile_template(template, NAMES)(Scope({}, {}, now=0)) == b
