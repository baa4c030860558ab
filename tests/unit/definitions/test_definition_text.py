"""Text of definition files: scalars of YAML 1.2, limits, positions, and JSON that means the same."""

import json
import time
from decimal import Decimal
from itertools import pairwise

import pytest

from engine.definitions.nodes import path_to
from engine.definitions.text import load_functions, load_text
from engine.errors import Position
from tests.every import every
from tests.processor_time import seconds_of


def load(text, name="a.yaml"):
    node, problems = load_text(name, text)
    assert problems == []
    return node


def value(text):
    return load(f"key: {text}\n").values["key"].data


@every(
    ("written", "meant"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("Null", None),
        ("'true'", "true"),
        ('"null"', "null"),
        ("y", "y"),
        ("n", "n"),
        ("12", 12),
        ("-12", -12),
        ("+12", 12),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("1.50", Decimal("1.50")),
        ("-.5", Decimal("-0.5")),
        ("1.", Decimal("1")),
        ("1e3", Decimal("1e3")),
        ("1.5E-3", Decimal("1.5E-3")),
        ("1:30:00", "1:30:00"),
        ("2024-01-31", "2024-01-31"),
        ("2024-01-31T10:00:00Z", "2024-01-31T10:00:00Z"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("a b", "a b"),
        ("'-'", "-"),
        ("=", "="),
        ("1 2", "1 2"),
    ],
)
def test_scalars_of_the_core_schema(written, meant):
    found = value(written)
    assert found == meant
    assert type(found) is type(meant)


@every("word", ["yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF"])
def test_words_of_yaml_1_1_are_texts_and_known_for_what_they_meant(word):
    found = load(f"{word}: [{word}, '{word}']\n")
    assert found.data == {word: [word, word]}
    plain, quoted = found.values[word].items
    assert plain.meant == ("true" if word.lower() in ("yes", "on") else "false")
    assert quoted.meant is None


@pytest.mark.parametrize("word", ["True", "TRUE", "False", "FALSE"])
def test_only_small_letters_make_a_boolean(word):
    _, problems = load_text("a.yaml", f"[{word}]\n")
    assert [item.code for item in problems] == ["S102"]
    assert problems[0].hint.startswith(f"write {word.lower()} ")


@pytest.mark.parametrize(
    "text",
    [
        '{"a": [1, 2.5, -1e3, true, null, "x", {"b": {}}], "c": []}',
        '{\n\t"a":\t1,\n\t"b": "\\u00e9\\n\\/\\"\\\\"\n}',
        '{"a": "\\ud83d\\ude00", "b": "😀"}',
        '{"a":1,"b":"x:y","c":"# no comment"}',
    ],
    ids=["kinds", "tabs", "beyond the first plane", "no spaces"],
)
def test_json_means_the_same_as_elsewhere(text):
    found = load(text, "a.json").data
    assert found == json.loads(text, parse_float=Decimal)


@every("text", ['{"a": 1,}', "{'a': 1}", "{a: 1}", '{"a": 01}', '{"a": 1} # x', '{"a": tru}', "", "---"])
def test_json_files_hold_json(text):
    _, problems = load_text("a.json", text)
    assert problems
    assert {item.code for item in problems} <= {"S100", "S107"}


def test_aliases_repeat_values_and_keep_the_place_of_the_anchor():
    node = load("a: &x {b: 1}\nc: *x\n")
    assert node.data == {"a": {"b": 1}, "c": {"b": 1}}
    assert node.values["c"] is node.values["a"]


def test_an_anchor_on_a_key_can_be_repeated():
    assert load("&x a: 1\nb: *x\n").data == {"a": 1, "b": "a"}


def test_an_anchored_text_has_positions_inside():
    node = load("a: &x  name == nme\n").values["a"]
    assert node.position_of(8) == Position("a.yaml", 1, 16)


def test_an_alias_inside_its_own_anchor_is_refused():
    _, problems = load_text("a.yaml", "a: &x [1, *x]\n")
    assert [item.code for item in problems] == ["S100"]


def laughs(levels, width):
    first = f"a: &a [{','.join(['x'] * width)}]\n"
    names = "abcdefghijklmnop"[:levels]
    rest = (f"{name}: &{name} [{','.join([f'*{before}'] * width)}]\n" for before, name in pairwise(names))
    return first + "".join(rest)


def test_a_billion_laughs_end_at_once():
    node, problems = load_text("a.yaml", laughs(9, 9))
    assert seconds_of(lambda: load_text("a.yaml", laughs(9, 9)), 0.2) < 0.2
    assert node is None
    assert [item.code for item in problems] == ["S105"]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 1_000_000,
        "- " * 100_000,
        "{a: " * 100_000,
        "a: " + "x" * (1024 * 1024),
        "[" + "1," * 200_000 + "]",
    ],
    ids=["brackets", "dashes", "braces", "size", "values"],
)
def test_limits_hold(text):
    started = time.process_time()
    node, problems = load_text("a.yaml", text)
    assert time.process_time() - started < 3
    assert node is None
    assert {item.code for item in problems} <= {"S105", "S100"}


