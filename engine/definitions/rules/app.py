"""Laws about app.yaml: time zone, language and currency that are known."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.numbers import is_currency

from engine.definitions.codes.code import problem
from engine.definitions.codes.files import UNKNOWN_CURRENCY, UNKNOWN_LANGUAGE, UNKNOWN_TIMEZONE
from engine.definitions.rules.context import Context, text_of
from engine.errors import Diagnostic


def timezone_is_known(context: Context) -> Iterator[Diagnostic]:
    """The time zone is one of the IANA database."""
    zone = context.written.app.timezone
    if zone is not None:
        try:
            ZoneInfo(text_of(zone))
        except (ValueError, OSError, KeyError):
            message = f'there is no time zone "{text_of(zone)}"'
            yield problem(UNKNOWN_TIMEZONE, zone.at, message, "write an IANA name such as UTC or Europe/Berlin")


def language_is_known(context: Context) -> Iterator[Diagnostic]:
    """The language is one that values can be written in."""
    language = context.written.app.language
    if language is not None:
        try:
            Locale.parse(text_of(language), sep="-" if "-" in text_of(language) else "_")
        except (ValueError, UnknownLocaleError):
            message = f'there is no language "{text_of(language)}"'
            yield problem(UNKNOWN_LANGUAGE, language.at, message, "write a code such as en, de or pt-BR")


def currency_is_known(context: Context) -> Iterator[Diagnostic]:
    """The currency is one of ISO 4217."""
    currency = context.written.app.currency
    if currency is not None and not is_currency(text_of(currency)):
        message = f'there is no currency "{text_of(currency)}"'
        yield problem(UNKNOWN_CURRENCY, currency.at, message, "write a code such as EUR or USD")
