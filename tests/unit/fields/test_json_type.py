"""json: free values, and values held to a JSON Schema."""

import time
from decimal import Decimal

import bson
import pytest
from bson import Decimal128, Int64

from engine.errors import InvalidValue
from engine.fields import FIELD_TYPES, BadOption, Locale
from tests.every import every
from tests.processor_time import seconds_of


def kind(*schema):
    return FIELD_TYPES["json"].configure({"schema": schema[0]} if schema else {})


def nested(levels):
    value = 0
    for _ in range(levels):
        value = [value]
    return value


@every(
    "value",
    [
        {},
        [],
        "x",
        5,
        True,
        {"a": None},
        {"a": [{"b": Decimal("0.1")}]},
        nested(32),
        "\0",
        {"é": "😀"},
        2**63 - 1,
        {"a$": 1},
        Decimal("1.7E+308"),
        Decimal("1e-6000"),
        Decimal("0.1234567890123456789012345678901234"),
    ],
)
def test_json_comes_back_as_sent(value):
    json = kind()
    assert json.parse_json(value) == value
    stored = bson.decode(bson.encode({"v": json.to_stored(value)}))["v"]
    assert json.from_stored(stored) == value
    assert json.csv_in(json.csv_out(value)) == json.parse_text(json.plain_text(value, {}, Locale())) == value


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (Decimal("0.1"), 0.1),
        (Decimal("1.10"), 1.1),
        (Decimal("5.0"), 5.0),
        (Decimal("1E-400"), Decimal128("1E-400")),
        (Decimal("0.12345678901234567890"), Decimal128("0.12345678901234567890")),
        (7, 7),
    ],
)
def test_fractions_are_stored_so_that_nothing_is_lost(value, stored):
    found = kind().to_stored([{"a": value}])[0]["a"]
    assert found == stored
    assert type(found) is type(stored)


@every(
    "value",
    [
        None,
        {"$where": 1},
        {"a": {"$gt": 1}},
        {"a.b": 1},
        {"": 1},
        {"a\0": 1},
        {"\ud800": 1},
        {5: 1},
        "\ud800",
        [["\ud800"]],
        2**63,
        -(2**63) - 1,
        Decimal(2**63),
        nested(33),
        nested(5000),
        Decimal("NaN"),
        float("nan"),
        float("inf"),
        Decimal("Infinity"),
        Decimal("1." + "1" * 40),
        Decimal("1E+9999"),
        Decimal("1E+999"),
        Decimal("-1.8E+308"),
        Decimal("9.99E+6144"),
        {"a": [Decimal("1E+400")]},
        object(),
        (1, 2),
        b"x",
        [0] * 100_000,
    ],
)
def test_what_cannot_be_stored(value):
    with pytest.raises(InvalidValue):
        kind().parse_json(value)


def test_a_schema_takes_fewer_parts():
    assert kind().parse_json([0] * 99_999)
    assert kind(True).parse_json([0] * 9_999)
    with pytest.raises(InvalidValue, match="10,000 parts"):
        kind(True).parse_json([0] * 10_000)


def test_the_value_is_a_copy():
    sent = {"a": [1.5, Int64(3)]}
    value = kind().parse_json(sent)
    assert value == {"a": [Decimal("1.5"), 3]}
    assert type(value["a"][1]) is int
    value["a"].append(2)
    assert sent == {"a": [1.5, 3]}


@every(
    "text",
    ["", "{", "NaN", "[1,]", "'a'", "1e99999", "[" * 100_000, "9" * 10_000, '{"$a": 1}', "\ud800", "nul", "null"],
)
def test_text_that_is_no_json(text):
    with pytest.raises(InvalidValue):
        kind().parse_text(text)


