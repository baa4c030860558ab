"""The pairs of a query string to a ListQuery: names without `_` filter, names with `_` are system parameters.

No schema is looked at. Any pairs give a ListQuery or BadRequest, in time linear in their length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeVar

from engine.errors import BadRequest, did_you_mean
from engine.query.expression import parse_expression
from engine.query.maps import filter_of, read_value
from engine.query.syntax import AllOf, Filter, Format, ListQuery, SortItem, TextSearch
from engine.query.values import Budget, shorten

PARAMETERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "_query": "an expression of and(…), or(…) and filter('path','value'), joined with the other filters by AND",
        "_size": "how many items to return, 1 to 1000; 20 unless given",
        "_offset": "how many records to skip or, where the list is sorted by id, the id after which to start",
        "_cursor": "the cursor that the page before answered, or nothing to begin: steady while others write",
        "_sortField": "fields to sort by, separated by commas; id unless given; a leading - sorts downwards",
        "_sortType": "asc or desc, for the sort fields without -; desc unless given",
        "_fields": "fields to return, separated by commas; a group brings all its fields; all unless given",
        "_relationshipsToFetch": "relationships to replace by the records that they point to, separated by commas",
        "_format": "native, or plainText for values as people read them",
        "_formatForUser": "id or e-mail of the user in whose language and time zone plain text is written",
        "_indexedFilter": "the name of a text index to search with",
        "_indexedFilterQuery": "the words to search for with _indexedFilter",
        "_total": "false leaves the number of all matches out",
        "_explain": "true tells how the database finds the records",
    }
)
"""Every system parameter, and what it means."""

MOST_OFFSET: Final = 2**31 - 1
_TRUTH: Final = {"true": True, "false": False}
_DIRECTIONS: Final = {"asc": False, "desc": True}
_is_id: Final[Callable[[str], object]] = re.compile("[0-9a-fA-F]{24}").fullmatch
_is_whole: Final[Callable[[str], object]] = re.compile("[0-9]{1,10}").fullmatch
_EVERYTHING: Final = ListQuery()
_Choice = TypeVar("_Choice")


def parse_query(pairs: Sequence[tuple[str, str]], flags: Iterable[str] = ()) -> ListQuery:
    """Reads decoded name-value pairs in their order; raises BadRequest, naming the parameter.

    `flags` are the parameters that the operation has taken out already: what an unknown one may have meant.
    """
    if not pairs:
        return _EVERYTHING
    budget = Budget()
    given: dict[str, str] = {}
    expressions: list[str] = []
    filters: list[Filter] = []
    for name, text in pairs:
        if not name:
            raise BadRequest("A filter needs a field's name before the =")
        if not name.startswith("_"):
            filters.append(filter_of(name, read_value(name, text), budget))
        elif name not in PARAMETERS:
            hint = did_you_mean(name, (*PARAMETERS, *flags)) if len(name) <= 64 else None
            raise BadRequest(f"There is no parameter {name[:64]}{f'; {hint}' if hint else ''}")
        elif name in given and name != "_query":
            raise BadRequest(f"{name} may be given only once")
        else:
            given[name] = text
            if name == "_query":
                expressions.append(text)
    filters += [parse_expression(text, budget) for text in expressions]
    descending = _choice(given, "_sortType", _DIRECTIONS, True)
    formats = {item.value: item for item in Format}
    return ListQuery(
        filter=None if not filters else filters[0] if len(filters) == 1 else AllOf(tuple(filters)),
        size=_whole(given, "_size"),
        offset=given["_offset"].lower() if _is_id(given.get("_offset", "")) else _whole(given, "_offset"),
        sort=tuple(_sort_item(name, descending) for name in _names(given, "_sortField") or ()),
        descending=descending,
        fields=_names(given, "_fields") if given.get("_fields") else None,
        relationships=_names(given, "_relationshipsToFetch") or (),
        format=_choice(given, "_format", formats, Format.NATIVE),
        format_for_user=_format_for_user(given),
        search=_search(given),
        total=_choice(given, "_total", _TRUTH, True),
        cursor=given.get("_cursor"),
        explain=_choice(given, "_explain", _TRUTH, False),
        given=tuple(given),
    )


def _names(given: Mapping[str, str], parameter: str) -> tuple[str, ...] | None:
    text = given.get(parameter)
    if text is None:
        return None
    names = tuple(text.split(","))
    if "" in names:
        raise BadRequest(f"{parameter} takes names separated by commas; one of them is empty")
    return names


def _sort_item(name: str, descending: bool) -> SortItem:
    return SortItem(name[1:], True) if name.startswith("-") else SortItem(name, descending)


def _whole(given: Mapping[str, str], parameter: str) -> int | None:
    text = given.get(parameter)
    if text is None:
        return None
    if not _is_whole(text) or int(text) > MOST_OFFSET:
        wanted = "a whole number from 0 or a record's id" if parameter == "_offset" else "a whole number"
        raise BadRequest(f"{parameter} takes {wanted}, not {shorten(text)}")
    return int(text)


def _choice(given: Mapping[str, str], parameter: str, choices: Mapping[str, _Choice], default: _Choice) -> _Choice:
    text = given.get(parameter)
    if text is None:
        return default
    if text not in choices:
        raise BadRequest(f"{parameter} takes {' or '.join(choices)}, not {shorten(text)}")
    return choices[text]


def _format_for_user(given: Mapping[str, str]) -> str | None:
    user = given.get("_formatForUser")
    if user is not None and given.get("_format") != Format.PLAIN_TEXT:
        raise BadRequest("_formatForUser works with _format=plainText only")
    if user == "":
        raise BadRequest("_formatForUser takes the id or the e-mail of a user")
    return user


def _search(given: Mapping[str, str]) -> TextSearch | None:
    index, words = given.get("_indexedFilter"), given.get("_indexedFilterQuery")
    if index is None and words is None:
        return None
    if not index or not words:
        raise BadRequest("_indexedFilter and _indexedFilterQuery go together: the name of a text index, and words")
    return TextSearch(index, words)


__all__ = ["MOST_OFFSET", "PARAMETERS", "parse_query"]
