"""Records to rows of CSV: in go an entity and the fields that are asked for, out come headers and the cells of records.

A list has a column for each of its places, as many as the longest one needs (`addresses[0].city`). Fields of the record
that a relationship points to stand behind it (`company.type`), in the rows of whoever points there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from engine.errors import BadRequest, Forbidden
from engine.fields.base import FieldType, Shape
from engine.permissions import Access
from engine.query import resolve_path
from engine.query.plan import SYSTEM_NAMES, check_visible, compared_path
from engine.records.columns import MOST_COLUMNS, Columns, Key, Target
from engine.records.csv_text import to_cell
from engine.schema import Entity, Field, FieldPath

MOST_FIELDS: Final = 1_000
"""Names that `_fields` of an export may hold."""

Row = Mapping[str, Any]
"""A record in a frame of cells."""
Related = Mapping[str, Mapping[str, Row]]
"""Records that relationships point to, by the relationship's path and their id."""
Widths = Mapping[str, int]
"""How many places lists need, by path."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A field that is exported: a column, or where `inner` is not empty, what of it has columns.

    With `abroad` the inner fields are those of the record that the relationship points to.
    """

    item: Field
    inner: tuple[Branch, ...] = ()
    abroad: bool = False


@dataclass(frozen=True, slots=True)
class Relation:
    """A relationship of which records are fetched, and the paths there that are shown."""

    path: FieldPath
    shown: frozenset[str]


@dataclass(frozen=True, slots=True)
class ExportFields:
    """The fields of an export, checked. `paths` are those of the record itself, `lists` those that may hold several
    values, outermost first."""

    branches: tuple[Branch, ...]
    paths: tuple[FieldPath, ...]
    lists: tuple[FieldPath, ...]
    relations: tuple[Relation, ...]

    @property
    def shown(self) -> frozenset[str]:
        """The paths that records are rendered with."""
        return frozenset(path.name for path in self.paths)


def plan_fields(entity: Entity, names: Sequence[str] | None, access: Access, target: Target) -> ExportFields:
    """The fields that a client names, None for all own ones that they may see.

    Raises BadRequest for what is no field or has no columns, and Forbidden for what the caller may not see.
    """
    if names is None:
        own = (_all_of(item, access) for item in entity.fields if _is_shown(item, access))
        branches = tuple(branch for branch in own if branch is not None)
    else:
        if len(names) > MOST_FIELDS:
            raise BadRequest(f"_fields takes at most {MOST_FIELDS} fields")
        wanted = [name for name in names if name not in SYSTEM_NAMES]
        branches = tuple(_named(entity, name, access, target) for name in wanted)
    if not branches:
        raise BadRequest("There is nothing to export: id, label and version have no columns, so name other fields")
    paths = {path.name: path for branch in branches for path in _own_paths(branch, ())}
    above = (FieldPath(path.fields[:depth]) for path in paths.values() for depth in range(1, len(path.fields) + 1))
    lists = {path.name: path for path in above if path.field.many}
    relations: dict[str, Relation] = {}
    for branch in branches:
        for found in _relations(branch, ()):
            known = relations.get(found.path.name, found)
            relations[found.path.name] = Relation(found.path, known.shown | found.shown)
    return ExportFields(branches, tuple(paths.values()), tuple(lists.values()), tuple(relations.values()))


# Fields


def _is_shown(item: Field, access: Access) -> bool:
    """Whether a field has a place where all are exported: it is stored, and its text is not kept from the caller."""
    if item.transient or item.read is False or access.hides(item.path):
        return False
    title = item.type.query_part
    return title not in item.by_name or not access.hides(f"{item.path}.{title}")


def _all_of(item: Field, access: Access) -> Branch | None:
    """A whole field; None where a group holds nothing that is shown."""
    if item.type.shape is not Shape.NESTED:
        return Branch(item)
    inner = tuple(found for one in item.fields if _is_shown(one, access) and (found := _all_of(one, access)))
    return Branch(item, inner) if inner else None


