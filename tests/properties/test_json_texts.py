"""JSON in and out: whatever can be spelled is read as what it is, anything else is refused, and numbers stay exact."""

import contextlib
import json
from decimal import Decimal

from bson import Decimal128
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import BadRequest
from server.http.responses import encode_json
from server.http.strict_json import parse_json

NESTING = 32


def read(text):
    return parse_json(text.encode(), NESTING)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\0")), inner)
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(JSON_VALUES, st.booleans())
def test_reads_whatever_json_can_spell(value, ascii_only):
    assert read(json.dumps(value, ensure_ascii=ascii_only)) == value


@settings(deadline=None)
@given(st.binary())
def test_any_bytes_are_a_value_or_a_refusal(body):
    with contextlib.suppress(BadRequest):
        parse_json(body, NESTING)


@settings(deadline=None)
@given(st.text(alphabet='{}[]":,\\u0019ae.- \n'))
def test_text_that_looks_like_json_is_a_value_or_a_refusal(text):
    try:
        value = read(text)
    except BadRequest:
        return
    assert value == json.loads(text, parse_float=Decimal)


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30, places=4))
def test_decimals_are_exact_numbers(number):
    assert json.loads(encode_json(Decimal128(number)), parse_float=Decimal, parse_int=Decimal) == number
