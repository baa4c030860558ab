"""Templates and labels: text with expressions in braces."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.errors import ExpressionError
from engine.expressions import (
    Expression,
    Template,
    compile_computed,
    compile_label,
    computed_paths,
    label_paths,
    parse_computed,
    parse_label,
    parse_template,
)
from tests.every import every
from tests.unit.expressions.expression_samples import NAMES, evaluate, fill, scope


@every(
    ("text", "item", "expected"),
    [
        ("{name}", {}, "Acme"),
        ("{name}, {state}!", {}, "Acme, active!"),
        ("plain", {}, "plain"),
        ("", {}, ""),
        ("{lastName}", {}, ""),
        ("<{lastName}|{address.zipCode}>", {}, "<|>"),
        ("{{{name}}}", {}, "{Acme}"),
        ("{{name}} }}{{", {}, "{name} }{"),
        ("{number}", {}, "5"),
        ("{number}", {"number": Decimal("80000.00")}, "80000.00"),
        ("{number}", {"number": Decimal("1E+3")}, "1000"),
        ("{number}", {"number": 2.5}, "2.5"),
        ("{number}", {"number": 1e22}, "10000000000000000000000"),
        ("{number}", {"number": True}, "true"),
        ("{number > 3}", {}, "true"),
        ("{tags}", {}, "b, a"),
        ("{addresses}", {}, "One, Two, Three"),
        ("{address} {company}", {}, "Home Mother"),
        ("{data}", {}, '{"a":{"b":[1,2]}}'),
        ("{coalesce(lastName, '}{')} {'{x}' + \"'\"}", {}, "}{ {x}'"),
        ("{tags[0]}{ [x for x in tags][1] }", {}, "ba"),
        ("{\n number\n + 1\n}", {}, "6"),
        ("It's {name}'s \"{state}\" # é😀", {}, "It's Acme's \"active\" # é😀"),
        ("{params.limit} {user.name}", {}, "9 Ann"),
    ],
)
def test_fill(text, item, expected):
    assert fill(text, item, params={"limit": 9}, user={"name": "Ann"}) == expected


@every(
    ("text", "offset"),
    [
        ("{name", 0),
        ("a {", 2),
        ("a } b", 2),
        ("{}", 1),
        ("{ }", 1),
        ("{name}}", 6),
        ("x{name!r}", 6),
        ("{name:>10}", 5),
        ("{0.__class__}", 2),
        ("{name.__class__}", 1),
        ("ab{'unclosed}", 3),
        ("{{{name", 2),
        ("{number + (1}", 0),
        ("{number + 1)}", 11),
        ("{{'a': 1}['a']}", 8),
        ("{state} {nope}", 9),
        ("x" * 10_001, 10_000),
        ("{" + "1" * 2001 + "}", 2001),
    ],
)
def test_refused(text, offset):
    with pytest.raises(ExpressionError) as caught:
        fill(text)
    assert caught.value.offset == offset


def test_a_template_has_the_limits_of_one_expression():
    with pytest.raises(ExpressionError, match="500 parts"):
        parse_template("{number}" * 501)
    assert fill("{number}" * 500) == "5" * 500
    with pytest.raises(ExpressionError, match="100,000 characters"):
        fill("{name}{name}", {"name": "x" * 60_000})
    with pytest.raises(ExpressionError, match="10,000 list items"):
        fill("{len([x for x in tags])}{len([x for x in tags])}", {"tags": ["a"] * 6_000})


def test_a_template_tells_what_it_reads_and_where():
    template = parse_template("{lastName}, {name} ({address.city})")
    assert template.paths == {("lastName",), ("name",), ("address", "city")}
    assert template.offsets[("address", "city")] == (template.text.index("address"),)


@pytest.mark.parametrize(
    ("text", "label", "paths"),
    [
        ("name", "Acme", {("name",)}),
        ("address.city", "Reno", {("address", "city")}),
        ("{name} - {number}", "Acme - 5", {("name",), ("number",)}),
        ("lastName", "", {("lastName",)}),
        ("number", "5", {("number",)}),
    ],
)
def test_labels(text, label, paths):
    assert compile_label(text, NAMES)(scope()) == label
    assert label_paths(text) == paths


@every("text", ["", "two words", "name + state", "nope", "{nope}", "{{}}", "name.", "_name", "name.__class__", "if"])
def test_what_is_no_label(text):
    with pytest.raises(ExpressionError):
        compile_label(text, NAMES)


def test_an_unused_label_keeps_its_template():
    assert isinstance(parse_label("name"), Template)


@every(
    ("text", "kind", "expected"),
    [
        ("number + 1", Expression, 6),
        ("=number + 1", Expression, 6),
        ("= number", Expression, 5),
        ("len(tags)", Expression, 2),
        (r"matches(name, '[A-Z][a-z]{3}')", Expression, True),
        ("'{' + name", Expression, "{Acme"),
        ("='{name}'", Expression, "{name}"),
        ("{name}", Template, "Acme"),
        ("{name} {state}", Template, "Acme active"),
        ("{name}'s {state}", Template, "Acme's active"),
        ("Größe {number}", Template, "Größe 5"),
        ("{name} '{state}'", Template, "Acme 'active'"),
    ],
)
def test_computed(text, kind, expected):
    assert isinstance(parse_computed(text), kind)
    assert compile_computed(text, NAMES)(scope()) == expected


def test_offsets_after_an_equals_sign_count_from_the_whole_text():
    assert parse_computed("=name + state").offsets == {("name",): (1,), ("state",): (8,)}
    assert computed_paths("=name + state") == computed_paths("name + state") == {("name",), ("state",)}
    with pytest.raises(ExpressionError) as caught:
        parse_computed("=name +")
    assert caught.value.offset == 6


def test_printing_goes_no_deeper_than_64_levels():
    deep: list = []
    other: list = []
    for _ in range(70):
        deep, other = [deep], [other]
    with pytest.raises(ExpressionError, match="64 levels"):
        fill("{data}", {"data": {"x": deep}})
    with pytest.raises(ExpressionError, match="64 levels"):
        evaluate("data == number", {"data": deep, "number": other})
