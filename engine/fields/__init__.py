"""Field types: every form of every kind of value. FIELD_TYPES is the registry that all else asks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from engine.fields import (
    calendar,
    choice,
    contact,
    decimals,
    geo,
    html,
    instant,
    json_value,
    number,
    reference,
    special,
    structure,
    text,
)
from engine.fields.base import (
    MISSING,
    BadOption,
    Capability,
    FieldType,
    Key,
    Locale,
    Shape,
    Supply,
)
from engine.fields.reference import Ask, IdType, Upload

FIELD_TYPES: Final[Mapping[str, type[FieldType]]] = MappingProxyType(
    {
        kind.name: kind
        for family in (
            text,
            contact,
            html,
            number,
            decimals,
            choice,
            calendar,
            instant,
            reference,
            special,
            geo,
            structure,
            json_value,
        )
        for kind in family.TYPES
    }
)
"""Types by the name that definitions use, family by family."""

__all__ = [
    "FIELD_TYPES",
    "MISSING",
    "Ask",
    "BadOption",
    "Capability",
    "FieldType",
    "IdType",
    "Key",
    "Locale",
    "Shape",
    "Supply",
    "Upload",
]
