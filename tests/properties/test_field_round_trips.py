"""Every field type keeps its values whole from form to form, and meets anything at all with a value or a refusal."""

import contextlib
import copy
import os
from datetime import date, datetime
from decimal import Decimal

import bson
import msgspec
import pytest
from bson import Decimal128, Int64, ObjectId
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.datetime_ms import DatetimeMS
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from engine.errors import InvalidValue
from engine.fields import FIELD_TYPES, Ask, Capability, IdType, Locale, Shape
from engine.fields.instant import EARLIEST, LATEST, LONGEST_DURATION
from engine.fields.json_rules import compile_schema

QUICK = settings(
    max_examples=int(os.environ.get("CASTWORK_EXAMPLES", "25")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
CODEC = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)
TYPES = {**FIELD_TYPES, IdType.name: IdType}

INT64 = st.integers(-(2**63), 2**63 - 1)
LINE = st.text(min_size=1, max_size=40)
WORD = st.text(alphabet="abcdefgh", min_size=1, max_size=6)
HEX = st.text(alphabet="0123456789abcdef", min_size=24, max_size=24)
MANY_DIGITS = st.builds(
    lambda digits, exponent, negative: Decimal((int(negative), tuple(map(int, str(digits))), exponent)),
    st.integers(0, 10**34 - 1),
    st.integers(-6176, 6111) | st.integers(-40, 10),
    st.booleans(),
)
DOUBLES = MANY_DIGITS.filter(lambda number: number.adjusted() < 308)
FRACTIONS = DOUBLES.filter(lambda number: number.as_tuple().exponent != 0)
DIGITS = st.text(alphabet="0123456789", min_size=10, max_size=10)
HTML = st.lists(
    st.sampled_from(
        [
            "<p>",
            "</p>",
            "<b>",
            "</b>",
            "<br>",
            "a < b",
            "&amp;",
            "x",
            " ",
            "<a href='http://x.com'>",
            "</a>",
            "<table>",
            "<td>",
            "</table>",
            "<script>",
            "</script>",
            "<pre>\n\n",
            "</pre>",
            "<li>",
            "</ul>",
            "<img onerror=x src=y>",
        ]
    ),
    min_size=1,
    max_size=8,
).map("".join)
JSON_NAME = st.text(alphabet="abc_-é1", min_size=1, max_size=4)
CLEAN_JSON = st.recursive(
    st.none() | st.booleans() | INT64 | FRACTIONS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(JSON_NAME, inner, max_size=3),
    max_leaves=8,
)


def dynamic(names):
    options = st.lists(st.fixed_dictionaries({"label": LINE, "name": LINE}), min_size=1, max_size=3)
    return LINE | options.map(lambda listed: {"options": listed, "selectedValue": listed[-1]["name"]})


def moments(form):
    return st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59)).map(
        lambda moment: moment.isoformat(" ", "minutes")[form]
    )


DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31)).map(date.isoformat)
CHOICES = {"options": [{"name": "a", "label": "Alpha"}, {"name": "b", "when": {"x": 1}}, "c"]}
ONE_IN_SCHEMA = {
    "schema": {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer", "maximum": 9}}}
}

GOOD = {
    "text": [({}, LINE), ({"length": 3, "pattern": "[a-c]+"}, st.text(alphabet="abc", min_size=3, max_size=3))],
    "longText": [({"minLength": 2, "maxLength": 9}, st.text(min_size=2, max_size=9))],
    "qr": [({}, LINE)],
    "maskedText": [
        ({"mask": "999-aaa"}, st.from_regex(r"[0-9]{3}-?[A-Za-z]{3}", fullmatch=True)),
        ({"mask": "w[9]a.^"}, st.from_regex(r"[0-9A-Za-z]\[[0-9]\][A-Za-z]\.\^", fullmatch=True)),
    ],
    "url": [({}, st.builds("http://{}.com/{}".format, WORD, WORD) | st.builds("({}.org)<{}>".format, WORD, WORD))],
    "email": [({}, st.builds("{}.{}@{}.COM".format, WORD, WORD, WORD))],
    "phone": [
        ({}, DIGITS | DIGITS.map(lambda digits: f"+1 ({digits[:3]}) {digits[3:]}")),
        (
            {"international": True, "defaultPrefix": "1"},
            DIGITS | st.just("+54 9261 654 9862") | st.just("+45 12345678"),
        ),
        ({"international": True, "defaultPrefix": "+54"}, DIGITS | st.just("+54 9261 654 9862")),
    ],
    "html": [({}, HTML | LINE)],
    "integer": [({}, INT64), ({"min": -3, "max": 5}, st.integers(-3, 5) | st.integers(-3, 5).map(Decimal))],
    "autoIncrement": [({"start": 5}, INT64)],
    "decimal": [
        ({}, DOUBLES | st.floats(-1e307, 1e307) | INT64),
        ({"decimals": 2, "rounding": "truncate"}, DOUBLES),
        ({"min": 0.5, "max": "9"}, st.decimals(Decimal("0.5"), 9, places=3)),
        ({"decimals": 1, "rounding": "reject"}, st.decimals(-10, 10, places=1)),
    ],
    "money": [({"decimals": 2}, DOUBLES)],
    "percentage": [({}, DOUBLES), ({"decimals": 4}, DOUBLES)],
    "bigNumber": [({}, MANY_DIGITS.filter(lambda number: -34 <= number.adjusted() < 34).map(str))],
    "boolean": [({}, st.booleans())],
    "choice": [(CHOICES, st.sampled_from(["a", "b", "c"]))],
    "dynamicChoice": [({}, dynamic(LINE))],
    "date": [({}, DAYS)],
    "dateYearMonth": [({}, DAYS.map(lambda day: day[:7]))],
    "dateMonthDay": [({}, DAYS.map(lambda day: day[5:]) | st.just("02-29"))],
    "dateTimeNoTimezone": [({}, moments(slice(None)))],
    "time": [({}, moments(slice(11, None)))],
    "dateTime": [({}, st.integers(EARLIEST, LATEST) | moments(slice(None)).map(lambda text: f"{text}:07.1239Z"))],
    "dateRecordCreated": [({}, st.integers(EARLIEST, LATEST))],
    "dateRecordModified": [({}, st.integers(EARLIEST, LATEST))],
    "duration": [({}, st.integers(0, LONGEST_DURATION))],
    "relationship": [({"entity": "companies"}, st.fixed_dictionaries({"id": HEX, "label": LINE, "type": LINE}))],
    "group": [({}, st.fixed_dictionaries({"id": HEX, "label": LINE}))],
    "file": [({}, st.fixed_dictionaries({"id": HEX, "name": LINE}))],
    "color": [({}, st.from_regex("#[0-9a-fA-F]{6}", fullmatch=True))],
    "rank": [({}, st.from_regex("[0-9a-z]{1,12}", fullmatch=True))],
    "geoPoint": [
        (
            {},
            st.fixed_dictionaries(
                {
                    "latitude": st.floats(-90, 90) | st.integers(-90, 90) | st.decimals(-90, 90, places=6),
                    "longitude": st.floats(-180, 180) | st.integers(-180, 180),
                }
            ),
        )
    ],
    "nested": [({}, st.dictionaries(JSON_NAME, LINE, max_size=3))],
    "json": [
        ({}, CLEAN_JSON.filter(lambda value: value is not None)),
        (ONE_IN_SCHEMA, st.fixed_dictionaries({"a": st.integers(0, 9)})),
    ],
    "id": [({}, HEX | HEX.map(str.upper))],
}
"""JSON values that each type takes, for one or more ways to configure it."""

CSV_KEEPS_LESS = {
    "dynamicChoice": lambda value: value["selectedValue"],
    "relationship": lambda value: value["label"],
    "group": lambda value: value["label"],
}
"""What of a value a CSV cell holds, where that is not all of it."""

SURROGATES = st.text(alphabet=st.characters(categories=["Cs", "Ll", "Nd", "Zs", "Cc"]), max_size=6)
NUMBERS = (
    st.integers(-(10**40), 10**40)
    | st.just(10**4000)
    | st.floats()
    | st.decimals(allow_nan=True, allow_infinity=True)
    | MANY_DIGITS
    | st.sampled_from([Decimal("sNaN"), Decimal("1e-7000"), Decimal("9" * 35), Decimal("1E+999999"), Decimal("5.0")])
)
SMALL_TEXTS = st.sampled_from(
    [
        "",
        " ",
        "true",
        "NaN",
        "Infinity",
        "1e999",
        "-0",
        "1_000",
        "٣",
        "5",
        "007",
        "2016-02-30",
        "2016-W01-1",
        "24:00",
        "02-30",
        "2015-02-29",
        "2016-07-12T19:00:00Z",
        "2016-13-01T00:00:00Z",
        "+1",
        "#12345g",
        "a@b",
        "http://",
        "4h 30m",
        "9999999d",
        "(1,2)",
        "(91,0)",
        "{",
        '{"a":1}',
        "[" * 5000,
        "0" * 24,
        "a",
        "Alpha",
        "ALPHA",
        "abc",
        "1999-12-31 23:59:60",
    ]
)
ANY_TEXT = SMALL_TEXTS | st.text(max_size=20) | SURROGATES
SHAPE_NAMES = st.sampled_from(
    [
        "id",
        "label",
        "name",
        "options",
        "selectedValue",
        "latitude",
        "longitude",
        "content",
        "contentType",
        "a",
        "$a",
        "a.b",
        "",
        "\0",
    ]
)
ANY_SCALAR = st.none() | st.booleans() | NUMBERS | ANY_TEXT
ANY_JSON = st.recursive(
    ANY_SCALAR,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SHAPE_NAMES | SURROGATES, inner, max_size=4),
    max_leaves=8,
)
DEEP = 0
for _ in range(200):
    DEEP = [DEEP]


