"""Groups of fields inside a record: nested. Inner fields have types of their own; here is only the group's shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from bson import ObjectId

from engine.fields.base import Capability, FieldType, Key, Locale, Shape
from engine.fields.capabilities import WRITABLE
from engine.fields.json_text import decode_json, encode_json


@dataclass(frozen=True)
class NestedType(FieldType):
    """An object of inner fields with an id and a label; one of them, or a list.

    Whoever reads and writes records walks into it by its shape; every form is the object as it stands.
    """

    name: ClassVar[str] = "nested"
    expected: ClassVar[str] = "an object"
    capabilities: ClassVar[frozenset[Capability]] = WRITABLE | {
        Capability.MANY,
        Capability.REQUIRED,
        Capability.CALCULATED,
        Capability.EQUALS,
        Capability.EMPTY,
        Capability.FIRST_LAST,
    }
    keys: ClassVar[tuple[Key, ...]] = (
        Key("fields", {"type": "object", "minProperties": 1}, "The inner fields, written like an entity's."),
        Key("recordLabel", {"type": "string", "minLength": 1}, "An inner field or a template; the field's own label."),
    )
    shape: ClassVar[Shape] = Shape.NESTED
    stored_classes: ClassVar[tuple[type, ...]] = (dict,)
    stored_mark: ClassVar[tuple[str, type] | None] = ("id", ObjectId)
    sample: ClassVar[object] = {"id": "5877a1e2e4b0b2f2a4f7a1b0", "label": "WV - 25335", "state": "WV"}

    def parse_json(self, value: Any) -> Any:
        """Any object; inner fields are parsed by their own types."""
        if isinstance(value, dict):
            return value
        raise self.refuse(value)

    def parse_text(self, text: str) -> Any:
        """An object as JSON."""
        try:
            return self.parse_json(decode_json(text))
        except ValueError:
            raise self.refuse(text) from None

    def plain_text(self, value: Any, display: Mapping[str, Any], locale: Locale) -> Any:
        """The object as it stands; whoever walks into it writes the inner values."""
        return value

    def csv_out(self, value: Any) -> str:
        """The object as JSON; exports give each inner field its own column instead."""
        return encode_json(value)

    def json_schema(self) -> dict[str, Any]:
        """Any object; whoever knows the inner fields adds them."""
        return {"type": "object"}


TYPES: tuple[type[FieldType], ...] = (NestedType,)