PERSON = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "pattern": "^[A-Z]", "maxLength": 5},
        "age": {"type": "integer", "minimum": 0},
        "size": {"type": "number", "multipleOf": 0.01, "enum": [0.1, 0.25, 1]},
        "tags": {"type": "array", "uniqueItems": True},
        "friend": {"$ref": "#/$defs/friend"},
    },
    "patternProperties": {"^x_": {"type": "boolean"}},
    "$defs": {
        "friend": {"type": "object", "properties": {"friend": {"$ref": "#/$defs/friend"}, "name": {"type": "string"}}}
    },
}


@pytest.mark.parametrize(
    "value",
    [
        {"name": "Ann"},
        {"name": "Ann", "age": Decimal("5.0"), "size": Decimal("0.1"), "x_a": True},
        {"name": "Ann", "tags": [1, "1", True, [1], {"a": 1}, {"a": True}, None]},
        {"name": "Ann", "friend": {"friend": {"friend": {"name": "x"}}}},
    ],
)
def test_values_that_fit(value):
    kind(PERSON).check(kind(PERSON).parse_json(value))


@every(
    ("value", "keyword", "place"),
    [
        ({}, "required", "$"),
        ([], "type", "$"),
        ({"name": "ann"}, "pattern", "$.name"),
        ({"name": "Annabel"}, "maxLength", "$.name"),
        ({"name": "Ann", "age": Decimal("0.5")}, "type", "$.age"),
        ({"name": "Ann", "age": True}, "type", "$.age"),
        ({"name": "Ann", "age": -1}, "minimum", "$.age"),
        ({"name": "Ann", "size": Decimal("0.2")}, "enum", "$.size"),
        ({"name": "Ann", "tags": [1, Decimal("1.0")]}, "uniqueItems", "$.tags"),
        ({"name": "Ann", "tags": [{"a": [1]}, {"a": [1]}]}, "uniqueItems", "$.tags"),
        ({"name": "Ann", "x_a": 1}, "type", "$.x_a"),
        ({"name": "Ann", "other": 1}, "additionalProperties", "$.other"),
        ({"name": "Ann", "friend": {"friend": {"name": 5}}}, "type", "$.friend.friend.name"),
    ],
)
def test_values_that_do_not_fit(value, keyword, place):
    with pytest.raises(InvalidValue) as refused:
        kind(PERSON).check(value)
    assert (refused.value.code, refused.value.rule) == ("invalid", "schema")
    assert keyword in refused.value.limit
    assert place in refused.value.message


@every(
    ("divisor", "value", "fits"),
    [
        (0.01, Decimal("0.07"), True),
        (0.01, Decimal("0.075"), False),
        (3, 9, True),
        (3, 10, False),
        (3, Decimal("1E+500"), False),
        (2, Decimal("1E+500"), True),
        (0.5, Decimal("3E+400"), True),
        (7, Decimal("0E+500"), True),
        (1, Decimal("1E-500"), False),
        (1, "x", True),
        (2, True, True),
    ],
)
def test_multiples_are_exact(divisor, value, fits):
    checker = kind({"multipleOf": divisor})
    if fits:
        checker.check(value)
    else:
        with pytest.raises(InvalidValue):
            checker.check(value)


@every(
    ("schema", "fitting", "failing"),
    [
        ({"properties": {"a": {}}, "unevaluatedProperties": False}, {"a": 1}, {"b": 1}),
        ({"prefixItems": [{}], "unevaluatedItems": {"type": "string"}}, [1, "x"], [1, 2]),
        ({"propertyNames": {"pattern": "^a"}}, {"ab": 1}, {"ba": 1}),
        ({"additionalProperties": {"type": "string"}}, {"a": "x"}, {"a": 1}),
        ({"anyOf": [{"type": "string"}, {"minimum": 5}]}, "x", 4),
        ({"contains": {"const": 1}}, [0, 1], [0]),
        ({"$dynamicRef": "#node", "$defs": {"n": {"$dynamicAnchor": "node", "type": "array"}}}, [], {}),
        ({"format": "email"}, "not checked", None),
        (True, 5, None),
    ],
)
def test_keywords(schema, fitting, failing):
    kind(schema).check(fitting)
    if failing is not None:
        with pytest.raises(InvalidValue):
            kind(schema).check(failing)