def configured(name):
    assert name in GOOD, f"{name} has no values in GOOD: add a strategy"
    return [(TYPES[name].configure(options), values) for options, values in GOOD[name]]


def kinds_and_values(name):
    return st.one_of([st.tuples(st.just(kind), values) for kind, values in configured(name)])


def value_of(kind, written):
    """The value form; a reference is taken as its target would be found."""
    return written if kind.shape is Shape.REFERENCE else kind.parse_json(written)


def encode_hook(value):
    if isinstance(value, Decimal128):
        return msgspec.Raw(str(value).encode())
    return {ObjectId: str, DatetimeMS: int, Int64: int}[type(value)](value)


ENCODER = msgspec.json.Encoder(enc_hook=encode_hook, decimal_format="number")
DECODER = msgspec.json.Decoder(float_hook=Decimal)


def as_sent(value):
    """What a client reads."""
    return DECODER.decode(ENCODER.encode(value))


each_type = pytest.mark.parametrize("name", list(TYPES))


@each_type
def test_every_type_has_values_to_try(name):
    for kind, _ in configured(name):
        assert isinstance(kind, TYPES[name])


@each_type
@QUICK
@given(data=st.data())
def test_json_comes_back(name, data):
    kind, written = data.draw(kinds_and_values(name))
    value = value_of(kind, written)
    if kind.shape is Shape.REFERENCE:
        assert kind.parse_json(kind.render(value)) == Ask(id=value["id"])
        return
    kind.check(value)
    assert kind.parse_json(kind.render(value)) == value
    assert kind.fit(value) == value


@each_type
@QUICK
@given(data=st.data())
def test_csv_comes_back(name, data):
    kind, written = data.draw(kinds_and_values(name))
    value = value_of(kind, written)
    cell = kind.csv_out(value)
    assert isinstance(cell, str)
    if Capability.IMPORT not in kind.capabilities or cell == "":
        return
    if kind.shape is Shape.REFERENCE:
        assert kind.csv_in(cell) == Ask(text=value["label"])
    elif name in CSV_KEEPS_LESS:
        part = CSV_KEEPS_LESS[name](value)
        assume(not part.lstrip().startswith("{"))
        assert CSV_KEEPS_LESS[name](kind.csv_in(cell)) == part
    else:
        assert kind.csv_in(cell) == value


@each_type
@QUICK
@given(data=st.data())
def test_stored_comes_back(name, data):
    kind, written = data.draw(kinds_and_values(name))
    value = value_of(kind, written)
    stored = value if kind.same_stored else kind.to_stored(value)
    found = bson.decode(bson.encode({"v": stored}), CODEC)["v"]
    assert (found if kind.same_stored else kind.from_stored(found)) == value
    if kind.same_stored:
        assert kind.to_stored(value) == value == kind.from_stored(value)
    assert as_sent(found if kind.same_json else kind.render_stored(found)) == as_sent(kind.render(value))


@each_type
@QUICK
@given(data=st.data())
def test_query_values_are_found_in_what_is_stored(name, data):
    kind, written = data.draw(kinds_and_values(name))
    value = value_of(kind, written)
    if kind.query_part is not None:
        assert kind.to_stored(value)[kind.query_part] == kind.query_value(value)
    elif kind.shape is not Shape.NESTED:
        assert kind.query_value(value) == value
    assert kind.plain_text(value, {}, Locale()) is not None


