"""Every function: what it gives, what null does to it, what it refuses."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.errors import ExpressionError
from engine.expressions import FUNCTIONS
from tests.every import every
from tests.unit.expressions.expression_samples import NOW, evaluate

REFUSED = object()
BIG = 2**127

CASES = {
    "len": [
        ("len('abc')", 3),
        ("len(tags)", 2),
        ("len([])", 0),
        ("len(None)", 0),
        ("len(5)", REFUSED),
        ("len(address)", REFUSED),
    ],
    "sum": [
        ("sum(addresses.number)", 5),
        ("sum([1, None, 0.5])", Decimal("1.5")),
        ("sum([])", 0),
        ("sum(None)", 0),
        ("sum([True, True, False])", 2),
        ("sum(['a', 'b'])", REFUSED),
        ("sum(5)", REFUSED),
    ],
    "min": [
        ("min(3, 1, 2)", 1),
        ("min([3, None, 1.5])", Decimal("1.5")),
        ("min('b', 'a')", "a"),
        ("min(tags)", "a"),
        ("min(None, 2)", 2),
        ("min([])", None),
        ("min(None)", None),
        ("min(None, None)", None),
        ("min('a', 1)", REFUSED),
        ("min([[1]])", REFUSED),
        ("min(5)", REFUSED),
    ],
    "max": [("max(3, 1, 2)", 3), ("max(tags)", "b"), ("max([])", None), ("max(1, 1.0)", 1), ("max('a', 1)", REFUSED)],
    "round": [
        ("round(2.5)", 3),
        ("round(-2.5)", -3),
        ("round(2.4)", 2),
        ("round(2.345, 2)", Decimal("2.35")),
        ("round(-2.345, 2)", Decimal("-2.35")),
        ("round(2.5, 4)", Decimal("2.5")),
        ("round(1234, -2)", 1200),
        ("round(1250, -2)", 1300),
        ("round(-1250, -2)", -1300),
        ("round(1250.5, -2)", 1300),
        ("round(7, 3)", 7),
        ("round(2.5, 0)", 3),
        ("round(1e40, 2)", Decimal("1e40")),
        ("round(None)", None),
        ("round(1, None)", None),
        ("round(number)", None, {"number": float("nan")}),
        ("round('2')", REFUSED),
        ("round(2, 0.5)", REFUSED),
        ("round(2, 35)", REFUSED),
        ("round(1e6000)", REFUSED),
    ],
    "abs": [
        ("abs(-3)", 3),
        ("abs(3)", 3),
        ("abs(-0.1234567890123456789012345678901234)", Decimal("0.1234567890123456789012345678901234")),
        ("abs(None)", None),
        ("abs(number)", None, {"number": float("inf")}),
        ("abs('-3')", REFUSED),
    ],
    "lower": [("lower('ÄB')", "äb"), ("lower(None)", None), ("lower(5)", REFUSED)],
    "upper": [("upper('äß')", "ÄSS"), ("upper(None)", None), ("upper(tags)", REFUSED)],
    "trim": [("trim('  a b\t')", "a b"), ("trim(None)", None), ("trim(5)", REFUSED)],
    "str": [
        ("str('a')", "a"),
        ("str(5)", "5"),
        ("str(1.50)", "1.50"),
        ("str(1e3)", "1000"),
        ("str(1e-7)", "0.0000001"),
        ("str(1e40)", "1E+40"),
        ("str(True)", "true"),
        ("str(2 > 3)", "false"),
        ("str(days(1))", "86400000"),
        ("str(tags)", "b, a"),
        ("str([1, None, ['x', 2.5]])", '1, ["x",2.5]'),
        ("str(address)", "Home"),
        ("str(data)", '{"a":{"b":[1,2]}}'),
        ("str(data)", '{"a\\"":[null,true,"ä"]}', {"data": {'a"': [None, True, "ä"]}}),
        ("str(number)", "0.1", {"number": 0.1}),
        ("str(number)", "", {"number": float("nan")}),
        ("str(number)", REFUSED, {"number": object()}),
        ("str(None)", None),
    ],
    "int": [
        ("int(7.9)", 7),
        ("int(-7.9)", -7),
        ("int('12')", 12),
        ("int(' -12.9 ')", -12),
        ("int('1e3')", 1000),
        ("int(True)", 1),
        ("int('abc')", None),
        ("int('')", None),
        ("int('1_0')", None),
        ("int('٣')", None),
        ("int('1e9999')", None),
        ("int('1' * 1)", REFUSED),
        ("int('1111111111111111111111111111111111111111111111111111111111111111111')", None),
        ("int(None)", None),
        ("int(number)", None, {"number": float("inf")}),
        ("int(tags)", REFUSED),
        ("int('1e300')", REFUSED),
    ],
    "float": [
        ("float('1.50')", Decimal("1.50")),
        ("float(2)", Decimal(2)),
        ("float('.5')", Decimal("0.5")),
        ("float('1.')", Decimal(1)),
        ("float('x')", None),
        ("float('nan')", None),
        ("float('Infinity')", None),
        ("float(None)", None),
        ("float(tags)", REFUSED),
    ],
    "coalesce": [("coalesce(None, '', 1)", ""), ("coalesce(other)", None), ("coalesce(other, lastName, name)", "Acme")],
    "now": [("now()", NOW)],
    "today": [("today()", "2024-03-01")],
    "days": [
        ("days(1)", 86_400_000),
        ("days(0.5)", 43_200_000),
        ("days(None)", None),
        ("days('1')", REFUSED),
        ("days(1e40)", REFUSED),
    ],
    "hours": [("hours(-1)", -3_600_000), ("hours(None)", None), ("hours(number)", None, {"number": float("nan")})],
    "minutes": [("minutes(1.00001)", 60_001), ("minutes(None)", None)],
    "join": [
        ("join(tags)", "b, a"),
        ("join(tags, '-')", "b-a"),
        ("join('-', tags)", "b-a"),
        ("join('-', None)", ""),
        ("join([1, None, 2.50, True, 'x'], '')", "12.50truex"),
        ("join(addresses, '; ')", "One; Two; Three"),
        ("join([], '-')", ""),
        ("join(None)", ""),
        ("join('abc')", REFUSED),
        ("join(tags, 1)", REFUSED),
        ("join(tags, None)", REFUSED),
    ],
    "any": [
        ("any([0, 1])", True),
        ("any([0, None])", False),
        ("any([])", False),
        ("any(None)", False),
        ("any(1)", REFUSED),
    ],
    "all": [
        ("all([1, None])", True),
        ("all([1, 0])", False),
        ("all([])", True),
        ("all(None)", True),
        ("all('ab')", REFUSED),
    ],
    "startswith": [
        ("startswith('abc', 'ab')", True),
        ("startswith('abc', 'b')", False),
        ("startswith(None, 'a')", False),
        ("startswith('a', None)", False),
        ("startswith(1, '1')", REFUSED),
        ("startswith('a', 1)", REFUSED),
    ],
    "endswith": [("endswith('abc', 'bc')", True), ("endswith('abc', 'b')", False), ("endswith(None, 'a')", False)],
    "contains": [
        ("contains('abc', 'b')", True),
        ("contains('abc', 'B')", False),
        ("contains(tags, 'a')", True),
        ("contains(tags, 'z')", False),
        ("contains([1.0], 1)", True),
        ("contains([None], None)", True),
        ("contains(None, 'a')", False),
        ("contains('a', None)", False),
        ("contains('1', 1)", REFUSED),
        ("contains(5, 5)", REFUSED),
    ],
    "matches": [
        (r"matches('862-SKB', '\d{3}-[A-Z]{3}')", True),
        (r"matches('862-SKB!', '\d{3}-[A-Z]{3}')", False),
        (r"matches('x862-SKB', '\d{3}-[A-Z]{3}')", False),
        ("matches('ABC', '(?i)(a)bc')", True),
        ("matches('a\\nb', 'a.b')", False),
        ("matches('äö', '..')", True),
        ("matches(None, 'a')", False),
        ("matches(name, '.*')", False, {"name": "\ud800"}),
        ("matches(5, 'a')", REFUSED),
        ("matches('a', name)", REFUSED),
        ("matches('a', 5)", REFUSED),
        ("matches('a', 'a' + 'b')", REFUSED),
        ("matches('a', '(?=a)')", REFUSED),
        (r"matches('aa', r'(a)\1')", REFUSED),
        ("matches('a', '(')", REFUSED),
    ],
}


def test_every_function_has_cases():
    assert set(CASES) == set(FUNCTIONS)


@every("case", [case for cases in CASES.values() for case in cases], ids=lambda case: case[0])
def test_function(case):
    text, expected, *items = case
    if expected is REFUSED:
        with pytest.raises(ExpressionError):
            evaluate(text, *items)
        return
    result = evaluate(text, *items)
    assert result == expected
    assert isinstance(result, bool) == isinstance(expected, bool)
    assert isinstance(result, int) == isinstance(expected, int)


@every("function", FUNCTIONS.values(), ids=lambda function: function.name)
def test_its_own_example_is_true_and_its_arity_holds(function):
    assert evaluate(function.example) is True
    assert function.doc.endswith(".")
    wrong = [count for count in (0, 1, 2, 3) if not function.takes(count)]
    for count in wrong:
        with pytest.raises(ExpressionError, match=f"{function.name}\\(\\) takes .*{function.least}.* not {count}"):
            evaluate(f"{function.name}({', '.join(['name'] * count)})")


@pytest.mark.parametrize(
    ("name", "arity"),
    [("len", "1 argument"), ("now", "0 arguments"), ("round", "1 to 2 arguments"), ("min", "at least 1 argument")],
)
def test_arity_in_words(name, arity):
    assert FUNCTIONS[name].arity == arity


@pytest.mark.parametrize(
    ("timezone", "date"),
    [("UTC", "2024-03-01"), ("America/New_York", "2024-02-29"), ("Pacific/Kiritimati", "2024-03-01")],
)
def test_today_is_the_date_of_the_time_zone(timezone, date):
    assert evaluate("today()", timezone=timezone) == date


@pytest.mark.parametrize("timezone", ["Mars/Olympus", "", "../etc/passwd", "/etc/passwd", "a\0b"])
def test_an_unknown_time_zone_is_an_error_of_the_language(timezone):
    with pytest.raises(ExpressionError, match="time zone"):
        evaluate("today()", timezone=timezone)


@pytest.mark.parametrize("now", [10**18, -(10**18), 10**30])
def test_a_moment_outside_the_calendar_has_no_date(now):
    with pytest.raises(ExpressionError, match="0001 to 9999"):
        evaluate("today()", now=now)


def test_the_fault_of_an_argument_is_placed_at_the_argument():
    with pytest.raises(ExpressionError) as caught:
        evaluate("len(upper(5))")
    assert caught.value.offset == 4
    assert "upper()" in caught.value.message
    with pytest.raises(ExpressionError) as caught:
        evaluate("1 + matches('a', '(')")
    assert caught.value.offset == 17


def test_letters_that_grow_stay_within_the_limit():
    with pytest.raises(ExpressionError, match="100,000 characters"):
        evaluate("upper(name)", {"name": "ß" * 60_000})
    assert len(evaluate("upper(name)", {"name": "ß" * 50_000})) == 100_000
