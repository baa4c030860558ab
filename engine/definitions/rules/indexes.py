"""Laws about indexes: fields that a database can index together, and indexes that queries have a use for."""

from __future__ import annotations

from collections.abc import Iterator

from engine.definitions.codes.code import problem
from engine.definitions.codes.work import BAD_INDEX, IDLE_INDEX, NEEDLESS_INDEX
from engine.definitions.inherit import index_name
from engine.definitions.model import IndexDef
from engine.definitions.rules.context import Context, Site, is_stand_in, text_of
from engine.errors import Diagnostic, Position
from engine.fields.base import Capability, Shape
from engine.indexes import PREFIX, IndexPlan, plan_entity_indexes

MOST_FIELDS = 16
"""What one index may have at most."""

_REACHED_BY = frozenset({Capability.EQUALS, Capability.LIKE, Capability.ORDER, Capability.NEAR, Capability.SORT})
"""Operators and sorting: fields that have none of these are out of every query's reach."""


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


def indexes_are_needed(context: Context) -> Iterator[Diagnostic]:
    """No index begins another one, which serves its queries too; a unique index has work of its own."""
    for site in context.sites:
        if site.definition.indexes and not context.unsure(site.entity.name) and _is_whole(site):
            plans = tuple(plan_entity_indexes(site.entity))
            places = _places(site)
            for number, plan in enumerate(plans):
                at = places.get(plan.name)
                others = (
                    *plans[:number],
                    *(other for other in plans[number + 1 :] if len(other.keys) > len(plan.keys)),
                )
                longer = next((other for other in others if _begins(plan, other)), None)
                if at is not None and longer is not None:
                    fields = ", ".join(name for name, _ in longer.keys)
                    message = f"the index on {fields} serves the same queries"
                    yield problem(NEEDLESS_INDEX, at, message, "remove this one")


def indexed_fields_are_reached(context: Context) -> Iterator[Diagnostic]:
    """Some operator or sort reaches each field of an index; searches refuse sensitive fields."""
    for site in context.sites:
        for index in site.definition.indexes:
            text = isinstance(index, IndexDef) and index.type == "text"
            for scalar in index.fields if isinstance(index, IndexDef) else index:
                name = text_of(scalar).lstrip("-")
                place = site.entity.field_at(name)
                if place is None or is_stand_in(place.field) or place.field.type.shape is Shape.NESTED:
                    continue
                if not _REACHED_BY & place.field.type.capabilities:
                    yield problem(IDLE_INDEX, scalar.at, f'no operator and no sort reaches "{name}"', "leave it out")
                elif text and any(part.sensitive for part in place.fields):
                    message = f'"{name}" is sensitive, so that every search of this index is refused'
                    yield problem(IDLE_INDEX, scalar.at, message, "leave it out")


def _is_whole(site: Site) -> bool:
    """Whether all indexes have names of their own, on fields that are known and sound."""
    if len({index.name for index in site.entity.indexes}) < len(site.entity.indexes):
        return False
    names = [name.removeprefix("-") for index in site.entity.indexes for name in index.fields]
    found = [site.entity.field_at(name) for name in names]
    return all(place is not None and not is_stand_in(place.field) for place in found)


def _places(site: Site) -> dict[str, Position]:
    """Where the author asked for an index, by the name of its plan."""
    asked = {
        f"{PREFIX}index_{index_name(index)}": index.at if isinstance(index, IndexDef) else index[0].at
        for index in site.definition.indexes
    }
    for path in site.entity.all_paths():
        if path.field.index:
            part = path.field.type.query_part
            asked[f"{PREFIX}field_{path.storage}{f'.{part}' if part else ''}"] = path.field.at
    return asked


def _begins(plan: IndexPlan, other: IndexPlan) -> bool:
    """Whether the other index covers all records and has the same fields first, in the same order or its reverse."""
    if (
        plan.unique
        or other.partial is not None
        or other.sparse
        or not all(isinstance(way, int) for _, way in (*plan.keys, *other.keys))
    ):
        return False
    head = other.keys[: len(plan.keys)]
    turned = tuple((name, -way if isinstance(way, int) else way) for name, way in plan.keys)
    return head in (plan.keys, turned)
