"""integer, autoIncrement, decimal, money, percentage, bigNumber."""

from decimal import Decimal

import pytest
from bson import Decimal128, Int64

from engine.errors import InvalidValue
from engine.fields import FIELD_TYPES, BadOption, Locale
from engine.fields.number import to_decimal, to_integer
from tests.every import every

DECIMAL_NAMES = ["decimal", "money", "percentage", "bigNumber"]
NEVER_NUMBERS = [
    *(True, False, None, [], [5], {}, {"$gt": 1}),
    *("", " ", "abc", "1_000", "1,5", "0x10", "٣", "NaN", "Infinity", "-Infinity", "+5", "5.", ".5", "1e", "1e99999"),
    *(" 5", "5 ", "5\n", "9" * 35, "1" * 200),
    *(float("nan"), float("inf"), Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), 10**40 + 1),
    *(Decimal("9" * 35), Decimal("1.1E-6176"), Decimal("1E+6145"), Decimal("1E+999999"), Decimal("1E-999999")),
]


def kind(name, **options):
    return FIELD_TYPES[name].configure(options)


def refusal(kind, value):
    with pytest.raises(InvalidValue) as refused:
        kind.check(kind.parse_json(value))
    return refused.value


@every("name", ["integer", "autoIncrement"])
@every(
    ("written", "value"),
    [
        (8, 8),
        (-37, -37),
        (0, 0),
        (Decimal("5.0"), 5),
        (5.0, 5),
        (-0.0, 0),
        (Decimal("1E+3"), 1000),
        (Decimal("0E+99"), 0),
        (Int64(7), 7),
        (2**63 - 1, 2**63 - 1),
        (-(2**63), -(2**63)),
        (Decimal(2**63 - 1), 2**63 - 1),
    ],
)
def test_integers(name, written, value):
    parsed = kind(name).parse_json(written)
    assert parsed == value
    assert type(parsed) is int


@every("name", ["integer", "autoIncrement"])
@every("value", [*NEVER_NUMBERS, "5", "5.0", 5.5, Decimal("0.1"), 2**63, -(2**63) - 1, Decimal(2**63), 1e300])
def test_what_is_no_integer(name, value):
    assert refusal(kind(name), value).message == "Expected a whole number"


@pytest.mark.parametrize(
    ("text", "value"), [("1383", 1383), ("-37", -37), ("5.0", 5), ("007", 7), (str(2**63 - 1), 2**63 - 1)]
)
def test_integers_as_text(text, value):
    assert (
        kind("integer").parse_text(text)
        == kind("integer").csv_in(text)
        == kind("autoIncrement").parse_text(text)
        == value
    )


@every("text", ["", "5.5", "1e3", "x", "٣", str(2**63), "9" * 5000, "+5", "5\n", "--5"])
def test_what_is_no_integer_as_text(text):
    for name in ("integer", "autoIncrement"):
        with pytest.raises(InvalidValue):
            kind(name).parse_text(text)


def test_integer_limits_are_included():
    integer = kind("integer", min=-1, max=5)
    integer.check(-1)
    integer.check(5)
    assert refusal(integer, -2).info == {"rejectedValue": -2, "rule": "min", "limit": -1}
    assert refusal(integer, 6).info == {"rejectedValue": 6, "rule": "max", "limit": 5}
    assert refusal(integer, 6).message == "Must be at most 5"
    assert kind("integer", min=0).json_schema() == {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}


@pytest.mark.parametrize(
    ("options", "key"), [({"min": 2, "max": 1}, "min"), ({"max": 2**63}, "max"), ({"min": True}, "min")]
)
def test_integer_contradictions(options, key):
    with pytest.raises(BadOption) as refused:
        kind("integer", **options)
    assert refused.value.key == key


def test_auto_increment_starts_where_told():
    assert kind("autoIncrement").start == 1
    assert kind("autoIncrement", start=100).start == 100


