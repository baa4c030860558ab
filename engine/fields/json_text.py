"""JSON as text: decoding to str, int, Decimal, bool, None, list, dict as bodies are decoded, and encoding back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from engine.fields.patterns import is_text

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def decode_json(text: str) -> Any:
    """The value of a JSON text; raises ValueError for anything else, however deep or large its numbers."""
    if not is_text(text):
        raise ValueError("not UTF-8")
    try:
        return _decoder.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def encode_json(value: Any) -> str:
    """Compact JSON; a Decimal is written as a number."""
    return _encoder.encode(value).decode()
