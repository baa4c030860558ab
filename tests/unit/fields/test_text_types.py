"""text, longText, qr, maskedText."""

import time
from decimal import Decimal

import pytest

from engine.errors import InvalidValue
from engine.fields import FIELD_TYPES, BadOption
from tests.every import every

TEXT_NAMES = ["text", "longText", "qr"]


def text(name="text", **options):
    return FIELD_TYPES[name].configure(options)


def refusal(kind, value):
    with pytest.raises(InvalidValue) as refused:
        kind.check(kind.parse_json(value))
    return refused.value


@every("name", TEXT_NAMES)
@every("value", ["abc", " ", "  a ", "two\nlines", "ünï", "😀", "$where", "a.b", "\0", "0"])
def test_text_is_kept_as_it_is(name, value):
    kind = text(name)
    assert kind.parse_json(value) == kind.parse_text(value) == kind.csv_in(kind.csv_out(value)) == value


@every("name", TEXT_NAMES)
@every("value", [1, 1.5, Decimal(1), True, [], ["a"], {}, {"$ne": ""}, "\ud800", "a\udfff"])
def test_only_text_is_text(name, value):
    assert refusal(text(name), value).info == {"rejectedValue": value}


def test_text_has_300_characters_unless_said():
    assert refusal(text(), "x" * 301).info == {"rejectedValue": "x" * 301, "rule": "maxLength", "limit": 300}
    text().check("😀" * 300)
    text(maxLength=301).check("x" * 301)
    text(length=400).check("x" * 400)
    text("longText").check("x" * 100_000)
    assert FIELD_TYPES["text"]().max_length == 300


@every(
    ("options", "value", "rule", "message"),
    [
        ({"minLength": 2}, "a", "minLength", "Must have at least 2 characters"),
        ({"maxLength": 1}, "ab", "maxLength", "Must have at most 1 character"),
        ({"length": 3}, "ab", "length", "Must have exactly 3 characters"),
        ({"length": 3}, "abcd", "length", "Must have exactly 3 characters"),
        ({"pattern": r"\d{3}-[A-Z]{3}"}, "123-abc", "pattern", r"Must match the pattern \d{3}-[A-Z]{3}"),
        ({"pattern": "a+", "patternHint": "only a"}, "aab", "pattern", "only a"),
        ({"pattern": "a|b"}, "ab", "pattern", "Must match the pattern a|b"),
        ({"pattern": "a"}, "a\n", "pattern", "Must match the pattern a"),
    ],
)
def test_rules(options, value, rule, message):
    refused = refusal(text(**options), value)
    assert (refused.code, refused.message, refused.rule, refused.limit) == ("invalid", message, rule, options[rule])


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({"minLength": 2, "maxLength": 2}, "ab"),
        ({"pattern": r"\d{3}-[A-Z]{3}"}, "123-ABC"),
        ({"pattern": "abc", "patternIgnoreCase": True}, "aBC"),
        ({"pattern": "é.", "patternIgnoreCase": True}, "É😀"),
    ],
)
def test_rules_that_hold(options, value):
    text(**options).check(value)


@every(
    ("options", "key"),
    [
        ({"minLength": 5, "maxLength": 4}, "minLength"),
        ({"minLength": 301}, "minLength"),
        ({"length": 5, "maxLength": 4}, "length"),
        ({"length": 5, "minLength": 4}, "length"),
        ({"patternHint": "x"}, "patternHint"),
        ({"patternIgnoreCase": True}, "patternIgnoreCase"),
        ({"pattern": "(?=x)"}, "pattern"),
        ({"pattern": r"(a)\1"}, "pattern"),
        ({"pattern": "("}, "pattern"),
        ({"pattern": "a{2000}"}, "pattern"),
    ],
)
def test_contradictions(options, key):
    with pytest.raises(BadOption) as refused:
        text(**options)
    assert refused.value.key == key


def test_a_refused_pattern_names_re2_and_the_way_out():
    with pytest.raises(BadOption) as refused:
        text(pattern="(?<=a)b")
    assert "RE2" in refused.value.message
    assert "look-around" in refused.value.hint


def test_patterns_take_linear_time(capfd):
    kind = text(pattern="(a+)+b", maxLength=100_000)
    start = time.process_time()
    assert refusal(kind, "a" * 50_000).rule == "pattern"
    assert time.process_time() - start < 0.5
    assert capfd.readouterr() == ("", "")


def test_queries_are_not_held_to_the_rules():
    assert text(pattern="a+", maxLength=1).parse_text("bcd") == "bcd"


@pytest.mark.parametrize(
    ("value", "expected"), [(5, "5"), (Decimal("1.50"), "1.50"), (True, "true"), (False, "false"), ("x", "x")]
)
def test_computed_values_become_text(value, expected):
    assert text().fit(value) == expected


def test_computed_lists_do_not_become_text():
    with pytest.raises(InvalidValue):
        text().fit(["x"])


@pytest.mark.parametrize(
    ("options", "schema"),
    [
        ({}, {"type": "string", "maxLength": 300}),
        ({"length": 3}, {"type": "string", "minLength": 3, "maxLength": 3}),
        (
            {"minLength": 1, "pattern": "a|b"},
            {"type": "string", "minLength": 1, "maxLength": 300, "pattern": "^(?:a|b)$"},
        ),
        ({"pattern": "a", "patternIgnoreCase": True}, {"type": "string", "maxLength": 300}),
    ],
)
def test_schema_of_text(options, schema):
    assert text(**options).json_schema() == schema


MASK = {"mask": "999-aaa"}


@every(
    ("mask", "written", "value", "json"),
    [
        ("999-aaa", "862-SKB", "862SKB", "862-SKB"),
        ("999-aaa", "862SKB", "862SKB", "862-SKB"),
        ("999-aaa", "862skb", "862skb", "862-skb"),
        ("(99) w", "(12) a", "12a", "(12) a"),
        ("(99) w", "129", "129", "(12) 9"),
        ("[9]^\\]", "[1]^\\]", "1", "[1]^\\]"),
        ("Ä9", "Ä1", "1", "Ä1"),
        ("999", "123", "123", "123"),
    ],
)
def test_masks(mask, written, value, json):
    kind = text("maskedText", mask=mask)
    assert kind.parse_json(written) == kind.parse_text(written) == kind.csv_in(written) == value
    assert kind.render(value) == kind.render_stored(value) == kind.csv_out(value) == json


@every(
    "value", ["862-SK", "862_SKB", "86A-SKB", "862-SKB\n", "٣62-SKB", "862-SKÄ", "862SKBX", 862, ["862SKB"], "\ud800"]
)
def test_what_does_not_fill_the_mask(value):
    refused = refusal(text("maskedText", **MASK), value)
    assert (refused.rule, refused.limit) == ("mask", "999-aaa")
    assert refused.message == "Expected text in the form 999-aaa"


def test_masked_queries_take_parts():
    kind = text("maskedText", **MASK)
    assert kind.parse_text("3A") == kind.parse_like("3A") == "3A"
    with pytest.raises(InvalidValue):
        kind.parse_text("\ud800")


def test_a_value_of_another_mask_stays_readable():
    assert text("maskedText", **MASK).render("12") == "12"


@pytest.mark.parametrize("options", [{}, {"mask": "---"}])
def test_masks_without_places(options):
    with pytest.raises(BadOption) as refused:
        text("maskedText", **options)
    assert refused.value.key == "mask"