@every("name", DECIMAL_NAMES)
@every(
    ("written", "value"),
    [
        (Decimal("3.2"), "3.2"),
        ("3.2", "3.2"),
        (3.2, "3.2"),
        (0.1, "0.1"),
        (8, "8"),
        ("80000.00", "80000.00"),
        ("-0", "0"),
        ("1e3", "1E+3"),
        ("007.5", "7.5"),
        ("8.997738199773819977381", "8.997738199773819977381"),
        ("9" * 34, "9" * 34),
        ("0." + "9" * 34, "0." + "9" * 34),
    ],
)
def test_decimals_are_exact(name, written, value):
    decimal = kind(name)
    parsed = decimal.parse_json(written)
    assert parsed == Decimal(value)
    stored = decimal.to_stored(parsed)
    assert isinstance(stored, Decimal128)
    assert decimal.from_stored(stored) == parsed


@every("name", DECIMAL_NAMES[:3])
@every("written", [10**40, Decimal("1E-6176"), Decimal("9E+307"), "-1e307"])
def test_what_json_carries_as_a_number_is_within_a_double(name, written):
    decimal = kind(name)
    assert decimal.from_stored(decimal.to_stored(decimal.parse_json(written))) == Decimal(written)
    assert refusal(decimal, "-1e400").message.endswith("less than 1e308")
    assert refusal(decimal, Decimal("1E+6144")).info == {"rejectedValue": Decimal("1E+6144")}


def test_decimals_keep_their_zeros():
    assert str(kind("money").parse_json(Decimal("80000.00"))) == "80000.00"
    assert str(kind("decimal").to_stored(Decimal("80000.00"))) == "80000.00"
    assert str(kind("decimal").parse_json(Decimal("-0.0"))) == "0.0"


@every("name", DECIMAL_NAMES)
@every("value", NEVER_NUMBERS)
def test_what_is_no_decimal(name, value):
    assert refusal(kind(name), value).rule is None


@every("name", DECIMAL_NAMES)
@every("text", [text for text in NEVER_NUMBERS if isinstance(text, str)])
def test_what_is_no_decimal_as_text(name, text):
    for read in (kind(name).parse_text, kind(name).csv_in):
        with pytest.raises(InvalidValue):
            read(text)


def test_decimal_limits_are_included():
    decimal = kind("decimal", min="0.1", max=0.3)
    decimal.check(decimal.parse_json(Decimal("0.1")))
    decimal.check(decimal.parse_json("0.30"))
    assert refusal(decimal, "0.09").info == {"rejectedValue": Decimal("0.09"), "rule": "min", "limit": Decimal("0.1")}
    assert refusal(decimal, "0.3000000001").rule == "max"


@every(
    ("rounding", "written", "value"),
    [
        ("round", "2.345", "2.35"),
        ("round", "-2.345", "-2.35"),
        ("round", "2.344", "2.34"),
        ("round", "9.999", "10.00"),
        ("round", "1E-6000", "0.00"),
        ("round", "-0.001", "0.00"),
        ("truncate", "2.349", "2.34"),
        ("truncate", "-2.349", "-2.34"),
        ("round", "5", "5"),
        ("round", "5.0", "5.0"),
    ],
)
def test_more_decimals_than_wanted(rounding, written, value):
    assert str(kind("decimal", decimals=2, rounding=rounding).parse_json(written)) == value


def test_decimals_can_be_refused():
    decimal = kind("decimal", decimals=2, rounding="reject")
    decimal.check(decimal.parse_json("1.50"))
    decimal.check(decimal.parse_json("1.500"))
    assert refusal(decimal, "1.501").info == {"rejectedValue": Decimal("1.501"), "rule": "decimals", "limit": 2}
    assert refusal(kind("decimal", decimals=1, rounding="reject"), "1.51").message == "Must have at most 1 decimal"


def test_rounding_comes_before_limits():
    assert refusal(kind("decimal", decimals=0, max=9), "9.5").rejected == Decimal(10)
    kind("decimal", decimals=0, rounding="truncate", max=9).check(
        kind("decimal", decimals=0, rounding="truncate").parse_json("9.9")
    )