def _named(entity: Entity, name: str, access: Access, target: Target) -> Branch:
    """The field that a client names, with what is around it."""
    own = entity.field_at(name)
    if own is not None:
        return _within(_checked(entity, name, access), access)
    depth = next((place for place in _cuts(name) if _leads_away(entity, name[:place])), None)
    if depth is None:
        resolve_path(entity, name, access)  # tells what is wrong with it
        raise AssertionError("an unknown path is refused")
    relation = _checked(entity, name[:depth], access)
    check_visible(f"{relation.name}.id", access)  # the record that is fetched would tell it
    there, their_access = target(relation.field)
    try:
        inner = _within(_checked(there, name[depth + 1 :], their_access), their_access)
    except BadRequest as error:
        raise BadRequest(f"{relation.name}: {error.message}") from None
    _check_abroad(inner, relation, there)
    return _around(relation, Branch(relation.field, (inner,), abroad=True))


def _cuts(name: str) -> Iterator[int]:
    return (place for place, letter in enumerate(name) if letter == ".")


def _leads_away(entity: Entity, name: str) -> bool:
    found = entity.field_at(name)
    return found is not None and found.field.reference is not None


def _checked(entity: Entity, name: str, access: Access) -> FieldPath:
    """A path that the caller may see and that is stored."""
    found = resolve_path(entity, name, access)
    for item in found.fields:
        if item.transient:
            raise BadRequest(f'The field "{found.name}" is not stored, so it cannot be exported')
        if item.read is False:
            raise Forbidden(f'You have no right to read the field "{found.name}"')
    return found


def _within(path: FieldPath, access: Access) -> Branch:
    """The branch of a path: the groups around its end, and all that is in it."""
    check_visible(compared_path(path), access)
    end = _all_of(path.field, access)
    if end is None:
        raise Forbidden(f'You have no right to read anything in the field "{path.name}"')
    return _around(path, end)


def _around(path: FieldPath, end: Branch) -> Branch:
    for item in reversed(path.fields[:-1]):
        end = Branch(item, (end,))
    return end


def _check_abroad(branch: Branch, relation: FieldPath, there: Entity) -> None:
    """A related record stands in the rows of many others, which have no room for as many columns as its lists need."""
    if branch.item.many:
        raise BadRequest(
            f'{relation.name}: the field "{branch.item.path}" holds several values, which have no columns in the rows '
            f"of other records; export {there.name} by itself"
        )
    for inner in branch.inner:
        _check_abroad(inner, relation, there)


def _own_paths(branch: Branch, above: tuple[Field, ...]) -> Iterator[FieldPath]:
    here = (*above, branch.item)
    if branch.abroad:
        yield FieldPath((*here, branch.item.by_name["id"]))
    elif not branch.inner:
        yield FieldPath(here)
    else:
        for inner in branch.inner:
            yield from _own_paths(inner, here)


def _relations(branch: Branch, above: tuple[Field, ...]) -> Iterator[Relation]:
    here = (*above, branch.item)
    if branch.abroad:
        shown = frozenset(path.name for one in branch.inner for path in _own_paths(one, ()))
        yield Relation(FieldPath(here), shown)
    else:
        for inner in branch.inner:
            yield from _relations(inner, here)


# Columns


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """One column. `keys` lead to the value in a record; where `relation` is not None they lead to a reference, and
    `inner` to the value in the record that it points to."""

    name: str
    label: str
    keys: tuple[Key, ...]
    type: FieldType
    relation: str | None = None
    inner: tuple[str, ...] = ()

    def cell(self, record: Row, related: Related) -> str:
        """What stands in the row of a record, formulas disarmed; empty where there is nothing."""
        value = _walk(record, self.keys)
        if self.relation is not None:
            target = None if value is None else related[self.relation].get(value.get("id"))
            value = None if target is None else _walk(target, self.inner)
        if value is None:
            return ""
        if type(value) is dict:  # a reference, of which people read the title
            value = self.type.csv_out(value)
        return to_cell(value if type(value) is str else str(value))


