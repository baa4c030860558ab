"""How an export is made: in go pairs of a request, out come its options and the query that is left; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from engine.errors import BadRequest
from engine.query import ListQuery, parse_query

Pairs = Sequence[tuple[str, str]]


class Form(StrEnum):
    """What the file is."""

    CSV = "csv"
    JSON = "json"
    NDJSON = "ndjson"

    @property
    def content_type(self) -> str:
        """The media type of the file."""
        return _CONTENT_TYPES[self]


_CONTENT_TYPES: Final[Mapping[Form, str]] = {
    Form.CSV: "text/csv; charset=utf-8",
    Form.JSON: "application/json",
    Form.NDJSON: "application/x-ndjson",
}


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """The options of one export."""

    form: Form = Form.CSV
    field_names: bool = False
    """Whether headers are names and not labels."""
    low_priority: bool = False


def _form(text: str) -> Form:
    if text not in list(Form):
        raise ValueError(", ".join(Form))
    return Form(text)


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("true or false")
    return text == "true"


@dataclass(frozen=True, slots=True)
class ExportOption:
    """One option: its attribute, how it is read (raises ValueError with what it takes) and what it means."""

    attribute: str
    read: Callable[[str], Any]
    description: str


OPTIONS: Final[Mapping[str, ExportOption]] = {
    "_format": ExportOption("form", _form, "what the file is: csv, json or ndjson; csv unless given"),
    "_useFieldNames": ExportOption("field_names", _truth, "true: headers of CSV are names, not labels"),
    "_lowPriority": ExportOption("low_priority", _truth, "true: let other jobs go first"),
}
"""By public name."""
OF_LISTS: Final = (
    "_query",
    "_size",
    "_offset",
    "_sortField",
    "_sortType",
    "_fields",
    "_relationshipsToFetch",
    "_indexedFilter",
    "_indexedFilterQuery",
)
"""The parameters of lists that exports take as well."""


def parse_export(pairs: Pairs) -> tuple[ExportOptions, ListQuery]:
    """What the pairs of a query string ask for; raises BadRequest, naming the parameter."""
    given: dict[str, Any] = {}
    rest = []
    for name, text in pairs:
        option = OPTIONS.get(name)
        if option is None:
            rest.append((name, text))
        elif option.attribute in given:
            raise BadRequest(f"{name} may be given only once")
        else:
            given[option.attribute] = _read(name, option, text)
    query = parse_query(rest, OPTIONS)
    for name in query.given:
        if name not in OF_LISTS:
            raise BadRequest(f"An export does not take {name}, only {', '.join((*OF_LISTS, *OPTIONS))}")
    options = replace(ExportOptions(), **given)
    if options.form is Form.CSV and query.relationships:
        raise BadRequest("_relationshipsToFetch has no columns: name fields such as company.type in _fields")
    if options.form is not Form.CSV and options.field_names:
        raise BadRequest(f"_useFieldNames is about the columns of CSV; {options.form} has names only")
    return options, query


def _read(name: str, option: ExportOption, text: str) -> Any:
    try:
        return option.read(text)
    except ValueError as error:
        raise BadRequest(f"{name} of an export takes {error}, not {text[:64]!r}") from None


__all__ = ["OF_LISTS", "OPTIONS", "ExportOption", "ExportOptions", "Form", "parse_export"]
