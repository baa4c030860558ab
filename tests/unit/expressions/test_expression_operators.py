"""What operators mean: null, numbers, texts, lists, comparison, paths, choice."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.errors import ExpressionError
from engine.expressions import Duration, compile_expression, parse_expression
from tests.every import every
from tests.unit.expressions.expression_samples import NAMES, evaluate, scope

NULL_RULES = [
    # arithmetic with null is null
    *[(f"None {symbol} 1", None) for symbol in ("+", "-", "*", "/", "//", "%")],
    *[(f"number {symbol} other", None) for symbol in ("+", "-", "*", "/", "//", "%")],
    ("-other", None),
    ("name + lastName", None),
    ("tags + None", None),
    ("1 + None + 2", None),
    ("start + None", None),
    # a path through null is null
    ("lastName.anything", "refused"),
    ("data.missing.deeper", None),
    ("user.profile.name", None),
    ("old.name", None),
    ("other[0]", None),
    ("other['a']", None),
    ("tags[None]", None),
    ("[1, 2][7].deep", None),
    # ordering with null is false
    *[(f"other {symbol} 1", False) for symbol in ("<", "<=", ">", ">=")],
    *[(f"'a' {symbol} None", False) for symbol in ("<", "<=", ">", ">=")],
    ("None <= None", False),
    ("1 < None < 3", False),
    # equality and membership are ordinary
    ("other == None", True),
    ("other != None", False),
    ("number == None", False),
    ("other == lastName", True),
    ("other == number", False),
    ("None in [1, None]", True),
    ("other in [1, 2]", False),
    ("other not in [1, 2]", True),
    ("1 in other", False),
    ("1 not in other", True),
    ("None in 'text'", False),
    ("other is None", True),
    ("other is not None", False),
    ("number is None", False),
    # truth
    ("not other", True),
    ("other or 'x'", "x"),
    ("other and 'x'", None),
    ("1 if other else 2", 2),
    # functions
    ("len(other)", 0),
    ("sum(other)", 0),
    ("[x for x in other]", []),
]


@every(("text", "expected"), NULL_RULES)
def test_null(text, expected):
    if expected == "refused":
        with pytest.raises(ExpressionError):
            evaluate(text)
    else:
        result = evaluate(text)
        assert result == expected
        assert type(result) is type(expected)


@every(
    ("text", "expected"),
    [
        ("1 + 2 * 3 - 4", 3),
        ("10 - 2 - 3", 5),
        ("(10 - 2) * 3", 24),
        ("12 / 4 / 3", 1),
        ("7 // 2", 3),
        ("-7 // 2", -4),
        ("7 % -3", -2),
        ("-7 % 3", 2),
        ("-7.5 // 2", -4),
        ("7.5 // -2", -4),
        ("-7.5 % 2", Decimal("0.5")),
        ("7.5 % -2", Decimal("-0.5")),
        ("8.0 // 2", 4),
        ("8.0 % 2", 0),
        ("7 / 2", Decimal("3.5")),
        ("1 / 3", Decimal("0." + "3" * 34)),
        ("0.1 + 0.2", Decimal("0.3")),
        ("1.005 * 100", Decimal("100.5")),
        ("--3", 3),
        ("-number", -5),
        ("-(1.5)", Decimal("-1.5")),
        ("number + 0.5", Decimal("5.5")),
        ("True + True", 2),
        ("0x10 + 1_000", 1016),
        ("1_0.5e-1", Decimal("1.05")),
        ("0.1234567890123456789012345678901234", Decimal("0.1234567890123456789012345678901234")),
        # by zero: null
        ("1 / 0", None),
        ("1 // 0", None),
        ("1 % 0", None),
        ("1.5 / 0.0", None),
        ("number / (other or 0)", None),
        # texts and lists
        ("'a' + 'b' + 'c'", "abc"),
        ("'a' 'b'", "ab"),
        ("tags + ['c']", ["b", "a", "c"]),
        ("(\n  number\n  + 1\n)", 6),
        ("number\r\n+ 1", 6),
    ],
)
def test_arithmetic(text, expected):
    result = evaluate(text)
    assert result == expected
    assert isinstance(result, bool) == isinstance(expected, bool)


def test_floats_from_outside_count_as_they_are_written():
    assert evaluate("number + 0.2", {"number": 0.1}) == Decimal("0.3")
    assert evaluate("number == 0.1", {"number": 0.1}) is True
    assert evaluate("number == other", {"number": 0.1, "other": Decimal("0.1")}) is True
    assert evaluate("number in [0.1]", {"number": 0.1}) is True
    assert evaluate("number < 0.11", {"number": 0.1}) is True
    assert evaluate("number + 1", {"number": float("nan")}) is None
    assert evaluate("number < 1", {"number": float("-inf")}) is False
    assert evaluate("number == other", {"number": float("nan"), "other": float("nan")}) is False


@every(
    "text",
    [
        "2 ** 3",
        "170141183460469231731687303715884105728 + 1",
        "-170141183460469231731687303715884105728 - 1",
        "99999999999999999999 * 99999999999999999999",
        "1e6144 * 10",
        "1e-1 // 1e-40 // 1e-40",
        "1e6000 % 0.7",
        "name * 3",
        "3 * name",
        "name % 3",
        "name - 3",
        "-name",
        "-tags",
        "name + 1",
        "1 + name",
        "tags + 1",
        "address + address",
        "number < name",
        "name >= 1",
        "tags < tags",
        "address > 1",
        "5 in name",
        "1 in address",
        "1 in 5",
        "name['a']",
        "tags['a']",
        "number[0]",
        "address[0]",
        "[x for x in name]",
        "[x for x in address]",
        "1 < 2 < name",
    ],
)
def test_no_sense(text):
    with pytest.raises(ExpressionError) as caught:
        evaluate(text)
    assert caught.value.message
    assert 0 <= caught.value.offset < len(text)


@every(
    ("text", "expected"),
    [
        ("1 < 2", True),
        ("2 < 1", False),
        ("1 <= 1.0 <= 1", True),
        ("3 > 2 > 2", False),
        ("3 > 2 >= 2", True),
        ("'a' < 'b'", True),
        ("'B' < 'a'", True),
        ("name > lastName", False),
        ("1 == 1.0", True),
        ("1 == True", True),
        ("1 == '1'", False),
        ("1 != '1'", True),
        ("'a' == number", False),
        ("number == 5", True),
        ("name == label", True),
        ("name != state", True),
        ("number == version", False),
        ("tags == ['b', 'a']", True),
        ("tags == ['a', 'b']", False),
        ("tags == ['a']", False),
        ("tags == name", False),
        ("address == address", True),
        ("address == data", False),
        ("addresses == record.addresses", True),
        ("'active' == state", True),
        ("state in ['active', 'pending']", True),
        ("state not in ['active', 'pending']", False),
        ("number in [1, 5]", True),
        ("number in [1, 5.0]", True),
        ("tags in [['b', 'a']]", True),
        ("'b' in tags", True),
        ("'z' in tags", False),
        ("'z' not in tags", True),
        ("'cm' in name", True),
        ("name in 'The Acme'", True),
        ("1 == 1 == 1", True),
        ("1 == 2 == 1", False),
        ("None is None is not None", False),
        ("1 < 2 in [2]", True),
        ("1 < 2 is None", False),
        ("other is None", True),
    ],
)
def test_comparison(text, expected):
    assert evaluate(text) is expected


@every(
    ("text", "expected"),
    [
        ("True and 1 and 'x'", "x"),
        ("True and 0 and 'x'", 0),
        ("0 or '' or 'x'", "x"),
        ("0 or '' or []", []),
        ("1 and 2 and 3 and 4 and 5", 5),
        ("1 and 2 and 0 and 4 and 5", 0),
        ("0 or None or 0 or 4 or 5", 4),
        ("not 0", True),
        ("not tags", False),
        ("'a' if number > 3 else 'b'", "a"),
        ("'a' if number > 9 else 'b' if number > 4 else 'c'", "b"),
    ],
)
def test_logic(text, expected):
    assert evaluate(text) == expected


@every("size", range(2, 12))
def test_long_logic_stops_at_the_part_that_decides(size):
    parts = [f"x{index}" for index in range(size)]
    for place in range(size):
        values = {name: index == place for index, name in enumerate(parts)}
        text = " or ".join(f"data.{name}" for name in parts)
        assert evaluate(text, {"data": values}) is True
        assert evaluate(text.replace(" or ", " and "), {"data": values}) is False
    assert evaluate(text, {"data": dict.fromkeys(parts, False)}) is False
    assert evaluate(text.replace(" or ", " and "), {"data": dict.fromkeys(parts, True)}) is True


@every(
    ("text", "expected"),
    [
        ("address.city", "Reno"),
        ("address.town", "Reno"),
        ("formerName", "Acme"),
        ("record.formerName", "Acme"),
        ("record.address.city", "Reno"),
        ("company.label", "Mother"),
        ("company.type", "c"),
        ("addresses.state", ["NV", "CA"]),
        ("addresses.rooms.size", [1, 2, 3]),
        ("addresses.number", [2, 3]),
        ("addresses[0].state", "NV"),
        ("addresses[-1].rooms[0].size", 3),
        ("addresses[9].state", None),
        ("addresses[-4]", None),
        ("addresses[0].rooms.size", [1, 2]),
        ("tags[1]", "a"),
        ("tags[1.0]", "a"),
        ("tags[0.5]", None),
        ("tags[170141183460469231731687303715884105727]", None),
        ("name[0]", "A"),
        ("name[-1]", "e"),
        ("data.a.b", [1, 2]),
        ("data['a']['b'][1]", 2),
        ("data['a'].b", [1, 2]),
        ("data.a.b.c", []),
        ("address['city']", "Reno"),
        ("user.groups[0].name", "sales"),
        ("params.limit", 7),
        ("(address if number else company).label", "Home"),
        ("[1, 'a', None]", [1, "a", None]),
        ("[item.state for item in addresses]", ["NV", None, "CA"]),
        ("[item.label for item in addresses if item.state if item.number]", ["One"]),
        ("[item.number * 2 for item in addresses if item.number is not None]", [4, 6]),
        ("[[room.size + item.number for room in item.rooms] for item in addresses]", [[3, 4], [], [None]]),
        ("[[a.label for a in addresses if a.number == item.number] for item in addresses][1]", ["Two"]),
        ("[name for name in tags]", ["b", "a"]),
        ("[x for x in [y for y in tags]]", ["b", "a"]),
        ("sum(item.number for item in addresses)", 5),
    ],
)
def test_paths_and_lists(text, expected):
    assert evaluate(text, user={"groups": [{"name": "sales"}]}, params={"limit": 7}) == expected


def test_equality_looks_into_records_and_at_unknown_things():
    assert evaluate("data == other", {"data": {"a": [1, 2.0]}, "other": {"a": [1.0, 2]}}) is True
    assert evaluate("data == other", {"data": {"a": 1}, "other": {"a": 1, "b": 2}}) is False
    assert evaluate("data == other", {"data": {"a": 1}, "other": {"b": 1}}) is False
    assert evaluate("data == other", {"data": {"a": None}, "other": {"b": None}}) is False
    assert evaluate("data == other", {"data": b"a", "other": bytes([97])}) is True
    assert evaluate("data == other", {"data": b"a", "other": b"b"}) is False
    assert evaluate("data == number", {"data": b"a"}) is False


def test_a_record_can_be_made_where_it_is_allowed():
    made = parse_expression("{'total': len(addresses), 'first': [{'state': addresses[0].state}]}", allow_records=True)
    assert compile_expression(made, NAMES)(scope()) == {"total": 3, "first": [{"state": "NV"}]}


def test_lists_are_made_anew_each_time():
    make = compile_expression(parse_expression("['a']"), NAMES)
    first = make(scope())
    first.append("b")
    assert make(scope()) == ["a"]


def test_one_scope_serves_many_evaluations():
    count = compile_expression(parse_expression("len([x for x in tags if x])"), NAMES)
    one = scope({"tags": ["a"] * 6000})
    assert [count(one) for _ in range(5)] == [6000] * 5


def test_a_fault_is_placed_at_the_operand_that_makes_it():
    with pytest.raises(ExpressionError) as caught:
        evaluate("number + 1 + name")
    assert caught.value.offset == len("number + 1 + ")
    assert "a number and text" in caught.value.message
    assert "str()" in caught.value.hint


@every(
    ("text", "expected"),
    [
        ("start + days(2)", "2024-03-01"),
        ("days(2) + start", "2024-03-01"),
        ("start - days(28)", "2024-01-31"),
        ("start + hours(23)", "2024-02-28"),
        ("start + hours(24)", "2024-02-29"),
        ("start - minutes(1)", "2024-02-27"),
        ("start + -days(1)", "2024-02-27"),
        ("start + 2 * days(1)", "2024-03-01"),
        ("start + (days(1) + hours(24))", "2024-03-01"),
        ("start + (days(3) - days(1))", "2024-03-01"),
        ("start + days(1) * 2", "2024-03-01"),
        ("'2024-02-28 23:30' + minutes(45)", "2024-02-29 00:15"),
        ("'0001-01-02' - days(1)", "0001-01-01"),
        ("today() - start", 2 * 86_400_000),
        ("'2024-01-01 00:30' - '2024-01-01 00:00'", 1_800_000),
        ("start + (today() - start)", "2024-03-01"),
        ("now() + days(1)", 1_709_251_200_000 + 86_400_000),
        ("now() - days(1)", 1_709_251_200_000 - 86_400_000),
        ("days(1) / 2", 43_200_000),
        ("days(2) * days(1)", 2 * 86_400_000**2),
    ],
)
def test_moments(text, expected):
    assert evaluate(text) == expected


@every(
    "text",
    [
        "name + days(1)",
        "name - name",
        "start + 1",
        "start - 1",
        "'2024-02-30' + days(1)",
        "'2024-2-3' + days(1)",
        "'0001-01-01' - days(1)",
        "'9999-12-31' + days(1)",
        "start + days(10000000000000)",
        "start + days(100000000000000000000000000)",
        "'2024-W01-1' + days(1)",
        "start - '2024-01-01 00:00'[0]",
        "days(1) - start",
        "days('1')",
    ],
)
def test_moments_that_are_none(text):
    with pytest.raises(ExpressionError):
        evaluate(text)


def test_durations_stay_durations_where_they_can():
    assert type(evaluate("days(1) + days(1)")) is Duration
    assert type(evaluate("days(1) - days(1)")) is Duration
    assert type(evaluate("3 * days(1)")) is Duration
    assert type(evaluate("-days(1)")) is Duration
    assert type(evaluate("now() + days(1)")) is int
    assert type(evaluate("days(1) + now()")) is int
    assert type(evaluate("days(1) - 1")) is int
