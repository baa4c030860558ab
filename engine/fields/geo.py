"""Places on the earth: geoPoint. The value is {latitude, longitude} in degrees, int or Decimal of a float's precision.

Stored is a GeoJSON point, which MongoDB's sphere indexes take; it holds floats, longitude first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from engine.fields.base import Capability, FieldType, Locale
from engine.fields.capabilities import GENERAL
from engine.fields.number import to_decimal

_pair = re.compile(r"\s*\(?\s*([-+.0-9eE]{1,40})\s*,\s*([-+.0-9eE]{1,40})\s*\)?\s*").fullmatch


@dataclass(frozen=True)
class GeoPointType(FieldType):
    """A place; queries ask what is near it."""

    name: ClassVar[str] = "geoPoint"
    expected: ClassVar[str] = "{latitude, longitude} with latitude from -90 to 90 and longitude from -180 to 180"
    capabilities: ClassVar[frozenset[Capability]] = (GENERAL - {Capability.SENSITIVE}) | {Capability.NEAR}
    stored_classes: ClassVar[tuple[type, ...]] = (dict,)
    same_stored: ClassVar[bool] = False
    same_json: ClassVar[bool] = False
    sample: ClassVar[object] = {"latitude": Decimal("10.5"), "longitude": 12}

    def parse_json(self, value: Any) -> Any:
        """An object with exactly the two numbers."""
        if isinstance(value, dict) and value.keys() == {"latitude", "longitude"}:
            latitude = _degrees(value["latitude"], 90)
            longitude = _degrees(value["longitude"], 180)
            if latitude is not None and longitude is not None:
                return {"latitude": latitude, "longitude": longitude}
        raise self.refuse(value)

    def parse_text(self, text: str) -> Any:
        """`(22,30)`: latitude, then longitude; the brackets may be missing."""
        found = _pair(text)
        if found is None:
            raise self.refuse(text)
        latitude, longitude = (to_decimal(part) for part in found.groups())
        return self.parse_json({"latitude": latitude, "longitude": longitude})

    def to_stored(self, value: Any) -> Any:
        """A GeoJSON point."""
        return {"type": "Point", "coordinates": [float(value["longitude"]), float(value["latitude"])]}

    def is_stored(self, stored: Any) -> bool:
        """A GeoJSON point."""
        place = stored.get("coordinates") if isinstance(stored, dict) else None
        return isinstance(place, list) and len(place) == 2 and all(type(each) in (float, int) for each in place)

    def from_stored(self, stored: Any) -> Any:
        """Latitude first again."""
        longitude, latitude = stored["coordinates"]
        return {"latitude": _number(latitude), "longitude": _number(longitude)}

    def csv_out(self, value: Any) -> str:
        """`(22,30)`: latitude, then longitude."""
        return f"({value['latitude']},{value['longitude']})"

    def plain_text(self, value: Any, display: Mapping[str, Any], locale: Locale) -> Any:
        """`(22,30)`: latitude, then longitude."""
        return self.csv_out(value)

    def json_schema(self) -> dict[str, Any]:
        """An object with two bounded numbers."""
        return {
            "type": "object",
            "required": ["latitude", "longitude"],
            "additionalProperties": False,
            "properties": {
                "latitude": {"type": "number", "minimum": -90, "maximum": 90},
                "longitude": {"type": "number", "minimum": -180, "maximum": 180},
            },
        }


def _degrees(value: Any, limit: int) -> int | Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    if isinstance(value, Decimal) and not value.is_finite():
        return None
    return _number(float(value)) if -limit <= value <= limit else None


def _number(value: float) -> int | Decimal:
    """Whole degrees without a point."""
    value = float(value)
    return int(value) if value.is_integer() else Decimal(repr(value))


TYPES: tuple[type[FieldType], ...] = (GeoPointType,)
