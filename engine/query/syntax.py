"""What a client or an author asked for, before any schema is looked at: frozen trees of names and text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MOST_DEPTH = 16
"""How deep `and`, `or` and groups may nest in one filter."""
MOST_NODES = 200
"""Conditions, `and`, `or` and groups of one filter, counted together."""
MOST_VALUES = 1_000
"""Values of one filter, counted together."""


@dataclass(frozen=True, slots=True)
class Native:
    """A value that came as JSON (a number or a boolean) and not as text."""

    value: Any


class Source(StrEnum):
    """Where a filter of a definition may take a value from when it runs."""

    USER = "user"
    RECORD = "record"


@dataclass(frozen=True, slots=True)
class Reference:
    """`$user.path` or `$record.path` where a value could stand."""

    source: Source
    path: tuple[str, ...]


Argument = str | Native | Reference
"""One written argument of an operator: text to be parsed by the field's type, unless it is one of the others."""


@dataclass(frozen=True, slots=True)
class Compare:
    """`path` is compared by the named operator; `position` is the character of the source where it begins, if known.

    `group` is what the argument asks of a group's inner fields, where it is an object in a client's text: it counts
    where the path leads to a group.
    """

    path: str
    operator: str
    arguments: tuple[Argument, ...]
    position: int | None = None
    group: Filter | None = None


@dataclass(frozen=True, slots=True)
class Within:
    """One and the same element of the group at `path` meets the whole filter, whose paths start inside the group."""

    path: str
    filter: Filter
    position: int | None = None


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds; without parts it holds always."""

    parts: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Filter, ...]


Filter = Compare | Within | AllOf | AnyOf


class Format(StrEnum):
    """How values are written in the answer."""

    NATIVE = "native"
    PLAIN_TEXT = "plainText"


@dataclass(frozen=True, slots=True)
class SortItem:
    """One key of a sort order."""

    path: str
    descending: bool


@dataclass(frozen=True, slots=True)
class TextSearch:
    """Words to look for with the named text index."""

    index: str
    words: str


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A whole query string. `offset` is a count of records to skip, the id after which to start, or None.

    `cursor` goes on after a page; it is empty for the first one, and None where no cursor is asked for.
    `sort` is empty for the order by id, whose direction is then `descending`; `fields` is None for all fields.
    """

    filter: Filter | None = None
    size: int | None = None
    offset: int | str | None = None
    sort: tuple[SortItem, ...] = ()
    descending: bool = True
    fields: tuple[str, ...] | None = None
    relationships: tuple[str, ...] = ()
    format: Format = Format.NATIVE
    format_for_user: str | None = None
    search: TextSearch | None = None
    total: bool = True
    explain: bool = False
    cursor: str | None = None
    given: tuple[str, ...] = ()
    """The system parameters that were sent, by their public names."""


def comparisons(asked: Filter, above: str = "") -> Iterator[tuple[str, tuple[Argument, ...]]]:
    """Every comparison in a filter: the whole path that it looks at, and its arguments."""
    match asked:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from comparisons(part, above)
        case Within(path, inner):
            yield from comparisons(inner, f"{above}{path}.")
        case Compare(path):
            yield above + path, tuple(asked.arguments)


__all__ = [
    "MOST_DEPTH",
    "MOST_NODES",
    "MOST_VALUES",
    "AllOf",
    "AnyOf",
    "Argument",
    "Compare",
    "Filter",
    "Format",
    "ListQuery",
    "Native",
    "Reference",
    "SortItem",
    "Source",
    "TextSearch",
    "Within",
    "comparisons",
]
