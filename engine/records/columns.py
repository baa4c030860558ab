"""CSV to bodies: in go an entity, headers and rows of cells, out comes what a client would have sent for each row.

A header is a path (`name`, `address.state`, `addresses[0].city`, `company`, `company.taxId`), or the same in labels
joined by " > " (`Addresses[0] > City`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.errors import BadRequest, InvalidValue
from engine.fields.base import Capability, FieldType, Shape
from engine.schema import Entity, Field

_PART = re.compile(r"(.+?)(?:\[(\d{1,4})\])?")
_GUARDED = re.compile(r"'[=+\-@\t\r]")
"""How a cell begins that was kept from being taken for a formula."""

Key = str | int


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


@dataclass(slots=True)
class _Tree:
    """A container of a body while it is filled: an object, or a list of which some places may stay empty."""

    parts: dict[Key, Any] = field(default_factory=dict)

    def put(self, keys: Sequence[Key], value: Any) -> None:
        first, *rest = keys
        if rest:
            self.parts.setdefault(first, _Tree()).put(rest, value)
        else:
            self.parts[first] = value

    def build(self) -> Any:
        built = {key: part.build() if isinstance(part, _Tree) else part for key, part in self.parts.items()}
        if all(isinstance(key, int) for key in built):
            return [built[key] for key in sorted(built)]
        return built


class Columns:
    """The header line of one table; raises BadRequest where a header names no field, or two name the same."""

    def __init__(self, entity: Entity, headers: Iterable[str]) -> None:
        self.columns = tuple(_resolve(entity, header.strip()) for header in headers)
        for place, one in enumerate(self.columns):
            for other in self.columns[:place]:
                if all(mine == its for mine, its in zip(one.keys, other.keys, strict=False)):
                    raise BadRequest(f"The columns {other.header} and {one.header} are the same field")

    def read(self, cells: Sequence[str]) -> dict[str, Any]:
        """The body of a row, without its empty cells. A cell that its type cannot read stands there as it is, to be
        refused with all that is wrong with the body. Raises BadRequest where there are more cells than columns."""
        if len(cells) > len(self.columns):
            raise BadRequest(f"The row has {len(cells)} cells for {len(self.columns)} columns")
        tree = _Tree()
        for column, cell in zip(self.columns, cells, strict=False):
            text = cell[1:] if _GUARDED.match(cell) else cell
            if text and not column.dropped:
                tree.put(column.keys, _read(column.type, text))
        body: dict[str, Any] = tree.build() if tree.parts else {}
        return body


def _read(kind: FieldType | None, text: str) -> Any:
    if kind is None:
        return text
    try:
        return kind.render(kind.csv_in(text))
    except InvalidValue:
        return text


def _resolve(entity: Entity, header: str) -> Column:
    """The field that a header means, by names first and then by labels."""
    if header in {item.name for item in entity.system_fields}:
        return Column(header, (header,), dropped=True)
    for separator in (".", " > "):
        parts = [(part[1], part[2]) for part in map(_PART.fullmatch, header.split(separator)) if part is not None]
        if parts and _find(entity.by_name, entity.fields, parts[0][0]) is not None:
            return _walk(entity, header, parts)
    raise BadRequest(f"There is no field for the column {header!r} in {entity.name}")


def _walk(entity: Entity, header: str, parts: Sequence[tuple[str, str | None]]) -> Column:
    names, fields = entity.by_name, entity.fields
    keys: list[Key] = []
    writable = True
    for place, (name, index) in enumerate(parts, start=1):
        found = _find(names, fields, name)
        if found is None:
            raise BadRequest(f"There is no field for the column {header!r} in {entity.name}")
        if found.many is (index is None):
            wanted = f"{name}[0]" if found.many else name
            raise BadRequest(f"The column {header!r} does not fit {found.path}: write {wanted}")
        keys.extend((found.name,) if index is None else (found.name, int(index)))
        writable = writable and found.writable
        last = place == len(parts)
        if found.type.shape is Shape.NESTED:
            if last:
                raise BadRequest(f"The column {header!r} is a group of fields: write one of them behind it")
            names, fields = found.by_name, found.fields
            continue
        if writable and Capability.IMPORT not in found.type.capabilities:
            raise BadRequest(
                f"The column {header!r} cannot be read from CSV: {found.path} is of type {found.type.name}"
            )
        if found.type.shape is Shape.REFERENCE and place >= len(parts) - 1:
            keys.extend(key for key, _ in parts[place:])
            return Column(header, tuple(keys), dropped=not writable)
        if last:
            return Column(header, tuple(keys), found.type, dropped=not writable)
        raise BadRequest(f"The column {header!r} goes below {found.path}, which has no fields inside")
    raise AssertionError("a header has parts")


def _find(names: Mapping[str, Field], fields: Sequence[Field], name: str) -> Field | None:
    return names.get(name) or next((item for item in fields if item.label == name), None)


__all__ = ["Column", "Columns"]