class ExportColumns:
    """The columns of one file for one caller; raises BadRequest where there are too many."""

    def __init__(self, entity: Entity, fields: ExportFields, widths: Widths, access: Access, target: Target) -> None:
        self._read = partial(Columns, entity, access=access, target=target)
        found: dict[tuple[object, ...], ExportColumn] = {}
        for branch in fields.branches:
            for column in _columns(branch, _START, widths):
                found.setdefault((column.keys, column.relation, column.inner), column)
                if len(found) > MOST_COLUMNS:
                    raise BadRequest(
                        f"The file would have more than {MOST_COLUMNS} columns: name fewer fields with _fields, or "
                        "export with _format=json"
                    )
        self.columns = tuple(found.values())

    def headers(self, *, names: bool = False) -> list[str]:
        """The first line: names, or labels. A label that two columns share, or that would mean something else when the
        file is read again, gives way to names."""
        if names:
            return [column.name for column in self.columns]
        shared = Counter(column.label for column in self.columns)
        return [
            column.label if shared[column.label] == 1 and self._is_clear(column) else column.name
            for column in self.columns
        ]

    def row(self, record: Row, related: Related) -> list[str]:
        """The cells of a record."""
        return [column.cell(record, related) for column in self.columns]

    def _is_clear(self, column: ExportColumn) -> bool:
        """Whether the label means the same as the name where headers are read, and is no formula."""
        return to_cell(column.label) == column.label and self._meaning(column.label) == self._meaning(column.name)

    def _meaning(self, header: str) -> object:
        try:
            return _keys(self._read([header]))
        except BadRequest:
            return None


def _keys(table: Columns) -> object:
    """Where the cells of a table go, as far as it can be compared."""
    return [column.keys for column in table.columns], [(one.keys, _keys(one.columns)) for one in table.related]


@dataclass(frozen=True, slots=True)
class _Walked:
    """The way to a column: how it is called so far, and its keys on this side and on the other."""

    names: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()
    path: tuple[str, ...] = ()
    relation: str | None = None
    inner: tuple[str, ...] = ()


_START: Final = _Walked()


def _columns(branch: Branch, above: _Walked, widths: Widths) -> Iterator[ExportColumn]:
    item = branch.item
    path = (*above.path, item.name)
    places = range(max(1, widths.get(".".join(path), 0))) if item.many else (None,)
    for place in places:
        index = "" if place is None else f"[{place}]"
        own = above.relation is None
        here = replace(
            above,
            names=(*above.names, item.name + index),
            labels=(*above.labels, item.label + index),
            keys=above.keys
            if not own
            else (*above.keys, item.name)
            if place is None
            else (*above.keys, item.name, place),
            path=path,
            inner=above.inner if own else (*above.inner, item.name),
        )
        if not branch.inner:
            yield ExportColumn(
                ".".join(here.names), " > ".join(here.labels), here.keys, item.type, here.relation, here.inner
            )
        if branch.abroad:
            here = replace(here, relation=".".join(path))
        for inner in branch.inner:
            yield from _columns(inner, here, widths)


def _walk(record: Any, keys: Iterable[Key]) -> Any:
    """The value that keys lead to; None where the way ends early."""
    found = record
    for key in keys:
        if not found:
            return None
        if type(key) is not int:
            found = found.get(key)
        elif key < len(found):
            found = found[key]
        else:
            return None
    return found


# Widths


def longest(record: Row, path: FieldPath) -> int:
    """How many values the longest list at a path of a record holds."""
    holders: list[Any] = [record]
    for item in path.fields[:-1]:
        inner = (one.get(item.name) for one in holders if one)
        holders = [each for found in inner for each in (found or ())] if item.many else list(inner)
    return max((len(one.get(path.field.name) or ()) for one in holders if one), default=0)


__all__ = [
    "MOST_FIELDS",
    "Branch",
    "ExportColumn",
    "ExportColumns",
    "ExportFields",
    "Related",
    "Relation",
    "Widths",
    "longest",
    "plan_fields",
]
