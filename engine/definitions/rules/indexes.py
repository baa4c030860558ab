"""Laws about indexes: fields that a database can index together."""

from __future__ import annotations

from collections.abc import Iterator

from engine.definitions.codes import BAD_INDEX, problem
from engine.definitions.model import IndexDef
from engine.definitions.rules.context import Context, is_stand_in, text_of
from engine.errors import Diagnostic
from engine.fields.base import Capability, Shape

MOST_FIELDS = 16
"""What one index may have at most."""


def indexes_can_be_built(context: Context) -> Iterator[Diagnostic]:
    """Each field stands once, is stored, is no whole group, and at most one of them is a list."""
    for site in context.sites:
        for index in site.definition.indexes:
            scalars = index.fields if isinstance(index, IndexDef) else index
            names = [text_of(scalar).lstrip("-") for scalar in scalars]
            lists: set[str] = set()
            for scalar, name in zip(scalars, names, strict=True):
                place = site.entity.field_at(name)
                if place is None or is_stand_in(place.field):
                    continue
                if place.field.transient:
                    yield problem(BAD_INDEX, scalar.at, f'"{name}" is transient and not stored', "leave it out")
                if place.field.type.shape is Shape.NESTED:
                    hint = (
                        f"name one of its fields, such as {name}.{place.field.fields[0].name}"
                        if place.field.fields
                        else None
                    )
                    yield problem(BAD_INDEX, scalar.at, f'"{name}" is a group of fields and cannot be indexed', hint)
                many = next((part.path for part in place.fields if part.many), None)
                if many is not None:
                    lists.add(many)
                    if len(lists) == 2:
                        message = "an index can hold one list, and these are two: " + ", ".join(sorted(lists))
                        yield problem(BAD_INDEX, scalar.at, message, "make two indexes of it")
            for place_of, name in enumerate(names):
                if name in names[:place_of]:
                    yield problem(
                        BAD_INDEX, scalars[place_of].at, f'"{name}" stands in the index twice', "leave it out"
                    )
            if len(names) > MOST_FIELDS:
                message = f"an index has at most {MOST_FIELDS} fields"
                yield problem(BAD_INDEX, scalars[MOST_FIELDS].at, message, "leave some out")


def text_indexes_hold_texts(context: Context) -> Iterator[Diagnostic]:
    """An entity has one text index at most; its fields are texts, and it is not unique."""
    for site in context.sites:
        found = [index for index in site.definition.indexes if isinstance(index, IndexDef) and index.type == "text"]
        for index in found[1:]:
            yield problem(BAD_INDEX, index.at, "an entity can have one text index", "join the fields in one")
        for index in found:
            if index.unique:
                yield problem(BAD_INDEX, index.key_at("unique"), "a text index cannot be unique", "remove unique")
            for scalar in index.fields:
                name = text_of(scalar)
                place = site.entity.field_at(name.lstrip("-"))
                if name.startswith("-"):
                    yield problem(BAD_INDEX, scalar.at, "a text index has no order", f"write {name[1:]}")
                if place is not None and Capability.LIKE not in place.field.type.capabilities:
                    message = f'"{name}" is no text and cannot stand in a text index'
                    yield problem(BAD_INDEX, scalar.at, message, "name fields of text types")
