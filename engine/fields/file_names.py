"""The names of stored files: in goes what a client calls a file, out comes a name that is safe to show and to save."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MOST_LETTERS: Final = 255
_LONGEST_ENDING: Final = 32
_SEPARATORS: Final = re.compile(r"[/\\]")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories of what is no letter to the eye: controls, marks that turn the direction of text, and the like."""
_UNITS: Final = ("kB", "MB", "GB", "TB", "PB", "EB")


def clean_file_name(written: str) -> str:
    """The last piece of a path, without control characters and of bounded length; `file` where nothing is left."""
    last = _SEPARATORS.split(written)[-1]
    seen = "".join(letter for letter in last if unicodedata.category(letter) not in _UNSEEN).strip()
    if seen.strip(".") == "":
        return "file"
    if len(seen) <= MOST_LETTERS:
        return seen
    _, dot, ending = seen.rpartition(".")
    ending = dot + ending if len(ending) <= _LONGEST_ENDING else ""
    return seen[: MOST_LETTERS - len(ending)] + ending


def describe_file(name: str, size: int) -> str:
    """A file as records show it: `logo.png (41.5kB)`; `size` is in bytes."""
    if size < 1000:
        return f"{name} ({size}B)"
    amount, units = size / 1000, iter(_UNITS)
    unit = next(units)
    while round(amount, 1) >= 1000:
        amount, unit = amount / 1000, next(units)
    return f"{name} ({amount:.1f}".removesuffix(".0") + f"{unit})"


__all__ = ["clean_file_name", "describe_file"]
