"""How people read values: numbers and moments as plain text in a reader's language, through Babel's CLDR data.

Everything that depends only on pattern and language is compiled once and kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Context, Decimal, localcontext
from functools import cache, lru_cache
from typing import Any, Final

from engine.fields.base import BadOption

_MOST_DIGITS: Final = 70
"""With more digits than this on either side of the point, as no bigNumber has, a number is written with an exponent."""
_ROOM: Final = Context(prec=2 * _MOST_DIGITS + 2)
"""Babel computes in the current context, whose 28 digits would round."""


@lru_cache(maxsize=256)
def _babel_locale(language: str) -> Any:
    from babel import Locale as BabelLocale
    from babel import UnknownLocaleError

    try:
        return BabelLocale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return BabelLocale.parse("en")


@lru_cache(maxsize=256)
def find_language(text: str) -> str | None:
    """The code of a language that values can be written in, by its code (`es`, `pt-BR`) or its English name
    (`spanish`); None for what is neither."""
    from babel import Locale as BabelLocale
    from babel import UnknownLocaleError

    code = _codes_by_name().get(text.lower(), text)
    try:
        BabelLocale.parse(code.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return None
    return code


@cache
def _codes_by_name() -> Mapping[str, str]:
    from babel import Locale as BabelLocale

    return {name.lower(): code for code, name in BabelLocale("en").languages.items()}


@lru_cache(maxsize=1024)
def _grouped_pattern(decimals: int, language: str) -> Any:
    from babel.numbers import parse_pattern

    pattern = parse_pattern("#,##0" + ("." + "0" * decimals if decimals else ""))
    pattern.grouping = _babel_locale(language).decimal_formats[None].grouping
    return pattern


@lru_cache(maxsize=256)
def _decimal_symbol(language: str) -> str:
    from babel.numbers import get_decimal_symbol

    return str(get_decimal_symbol(_babel_locale(language)))


@lru_cache(maxsize=1024)
def currency_symbol(currency: str, language: str) -> str:
    """The sign of an ISO 4217 currency as the language writes it (`$`, `€`); the code itself where it has none."""
    from babel.numbers import get_currency_symbol

    return str(get_currency_symbol(currency, locale=_babel_locale(language)))


def format_number(number: Decimal, language: str, *, grouping: bool = False, least_decimals: int = 0) -> str:
    """All decimals of a finite number, filled with zeros up to `least_decimals`, with the language's marks."""
    exponent = int(number.as_tuple().exponent)
    if exponent < -_MOST_DIGITS or number.adjusted() > _MOST_DIGITS:
        return str(number)
    decimals = max(-exponent, least_decimals, 0)
    if not grouping:
        return format(number, f".{decimals}f").replace(".", _decimal_symbol(language))
    with localcontext(_ROOM):
        return str(_grouped_pattern(decimals, language).apply(number, _babel_locale(language)))


_LETTERS: Mapping[str, frozenset[int]] = {
    "G": frozenset({1}),
    "y": frozenset({1, 2, 4}),
    "M": frozenset({1, 2, 3, 4}),
    "w": frozenset({1}),
    "D": frozenset({1}),
    "d": frozenset({1, 2}),
    "E": frozenset({3, 4}),
    "a": frozenset({1}),
    "H": frozenset({1, 2}),
    "h": frozenset({1, 2}),
    "m": frozenset({1, 2}),
    "s": frozenset({1, 2}),
    "S": frozenset({3}),
    "z": frozenset({1, 4}),
}
"""Pattern letters and how often each may be repeated."""

_ZONES: Mapping[str, str] = {"z": "xx", "zzzz": "xxx"}
"""`z` is an offset (-0700, -07:00) and no zone name; CLDR has other letters for these."""

_tokens: Callable[[str], list[tuple[str, ...]]] = re.compile(r"('(?:[^']|'')*'?)|(([A-Za-z])\3*|[^A-Za-z']+)").findall


def check_pattern(pattern: str, letters: str, key: str = "format") -> None:
    """Raises BadOption where a display pattern uses letters that a type does not show, or an open quote."""
    for quoted, token, *_ in _tokens(pattern):
        if quoted:
            if len(quoted) < 2 or not quoted.endswith("'"):
                raise BadOption(key, f"the quote in {pattern!r} is never closed", "write '' for an apostrophe")
        elif token[0].isascii() and token[0].isalpha():
            if token[0] not in letters:
                raise BadOption(
                    key,
                    f"{token[0]!r} has no meaning in this pattern",
                    f"use the letters {' '.join(letters)} and put other text in quotes",
                )
            if len(token) not in _LETTERS[token[0]]:
                known = " or ".join(token[0] * count for count in sorted(_LETTERS[token[0]]))
                raise BadOption(key, f"{token!r} is not known", f"write {known}")


@lru_cache(maxsize=1024)
def _moment_pattern(pattern: str) -> Any:
    from babel.dates import parse_pattern

    return parse_pattern("".join(quoted or _ZONES.get(token, token) for quoted, token, *_ in _tokens(pattern)))


def format_moment(moment: date | datetime | time, pattern: str, language: str) -> str:
    """A moment by a display pattern (letters of `check_pattern`) with the names that the language has."""
    return str(_moment_pattern(pattern).apply(moment, _babel_locale(language)))
