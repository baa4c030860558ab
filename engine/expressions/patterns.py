"""Patterns of `matches()`: RE2 syntax in, a compiled pattern out, whose work is metered by its size and the text's."""

from __future__ import annotations

from typing import Any

import re2

from engine.errors import ExpressionError
from engine.expressions.scope import Scope

LONGEST_PATTERN = 256
PATTERN_MEMORY = 1 << 20
PATTERN_WORK_PER_STEP = 200
"""Characters times instructions of a pattern that count as one step; RE2's slowest way takes 10 to 15 ns for each."""


def compile_pattern(text: str) -> Any:
    """A pattern that `fits` takes; raises ExpressionError if RE2 refuses it."""
    if len(text) > LONGEST_PATTERN:
        raise ExpressionError(f"The pattern is longer than {LONGEST_PATTERN} characters")
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = PATTERN_MEMORY
    try:
        return re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise ExpressionError(
            f"The pattern is refused: {reason}",
            hint="patterns are written in RE2 syntax: no look-around, no back-references",
        ) from None


def fits(scope: Scope, text: str, pattern: Any) -> bool:
    """Whether the whole text matches a compiled pattern."""
    size = len(text) if text.isascii() else 4 * len(text)
    scope.spend(1 + size * pattern.programsize // PATTERN_WORK_PER_STEP)
    try:
        return pattern.fullmatch(text) is not None
    except UnicodeEncodeError:  # half of a surrogate pair: no pattern means it
        return False
