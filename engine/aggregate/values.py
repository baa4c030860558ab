"""Places of items to MongoDB expressions that read them; every path in them comes from the schema or was checked."""

from __future__ import annotations

from typing import Any

from engine.schema import Field, FieldPath

Expression = Any
"""A MongoDB expression, as plain data."""


def value_at(path: FieldPath) -> Expression:
    """The value at a place that holds one; an unset boolean is false, as wherever it is read."""
    found = f"${path.storage}"
    unset = path.field.type.empty
    return found if unset is None or path.field.many else {"$ifNull": [found, path.field.type.to_stored(unset)]}


def values_at(path: FieldPath) -> Expression:
    """A list of all values at a place, however many lists lie on the way; nulls are not among them.

    Lists of objects are walked through one by one: not every engine reads a path through them in expressions.
    """
    first, *rest = _runs(path)
    start = f"${FieldPath(tuple(first)).storage}"
    found: Expression = {"$ifNull": [start, []]} if first[-1].many else [start]
    for run in rest:
        if run[-1].many:
            inner = {"$ifNull": [f"$$this.{_dotted(run)}", []]}
            step = {"$concatArrays": ["$$value", inner]}
            found = {"$reduce": {"input": found, "initialValue": [], "in": step}}
        else:
            found = {"$map": {"input": found, "as": "one", "in": f"$$one.{_dotted(run)}"}}
    return {"$setDifference": [found, [None]]}


def _runs(path: FieldPath) -> list[list[Field]]:
    """The fields of a path, cut behind every list."""
    runs: list[list[Field]] = [[]]
    for item in path.fields:
        if runs[-1] and runs[-1][-1].many:
            runs.append([])
        runs[-1].append(item)
    return runs


def _dotted(run: list[Field]) -> str:
    return ".".join(item.name for item in run)


__all__ = ["Expression", "value_at", "values_at"]
