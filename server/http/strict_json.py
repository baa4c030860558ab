"""JSON text to values, refusing what would break later: in go bytes, out come values or BadRequest.

Numbers with a fraction or an exponent become Decimal, whole numbers int.
"""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import msgspec

from engine.errors import BadRequest

MAX_EXPONENT = 6144
"""The largest power of ten that the database's decimals hold."""
MAX_DIGITS = 1000


def parse_json(body: bytes, max_nesting: int) -> Any:
    """The value that `body` spells. Refuses malformed text, nesting over `max_nesting`, names given twice in one
    object, names with a NUL character, and numbers out of all bounds.
    """
    try:
        value = _DECODER.decode(body)
    except RecursionError:
        raise _too_deep(max_nesting) from None
    except UnicodeDecodeError:
        raise BadRequest("The body is not valid JSON: it is not UTF-8 text") from None
    except (msgspec.MsgspecError, ArithmeticError) as error:
        raise BadRequest(f"The body is not valid JSON: {_reason(error)}") from None
    names, texts, depth = _measure(value)
    if depth > max_nesting:
        raise _too_deep(max_nesting)
    if b"\\u" in body or names + "".join(texts).count(":") != body.count(b":"):
        _check_names(body)
    return value


def _parse_decimal(text: str) -> Decimal:
    number = Decimal(text)
    if len(text) > MAX_DIGITS or abs(number.adjusted()) > MAX_EXPONENT:
        raise ArithmeticError
    return number


_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=_parse_decimal)


def _reason(error: Exception) -> str:
    if isinstance(error, ArithmeticError | msgspec.ValidationError):
        return "a number is out of range"
    return str(error).removeprefix("JSON is malformed: ").lower()


def _too_deep(max_nesting: int) -> BadRequest:
    return BadRequest(f"The body is nested too deeply: at most {max_nesting} levels are allowed")


def _measure(value: Any) -> tuple[int, list[str], int]:
    """How many names the value's objects hold together, all its texts and names, and how deep it goes.

    Every name has one colon behind it and every other colon stands in a text, unless escapes write one: a name that
    was given twice leaves colons over.
    """
    names = depth = 0
    texts: list[str] = []
    level = [value]
    while True:
        below: list[Any] = []
        containers = False
        for item in level:
            kind = type(item)
            if kind is str:
                texts.append(item)
            elif kind is dict:
                containers = True
                names += len(item)
                texts.extend(item)
                below.extend(item.values())
            elif kind is list:
                containers = True
                below.extend(item)
        if not containers:
            return names, texts, depth
        depth += 1
        level = below


def _check_names(body: bytes) -> None:
    """The exact check, for bodies in which a name may be given twice or hide a NUL behind an escape.

    The decoder keeps the last of two equal names and says nothing, so the text is read a second time.
    """
    json.loads(body, object_pairs_hook=_check_pairs, parse_int=_skip, parse_float=_skip)


def _check_pairs(pairs: list[tuple[str, Any]]) -> None:
    names = dict(pairs)
    if len(names) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise BadRequest(f"The body gives {json.dumps(counts.most_common(1)[0][0])} twice in one object")
    if "\0" in "".join(names):
        raise BadRequest("The body has a name with a NUL character")


def _skip(text: str) -> None:
    """Numbers do not matter to the check of names."""


__all__ = ["MAX_DIGITS", "MAX_EXPONENT", "parse_json"]