def test_queries_are_not_rounded():
    assert kind("decimal", decimals=0).parse_text("2.5") == Decimal("2.5")


@pytest.mark.parametrize(
    ("options", "key"),
    [({"min": 2, "max": 1}, "min"), ({"min": "x"}, "min"), ({"max": True}, "max"), ({"rounding": "round"}, "rounding")],
)
def test_decimal_contradictions(options, key):
    with pytest.raises(BadOption) as refused:
        kind("decimal", **options)
    assert refused.value.key == key


@pytest.mark.parametrize(
    ("fraction", "cell"),
    [("0.5", "50"), ("0.7625", "76.25"), ("-0.01", "-1"), ("1", "100"), ("0.0001", "0.01"), ("0", "0")],
)
def test_percentages_are_times_hundred_in_csv(fraction, cell):
    percentage = kind("percentage")
    assert percentage.csv_out(Decimal(fraction)) == cell
    assert (
        percentage.csv_in(cell)
        == percentage.parse_text(fraction)
        == percentage.parse_json(fraction)
        == Decimal(fraction)
    )


def test_percentages_of_34_digits_stay_exact_in_csv():
    value = Decimal("0." + "1234567890" * 3 + "1234")
    assert kind("percentage").csv_in(kind("percentage").csv_out(value)) == value


@pytest.mark.parametrize(("name", "cell"), [("decimal", "0.872"), ("money", "0.872"), ("bigNumber", "27810.0028")])
def test_csv_of_decimals(name, cell):
    assert kind(name).csv_out(kind(name).csv_in(cell)) == cell


def test_csv_of_far_exponents_stays_short():
    assert kind("decimal").csv_out(Decimal("1E+6000")) == "1E+6000"
    assert kind("decimal").csv_out(Decimal("1E+3")) == "1000"


def test_big_numbers_are_text_in_json():
    big = kind("bigNumber")
    assert big.render(Decimal("8.997738199773819977381")) == "8.997738199773819977381"
    assert big.render_stored(Decimal128("1E+40")) == "1" + "0" * 40


@every(
    ("written", "digits"),
    [
        ("0.00000001", "0.00000001"),
        ("0.0000000", "0.0000000"),
        ("1e-7", "0.0000001"),
        (Decimal("1E+30"), "1" + "0" * 30),
        ("-9e33", "-9" + "0" * 33),
        ("1.5e-34", "0." + "0" * 33 + "15"),
        ("0." + "0" * 33 + "9" * 34, "0." + "0" * 33 + "9" * 34),
    ],
)
def test_big_numbers_have_no_exponent(written, digits):
    big = kind("bigNumber")
    value = big.parse_json(written)
    assert big.render_stored(big.to_stored(value)) == big.csv_out(value) == digits
    assert big.plain_text(value, {}, Locale()) == digits
    assert big.render(big.csv_in(digits)) == digits


@every("written", ["1e34", Decimal("1E+6144"), 10**40, "1e-35", "-1e-6000"])
def test_big_numbers_are_not_longer_than_their_digits(written):
    refused = refusal(kind("bigNumber"), written)
    assert refused.message.endswith("written out without exponent")
    assert refused.info == {"rejectedValue": written}


def test_numbers_of_a_field_that_was_integer_before():
    assert kind("decimal").from_stored(5) == Decimal(5)
    assert kind("decimal").from_stored(0.1) == Decimal("0.1")


def test_schema_of_decimals():
    number, text = kind("decimal", min=1, max=2).json_schema()["anyOf"]
    assert number == {"type": "number", "minimum": 1, "maximum": 2}
    assert text["type"] == "string"
    assert kind("decimal", max=9, decimals=0).json_schema()["anyOf"][0] == {"type": "number"}


def test_huge_numbers_are_refused_without_work():
    assert to_decimal(10**1_000_000) is to_decimal(10**7_000) is to_integer(10**7_000) is None
    assert to_integer(Decimal("1E+1000000")) is None
