"""Answers and what examples expect of them: subsets, placeholders, and the place of every difference."""

from decimal import Decimal

import pytest

from engine.definitions.placeholders import fill, names_inside
from engine.definitions.text import load_text
from engine.examples.answers import compare_answer
from engine.examples.words import as_text
from tests.every import every


def differences(expected, found, captured=None):
    node, problems = load_text("tests/a.yaml", expected)
    assert not problems
    known = {} if captured is None else captured
    return [(f"{one.at.line}:{one.at.column}", one.message) for one in compare_answer(node, found, known)]


@every(
    ("expected", "found"),
    [
        ("{a: 1}", {"a": 1, "b": 2}),
        ("{a: {b: [1, {c: x}]}}", {"a": {"b": [1, {"c": "x", "d": 1}], "e": None}}),
        ("{}", {"a": 1}),
        ("{a: null}", {"a": None}),
        ("{a: 1.50}", {"a": Decimal("1.5")}),
        ("{a: 2}", {"a": Decimal("2.0")}),
        ("[]", []),
        ("{a: '{any}'}", {"a": None}),
        ("{a: '{absent}'}", {"b": 1}),
        ("text", "text"),
        ("{a: '{{any}}'}", {"a": "{any}"}),
        ("['{x}', '{x}', 'a {x} b']", [5, 5, "a 5 b"]),
    ],
)
def test_an_answer_may_hold_more_than_is_expected(expected, found):
    assert differences(expected, found) == []


@every(
    ("expected", "found", "told"),
    [
        ("{a: 1,\n b: 2}", {"a": 1}, [("2:2", "b is not there")]),
        ("{a: {b: 2}}", {"a": {"b": 3}}, [("1:9", "a.b differs")]),
        ("{a: [1, 2]}", {"a": [1, 3]}, [("1:9", "a[1] differs")]),
        ("{a: [1]}", {"a": [1, 2]}, [("1:5", "a has 2 items, not 1")]),
        ("{a: [1]}", {"a": 1}, [("1:5", "a differs")]),
        ("{a: {}}", {"a": []}, [("1:5", "a differs")]),
        ("{a: true}", {"a": 1}, [("1:5", "a differs")]),
        ("{a: 1}", {"a": True}, [("1:5", "a differs")]),
        ("{a: '1'}", {"a": 1}, [("1:5", "a differs")]),
        ("{a: null}", {}, [("1:2", "a is not there")]),
        ("{a: '{any}'}", {}, [("1:2", "a is not there")]),
        ("{a: '{absent}'}", {"a": None}, [("1:2", "a is there")]),
        ("{a: '{x}', b: '{x}'}", {"a": 1, "b": 2}, [("1:15", "b differs")]),
        ("{a: 1, b: 2}", {"a": 2, "b": 3}, [("1:5", "a differs"), ("1:11", "b differs")]),
        ("x", {"a": 1}, [("1:1", "the answer differs")]),
    ],
)
def test_every_difference_is_told_with_its_place(expected, found, told):
    assert differences(expected, found) == told


def test_what_was_captured_is_expected_from_then_on():
    captured = {}
    assert differences("{id: '{person}', label: '{any}'}", {"id": "a1", "label": "Ada"}, captured) == []
    assert captured == {"person": "a1"}
    assert differences("{owner: {id: '{person}'}}", {"owner": {"id": "b2"}}, captured) == [("1:14", "owner.id differs")]


def test_differences_show_both_sides():
    node, _ = load_text("tests/a.yaml", "{a: {b: 1}}")
    (failure,) = compare_answer(node, {"a": {"b": [1, "x"]}}, {})
    assert (failure.expected, failure.found) == ("1", "[1, x]")


def test_placeholders_keep_the_kind_of_a_value_and_join_texts():
    known = {"id": 5, "tags": ["a"]}
    asked = {"a": "{id}", "b": ["{tags}", "no {id}"], "c": "{{id}}", "d": 1.5, "e": "{not a name}"}
    assert fill(asked, known) == {"a": 5, "b": [["a"], "no 5"], "c": "{id}", "d": 1.5, "e": "{not a name}"}
    assert set(names_inside(asked)) == {"id", "tags"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, None, True], "b": Decimal("1.50")}, "{a: [1, null, true], b: 1.5}"),
        ("x: y", "'x: y'"),
        (None, "null"),
    ],
)
def test_data_is_shown_as_an_author_would_write_it(value, text):
    assert as_text(value) == text


def test_long_data_is_cut():
    assert as_text("x" * 5000).endswith(" …")