@each_type
@QUICK
@given(data=st.data(), junk=ANY_JSON | st.just(DEEP))
def test_anything_is_a_value_or_refused(name, data, junk):
    for kind, values in configured(name):
        written = data.draw(st.just(junk) | values | values.flatmap(near))
        before = copy.deepcopy(written)
        try:
            value = kind.parse_json(written)
            kind.check(value)
        except InvalidValue:
            pass
        else:
            if kind.shape is Shape.SCALAR:
                bson.encode({"v": kind.to_stored(value)})
                assert isinstance(kind.csv_out(value), str)
                assert kind.plain_text(value, {}, Locale()) is not None
        assert repr(written) == repr(before)


@each_type
@QUICK
@given(text=ANY_TEXT)
def test_any_text_is_a_value_or_refused(name, text):
    for kind, _ in configured(name):
        for read in (kind.parse_text, kind.csv_in, kind.parse_like):
            with contextlib.suppress(InvalidValue):
                assert read(text) is not None


def near(good):
    """Values that differ little from one that is taken."""
    if isinstance(good, str):
        return st.builds(
            lambda at, put, drop: good[: at % (len(good) + 1)] + put + good[at % (len(good) + 1) + drop :],
            st.integers(0, 40),
            st.sampled_from(["", "\n", " ", "0", "9", "-", "a", "Z", ".", "é", "(", "\u2028"]),
            st.integers(0, 2),
        )
    if isinstance(good, (int, Decimal)) and not isinstance(good, bool):
        return st.sampled_from([10, -1, 3]).map(lambda factor: good * factor)
    if isinstance(good, dict) and good:
        names = st.sampled_from(list(good))
        return names.map(lambda gone: {name: part for name, part in good.items() if name != gone}) | st.builds(
            lambda name, junk: {**good, name: junk}, names | SHAPE_NAMES, ANY_SCALAR
        )
    return st.just(good)


def is_json(value):
    """Whether a JSON document can hold the value: numbers are finite, text is UTF-8."""
    if isinstance(value, dict):
        return all(is_json(name) and is_json(each) for name, each in value.items())
    if isinstance(value, list):
        return all(map(is_json, value))
    if isinstance(value, str):
        return value.encode(errors="ignore").decode() == value
    return not isinstance(value, (float, Decimal)) or Decimal(value).is_finite()


def as_decoded(value):
    """The value as a body brings it: fractions are Decimal."""
    if isinstance(value, dict):
        return {name: as_decoded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [as_decoded(each) for each in value]
    return Decimal(repr(value)) if isinstance(value, float) else value


@each_type
@QUICK
@given(data=st.data(), junk=ANY_JSON)
def test_schema_and_parser_accept_the_same(name, data, junk):
    kind, good = data.draw(kinds_and_values(name))
    written = data.draw(st.sampled_from([good, junk]) | near(good))
    written = as_decoded(written)
    assume(is_json(written) and written is not None and written != "")
    accepts = True
    try:
        kind.check(kind.parse_json(written))
    except InvalidValue:
        accepts = False
    try:
        SCHEMAS.setdefault(kind, compile_schema(kind.json_schema()))(written)
        described = True
    except InvalidValue:
        described = False
    if accepts:
        assert described, "the schema refuses what the parser takes"
    elif kind.schema_gap is None:
        assert not described, "the schema takes what the parser refuses"


SCHEMAS = {}


@pytest.mark.parametrize(("first", "second"), [("a", "b"), ("iiiii00000", "iiiij00000")])
def test_ranks_fit_between_others_again_and_again(first, second):
    from engine.fields.special import rank_between

    for _ in range(60):
        middle = rank_between(first, second)
        assert first < middle < second
        second = middle


@QUICK
@given(st.from_regex("[0-9a-z]{1,12}", fullmatch=True), st.from_regex("[0-9a-z]{1,12}", fullmatch=True))
def test_ranks_are_before_after_and_between(one, other):
    from engine.fields.special import RankType, rank_after, rank_before, rank_between

    assert rank_after(one) > one
    if one.strip("0"):
        assert rank_before(one) < one
    first, second = sorted((one, other))
    if second.rstrip("0") == first.rstrip("0"):
        with pytest.raises(InvalidValue):
            rank_between(first, second)
    else:
        assert first < rank_between(first, second) < second
    assert RankType().parse_json(rank_after(one)) == rank_after(one)


@QUICK
@given(st.integers(0, 10**10), st.integers(1, 10**10))
def test_later_records_have_later_ranks(number, more):
    from engine.fields.special import RankType

    assert RankType().supplied(number) < RankType().supplied(number + more)
