"""Passwords against a group's rules: in goes the text that somebody chose, out comes every rule that it breaks."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from engine.schema import PasswordRules

MOST_CHARACTERS = 128
MOST_BYTES = 512
"""Longer texts are never hashed: hashing takes time for every byte, and anybody may send some."""

TEMPORARY_LENGTH = 20
_SMALL, _CAPITAL, _DIGITS, _SYMBOLS = "abcdefghijkmnopqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789", "-_.+="
"""Without the characters that people take for one another."""


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """One rule that a password breaks: the definition's key, its value, and what to tell the person."""

    rule: str
    limit: int | bool
    message: str


def is_hashable(password: str) -> bool:
    """Whether a text is short enough to be hashed at all; nothing longer can be anybody's password."""
    return len(password) <= MOST_CHARACTERS and len(password.encode("utf-8", "surrogatepass")) <= MOST_BYTES


def validate_password(password: str, rules: PasswordRules) -> tuple[BrokenRule, ...]:
    """Every rule that the password breaks, in the order in which rules are written; empty when it is fine."""
    return tuple(_broken(password, rules))


def _broken(password: str, rules: PasswordRules) -> Iterator[BrokenRule]:
    if len(password) < rules.min_length:
        yield BrokenRule("minLength", rules.min_length, f"Use at least {rules.min_length} characters")
    if not is_hashable(password):
        message = f"Use at most {MOST_CHARACTERS} characters ({MOST_BYTES} bytes)"
        yield BrokenRule("maxLength", MOST_CHARACTERS, message)
    if rules.upper and not any(character.isupper() for character in password):
        yield BrokenRule("upper", True, "Use at least one capital letter")
    if rules.lower and not any(character.islower() for character in password):
        yield BrokenRule("lower", True, "Use at least one small letter")
    if rules.digit and not any(character.isdecimal() for character in password):
        yield BrokenRule("digit", True, "Use at least one digit")
    if rules.symbol and all(character.isalnum() or character.isspace() for character in password):
        yield BrokenRule("symbol", True, "Use at least one symbol, such as - or !")


def make_password(min_length: int = TEMPORARY_LENGTH) -> str:
    """A random password that is easy to read, keeps every rule and cannot be guessed (over 100 bits of chance)."""
    length = max(TEMPORARY_LENGTH, min(min_length, MOST_CHARACTERS))
    kinds = (_SMALL, _CAPITAL, _DIGITS, _SYMBOLS)
    free = length - len(kinds)
    characters = [secrets.choice(kind) for kind in kinds]
    characters += [secrets.choice(_SMALL + _CAPITAL + _DIGITS) for _ in range(free)]
    secrets.SystemRandom().shuffle(characters)
    return "".join(characters)


__all__ = [
    "MOST_BYTES",
    "MOST_CHARACTERS",
    "BrokenRule",
    "is_hashable",
    "make_password",
    "validate_password",
]