def test_depth_counts_what_aliases_bring():
    deep = "a: &a " + "[" * 40 + "]" * 40 + "\n"
    assert load_text("a.yaml", deep)[1] == []
    node, problems = load_text("a.yaml", deep + "b: " + "[" * 40 + "*a" + "]" * 40 + "\n")
    assert node is None
    assert [item.code for item in problems] == ["S105"]


@every("text", ["a: \x00", "a: \ud800", "a: \x07", "%FOO bar\n---\na: 1", "a: 'x", "@", "a: %b", "- a\nb: c"])
def test_text_that_is_no_yaml_is_a_problem_and_no_exception(text):
    _, problems = load_text("a.yaml", text)
    assert problems
    assert all(item.code == "S100" for item in problems)


def test_positions_count_characters_from_one():
    node = load("é: ü\nlist:\n  - a\n  - {b: c}\n")
    assert node.keys["é"].at == Position("a.yaml", 1, 1)
    assert node.values["é"].at == Position("a.yaml", 1, 4)
    items = node.values["list"].items
    assert [item.at.column for item in items] == [5, 5]
    assert items[1].values["b"].at == Position("a.yaml", 4, 9)


@every(
    ("text", "line", "column"),
    [
        ("k: one two three", 1, 12),
        ("k: 'one two three'", 1, 13),
        ('k: "one two three"', 1, 13),
        ("k: one\n  two\n   three", 3, 4),
        ("k: 'one\n    two\n  three'", 3, 3),
        ("k: 'one\n\n    two\n  three'", 4, 3),
        ("k: >\n  one\n\n\n  two\n  three", 6, 3),
        ("k: |\n  one two\n  three", 3, 3),
        ("k: >-\n    one\n    two three", 3, 9),
        ("k: |2\n   one two\n  three", 3, 3),
    ],
)
def test_a_place_inside_a_text_is_found_in_the_source(text, line, column):
    node = load(text + "\n").values["k"]
    assert node.position_of(node.data.index("three")) == Position("a.yaml", line, column)


@pytest.mark.parametrize(
    ("text", "column"),
    [("k: 'it''s ''x'' three'", 17), (r'k: "a\tb\u00e9\x41 \"x\" three"', 26), (r'k: "\U0001F600three"', 15)],
)
def test_escapes_count_as_what_is_written(text, column):
    node = load(text + "\n").values["k"]
    assert node.position_of(node.data.index("three")).column == column


def test_a_place_behind_the_end_is_the_end():
    node = load("k: 'abc'\n").values["k"]
    assert node.position_of(3).column == 8
    assert node.position_of(4).line == 1


@pytest.mark.parametrize(
    ("line", "column", "path"),
    [(1, 1, "a"), (2, 3, "a.b"), (2, 6, "a.b"), (3, 7, "a.c.0"), (4, 12, "a.c.1.d"), (5, 5, "e.f"), (6, 1, "")],
)
def test_paths_lead_to_the_innermost_key(line, column, path):
    node = load("a:\n  b: 1\n  c: [x,\n    {y: 1, d: 2}]\ne: {f: 3}\n")
    assert path_to(node, Position("a.yaml", line, column)) == path


def test_a_key_that_is_not_in_the_tree_has_the_path_of_its_map():
    node, problems = load_text("a.yaml", "a:\n  b: {c: 1}\n  b: 2\n")
    assert path_to(node, problems[0].at) == "a"


def test_functions_are_those_of_the_top_level():
    text = "import os\nasync def a(ctx): ...\ndef b(ctx):\n    def inner(): ...\nclass C:\n    def d(self): ...\n"
    assert load_functions("hooks.py", text) == ({"a": True, "b": True}, [])


@every(
    ("arguments", "fits"),
    [
        ("ctx", True),
        ("ctx, /", True),
        ("*args", True),
        ("ctx, more=1", True),
        ("ctx, *, more=1", True),
        ("", False),
        ("ctx, more", False),
        ("ctx, *, more", False),
        ("**more", False),
    ],
)
def test_functions_take_one_argument(arguments, fits):
    assert load_functions("hooks.py", f"async def a({arguments}): ...")[0] == {"a": fits}


@pytest.mark.parametrize("text", ["def a(:\n", "x = '\x00'", "(" * 500])
def test_python_that_cannot_be_read_is_one_problem(text):
    functions, problems = load_functions("hooks.py", text)
    assert functions is None
    assert [item.code for item in problems] == ["S118"]
