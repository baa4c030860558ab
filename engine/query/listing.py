"""Queries to plans: what a list or a read brings, in which order, and which of its fields are shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from engine.errors import BadRequest, Forbidden, did_you_mean
from engine.fields.base import Capability, Shape
from engine.query.condition import ALWAYS, Condition, Every, Place, Test, all_of, span_of
from engine.query.cost import most_matches
from engine.query.matches import Match, Near, Range
from engine.query.periods import Clock
from engine.query.plan import (
    SYSTEM_NAMES,
    Access,
    check_visible,
    compared_path,
    plan_filter,
    resolve_path,
    resolve_search,
)
from engine.query.syntax import Format, ListQuery, SortItem, TextSearch
from engine.query.words import find_words, parse_words
from engine.schema import Entity, FieldPath

DEFAULT_SIZE: Final = 20
MOST_SIZE: Final = 1_000
MOST_SORT_FIELDS: Final = 8
MOST_FIELDS: Final = 200
_SELECTION_PARAMETERS: Final = frozenset({"_query"})
_READ_PARAMETERS: Final = frozenset({"_fields", "_relationshipsToFetch", "_format", "_formatForUser"})


@dataclass(frozen=True)
class Output:
    """What is shown of records.

    `shown` holds dotted paths by present names, None is everything; `projection` the stored paths that rendering needs,
    None for whole documents. `relationships` are to be replaced by the records that they point to.
    """

    shown: frozenset[str] | None
    projection: tuple[str, ...] | None
    relationships: tuple[FieldPath, ...]
    format: Format
    format_for_user: str | None


@dataclass(frozen=True)
class ListPlan:
    """A checked list. `condition` holds the row filter too; `after` continues a list that is sorted by id.

    `nearest` is the place whose distance orders the records instead of `sort`. `words` selects what `search` does, for
    databases without text search. `binding` tells this list, whatever its page, from others
    with cursors.
    """

    condition: Condition
    after: Condition | None
    sort: tuple[tuple[str, int], ...]
    by_id: bool
    skip: int
    limit: int
    total: bool
    explain: bool
    cursor: str | None
    binding: str
    search: TextSearch | None
    words: Condition
    nearest: tuple[Place, Near] | None
    output: Output

    @property
    def shown(self) -> frozenset[str] | None:
        """The paths to show; None is everything."""
        return self.output.shown

    @property
    def relationships(self) -> tuple[FieldPath, ...]:
        """References to be replaced by records."""
        return self.output.relationships

    @property
    def projection(self) -> tuple[str, ...] | None:
        """Stored paths to fetch; None is everything."""
        return self.output.projection

    @cached_property
    def counts_itself(self) -> bool:
        """Whether the page holds every match for certain, so that its length is their number."""
        most = most_matches(self.condition)
        return most is not None and most <= self.limit and not self.skip and self.after is None and self.search is None

    def next_offset(self, count: int, last_id: str) -> int | str:
        """What to pass as `_offset` for the page after one of `count` items that ended with `last_id`."""
        return last_id if self.by_id else self.skip + count


def plan_list(entity: Entity, query: ListQuery, access: Access, clock: Clock, *, most: int = MOST_SIZE) -> ListPlan:
    """Checks a whole query and joins the caller's row filter; raises BadRequest and Forbidden, also for more than
    `most` records at once."""
    asked = ALWAYS if query.filter is None else plan_filter(entity, query.filter, access, clock)
    condition = asked if access.row_filter is None else all_of((asked, access.row_filter))
    nearest = None if query.sort else _nearest(asked)
    order = query.sort or (SortItem("id", query.descending),)
    sort = _plan_sort(entity, order, access)
    by_id = sort[0][0] == "_id" and nearest is None
    if query.cursor is not None and (query.offset is not None or nearest is not None):
        raise BadRequest("_cursor goes neither with _offset nor with the order of distance; give a _sortField")
    after, skip = None, 0
    if isinstance(query.offset, str):
        if not by_id:
            raise BadRequest("_offset takes a record's id only where the list is sorted by id; pass a number")
        after = _after(entity, query.offset, descending=sort[0][1] < 0)
    elif query.offset is not None:
        skip = query.offset
    size = DEFAULT_SIZE if query.size is None else query.size
    if not 1 <= size <= most:
        raise BadRequest(f"_size must be between 1 and {most}, not {size}")
    return ListPlan(
        condition=condition,
        after=after,
        sort=sort,
        by_id=by_id,
        skip=skip,
        limit=size,
        total=query.total,
        explain=query.explain,
        cursor=query.cursor,
        binding="" if query.cursor is None else repr((entity.name, query.filter, query.search, sort)),
        search=query.search,
        words=ALWAYS if query.search is None else _plan_search(entity, query.search, access),
        nearest=nearest,
        output=plan_output(entity, query, access),
    )


def plan_read(entity: Entity, query: ListQuery, access: Access) -> Output:
    """What is shown of one record; raises BadRequest for parameters that only lists take."""
    if query.filter is not None:
        raise BadRequest("Reading one record takes no filter")
    for name in query.given:
        if name not in _READ_PARAMETERS:
            raise BadRequest(f"Reading one record does not take {name}, only {', '.join(sorted(_READ_PARAMETERS))}")
    return plan_output(entity, query, access)


def plan_selection(entity: Entity, query: ListQuery, access: Access, clock: Clock, *, everything: bool) -> Condition:
    """The rows that an operation over a query concerns, the caller's row filter joined.

    Raises BadRequest for parameters of pages, and for no filter at all unless `everything` says that all are meant.
    """
    for name in query.given:
        if name not in _SELECTION_PARAMETERS:
            raise BadRequest(f"{name} says what a page shows; an operation over a query takes filters only")
    if query.filter is None and not everything:
        raise BadRequest("Without a filter this would concern every record: give one, or add _all=true")
    asked = ALWAYS if query.filter is None else plan_filter(entity, query.filter, access, clock)
    return asked if access.row_filter is None else all_of((asked, access.row_filter))


# Order


def _plan_sort(entity: Entity, order: Iterable[SortItem], access: Access) -> tuple[tuple[str, int], ...]:
    found: dict[str, int] = {}
    for item in order:
        path = resolve_search(entity, item.path, access)
        kind = path.field.type
        if path.many:
            raise BadRequest(f"_sortField: {path.name} holds several values, which have no order")
        if Capability.SORT not in kind.capabilities:
            raise BadRequest(f"_sortField: {path.name} cannot be sorted by{_inner_hint(path)}")
        if any(one.sensitive for one in path.fields):
            raise BadRequest(f"_sortField: {path.name} is sensitive and cannot be sorted by")
        if access.guard(compared_path(path)) is not None:
            raise Forbidden(f'You have no right to read the field "{path.name}" of every record, so it gives no order')
        storage = path.storage if kind.query_part is None else f"{path.storage}.{kind.query_part}"
        if storage in found:
            raise BadRequest(f"_sortField names {path.name} twice")
        found[storage] = -1 if item.descending else 1
        if storage == "_id":
            return tuple(found.items())  # ids are unique: nothing is left to sort
        if len(found) > MOST_SORT_FIELDS:
            raise BadRequest(f"_sortField takes at most {MOST_SORT_FIELDS} fields")
    return (*found.items(), ("_id", next(iter(found.values()))))


def _inner_hint(path: FieldPath) -> str:
    return "; sort by one of its inner fields" if path.field.type.shape is Shape.NESTED else ""


def _after(entity: Entity, record_id: str, *, descending: bool) -> Condition:
    path = entity.field_at("id")
    assert path is not None, "every entity has an id"
    bound = span_of(path.field.type.parse_text(record_id)).low
    match: Match = Range(high=bound, high_included=False) if descending else Range(low=bound, low_included=False)
    return Test(Place(path), match)


def _nearest(condition: Condition) -> tuple[Place, Near] | None:
    """The place to sort by: that of the only `near` which every record meets."""
    parts = condition.parts if isinstance(condition, Every) else (condition,)
    found = [(part.place, part.match) for part in parts if isinstance(part, Test) and isinstance(part.match, Near)]
    return found[0] if len(found) == 1 else None


def _plan_search(entity: Entity, search: TextSearch, access: Access) -> Condition:
    indexes = {index.name: index for index in entity.indexes if index.kind == "text"}
    index = indexes.get(search.index)
    if index is None:
        hint = did_you_mean(search.index, indexes) if len(search.index) <= 64 else None
        raise BadRequest(f"_indexedFilter: there is no text index of that name{f'; {hint}' if hint else ''}")
    places: list[Place] = []
    for path in index.fields:
        found = resolve_search(entity, path, access)
        if any(item.sensitive for item in found.fields):
            raise BadRequest(f"_indexedFilter: {path} is sensitive and cannot be searched")
        if access.guard(found.name) is not None:
            raise Forbidden(f'You have no right to read the field "{path}" of every record, so it cannot be searched')
        places.append(Place(found))
    return find_words(parse_words(search.words), places)


# Fields


def plan_output(entity: Entity, query: ListQuery, access: Access) -> Output:
    """Checks what is to be shown; raises BadRequest and Forbidden."""
    relationships = tuple(_relationship(entity, name, access) for name in query.relationships)
    shown: frozenset[str] | None = None
    projection: tuple[str, ...] | None = None
    if query.fields is not None:
        if len(query.fields) > MOST_FIELDS:
            raise BadRequest(f"_fields takes at most {MOST_FIELDS} fields")
        paths = [resolve_path(entity, name, access) for name in query.fields]
        paths = [path for path in (*paths, *relationships) if path.name not in SYSTEM_NAMES]
        shown = frozenset(path.name for path in paths)
        projection = None if entity.has_conditional_fields else project(paths)
    return Output(shown, projection, relationships, query.format, query.format_for_user)


def _relationship(entity: Entity, name: str, access: Access) -> FieldPath:
    path = resolve_path(entity, name, access)
    if path.field.reference is None:
        raise BadRequest(f"_relationshipsToFetch: {path.name} is no relationship")
    check_visible(f"{path.name}.id", access)  # the record that is fetched would tell it
    return path


def project(paths: Iterable[FieldPath]) -> tuple[str, ...]:
    """The stored paths that rendering fields needs, without those below another one; groups keep their id and label."""
    wanted = {"version", "label"}
    for path in paths:
        wanted.add(path.storage)
        for depth, item in enumerate(path.fields[:-1], 1):
            above = ".".join(one.name for one in path.fields[:depth])
            wanted.update(f"{above}.{part}" for part in ("id", "label", item.type.query_part) if part in item.by_name)
    return tuple(sorted(path for path in wanted if not _covered(path, wanted)))


def _covered(path: str, wanted: set[str]) -> bool:
    while (cut := path.rfind(".")) >= 0:
        path = path[:cut]
        if path in wanted:
            return True
    return False


__all__ = [
    "DEFAULT_SIZE",
    "MOST_SIZE",
    "ListPlan",
    "Output",
    "plan_list",
    "plan_output",
    "plan_read",
    "plan_selection",
    "project",
]
