"""Decimal numbers of up to 34 digits, stored exactly: decimal, money, percentage, bigNumber. Values are Decimal.

A percentage is a fraction in JSON and in queries (0.5), times hundred in CSV (50) and plain text (50%).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from typing import Any, ClassVar, Final, Self

from bson import Decimal128, Int64

from engine.errors import InvalidValue
from engine.fields import plain
from engine.fields.base import BadOption, Capability, FieldType, Key, Locale
from engine.fields.capabilities import GENERAL, NUMBER_OPERATORS
from engine.fields.number import LONGEST_NUMBER, NUMBER_PATTERN, SEPARATOR_KEY, is_number, to_decimal

_WIDE = Context(prec=60, Emin=-99_999, Emax=99_999, traps=[])
"""Room for a factor of hundred around every Decimal128."""

DECIMAL_DISPLAY_KEYS = (
    SEPARATOR_KEY,
    Key("numberOfDecimals", {"type": "integer", "minimum": 0, "maximum": 4}, "The most decimals shown; all."),
    Key("decimalLimitRuleType", {"enum": ["round", "truncate"]}, "What is done with more decimals; round."),
    Key("zeroPadding", {"type": "boolean"}, "Whether zeros fill up to numberOfDecimals (2 unless given); false."),
)


_LIMIT = {"type": ["number", "string"]}

_QUANTA = tuple(Decimal(1).scaleb(-places) for places in range(5))


@dataclass(frozen=True)
class DecimalType(FieldType):
    """A decimal number of up to 34 digits, kept exactly."""

    name: ClassVar[str] = "decimal"
    expected: ClassVar[str] = "a number of at most 34 digits"
    capabilities: ClassVar[frozenset[Capability]] = GENERAL | NUMBER_OPERATORS | {Capability.AGGREGATE}
    keys: ClassVar[tuple[Key, ...]] = (
        Key("min", _LIMIT, "The least value."),
        Key("max", _LIMIT, "The greatest value."),
        Key("decimals", {"type": "integer", "minimum": 0, "maximum": 4}, "The most decimals that are stored; all."),
        Key(
            "rounding",
            {"enum": ["round", "truncate", "reject"]},
            "What happens to a value with more decimals: half up, cut, or refused; round.",
        ),
    )
    display_keys: ClassVar[tuple[Key, ...]] = DECIMAL_DISPLAY_KEYS
    lowest: ClassVar[object] = Decimal128("-Infinity")
    stored_classes: ClassVar[tuple[type, ...]] = (Decimal128, int, Int64, float)
    same_stored: ClassVar[bool] = False
    sample: ClassVar[object] = Decimal("3.2")
    schema_gap: ClassVar[str | None] = (
        "Rules on numbers sent as text, the limits of 34 digits and of size, and rules with rounding are checked by "
        "the server only."
    )
    span: ClassVar[range] = range(-10_000, 308)
    """Where the first digit may stand, as an exponent of ten: what is answered as a JSON number is one to clients that
    read doubles."""
    span_in_words: ClassVar[str] = "less than 1e308"

    min: Decimal | None = None
    max: Decimal | None = None
    decimals: int | None = None
    rounding: str = "round"

    @classmethod
    def configure(cls, options: Mapping[str, Any]) -> Self:
        """Refuses limits that are no numbers or exclude each other, and rounding with nothing to round to."""
        for key in ("min", "max"):
            if key in options and to_decimal(options[key]) is None:
                raise BadOption(key, f"{key} must be a number of at most 34 digits")
        least, most = (to_decimal(options.get(key)) for key in ("min", "max"))
        if least is not None and most is not None and least > most:
            raise BadOption("min", f"min {least} is greater than max {most}")
        if "rounding" in options and "decimals" not in options:
            raise BadOption("rounding", "rounding says nothing without decimals", "add decimals or remove this key")
        return cls(least, most, options.get("decimals"), options.get("rounding", "round"))

    def check_display(self, display: Mapping[str, Any]) -> None:
        """A limit rule needs a limit."""
        if "decimalLimitRuleType" in display and "numberOfDecimals" not in display:
            raise BadOption(
                "decimalLimitRuleType",
                "decimalLimitRuleType says nothing without numberOfDecimals",
                "add numberOfDecimals",
            )

    def parse_json(self, value: Any) -> Any:
        """A number or numeric text; more decimals than wanted are rounded half up or cut."""
        number = to_decimal(value)
        if number is None:
            raise self.refuse(value)
        if self.decimals is not None and self.rounding != "reject":
            number = _limited(number, self.decimals, truncate=self.rounding == "truncate")
        if number.adjusted() not in self.span:
            raise InvalidValue(f"Expected {self.expected}, {self.span_in_words}", value)
        return number

    def check(self, value: Any) -> None:
        """Between min and max, both included; no more decimals than allowed where they are not rounded."""
        if self.min is not None and value < self.min:
            raise self._outside(value, "min", "at least", self.min)
        if self.max is not None and value > self.max:
            raise self._outside(value, "max", "at most", self.max)
        if self.decimals is not None and self.rounding == "reject" and _limited(value, self.decimals) != value:
            places = "1 decimal" if self.decimals == 1 else f"{self.decimals} decimals"
            raise InvalidValue(f"Must have at most {places}", self.render(value), rule="decimals", limit=self.decimals)

    def _outside(self, value: Decimal, rule: str, side: str, limit: Decimal) -> InvalidValue:
        shown = self.render(limit)
        return InvalidValue(f"Must be {side} {shown}", self.render(value), rule=rule, limit=shown)

    def parse_text(self, text: str) -> Any:
        """A number as JSON writes it; never rounded, since it is only compared."""
        number = to_decimal(text)
        if number is None:
            raise self.refuse(text)
        return number

    def to_stored(self, value: Any) -> Any:
        """Decimal128, exactly."""
        return Decimal128(value)

    def from_stored(self, stored: Any) -> Any:
        """Decimal; also from the int or float of a field that had another type before."""
        return stored.to_decimal() if isinstance(stored, Decimal128) else Decimal(str(stored))

    def plain_text(self, value: Any, display: Mapping[str, Any], locale: Locale) -> Any:
        """The number as `display` and language have it."""
        return _displayed(_shown(value, display), display, locale)

    def csv_out(self, value: Any) -> str:
        """Digits without exponent, as far as that is readable."""
        return _digits(value)

    def csv_in(self, text: str) -> Any:
        """A number as JSON writes it, rounded as a body's."""
        return self.parse_json(text)

    def json_schema(self) -> dict[str, Any]:
        """A bounded number, or text that holds one."""
        return {
            "anyOf": [
                self._number_schema(),
                {"type": "string", "pattern": f"^{NUMBER_PATTERN}$", "maxLength": LONGEST_NUMBER},
            ]
        }

    def _number_schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "number"}
        rounds = self.decimals is not None and self.rounding != "reject"
        if self.min is not None and not rounds:
            schema["minimum"] = self.min
        if self.max is not None and not rounds:
            schema["maximum"] = self.max
        return schema


