"""Stored documents to records in value form and back: converters built once per entity from its fields.

A record in value form is a dict with id (24 hex), version, label and every field in definition order: unset single
fields hold their type's empty value, unset many fields [], a single nested group is always a dict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from typing import Any

from bson import ObjectId

from engine.fields.base import Shape
from engine.records.stored import Load, build_reader
from engine.schema import Entity, Field

Record = dict[str, Any]
Convert = Callable[[Any], Any]

GROUP_SYSTEM = frozenset({"id", "label"})
"""Names inside a nested group or reference that the engine itself fills."""


def derived_id(record_id: str, path: str) -> str:
    """The id of a single nested group that was never stored: always the same for one record and path."""
    return blake2b(f"{record_id}/{path}".encode(), digest_size=12).hexdigest()


def group_fields(item: Field) -> tuple[Field, ...]:
    """The declared fields inside a nested group or reference, without id and label."""
    return tuple(inner for inner in item.fields if inner.name not in GROUP_SYSTEM)


def stored_fields(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """The fields that reach the database."""
    return tuple(item for item in fields if not item.transient)


def build_loader(entity: Entity) -> Callable[[Mapping[str, Any]], Record]:
    """A function from a stored document to the record in value form."""
    fill = _filler(entity.fields)

    def load(document: Mapping[str, Any]) -> Record:
        record_id = str(document["_id"])
        record: Record = {"id": record_id, "version": document["version"], "label": document["label"]}
        fill(record, document, record_id)
        return record

    return load


class Glimpse(Mapping[str, Any]):
    """A stored document in value form, of which each field is converted when it is first asked for: for looking at few
    of many, before the document changes."""

    __slots__ = ("_document", "_id", "_known", "_loaders")

    def __init__(self, document: Mapping[str, Any], loaders: Mapping[str, Load]) -> None:
        self._document = document
        self._loaders = loaders
        self._id = str(document["_id"])
        self._known: Record = {"id": self._id, "version": document["version"], "label": document["label"]}

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            self._known[name] = self._loaders[name](self._document.get(name), self._id)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        yield from ("id", "version", "label")
        yield from self._loaders

    def __len__(self) -> int:
        return 3 + len(self._loaders)


def build_glimpse(entity: Entity) -> Callable[[Mapping[str, Any]], Glimpse]:
    """A function from a stored document to the record in value form, as far as it is looked at."""
    loaders = {item.name: field_loader(item) for item in stored_fields(entity.fields)}
    return lambda document: Glimpse(document, loaders)


def _filler(fields: tuple[Field, ...]) -> Callable[[Record, Mapping[str, Any], str], None]:
    plan = [(item.name, field_loader(item)) for item in stored_fields(fields)]

    def fill(record: Record, stored: Mapping[str, Any], record_id: str) -> None:
        for name, load in plan:
            record[name] = load(stored.get(name), record_id)

    return fill


def field_loader(item: Field) -> Load:
    """What reads the stored value of one field into value form."""
    return build_reader(item, _value_loader(item), item.type.empty)


def _value_loader(item: Field) -> Load | None:
    kind = item.type
    if kind.shape is Shape.NESTED:
        return _group_loader(item)
    if kind.shape is Shape.REFERENCE:
        fill = _filler(group_fields(item))

        def reference(stored: Any, record_id: str) -> Record:
            found: Record = kind.from_stored(stored)
            fill(found, stored, record_id)
            return found

        return reference
    if kind.same_stored:
        return None
    from_stored = kind.from_stored
    return lambda stored, record_id: from_stored(stored)


def _group_loader(item: Field) -> Load:
    fill = _filler(group_fields(item))
    path, label = item.path, item.label

    def group(stored: Any, record_id: str) -> Record:
        if stored is None:
            found: Record = {"id": derived_id(record_id, path), "label": label}
            fill(found, {}, record_id)
        else:
            found = {"id": str(stored["id"]), "label": stored.get("label", label)}
            fill(found, stored, record_id)
        return found

    return group


def build_storer(entity: Entity) -> Callable[[Record], dict[str, Any]]:
    """A function from a record in value form to the document: `_id`, version, label, then fields in order."""
    fill = _fields_storer(entity.fields)

    def store(record: Record) -> dict[str, Any]:
        document = {"_id": ObjectId(record["id"]), "version": record["version"], "label": record["label"]}
        document.update(fill(record))
        return document

    return store


def _fields_storer(fields: tuple[Field, ...], *, in_items: bool = False) -> Convert:
    """`in_items` says that these are fields of a many group's items, where unset unique ones are left out."""
    plan = [
        (item.name, item.many, value_storer(item, in_items=in_items), in_items and item.unique)
        for item in stored_fields(fields)
    ]

    def fill(record: Record) -> Record:
        stored: Record = {}
        for name, many, convert, left_out in plan:
            value = record.get(name)
            if left_out and (value is None or value == []):
                continue
            if convert is None or value is None:
                stored[name] = value
            elif many:
                stored[name] = [convert(one) for one in value]
            else:
                stored[name] = convert(value)
        return stored

    return fill


def value_storer(item: Field, *, in_items: bool = False) -> Convert | None:
    """A function from one value of the field to its stored form; None where both are the same.

    `in_items` says that the field stands in the items of a many group.
    """
    kind = item.type
    if kind.shape is Shape.NESTED:
        inner = _fields_storer(group_fields(item), in_items=in_items or item.many)
        return lambda value: {"id": ObjectId(value["id"]), "label": value["label"], **inner(value)}
    if kind.shape is Shape.REFERENCE:
        copies = _fields_storer(group_fields(item))
        return lambda value: {**kind.to_stored(value), **copies(value)}
    return None if kind.same_stored else kind.to_stored
