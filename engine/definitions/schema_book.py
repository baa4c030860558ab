"""The parts of one JSON Schema for editors: each kind of definition is asked once, and referred to from then on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Schema = dict[str, Any]

NAME_PATTERN = "^[a-z][A-Za-z0-9]*$"


class Kind(StrEnum):
    """What a name is the name of."""

    ENTITY = "entity"
    FIELD = "field"
    ACTION = "action"
    GROUP = "group"
    QUEUE = "queue"
    FUNCTION = "function"


_OPEN = frozenset({Kind.FIELD})
"""Kinds whose names come and go in the file at hand: the known ones are offered, others are not refused."""


@dataclass(frozen=True, slots=True)
class ProjectNames:
    """The names that a project has, by kind; a kind that is missing is not known."""

    known: Mapping[Kind, tuple[str, ...]] = field(default_factory=dict)

    def of(self, kind: Kind | None) -> tuple[str, ...] | None:
        """The names of a kind, or None where they are not known."""
        return None if kind is None else self.known.get(kind)


class SchemaBook:
    """Collects the parts of one schema (draft 2020-12)."""

    def __init__(self, names: ProjectNames | None = None) -> None:
        self.names = names or ProjectNames()
        self.parts: dict[str, Schema] = {}

    def part(self, name: str, build: Callable[[], Schema]) -> Schema:
        """A reference to the part of that name, which is built when it is asked for the first time."""
        if name not in self.parts:
            self.parts[name] = {}  # parts refer to each other in circles
            self.parts[name] = build()
        return {"$ref": f"#/$defs/{name}"}

    def name(self, kind: Kind | None) -> Schema:
        """A name of that kind: one of the known ones, where they are known."""
        names = self.names.of(kind)
        if names is None:
            return {"type": "string", "minLength": 1}
        return {"anyOf": [{"enum": [*names]}, {"type": "string"}]} if kind in _OPEN else {"enum": [*names]}

    def table(self, kind: Kind | None, value: Schema) -> Schema:
        """A map from names of that kind to such values."""
        names = self.names.of(kind)
        if names is None:
            return {"type": "object", "additionalProperties": value}
        listed = dict.fromkeys(names, value)
        return {"type": "object", "properties": listed, "additionalProperties": value if kind in _OPEN else False}


def at_most_one(keys: Iterable[str]) -> Schema:
    """A map has one of the keys at most."""
    given: list[Schema] = [{"required": [key]} for key in sorted(keys)]
    return {"oneOf": [*given, {"not": {"anyOf": given}}]}


__all__ = ["NAME_PATTERN", "Kind", "ProjectNames", "Schema", "SchemaBook", "at_most_one"]
