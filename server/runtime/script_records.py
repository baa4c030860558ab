"""A record as functions of hooks.py hold it: a mapping that knows what was changed in it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

SYSTEM = frozenset({"id", "label", "version"})


class ScriptRecord(dict[str, Any]):
    """The JSON form of one record of an entity."""

    def __init__(self, entity: str, values: dict[str, Any]) -> None:
        super().__init__(values)
        self.entity = entity
        self._saved = deepcopy(values)

    def changes(self) -> dict[str, Any]:
        """The fields that have another value than in the database; one that was taken out is not among them."""
        return {
            name: value
            for name, value in self.items()
            if name not in SYSTEM and (name not in self._saved or self._saved[name] != value)
        }

    def become(self, other: ScriptRecord) -> None:
        """Takes over the values of the same record in another state."""
        self.clear()
        self.update(other)
        self._saved = deepcopy(dict(other))


__all__ = ["ScriptRecord"]
