"""Regular expressions of definition authors, compiled with RE2: linear time on any value, whatever the author wrote."""

from __future__ import annotations

from typing import Any

import re2

from engine.fields.base import BadOption


def compile_pattern(pattern: str, key: str = "pattern", *, ignore_case: bool = False) -> Any:
    """A compiled pattern with `fullmatch` and `search`; raises BadOption for `key` where RE2 refuses it.

    It takes UTF-8 bytes at half the cost of text, whose characters it has to count.
    """
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignore_case
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise BadOption(
            key,
            f"RE2 refuses the pattern {pattern!r}: {reason}",
            "write it without look-around and back-references; RE2's syntax has neither",
        ) from error


def is_text(value: Any) -> bool:
    """Whether a value is text that UTF-8 can hold; lone surrogates cannot be stored or matched."""
    if not isinstance(value, str):
        return False
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
