"""Ways to reach somebody: url, email, phone. Values are str; a phone's value is its digits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Final, Self

from engine.errors import InvalidValue
from engine.fields.base import BadOption, Capability, FieldType, Key
from engine.fields.capabilities import GENERAL, TEXT_OPERATORS
from engine.fields.patterns import compile_pattern, is_text

_ADDRESS_OPERATORS = GENERAL | TEXT_OPERATORS | {Capability.UNIQUE}


def _any_text(kind: FieldType, text: str) -> str:
    """Query values are compared, not stored: part of an address will do."""
    if not is_text(text):
        raise kind.refuse(text)
    return text


# Patterns stay within what RE2, ECMAScript and Python read alike, because the JSON Schema carries them too.
_BLANK = "\u0085\u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff"
_LETTER = rf"[^\x00-@\[-`{{-\x7f{_BLANK}]"
_MARK = rf"[^\x00-/:-@\[-`{{-\x7f{_BLANK}]"
_INNER = rf"[^\x00-,./:-@\[-^`{{-\x7f{_BLANK}]"
_LABEL = rf"{_MARK}(?:{_INNER}*{_MARK})?"
_NAMED_HOST = rf"(?:{_LABEL}\.)+(?:{_LETTER}{{2,}}|[Xx][Nn]--[0-9A-Za-z-]+)"
_ANY_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Fa-f:.]+\])"
_SCHEME = "(?:[Hh][Tt][Tt][Pp][Ss]?|[Ff][Tt][Pp][Ss]?)://"
_USER = rf"(?:[^\x00-\x20/?#@<>\"\x7f{_BLANK}]+@)?"
_REST = rf"(?:[/?#][^\x00-\x20<>\"\x7f{_BLANK}]*)?"
_URL = rf"(?:{_SCHEME}{_USER}{_ANY_HOST}|{_NAMED_HOST})(?::[0-9]{{1,5}})?{_REST}"
_WRITTEN_URL = rf"(?:{_URL}|\({_URL}\)(?:<[^<>]*>)?)"
_URL_OR_LABELLED = compile_pattern(rf"({_URL})|\(({_URL})\)(?:<[^<>]*>)?")
_LONGEST_URL: Final = 2_048


@dataclass(frozen=True)
class UrlType(FieldType):
    """A web or FTP address; the scheme may be missing. `(http://x.com)<Label>` is read as the address alone."""

    name: ClassVar[str] = "url"
    expected: ClassVar[str] = "a URL such as http://www.example.com"
    capabilities: ClassVar[frozenset[Capability]] = _ADDRESS_OPERATORS
    sample: ClassVar[object] = "http://www.example.com"

    def parse_json(self, value: Any) -> Any:
        """The address, without the label that may stand behind it."""
        if is_text(value) and len(value) <= _LONGEST_URL:
            found = _URL_OR_LABELLED.fullmatch(value.encode())
            if found is not None:
                return (found.group(1) or found.group(2)).decode()
        raise self.refuse(value)

    def parse_text(self, text: str) -> Any:
        """Any text; the label form is reduced to its address."""
        try:
            return self.parse_json(text)
        except InvalidValue:
            return _any_text(self, text)

    def csv_in(self, text: str) -> Any:
        """As in a body."""
        return self.parse_json(text)

    def json_schema(self) -> dict[str, Any]:
        """Both written forms as one pattern."""
        return {"type": "string", "maxLength": _LONGEST_URL, "pattern": f"^{_WRITTEN_URL}$"}


_LONGEST_EMAIL: Final = 320


@lru_cache(maxsize=1024)
def _normalized_email(text: str) -> str | None:
    """The address in its stored form, or None; kept, because the same addresses are written again and again."""
    from email_validator import EmailNotValidError, validate_email  # slow to import, and not every app has addresses

    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        return None


@dataclass(frozen=True)
class EmailType(FieldType):
    """An e-mail address; its domain is stored in small letters."""

    name: ClassVar[str] = "email"
    expected: ClassVar[str] = "an e-mail address"
    capabilities: ClassVar[frozenset[Capability]] = _ADDRESS_OPERATORS
    sample: ClassVar[object] = "ann@example.com"
    schema_gap: ClassVar[str | None] = (
        "The schema's format is a note; the server checks the address as RFC 5321 has it."
    )

    def parse_json(self, value: Any) -> Any:
        """Checks the form only; nobody is asked whether the mailbox exists."""
        if not is_text(value):
            raise self.refuse(value)
        normalized = _normalized_email(value) if len(value) <= _LONGEST_EMAIL else None
        if normalized is None:
            raise InvalidValue("Not a valid e-mail address", value, code="invalidEmail")
        return normalized

    def parse_text(self, text: str) -> Any:
        """Any text; a whole address is brought into its stored form."""
        try:
            return self.parse_json(text)
        except InvalidValue:
            return _any_text(self, text)

    def csv_in(self, text: str) -> Any:
        """As in a body."""
        return self.parse_json(text)

    def json_schema(self) -> dict[str, Any]:
        """Text in the format email."""
        return {"type": "string", "format": "email", "maxLength": _LONGEST_EMAIL, "pattern": "^[^@]+@[^@]+$"}


_PUNCTUATION = r"[ -*,-/:-@\[-`{-~" + "\u2010-\u2013]"
_MOST_DIGITS: Final = 15
_DIGITS: Final = frozenset("0123456789")


def _phone_pattern(least: int) -> str:
    return rf"{_PUNCTUATION}*(?:\+{_PUNCTUATION}*)?(?:[0-9]{_PUNCTUATION}*){{{least},{_MOST_DIGITS}}}"


_NATIONAL_LEAST: Final = 7
_INTERNATIONAL_LEAST: Final = 4
_national = compile_pattern(_phone_pattern(_NATIONAL_LEAST))
_international = compile_pattern(_phone_pattern(_INTERNATIONAL_LEAST))


@dataclass(frozen=True)
class PhoneType(FieldType):
    """A phone number: punctuation is dropped, digits are stored, answers are grouped from the right (1-702-845-9380).

    With `defaultPrefix`, a number that is written without + and without the prefix gets it; a number of another
    country is written, and answered, with its +.
    """

    name: ClassVar[str] = "phone"
    expected: ClassVar[str] = "a phone number of 7 to 15 digits"
    capabilities: ClassVar[frozenset[Capability]] = _ADDRESS_OPERATORS
    keys: ClassVar[tuple[Key, ...]] = (
        Key(
            "international", {"type": "boolean"}, "Whether numbers of all countries (4 to 15 digits) are taken; false."
        ),
        Key(
            "defaultPrefix",
            {"type": "string", "pattern": r"^\+?[1-9][0-9]{0,2}$"},
            "The country prefix of international numbers that are written without one, such as 1 or 44.",
        ),
    )
    same_json: ClassVar[bool] = False
    sample: ClassVar[object] = "17028459380"
    schema_gap: ClassVar[str | None] = (
        "With defaultPrefix the number of digits that its country allows is checked by the server."
    )

    international: bool = False
    default_prefix: str | None = None

    @classmethod
    def configure(cls, options: Mapping[str, Any]) -> Self:
        """Refuses a prefix on numbers that are not international, and one that no country has."""
        from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

        prefix = options.get("defaultPrefix")
        international = options.get("international", False)
        if prefix is not None:
            prefix = prefix.removeprefix("+")
            if not international:
                raise BadOption("defaultPrefix", "a prefix belongs to international numbers", "add international: true")
            if not prefix.isdigit() or int(prefix) not in COUNTRY_CODE_TO_REGION_CODE:
                raise BadOption("defaultPrefix", f"{prefix} is no country's prefix", "for example 1, 44 or 54")
        return cls(international, prefix)

    def reading_options(self) -> Mapping[str, Any]:
        """What tells numbers of other countries."""
        prefix = {} if self.default_prefix is None else {"defaultPrefix": self.default_prefix}
        return {"international": self.international, **prefix}

    def parse_json(self, value: Any) -> Any:
        """The digits, with the default prefix where the number has none."""
        pattern = _international if self.international else _national
        if not is_text(value) or pattern.fullmatch(value.encode()) is None:
            raise self._wrong(value)
        digits = _digits(value)
        if self.default_prefix is None:
            return digits
        if "+" not in value and not (digits.startswith(self.default_prefix) and _is_possible(digits)):
            digits = self.default_prefix + digits
        if not _is_possible(digits):
            raise self._wrong(value)
        return digits

    def fit(self, value: Any) -> Any:
        """The digits of another phone field have their prefix already."""
        if self.default_prefix is not None and is_text(value) and value.isdigit() and _is_possible(value):
            return value
        return self.parse_json(value)

    def _wrong(self, value: Any) -> InvalidValue:
        if not self.international:
            return self.refuse(value)
        return InvalidValue("Expected a phone number with its country's prefix, of at most 15 digits", value)

    def render(self, value: Any) -> Any:
        """The last four digits, then groups of three leftwards, the remainder first."""
        grouped = group_digits(value)
        if self.default_prefix is not None and not value.startswith(self.default_prefix):
            return f"+{grouped}"
        return grouped

    def parse_text(self, text: str) -> Any:
        """A number as in a body, else whatever digits there are."""
        try:
            return self.parse_json(text)
        except InvalidValue:
            return self.parse_like(text)

    def parse_like(self, text: str) -> str:
        """Only digits are looked for; text without any would match everything and is refused."""
        digits = _digits(text)
        if not digits:
            raise InvalidValue("Expected at least one digit of a phone number", text)
        return digits

    def csv_in(self, text: str) -> Any:
        """As in a body."""
        return self.parse_json(text)

    def json_schema(self) -> dict[str, Any]:
        """Digits with punctuation."""
        least = _INTERNATIONAL_LEAST if self.international else _NATIONAL_LEAST
        return {"type": "string", "pattern": f"^{_phone_pattern(least)}$"}


def group_digits(digits: str) -> str:
    """Dashes before the last four digits and before each three left of them."""
    head, tail = digits[:-4], digits[-4:]
    first = len(head) % 3
    groups = [head[:first]] if first else []
    groups += [head[at : at + 3] for at in range(first, len(head), 3)]
    return "-".join([*groups, tail])


def _digits(text: str) -> str:
    return "".join(mark for mark in text if mark in _DIGITS)


def _is_possible(digits: str) -> bool:
    """Whether the country of the leading prefix has numbers of this length."""
    from phonenumbers import NumberParseException, is_possible_number, parse

    try:
        return is_possible_number(parse(f"+{digits}", None))
    except NumberParseException:
        return False


TYPES: tuple[type[FieldType], ...] = (UrlType, EmailType, PhoneType)
