"""What of a source text is structure: yields the characters outside quotes, refuses what no expression may hold."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from engine.errors import ExpressionError

QUOTES = "'\""
OPENING = "([{"
CLOSING = ")]}"
_SPACES = "\t\n\r"


def outside_quotes(text: str, start: int = 0) -> Iterator[tuple[int, str]]:
    """Each character from `start` on that is not inside a quoted text, with its offset.

    Raises ExpressionError at a quote that is not closed on its line, at control characters, comments, and at anything
    outside quotes that is not ASCII (names that look alike would be taken for one another).
    """
    quote = ""
    opened = start
    escaped = False
    for offset in range(start, len(text)):
        char = text[offset]
        if not char.isprintable() and char not in _SPACES and unicodedata.category(char) in {"Cc", "Cs"}:
            raise ExpressionError(f"The character U+{ord(char):04X} cannot stand in an expression", offset)
        if quote:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == quote:
                quote = ""
            elif char in "\n\r":
                break
        elif char in QUOTES:
            quote, opened = char, offset
        elif not char.isascii():
            raise ExpressionError(
                f'"{char}" can stand in quotes only', offset, "names are written in ASCII letters and digits"
            )
        elif char == "#":
            raise ExpressionError("A comment cannot stand in an expression", offset)
        else:
            yield offset, char
    if quote:
        raise ExpressionError("The quoted text that begins here is not closed", opened)


def check_brackets(text: str, deepest: int) -> None:
    """Refuses brackets that do not pair, or that stand deeper in one another than allowed."""
    open_at: list[int] = []
    for offset, char in outside_quotes(text):
        if char in OPENING:
            open_at.append(offset)
            if len(open_at) > deepest:
                raise ExpressionError(f"Brackets stand more than {deepest} deep", offset)
        elif char in CLOSING:
            if not open_at or OPENING.index(text[open_at[-1]]) != CLOSING.index(char):
                raise ExpressionError(f'"{char}" closes nothing', offset)
            open_at.pop()
    if open_at:
        raise ExpressionError(f'"{text[open_at[-1]]}" is not closed', open_at[-1])


def closing_brace(text: str, start: int) -> int:
    """The offset of the `}` that ends the expression beginning at `start`; raises ExpressionError if there is none."""
    depth = 0
    for offset, char in outside_quotes(text, start):
        if char == "}" and depth <= 0:
            return offset
        depth += (char in OPENING) - (char in CLOSING)
    raise ExpressionError('"{" is not closed', start - 1, "write {{ for a brace that is text")
