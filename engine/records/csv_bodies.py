"""Cells to a body: in go the columns of a table, put into a tree by where they go, and a row, out comes its body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.errors import BadRequest, InvalidValue
from engine.fields.base import FieldType, Shape
from engine.records.csv_text import from_cell
from engine.schema import Entity, Field, FieldPath

Key = str | int
Cells = Sequence[str]
Links = Mapping[int, Any]
"""What stands in a body for each related record, by the place of its table in `related`."""


@dataclass(frozen=True, slots=True)
class Column:
    """Where the cells of one column go in a body, and who reads them: the type of the field, or nobody.

    Cells of what points to another record go into the body as they are; those of fields that bodies cannot set are
    dropped.
    """

    header: str
    keys: tuple[Key, ...]
    type: FieldType | None = None
    dropped: bool = False
    place: int = 0
    """Which cell of a row it is."""
    path: FieldPath | None = None
    """The field whose unique values tell records apart, where the column has them."""
    refers: bool = False
    """Whether its cells stand inside of a reference, and say which record is meant."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it is read."""

    cells: Cells
    links: Links
    clear: bool


@dataclass(slots=True)
class Node:
    """A place in a body: an object or a list (of `item`) with `parts`, or a `leaf`: a column, or the number of a
    related record."""

    parts: dict[Key, Node] = field(default_factory=dict)
    item: Field | None = None
    leaf: Column | int | None = None
    header: str = ""

    def put(self, entity: Entity, keys: Sequence[Key], header: str, leaf: Column | int) -> None:
        """Puts a leaf where its keys lead; raises BadRequest where another one is, or is on the way."""
        node = self
        for number, key in enumerate(keys):
            if node.leaf is not None:
                raise _same(node.header, header)
            if isinstance(key, int):
                path = entity.field_at(".".join(one for one in keys[:number] if isinstance(one, str)))
                assert path is not None, "headers lead to fields"
                node.item = path.field
            node = node.parts.setdefault(key, Node(header=header))
        if node.leaf is not None or node.parts:
            raise _same(node.header, header)
        node.leaf = leaf

    def read(self, row: Row, old: Any) -> Any:
        """What the body has here; None for nothing. Where there is an old value, all of its parts are told."""
        if self.leaf is not None:
            return self._read_leaf(row)
        if self.item is not None:
            return self._read_list(self.item, row, old)
        if self.refers and self.is_blank(row):
            return None
        found = {}
        for name, node in self.parts.items():
            value = node.read(row, None if old is None else old.get(name) or {})
            if (value is not None or (old is not None and row.clear)) and not node.dropped:
                found[str(name)] = value
        return found or None

    @property
    def dropped(self) -> bool:
        """Whether bodies cannot set what is here."""
        if self.leaf is None:
            return all(node.dropped for node in self.parts.values())
        return isinstance(self.leaf, Column) and self.leaf.dropped

    @property
    def refers(self) -> bool:
        """Whether this is what is said of the record that a relationship points to."""
        return any(isinstance(node.leaf, Column) and node.leaf.refers for node in self.parts.values())

    def is_blank(self, row: Row) -> bool:
        """Whether the row has nothing for what is here."""
        if self.leaf is not None:
            return self._read_leaf(row) is None
        return all(node.is_blank(row) for node in self.parts.values())

    def _read_leaf(self, row: Row) -> Any:
        if not isinstance(self.leaf, Column):
            return row.links.get(self.leaf or 0)
        text = "" if self.leaf.dropped else text_at(row.cells, self.leaf.place)
        return read_cell(self.leaf.type, text) if text else None

    def _read_list(self, item: Field, row: Row, old: Any) -> list[Any] | None:
        """The values at the places that have some, and as they were at places of the old list that have no column."""
        before = old or []
        values = []
        for place in sorted({*(int(key) for key in self.parts), *range(len(before))}):
            node = self.parts.get(place)
            there = place < len(before)
            if node is not None and not node.is_blank(row):
                value = node.read(row, before[place] if there else None)
                if node.leaf is None and there:
                    value = {"id": before[place]["id"], **value}
                values.append(value)
            elif there and (node is None or not row.clear):
                values.append(_as_it_is(item, before[place]))
        return values if values or (old is not None and row.clear) else None


def _as_it_is(item: Field, value: Any) -> Any:
    """A value of a list (value form) as a body sends it back."""
    return item.type.render(value) if item.type.shape is Shape.SCALAR else {"id": value["id"]}


def _same(one: str, other: str) -> BadRequest:
    return BadRequest(f"The columns {one} and {other} are the same field")


def text_at(cells: Cells, place: int) -> str:
    """What a cell says; nothing where the row ends before it."""
    return from_cell(cells[place]) if place < len(cells) else ""


def read_cell(kind: FieldType | None, text: str) -> Any:
    """A cell as a body has it; what its type cannot read stays as it is, to be refused with the rest of the body."""
    if kind is None:
        return text
    try:
        return kind.render(kind.csv_in(text))
    except InvalidValue:
        return kind.csv_unread(text)


__all__ = ["Cells", "Column", "Key", "Links", "Node", "Row", "read_cell", "text_at"]