@dataclass(frozen=True)
class MoneyType(DecimalType):
    """An amount of money; plain text carries a currency sign."""

    name: ClassVar[str] = "money"
    display_keys: ClassVar[tuple[Key, ...]] = (
        *DECIMAL_DISPLAY_KEYS,
        Key("symbol", {"type": "string", "maxLength": 10}, "What stands before the amount; the app's currency sign."),
    )
    sample: ClassVar[object] = Decimal("80000.00")

    def plain_text(self, value: Any, display: Mapping[str, Any], locale: Locale) -> Any:
        """The sign stands before the digits and behind a minus: -$5.00."""
        symbol = display.get("symbol")
        if symbol is None:
            symbol = plain.currency_symbol(locale.currency, locale.language)
        shown = _shown(value, display)
        text = _displayed(shown.copy_abs(), display, locale)
        return f"-{symbol}{text}" if shown < 0 else f"{symbol}{text}"


@dataclass(frozen=True)
class PercentageType(DecimalType):
    """A share: 0.5 in JSON is 50 in CSV and 50% in plain text; min, max and decimals are about the fraction."""

    name: ClassVar[str] = "percentage"
    expected: ClassVar[str] = "a fraction (0.5 is 50 %) of at most 34 digits"
    sample: ClassVar[object] = Decimal("0.7625")

    def plain_text(self, value: Any, display: Mapping[str, Any], locale: Locale) -> Any:
        """Times hundred, with a percent sign."""
        return f"{_displayed(_shown(_WIDE.scaleb(value, 2), display), display, locale)}%"

    def csv_out(self, value: Any) -> str:
        """Times hundred, without a sign."""
        return _digits(_WIDE.scaleb(value, 2))

    def csv_in(self, text: str) -> Any:
        """Hundredths, without a sign."""
        if len(text) > LONGEST_NUMBER or is_number(text) is None:
            raise self.refuse(text)
        return self.parse_json(_WIDE.scaleb(_WIDE.create_decimal(text), -2))


@dataclass(frozen=True)
class BigNumberType(DecimalType):
    """A decimal number that JSON carries as text, so that no client rounds it."""

    name: ClassVar[str] = "bigNumber"
    expected: ClassVar[str] = "a number of at most 34 digits, as text"
    same_json: ClassVar[bool] = False
    sample: ClassVar[object] = Decimal("8.997738199773819977381")
    span: ClassVar[range] = range(-34, 34)
    span_in_words: ClassVar[str] = "written out without exponent"

    def render(self, value: Any) -> Any:
        """All digits as text, never with an exponent."""
        return format(value, "f")

    def csv_out(self, value: Any) -> str:
        """The same."""
        return format(value, "f")


def _limited(number: Decimal, places: int, *, truncate: bool = False) -> Decimal:
    """The number with at most so many decimals; fewer stay as they are. Nothing has no minus."""
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -places:
        number = number.quantize(_QUANTA[places], ROUND_DOWN if truncate else ROUND_HALF_UP, _WIDE)
    return number if number else number.copy_abs()


def _shown(number: Decimal, display: Mapping[str, Any]) -> Decimal:
    """The number with the decimals that `display` leaves."""
    places = display.get("numberOfDecimals")
    if places is None:
        return number
    return _limited(number, places, truncate=display.get("decimalLimitRuleType") == "truncate")


def _displayed(shown: Decimal, display: Mapping[str, Any], locale: Locale) -> str:
    """The result of `_shown` as text."""
    return plain.format_number(
        shown,
        locale.language,
        grouping=display.get("showThousandsSeparator", False),
        least_decimals=display.get("numberOfDecimals", _USUAL_DECIMALS) if display.get("zeroPadding", False) else 0,
    )


_USUAL_DECIMALS: Final = 2


def _digits(number: Decimal) -> str:
    """Plain digits while they stay readable, else an exponent."""
    return format(number, "f") if -50 < number.adjusted() < 50 else str(number)


TYPES: tuple[type[FieldType], ...] = (DecimalType, MoneyType, PercentageType, BigNumberType)
