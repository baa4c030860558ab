"""Sets of characters as sorted ranges of code points: union, complement, letter case, and their text in a pattern."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

Ranges = tuple[tuple[int, int], ...]
"""Sorted, apart from one another, both ends included."""

LAST: Final = 0x10FFFF
_FIRST_SURROGATE, _LAST_SURROGATE = 0xD800, 0xDFFF
_LAST_CASED = 0x1E943
_SPECIAL = frozenset(r"\^$.|?*+()[]{}-&~#")
"""Characters that some engine reads as more than themselves, inside or outside a class."""
_TURKISH = frozenset({0x130, 0x131})
"""Dotted capital and dotless small i: fold to `i` in Turkish only."""

_WITHOUT_CAPITAL = ((0x390, 0x1FD3), (0x3B0, 0x1FE3), (0xFB05, 0xFB06))
"""Small letters that fold to each other although their capitals are several characters."""


def single(char: str) -> Ranges:
    """The set of one character."""
    return ((ord(char), ord(char)),)


def union(parts: Iterable[tuple[int, int]]) -> Ranges:
    """All of the given ranges, in any order; surrogates, which no text holds, are left out."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(_without_surrogates(parts)):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def _without_surrogates(parts: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    for low, high in parts:
        if high < _FIRST_SURROGATE or low > _LAST_SURROGATE:
            yield low, high
            continue
        if low < _FIRST_SURROGATE:
            yield low, _FIRST_SURROGATE - 1
        if high > _LAST_SURROGATE:
            yield _LAST_SURROGATE + 1, high


def complement(ranges: Ranges) -> Ranges:
    """Every other character."""
    gaps = []
    start = 0
    for low, high in ranges:
        if low > start:
            gaps.append((start, low - 1))
        start = high + 1
    if start <= LAST:
        gaps.append((start, LAST))
    return union(gaps)


def overlap(one: Ranges, other: Ranges) -> bool:
    """Whether some character is in both sets."""
    left, right = 0, 0
    while left < len(one) and right < len(other):
        if one[left][1] < other[right][0]:
            left += 1
        elif other[right][1] < one[left][0]:
            right += 1
        else:
            return True
    return False


def _build_orbits() -> Mapping[int, frozenset[int]]:
    orbits: dict[int, set[int]] = {}
    for pair in _WITHOUT_CAPITAL:
        orbits.update({code: set(pair) for code in pair})
    for code in range(_LAST_CASED + 1):
        char = chr(code)
        for other in (char.lower(), char.upper()):
            if other != char and len(other) == 1 and code not in _TURKISH:
                joined = orbits.get(code, {code}) | orbits.get(ord(other), {ord(other)})
                for member in joined:
                    orbits[member] = joined
    return {code: frozenset(orbit) for code, orbit in orbits.items()}


_ORBITS: Final = _build_orbits()
"""Characters that are one letter in different cases; Unicode's simple case folding."""


def fold(ranges: Ranges) -> Ranges:
    """The set with every letter in all its cases."""
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        code = ranges[0][0]
        return union((member, member) for member in _ORBITS.get(code, (code,)))
    added = [
        (member, member)
        for code, orbit in _ORBITS.items()
        if any(low <= code <= high for low, high in ranges)
        for member in orbit
    ]
    return union([*ranges, *added])


def to_class(ranges: Ranges) -> str:
    """The set in a pattern, in a form that RE2, PCRE and their like read alike; no shorthand, no flag needed."""
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return _escape(ranges[0][0])
    if ranges and ranges[-1][1] == LAST and (rest := complement(ranges)):
        return f"[^{_members(rest)}]"
    return f"[{_members(ranges)}]"


def _members(ranges: Ranges) -> str:
    texts = []
    for low, high in ranges:
        texts.append(_escape(low))
        if high > low + 1:
            texts.append("-")
        if high > low:
            texts.append(_escape(high))
    return "".join(texts)


def _escape(code: int) -> str:
    char = chr(code)
    if code > 0x9F or (char.isascii() and char.isalnum()):
        return char
    if code < 0x20 or code >= 0x7F:
        return f"\\x{code:02x}"
    return "\\" + char if char in _SPECIAL else char


__all__ = ["LAST", "Ranges", "complement", "fold", "overlap", "single", "to_class", "union"]
