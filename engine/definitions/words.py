"""Names in, words for people out (`numberOfEmployees` to "Number of employees")."""

from __future__ import annotations

import re

_PARTS = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]?[a-z]+|[A-Z]|\d+")


def in_words(name: str) -> str:
    """The default label of a name: split at capitals and digits, the first letter a capital; acronyms stay."""
    words = [part if part.isupper() and len(part) > 1 else part.lower() for part in _PARTS.findall(name)]
    text = " ".join(words)
    return text[:1].upper() + text[1:]