def test_nothing_fits_false():
    with pytest.raises(InvalidValue):
        kind(False).check(5)
    assert kind(False).json_schema() == {"not": {}}
    assert kind(True).json_schema() == kind().json_schema() == {}
    assert kind(PERSON).json_schema() == PERSON


@every(
    "schema",
    [
        {"type": "strin"},
        {"minimum": "x"},
        {"properties": []},
        {"$ref": "https://example.com/schema"},
        {"$ref": "other.json#/a"},
        {"$ref": "#/$defs/missing"},
        {"$ref": "#missing"},
        {"items": {"$dynamicRef": "x"}},
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"$id": "https://example.com/x"},
        {"$schema": "http://json-schema.org/draft-07/schema#"},
        {"pattern": "(?=a)"},
        {"items": {"patternProperties": {r"(a)\1": {}}}},
        {"patternProperties": {"a": {}}, "unevaluatedProperties": False},
    ],
)
def test_schemas_that_are_refused(schema):
    with pytest.raises(BadOption) as refused:
        kind(schema)
    assert refused.value.key == "schema"


def test_the_dialect_may_be_named():
    kind({"$schema": "https://json-schema.org/draft/2020-12/schema"}).check(5)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"patternProperties": {"^(a+)+$": {"type": "string"}}}, {"a" * 5_000 + "b": 1}),
        ({"patternProperties": {"^(a+)+$": {}}, "additionalProperties": True}, {"a" * 5_000 + "b": 1}),
        ({"uniqueItems": True}, [[each] for each in range(4_999)]),
        ({"items": {}, "unevaluatedItems": False}, [0] * 9_999),
    ],
)
def test_no_value_keeps_a_schema_busy(schema, value):
    checker = kind(schema)
    start = time.process_time()
    checker.check(checker.parse_json(value))
    assert time.process_time() - start < 2


def test_a_pattern_of_a_schema_takes_linear_time():
    checker = kind({"pattern": "^(a+)+$"})

    def refuse():
        with pytest.raises(InvalidValue):
            checker.check("a" * 50_000 + "b")

    assert seconds_of(refuse, 0.5) < 0.5


def test_schemas_that_go_too_deep_for_a_value():
    loop = {"properties": {"a": {"$ref": "#/$defs/loop"}}, "$defs": {"loop": {"anyOf": [{"$ref": "#/$defs/loop"}]}}}
    with pytest.raises(InvalidValue, match="too deeply"):
        kind(loop).check({"a": 1})


@every(
    ("text", "value"),
    [
        ('{"a": [1.5]}', {"a": [Decimal("1.5")]}),
        ('"quoted"', "quoted"),
        ("7", 7),
        ("true", True),
        ("plain text", "plain text"),
        ("1,5", "1,5"),
        ("truest", "truest"),
    ],
)
def test_cells_are_json_or_else_text(text, value):
    found = kind().csv_in(text)
    assert found == value
    assert type(found) is type(value)


@every("text", ["{bad", " [1", '"open', "[1]]", '{"a": 1e999}', '{"$a": 1}', "1e999", "[" * 40 + "]" * 40, "null"])
def test_cells_that_begin_as_json_and_are_none_are_refused_and_never_text(text):
    json = kind()
    with pytest.raises(InvalidValue) as read:
        json.csv_in(text)
    with pytest.raises(InvalidValue) as told:
        json.parse_json(json.csv_unread(text))
    assert told.value.message == read.value.message


def test_a_whole_number_of_64_bits_leaves_the_database_as_a_number():
    stored = {"large": Int64(2**62), "many": [Int64(1)]}
    assert kind().csv_out(kind().from_stored(stored)) == '{"large":4611686018427387904,"many":[1]}'
