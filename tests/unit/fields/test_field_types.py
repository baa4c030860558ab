"""The registry: which types there are, what each can do, and that its own sample is a value of it."""

import pytest

from engine.errors import InvalidValue
from engine.fields import FIELD_TYPES, Ask, Capability, FieldType, IdType, Locale, Shape, Supply
from tests.every import every

TEXTS = ("text", "longText", "qr", "maskedText", "url", "email", "phone", "html")
DECIMALS = ("decimal", "money", "percentage", "bigNumber")
CALENDAR = ("date", "dateYearMonth", "dateMonthDay", "dateTimeNoTimezone", "time")
MOMENTS = ("dateTime", "dateRecordCreated", "dateRecordModified")

FEATURES = {
    "many default unique required index sensitive calculated": ("relationship", "group", *TEXTS),
    "many default unique required index sensitive calculated aggregate": ("integer",),
    "many default required index sensitive calculated aggregate": DECIMALS,
    "index sensitive": ("autoIncrement", "dateRecordCreated", "dateRecordModified"),
    "many default index sensitive calculated": ("boolean",),
    "many default required index sensitive calculated": ("choice", "dateTime", "duration", "color", *CALENDAR),
    "many default required sensitive calculated": ("dynamicChoice",),
    "many required sensitive": ("file",),
    "unique index sensitive": ("rank",),
    "many default required index calculated": ("geoPoint",),
    "many required calculated": ("nested",),
    "default required sensitive calculated": ("json",),
}
OPERATORS = {
    "equals notEquals empty like order extremes firstLast sort": ("rank", *TEXTS),
    "equals notEquals empty order sum extremes firstLast sort": ("integer", "autoIncrement", "duration", *DECIMALS),
    "equals notEquals empty order extremes firstLast sort": (*CALENDAR, *MOMENTS),
    "equals notEquals extremes firstLast sort": ("boolean",),
    "equals notEquals empty extremes firstLast sort": ("choice", "color"),
    "equals notEquals empty like": ("dynamicChoice",),
    "equals notEquals empty like firstLast sort": ("relationship", "group", "file"),
    "equals empty firstLast": ("nested",),
    "near": ("geoPoint",),
    "empty firstLast": ("json",),
}
FEATURE_NAMES = {"many", "default", "unique", "required", "index", "sensitive", "calculated", "aggregate"}
OPERATOR_NAMES = {"equals", "notEquals", "empty", "like", "order", "near", "sum", "extremes", "firstLast", "sort"}


def by_type(matrix):
    return {name: set(words.split()) for words, names in matrix.items() for name in names}


each_type = every("kind", FIELD_TYPES.values(), ids=list(FIELD_TYPES))


def test_there_are_all_types():
    assert len(FIELD_TYPES) == 34
    assert set(FIELD_TYPES) == by_type(FEATURES).keys() == by_type(OPERATORS).keys()


@each_type
def test_features_are_those_of_the_matrix(kind):
    assert {each.value for each in kind.capabilities} & FEATURE_NAMES == by_type(FEATURES)[kind.name]


@each_type
def test_operators_are_those_of_the_matrix(kind):
    assert {each.value for each in kind.capabilities} & OPERATOR_NAMES == by_type(OPERATORS)[kind.name]


def test_relative_words_belong_to_dates_and_instants():
    able = {name for name, kind in FIELD_TYPES.items() if Capability.INSTANT in kind.capabilities}
    assert able == {"date", "dateTimeNoTimezone", *MOMENTS}


def test_what_bodies_and_columns_may_not_set():
    assert {name for name, kind in FIELD_TYPES.items() if Capability.WRITE not in kind.capabilities} == {
        "autoIncrement",
        "dateRecordCreated",
        "dateRecordModified",
    }
    assert {name for name, kind in FIELD_TYPES.items() if Capability.IMPORT not in kind.capabilities} == {
        "autoIncrement",
        "dateRecordCreated",
        "dateRecordModified",
        "file",
    }


def test_what_the_engine_supplies():
    assert {name: kind.supply for name, kind in FIELD_TYPES.items() if kind.supply} == {
        "autoIncrement": Supply.NUMBER,
        "rank": Supply.NUMBER,
        "dateRecordCreated": Supply.CREATED,
        "dateRecordModified": Supply.MODIFIED,
    }
    assert FIELD_TYPES["autoIncrement"]().supplied(7) == 7
    assert FIELD_TYPES["dateRecordCreated"]().supplied(1484578380000) == 1484578380000


def test_id_is_a_type_that_definitions_cannot_name():
    assert "id" not in FIELD_TYPES
    assert IdType.capabilities == {
        Capability.EQUALS,
        Capability.NOT_EQUALS,
        Capability.SORT,
        Capability.FIRST_LAST,
    }


@each_type
def test_the_sample_is_a_value(kind):
    configured = kind.configure(kind.sample_options)
    json = configured.render(kind.sample)
    if kind.shape is Shape.REFERENCE:
        assert configured.parse_json(json) == Ask(id=kind.sample["id"])
    else:
        value = configured.parse_json(json)
        configured.check(value)
        assert value == kind.sample
    assert configured.plain_text(kind.sample, {}, Locale())
    assert configured.csv_out(kind.sample)
    configured.check_display({})


@each_type
def test_a_refusal_says_what_was_expected(kind):
    configured = kind.configure(kind.sample_options)
    with pytest.raises(InvalidValue) as refused:
        configured.parse_json(object())
    assert refused.value.message.startswith(("Expected ", "Not a valid "))
    assert "object object" not in refused.value.message


@each_type
def test_stored_values_stand_above_the_lowest(kind):
    configured = kind.configure(kind.sample_options)
    if Capability.UNIQUE in kind.capabilities:
        stored = configured.to_stored(kind.sample)
        part = stored["id"] if kind.shape is Shape.REFERENCE else stored[kind.query_part] if kind.query_part else stored
        assert part > kind.lowest


def test_the_base_leaves_the_forms_to_the_types():
    class Plain(FieldType):
        name = expected = "plain"

    plain = Plain.configure({})
    for ask in (lambda: plain.parse_json(1), lambda: plain.from_instant(0, "UTC")):
        with pytest.raises(NotImplementedError):
            ask()
    assert plain.check(1) is None
    assert plain.conditions() == {}
    assert plain.json_schema() == {"type": "string"}
    assert plain.render_stored("x") == plain.supplied("x") == plain.parse_like("x") == plain.query_value("x") == "x"
    assert plain.refuse(1).message == "Expected plain"
