"""CSV to bodies: in go an entity, headers and rows of cells, out comes what a client would have sent for each row.

A header is a path (`name`, `address.state`, `addresses[0].city`, `company`, `company.taxId`), or the same in labels
joined by " > " (`Addresses[0] > City`). A relationship by itself holds the label of its record, or with a lookup field
behind it the value of that; with other fields of its record it becomes a table inside the table, see Related.

An empty cell of a new record is not sent, and one of a record that is there already clears the field. Columns of a
list concern the places that they name, and no others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from engine.errors import BadRequest, InvalidValue, did_you_mean
from engine.fields.base import Capability, Shape
from engine.permissions import FULL_ACCESS, Access
from engine.records.csv_bodies import Cells, Column, Key, Links, Node, Row, read_cell, text_at
from engine.records.csv_text import from_cell
from engine.records.forms import Record, value_storer
from engine.schema import Entity, Field, FieldPath

MOST_COLUMNS: Final = 16_384
"""Columns of one table: what spreadsheets can hold."""
_PART = re.compile(r"(.+?)(?:\[(\d{1,4})\])?")

Part = tuple[str, str | None]
"""A name or label, and the index behind it."""
Target = Callable[[Field], tuple[Entity, Access]]
"""Where a relationship leads, and what the caller may do there."""


@dataclass(frozen=True, slots=True)
class Related:
    """A table inside the table: columns of the record that a relationship at `keys` points to."""

    keys: tuple[Key, ...]
    item: Field
    columns: Columns


@dataclass(frozen=True, slots=True)
class MatchKey:
    """What tells which record a row is about: the stored path of a unique field, and its stored value."""

    path: str
    value: Any


class Columns:
    """The header line of one table; raises BadRequest where a header names no field, or two name the same.

    A field that `access` hides is as good as none. Without a `target` nothing is known of related records. Columns that
    may not be written, or whose type cannot be read from CSV, are dropped, and those of fields that are not stored
    where they are not `transient`.
    """

    def __init__(
        self,
        entity: Entity,
        headers: Iterable[str],
        access: Access = FULL_ACCESS,
        target: Target | None = None,
        *,
        transient: bool = True,
    ) -> None:
        written = [from_cell(header).strip() for header in headers]
        if len(written) > MOST_COLUMNS:
            raise BadRequest(f"The table has {len(written)} columns: at most {MOST_COLUMNS} can be read")
        self.count = len(written)
        self._transient = transient
        self._build(entity, [_Header(place, text) for place, text in enumerate(written)], access, target)

    def _inside(self, entity: Entity, headers: Sequence[_Header], access: Access, target: Target) -> Columns:
        """The table inside this one."""
        inner = Columns.__new__(Columns)
        inner.count = self.count
        inner._transient = self._transient
        inner._build(entity, headers, access, target)
        return inner

    def _build(self, entity: Entity, headers: Sequence[_Header], access: Access, target: Target | None) -> None:
        self.entity = entity
        self.access = access
        columns: list[Column] = []
        abroad: dict[tuple[Key, ...], list[tuple[Field, _Header]]] = {}
        for header in headers:
            found = _Walk(entity, header, access, target, self._transient).resolve()
            if isinstance(found, Column):
                columns.append(found)
            else:
                keys, item, rest = found
                abroad.setdefault(keys, []).append((item, rest))
        related = []
        for keys, inner in abroad.items():
            item, first = inner[0]
            assert target is not None
            there, rights = target(item)
            if len(inner) == 1 and (alone := _by_lookup(there, keys, first, rights)) is not None:
                columns.append(alone)
            else:
                related.append(Related(keys, item, self._inside(there, [one for _, one in inner], rights, target)))
        self.columns = tuple(sorted(columns, key=lambda column: column.place))
        self.related = tuple(related)
        self._tree = Node()
        for column in self.columns:
            self._tree.put(entity, column.keys, column.header, column)
        for number, one in enumerate(self.related):
            self._tree.put(entity, one.keys, one.columns.header, number)

    @property
    def header(self) -> str:
        """One of the headers, to name the table by."""
        return self.columns[0].header if self.columns else self.related[0].columns.header

    @cached_property
    def unique(self) -> Column | None:
        """The first column by which records are told apart."""
        return next((column for column in self.columns if column.path is not None), None)

    @cached_property
    def places(self) -> tuple[int, ...]:
        """The cells of a row that belong to the table, related records among them."""
        inner = (place for one in self.related for place in one.columns.places)
        return (*(column.place for column in self.columns if not column.dropped), *inner)

    def is_blank(self, cells: Cells) -> bool:
        """Whether a row has nothing for the table."""
        return not any(text_at(cells, place) for place in self.places)

    def check(self, cells: Cells) -> None:
        """Raises BadRequest where a row has more cells than there are columns."""
        if len(cells) > self.count:
            raise BadRequest(f"The row has {len(cells)} cells for {self.count} columns")

    def match_key(self, cells: Cells) -> MatchKey | None:
        """What tells which record a row is about; None where the row does not say so."""
        if self.unique is None or not (text := text_at(cells, self.unique.place)):
            return None
        assert self.unique.path is not None
        assert self.unique.type is not None
        try:
            value = self.unique.type.parse_json(read_cell(self.unique.type, text))
        except InvalidValue:
            return None  # to be refused with all that is wrong with the row
        store = value_storer(self.unique.path.field)
        return MatchKey(self.unique.path.storage, value if store is None else store(value))

    def read(
        self, cells: Cells, *, links: Links | None = None, old: Record | None = None, clear: bool = True
    ) -> dict[str, Any]:
        """The body of a row, for a new record or for the `old` one, of which empty cells `clear` fields or leave them
        as they are. A cell that its type cannot read stands there as it is, to be refused with all that is wrong with
        the body. Raises BadRequest where there are more cells than columns."""
        self.check(cells)
        body: dict[str, Any] = self._tree.read(Row(cells, links or {}, clear), old) or {}
        return body

    def header_at(self, place: str) -> str | None:
        """The header of the column that fills a field at a concrete path (`addresses[1].city`), where one does."""
        for column in self.columns:
            filled = _dotted(column.keys)
            if filled == place or (column.refers and filled.startswith(f"{place}.")):
                return column.header
        return next((one.columns.header for one in self.related if _dotted(one.keys) == place), None)


@dataclass(frozen=True, slots=True)
class _Header:
    """A header, or what of it is left behind a relationship; `text` is all of it."""

    place: int
    text: str
    rest: tuple[Part, ...] | None = None

    def ways(self) -> Iterator[tuple[Part, ...]]:
        """How it may be meant: as a path of names, or of labels."""
        if self.rest is not None:
            yield self.rest
            return
        for separator in (".", " > "):
            yield tuple((part[1], part[2]) for part in map(_PART.fullmatch, self.text.split(separator)) if part)


@dataclass(frozen=True, slots=True)
class _Walk:
    """From a header to its field."""

    entity: Entity
    header: _Header
    access: Access
    target: Target | None
    transient: bool

    def resolve(self) -> Column | tuple[tuple[Key, ...], Field, _Header]:
        """The column; or, for a field of a related record, where the relationship stands, and what is left."""
        place, text = self.header.place, self.header.text
        for parts in self.header.ways():
            if len(parts) == 1 and parts[0][0] in {item.name for item in self.entity.system_fields}:
                if self.header.rest is not None:
                    raise BadRequest(f"The column {text!r} stands alone: leave out other columns of that record")
                return Column(text, (parts[0][0],), dropped=True, place=place)
            if parts and self._find(self.entity.by_name, self.entity.fields, parts[0][0]) is not None:
                return self._walk(parts)
        raise self._unknown()

    def _walk(self, parts: Sequence[Part]) -> Column | tuple[tuple[Key, ...], Field, _Header]:
        names, fields = self.entity.by_name, self.entity.fields
        place, text = self.header.place, self.header.text
        keys: list[Key] = []
        walked: list[Field] = []
        writable = True
        for number, (name, index) in enumerate(parts, start=1):
            found = self._find(names, fields, name)
            if found is None:
                raise self._unknown()
            if found.many is (index is None):
                wanted = f"{name}[0]" if found.many else name
                raise BadRequest(f"The column {text!r} does not fit {found.path}: write {wanted}")
            keys.extend((found.name,) if index is None else (found.name, int(index)))
            walked.append(found)
            importable = Capability.IMPORT in found.type.capabilities or found.type.shape is Shape.NESTED
            writable = writable and found.writable and importable and (self.transient or not found.transient)
            last = number == len(parts)
            if found.type.shape is Shape.NESTED:
                if last:
                    raise BadRequest(f"The column {text!r} is a group of fields: write one of them behind it")
                names, fields = found.by_name, found.fields
                continue
            if found.type.shape is Shape.REFERENCE and not last:
                return self._behind(found, tuple(keys), parts[number:], writable)
            if last:
                kind = None if found.type.shape is Shape.REFERENCE else found.type
                path = FieldPath(tuple(walked)) if writable and kind is not None and found.unique else None
                told_apart = path if path is not None and not path.many else None
                return Column(text, tuple(keys), kind, not writable, place, told_apart)
            raise BadRequest(f"The column {text!r} goes below {found.path}, which has no fields inside")
        raise AssertionError("a header has parts")

    def _behind(
        self, found: Field, keys: tuple[Key, ...], rest: Sequence[Part], writable: bool
    ) -> Column | tuple[tuple[Key, ...], Field, _Header]:
        place, text = self.header.place, self.header.text
        if writable and self.target is not None and found.reference is not None:
            return keys, found, _Header(place, text, tuple(rest))
        if len(rest) > 1:
            raise BadRequest(f"The column {text!r} goes below {found.path}, which has no fields inside")
        return Column(text, (*keys, rest[0][0]), dropped=not writable, place=place, refers=True)

    def _find(self, names: Mapping[str, Field], fields: Sequence[Field], name: str) -> Field | None:
        found = names.get(name) or next((item for item in fields if item.label == name), None)
        return None if found is None or self.access.hides(found.path) else found

    def _unknown(self) -> BadRequest:
        visible = [item.name for item in self.entity.fields if not self.access.hides(item.path)]
        hint = did_you_mean(self.header.text, visible)
        message = f"There is no field for the column {self.header.text!r} in {self.entity.name}"
        return BadRequest(f"{message}; {hint}" if hint else message)


def _by_lookup(there: Entity, keys: tuple[Key, ...], header: _Header, access: Access) -> Column | None:
    """The only column of a related record, where it merely names the record: by its id, its label or a lookup field."""
    assert header.rest is not None
    name, index = header.rest[0]
    if len(header.rest) > 1 or index is not None:
        return None
    if name in ("id", "label"):
        return Column(header.text, (*keys, name), place=header.place, refers=True)
    item = there.by_name.get(name) or next((one for one in there.fields if one.label == name), None)
    if item is None or not item.lookup or access.hides(item.path):
        return None
    return Column(header.text, (*keys, item.name), item.type, place=header.place, refers=True)


def _dotted(keys: Sequence[Key]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).removeprefix(".")


__all__ = ["MOST_COLUMNS", "Column", "Columns", "Key", "MatchKey", "Related", "Target"]
