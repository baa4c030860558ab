"""Texts to cells of CSV and back: in goes the CSV form of a value, out comes what may stand in a file that people open.

Spreadsheets run what begins like a formula. Such a text carries an apostrophe before it in the file, and loses it again
when the file is read; a text that has apostrophes there by itself gets one more, so that every text comes back as it
was.
"""

from __future__ import annotations

import re
from typing import Final

_BEGINNINGS: Final = r"[=+\-@\t\r\0＝＋－＠]"
_LIKE_FORMULA: Final = re.compile(rf"'*{_BEGINNINGS}")
_GUARDED: Final = re.compile(rf"'+{_BEGINNINGS}")
_NUMBER: Final = re.compile(r"-[0-9]+(?:\.[0-9]+)?")
"""What stays a number in a spreadsheet, although it begins like a formula."""


def to_cell(text: str) -> str:
    """The text as a cell, without quoting: an apostrophe before what a spreadsheet might run; numbers stay numbers."""
    if _LIKE_FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return "'" + text
    return text


def from_cell(cell: str) -> str:
    """The text that a cell stands for: `to_cell` undone, and all other cells as they are."""
    return cell[1:] if _GUARDED.match(cell) else cell


__all__ = ["from_cell", "to_cell"]
