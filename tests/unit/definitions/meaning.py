"""What an app means, apart from where its parts stand in files: values that can be compared with ==."""

import dataclasses
from collections.abc import Mapping

from engine.errors import Position


def meaning_of(part):
    """The part as plain data: dataclasses as pairs of class and values, positions left out."""
    if isinstance(part, Position):
        return None
    if dataclasses.is_dataclass(part):
        fields = (field for field in dataclasses.fields(part) if field.compare)
        return type(part).__name__, {field.name: meaning_of(getattr(part, field.name)) for field in fields}
    if isinstance(part, Mapping):
        return {key: meaning_of(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [meaning_of(item) for item in part]
    return part
