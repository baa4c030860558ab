"""Any text at all is read or refused; patterns mean the same before and after they are written anew."""

import json
import os
import re

import re2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import BadRequest
from engine.query import (
    OPERATORS,
    ListQuery,
    parse_expression,
    parse_filter_map,
    parse_query,
    parse_value,
    plan_filter,
    plan_list,
    to_filter,
    to_find,
    to_predicate,
)
from engine.query.patterns import Kind, build_pattern, parse_like
from engine.query.values import Value
from tests.unit.query.query_samples import CLOCK, EVERYTHING, THINGS

EXAMPLES = int(os.environ.get("CASTWORK_EXAMPLES", "300"))
MANY = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])

ANYTHING = st.text(max_size=60)
SIGNS = ["(", ")", ",", '"', "'", "/", "\\", "{", "}", ":", "[", "]", " ", "-", "1", "a", "é", "\x00", "\ud800"]
WORDS = ["or", "and", "filter", "_or", "$user.x", "name", "size", "addresses", "contact.email", "owner", "today"]
FRAGMENTS = st.sampled_from([*OPERATORS, *SIGNS, *WORDS, "last 3 days"])
NEAR_MISSES = st.lists(FRAGMENTS, max_size=14).map("".join)
TEXT = ANYTHING | NEAR_MISSES
PATHS = st.sampled_from([path.name for path in THINGS.all_paths()])
PARAMETERS = st.sampled_from(
    ["_query", "_size", "_offset", "_sortField", "_sortType", "_fields", "_format", "_relationshipsToFetch", "_total"]
)


def read(parse, text):
    try:
        return parse(text)
    except BadRequest:
        return None


@given(TEXT)
@MANY
def test_any_text_is_a_value(text):
    assert isinstance(read(parse_value, text), Value | None)


@given(TEXT)
@MANY
def test_any_text_is_an_expression(text):
    read(parse_expression, text)
    quoted = text.replace("'", "''")
    found = read(parse_expression, f"and(filter('{quoted}','a'),filter('a','{quoted}'))")
    assert found is None or found.parts[0].path == text


@given(st.lists(st.tuples(PATHS | PARAMETERS | TEXT, TEXT), max_size=5))
@MANY
def test_any_pairs_are_a_plan(pairs):
    query = read(parse_query, pairs)
    assert isinstance(query, ListQuery | None)
    if query is not None:
        found = read(lambda asked: to_find(plan_list(THINGS, asked, EVERYTHING, CLOCK)), query)
        assert found is None or json.dumps(found.filter, default=str)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(PATHS | st.sampled_from(["_or", "_and"]) | TEXT, inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(PATHS | st.sampled_from(["_or", "_and"]) | TEXT, JSON, max_size=4))
@MANY
def test_any_map_is_a_condition(written):
    filter_ = read(parse_filter_map, written)
    if filter_ is None:
        return
    condition = read(lambda asked: plan_filter(THINGS, asked, clock=CLOCK), filter_)
    if condition is not None:
        assert set(operators_of(to_filter(condition))) <= ALLOWED
        assert to_predicate(condition)({}) in (True, False)


ALLOWED = {"$eq", "$ne", "$in", "$nin", "$gt", "$gte", "$lt", "$lte", "$not", "$or", "$and", "$elemMatch", "$exists"}
ALLOWED |= {"$regex", "$geoWithin", "$centerSphere"}


def operators_of(data):
    if isinstance(data, dict):
        for key, value in data.items():
            if key.startswith("$"):
                yield key
            yield from operators_of(value)
    elif isinstance(data, list):
        for value in data:
            yield from operators_of(value)


@given(ANYTHING | st.text(alphabet="ab\\/ .", max_size=12), st.text(alphabet="abAB\n/ .İiıkK\u212a", max_size=12))
@MANY
def test_like_without_slashes_is_plain_text(text, other):
    try:
        like = parse_like(text)
        like.text.encode()
    except (BadRequest, UnicodeEncodeError):
        return
    if like.kind is Kind.REGEX:
        return
    pattern = build_pattern(like.kind, like.text)
    compiled = re.compile(pattern.portable)
    for subject in (other, other + like.text, like.text + other, like.text.swapcase(), like.text):
        try:
            subject.encode()
        except UnicodeEncodeError:
            continue
        assert pattern.matches(subject) == bool(compiled.search(subject))
    assert pattern.matches(like.text)
    assert pattern.matches(other + like.text) or like.kind is Kind.STARTS
    assert pattern.matches(like.text + other) or like.kind is Kind.ENDS


ATOMS = r"a b k s K i ß é \d \w \s \W . [ab] [^a] [a-k] [^\w] \. \n ^ $ \b \B \z \A x 1 - (?i) (?s) (?m) (?-i) _ \x41 \x{e9} { ]"
COUNTS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{0,3}", "{1,}", "*?", "+?", "{,2}"])
PATTERNS = st.recursive(
    st.tuples(st.sampled_from([*ATOMS.split(" "), " "]), COUNTS).map("".join),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map("".join),
        st.tuples(st.sampled_from(["({}|{})", "(?:{}|{})", "{}|{}"]), inner, inner).map(
            lambda it: it[0].format(*it[1:])
        ),
        st.tuples(st.sampled_from(["({})", "(?i:{})", "(?s-i:{})", "(?P<n>{})"]), inner, COUNTS).map(
            lambda it: it[0].format(it[1]) + it[2]
        ),
    ),
    max_leaves=8,
)
SUBJECTS = [
    "",
    "a",
    "ab",
    "aab",
    "K",
    "\u212a",
    "kK",
    "s\u017f",
    "ß",
    "ẞ",
    "\n",
    "a\n",
    "a\nb",
    "x1 a",
    "é",
    "É",
    "1-2_a",
]
SUBJECTS += ["a b", "AB", "aaaa", "bbb\naaa\nb", " \x0b", "\x85", "\u0130i\u0131", "ab12ab12", "-", "{2}", "a]"]


@given(PATTERNS)
@MANY
def test_regular_expressions_keep_their_meaning(written):
    try:
        pattern = build_pattern(Kind.REGEX, written)
    except BadRequest:
        return
    options = re2.Options()
    options.log_errors = False
    original, portable = re2.compile(written, options), re.compile(pattern.portable)
    for subject in SUBJECTS:
        expected = original.search(subject) is not None
        assert (pattern.matches(subject), portable.search(subject) is not None) == (expected, expected), subject


@given(TEXT)
@MANY
def test_any_text_is_a_regular_expression_or_refused(text):
    pattern = read(lambda written: build_pattern(Kind.REGEX, written), text)
    assert pattern is None or pattern.matches("a") in (True, False)
