"""Reading JSON strictly: what is taken, what is refused and with which words."""

import json
from decimal import Decimal

import pytest

from engine.errors import BadRequest
from server.http.strict_json import MAX_DIGITS, parse_json
from tests.every import every
from tests.processor_time import seconds_of

NESTING = 32


def read(text):
    return parse_json(text if isinstance(text, bytes) else text.encode(), NESTING)


def refusal(text):
    with pytest.raises(BadRequest) as caught:
        read(text)
    return caught.value.message


@every(
    ("text", "value"),
    [
        ("{}", {}),
        ('{"a": 1}', {"a": 1}),
        ('{"a": 1.50}', {"a": Decimal("1.50")}),
        ('{"a": 1e3}', {"a": Decimal(1000)}),
        ('{"a": 9223372036854775808}', {"a": 2**63}),
        ('{"a": -0.0}', {"a": Decimal("-0.0")}),
        ('{"time": "10:30", "url": "http://x.example:80/"}', {"time": "10:30", "url": "http://x.example:80/"}),
        ('{"a": {"x": 1}, "b": {"x": 2}}', {"a": {"x": 1}, "b": {"x": 2}}),
        ('[{"x": ":"}, {"x": ":"}]', [{"x": ":"}, {"x": ":"}]),
        ('{"a": "nul \\u0000 in a value"}', {"a": "nul \0 in a value"}),
        ('{"a\\\\u0000": 1}', {"a\\u0000": 1}),
        ('{"": 1}', {"": 1}),
        ('"\\ud83d\\ude00"', "\U0001f600"),
    ],
)
def test_takes(text, value):
    assert read(text) == value


@every(
    ("text", "words"),
    [
        ("{", "not valid JSON"),
        ("{} x", "trailing characters"),
        ("{'a': 1}", "not valid JSON"),
        ('{"a": 1,}', "not valid JSON"),
        ('{"a": NaN}', "not valid JSON"),
        ('{"a": Infinity}', "not valid JSON"),
        ('{"a": -Infinity}', "not valid JSON"),
        ('{"a": 01}', "not valid JSON"),
        ('{"a": +1}', "not valid JSON"),
        ('{"a": .5}', "not valid JSON"),
        ('{"a": 0x10}', "not valid JSON"),
        ("\ufeff{}", "not valid JSON"),
        ('{"a": "\t"}', "not valid JSON"),
        ('{"a": "\\x41"}', "not valid JSON"),
        ('{"a": "\\ud800"}', "not valid JSON"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "not UTF-8"),
        (b'{"\xc0\xaf": 1}', "not UTF-8"),
        ('{"a": ' + "1" * 10_000 + "}", "a number is out of range"),
        ('{"a": 1e7000}', "a number is out of range"),
        ('{"a": 1e-7000}', "a number is out of range"),
        ('{"a": 1e99999999999999999999}', "a number is out of range"),
        ('{"a": 0.' + "1" * MAX_DIGITS + "}", "a number is out of range"),
        ('{"a": 1, "a": 2}', 'gives "a" twice'),
        ('{"a": 1, "\\u0061": 2}', 'gives "a" twice'),
        ('{"x": [{"b": ":", "b": ":"}]}', 'gives "b" twice'),
        ('{"a": {"b": 1, "c": {"d": 1, "d": 1}}}', 'gives "d" twice'),
        ('{"a\\u0000": 1}', "NUL character"),
        ('{"a": {"\\u0000": 1}}', "NUL character"),
    ],
)
def test_refuses(text, words):
    assert words in refusal(text)


def test_one_colon_too_many_does_not_hide_a_name_given_twice():
    assert 'gives "a" twice' in refusal('{"a": 1, "a": 2, "b": "c"}')
    assert 'gives "a" twice' in refusal('{"a": ":", "a": "::::"}')


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_nesting_is_bounded_exactly(opening):
    closing = "]" if opening == "[" else "}"
    assert read(opening * NESTING + "1" + closing * NESTING) is not None
    assert "at most 32 levels" in refusal(opening * (NESTING + 1) + "1" + closing * (NESTING + 1))


def test_many_flat_containers_are_not_nesting():
    assert len(read("[" + ",".join(["[]"] * 10_000) + "]")) == 10_000


@pytest.mark.parametrize("depth", [900, 5_000, 100_000])
def test_deep_bodies_are_refused_at_once(depth):
    texts = ["[" * depth + "]" * depth, "[" * depth, '{"a":' * depth]
    assert all(refusal(text) for text in texts)
    assert seconds_of(lambda: [refusal(text) for text in texts], 0.15) < 0.15


def test_a_megabyte_is_checked_without_blocking_long():
    body = json.dumps({f"name{index}": "a:b" for index in range(60_000)}).encode()
    assert len(body) > 1_000_000
    assert len(parse_json(body, NESTING)) == 60_000
    assert seconds_of(lambda: parse_json(body, NESTING), 0.2) < 0.2
