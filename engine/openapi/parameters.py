"""Query parameters as OpenAPI tells them: in go what an entity and an operation take, out come parameter objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from engine.query import OPERATORS, PARAMETERS
from engine.query.operators import Takes
from engine.schema import Entity, FieldPath

Json = dict[str, Any]

OF_READS: Final = ("_fields", "_format", "_formatForUser", "_relationshipsToFetch")
OF_SELECTIONS: Final = ("_query", "_indexedFilter", "_indexedFilterQuery")
FLAGS: Final[Mapping[str, str]] = {
    "_async": "do it in the background, and answer the job",
    "_lowPriority": "in the background, let other jobs go first",
    "_triggerEvents": "false: listeners do not hear of it",
    "_cascadeOperations": "false: records that refer to the deleted ones are left as they are",
    "_all": "without any filter, mean every record",
}
"""Flags of operations on many records, and what they mean."""

_SCHEMAS: Final[Mapping[str, Json]] = {
    "_size": {"type": "integer", "minimum": 1, "maximum": 1000},
    "_offset": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9a-fA-F]{24}$"}]},
    "_sortType": {"enum": ["asc", "desc"]},
    "_format": {"enum": ["native", "plainText"]},
    "_total": {"type": "boolean"},
    "_explain": {"type": "boolean"},
}


def query(name: str, description: str, schema: Mapping[str, Any] | None = None, *, required: bool = False) -> Json:
    """One parameter of the query string."""
    given = {"name": name, "in": "query", "description": description, "schema": dict(schema or {"type": "string"})}
    return given | ({"required": True} if required else {})


def system(names: Iterable[str]) -> list[Json]:
    """System parameters of the query language."""
    return [query(name, PARAMETERS[name], _SCHEMAS.get(name)) for name in names]


def flags(names: Iterable[str]) -> list[Json]:
    """Flags that are true or false."""
    return [query(name, FLAGS[name], {"type": "boolean"}) for name in names]


def filter_of(entity: Entity) -> Json:
    """The filters of an entity: each path is a parameter of its own, `state=active` or `size=greater(100)`."""
    paths = {path.name: _tested(path) for path in entity.all_paths()}
    properties = {name: {"type": "string", "description": told} for name, told in paths.items() if told}
    return {
        "name": "filter",
        "in": "query",
        "description": "Filters by field, joined by AND: a value, several with commas, or one of the operators",
        "style": "form",
        "explode": True,
        "schema": {"type": "object", "properties": properties, "additionalProperties": False},
    }


def _tested(path: FieldPath) -> str:
    able = path.field.type.capabilities
    return ", ".join(
        name for name, one in OPERATORS.items() if one.capability in able and one.takes is not Takes.USER_FIELD
    )


__all__ = ["FLAGS", "OF_READS", "OF_SELECTIONS", "filter_of", "flags", "query", "system"]
