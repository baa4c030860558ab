"""Numbers and references as people read them."""

import time
from decimal import Decimal

import pytest

from engine.fields import FIELD_TYPES, BadOption, Locale
from engine.fields.plain import currency_symbol
from tests.every import every


def plain(name, value, language="en", currency="USD", **display):
    kind = FIELD_TYPES[name].configure({})
    kind.check_display(display)
    return kind.plain_text(
        Decimal(value) if name != "integer" else int(value), display, Locale(language=language, currency=currency)
    )


@every(
    ("name", "value", "display", "text"),
    [
        ("integer", "1383", {}, "1383"),
        ("integer", "-1234567", {"showThousandsSeparator": True}, "-1,234,567"),
        ("integer", str(-(2**63)), {"showThousandsSeparator": True}, "-9,223,372,036,854,775,808"),
        ("decimal", "1234.50", {}, "1234.50"),
        ("decimal", "1234.50", {"showThousandsSeparator": True}, "1,234.50"),
        ("decimal", "2.345", {"numberOfDecimals": 2}, "2.35"),
        ("decimal", "2.345", {"numberOfDecimals": 2, "decimalLimitRuleType": "round"}, "2.35"),
        ("decimal", "2.349", {"numberOfDecimals": 2, "decimalLimitRuleType": "truncate"}, "2.34"),
        ("decimal", "2.5", {"numberOfDecimals": 0}, "3"),
        ("decimal", "2.5", {"numberOfDecimals": 4}, "2.5"),
        ("decimal", "2.5", {"numberOfDecimals": 4, "zeroPadding": True}, "2.5000"),
        ("decimal", "2", {"zeroPadding": True}, "2.00"),
        ("decimal", "1E+3", {}, "1000"),
        ("decimal", "-0.5", {}, "-0.5"),
        ("decimal", "1E+200", {}, "1E+200"),
        ("decimal", "1E-200", {}, "1E-200"),
        ("decimal", "1E-200", {"numberOfDecimals": 1}, "0.0"),
        (
            "decimal",
            "1234567890123456789012345678901234",
            {"showThousandsSeparator": True},
            "1,234,567,890,123,456,789,012,345,678,901,234",
        ),
        ("bigNumber", "8.997738199773819977381", {}, "8.997738199773819977381"),
        ("bigNumber", "27810.0028", {"showThousandsSeparator": True, "numberOfDecimals": 1}, "27,810.0"),
        ("percentage", "0.5", {}, "50%"),
        ("percentage", "0.7625", {}, "76.25%"),
        ("percentage", "12.34567", {"showThousandsSeparator": True, "zeroPadding": True}, "1,234.567%"),
        ("percentage", "0.5", {"showThousandsSeparator": True, "zeroPadding": True}, "50.00%"),
        ("money", "80000.00", {}, "$80000.00"),
        ("money", "80000.005", {"symbol": "$", "numberOfDecimals": 2, "decimalLimitRuleType": "round"}, "$80000.01"),
        ("money", "-5", {"symbol": "CHF ", "zeroPadding": True}, "-CHF 5.00"),
        ("money", "-0.001", {"numberOfDecimals": 2}, "$0.00"),
    ],
)
def test_numbers(name, value, display, text):
    assert plain(name, value, **display) == text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "1.234.567,5"),
        ("de-CH", "1’234’567.5"),
        ("hi_IN", "12,34,567.5"),
        ("xx", "1,234,567.5"),
        ("not a language", "1,234,567.5"),
        ("", "1,234,567.5"),
    ],
)
def test_numbers_in_other_languages(language, text):
    assert plain("decimal", "1234567.5", language, showThousandsSeparator=True) == text


def test_the_decimal_mark_belongs_to_the_language():
    assert plain("decimal", "-1234567.50", "de") == "-1234567,50"
    assert plain("percentage", "0.5", "fr", zeroPadding=True) == "50,00%"


def test_money_of_other_countries():
    assert plain("money", "5", "de", "EUR") == "€5"
    assert currency_symbol("XYZ", "en") == "XYZ"


@pytest.mark.parametrize("name", ["decimal", "money", "percentage", "bigNumber"])
def test_a_limit_rule_needs_a_limit(name):
    with pytest.raises(BadOption) as refused:
        plain(name, "5", decimalLimitRuleType="round")
    assert refused.value.key == "decimalLimitRuleType"


def test_plain_text_compiles_nothing_again():
    kind = FIELD_TYPES["dateTime"].configure({})
    display, locale = {"format": "EEEE, d MMMM yyyy HH:mm zzzz"}, Locale("Europe/Berlin", "de")
    kind.plain_text(0, display, locale)
    start = time.process_time()
    for instant in range(1_000):
        kind.plain_text(instant, display, locale)
    assert (time.process_time() - start) / 1_000 < 0.001
