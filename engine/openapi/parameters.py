"""Query parameters as OpenAPI tells them: in go what an entity and an operation take, out come parameter objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from engine.fields.base import Capability
from engine.jobs.query import STATUSES, JobType
from engine.openapi.schemas import Schema
from engine.query import OPERATORS, PARAMETERS
from engine.query.given import LATEST, MOST_SIZE
from engine.query.lines import Level
from engine.query.operators import Takes
from engine.query.parse import MOST_OFFSET
from engine.query.patterns import MOST_PATTERN
from engine.records.audit import EVENT_TYPES
from engine.records.csv_reading import ENCODINGS
from engine.records.export_options import OF_LISTS, OPTIONS, Form
from engine.records.import_options import OPTIONS as IMPORT_OPTIONS
from engine.schema import Entity, FieldPath

Json = dict[str, Any]

OF_READS: Final = ("_fields", "_format", "_formatForUser", "_relationshipsToFetch")
OF_SELECTIONS: Final = ("_query",)
FLAGS: Final[Mapping[str, str]] = {
    "_async": "do it in the background, and answer the job",
    "_lowPriority": "in the background, let other jobs go first",
    "_triggerEvents": "false: listeners do not hear of it",
    "_cascadeOperations": "false: records that refer to the deleted ones are left as they are",
    "_all": "without any filter, mean every record",
}
"""Flags of operations on many records, and what they mean."""

BOOLEAN: Final[Schema] = {"type": "boolean"}
NUMBER: Final[Schema] = {"type": "integer", "minimum": 0, "maximum": LATEST}
_OFFSET_ID: Final = "[0-9a-fA-F]{24}"
_SCHEMAS: Final[Mapping[str, Schema]] = {
    "_query": {"type": "string", "pattern": r"^\s*(and|or|filter)\s*\("},
    "_size": {"type": "integer", "minimum": 1, "maximum": MOST_SIZE},
    "_offset": {
        "anyOf": [
            {"type": "integer", "minimum": 0, "maximum": MOST_OFFSET},
            {"type": "string", "pattern": f"^{_OFFSET_ID}$"},
        ]
    },
    "_sortType": {"enum": ["asc", "desc"]},
    "_format": {"enum": ["native", "plainText"]},
    "_formatForUser": {"type": "string", "minLength": 1},
    "_total": BOOLEAN,
    "_explain": BOOLEAN,
}


def query(name: str, description: str, schema: Mapping[str, Any] | None = None, *, required: bool = False) -> Json:
    """One parameter of the query string."""
    given = {"name": name, "in": "query", "description": description, "schema": dict(schema or {"type": "string"})}
    return given | ({"required": True} if required else {})


def together(name: str, description: str, properties: Mapping[str, Schema], **rules: Any) -> Json:
    """Parameters that depend on each other, as the properties of one object; `rules` is JSON Schema of that object."""
    schema = {"type": "object", "properties": dict(properties), "additionalProperties": False, **rules}
    return query(name, description, schema) | {"style": "form", "explode": True}


def system(names: Iterable[str], entity: Entity) -> list[Json]:
    """System parameters of the query language, without those that an entity has nothing for."""
    found = []
    for name in names:
        if name in _WORDS:
            continue
        able = _ABLE.get(name)
        if able is None:
            found.append(query(name, PARAMETERS[name], _SCHEMAS.get(name)))
        elif choices := list(able(entity)):
            found.append(_list_of(name, PARAMETERS[name], choices, least=int(name in _NEVER_EMPTY)))
    indexes = [index.name for index in entity.indexes if index.kind == "text"]
    if indexes and not _WORDS.isdisjoint(names):
        told: dict[str, Schema] = {
            "_indexedFilter": {"enum": indexes},
            "_indexedFilterQuery": {"type": "string", "minLength": 1},
        }
        described = {name: schema | {"description": PARAMETERS[name]} for name, schema in told.items()}
        found.append(together("search", "Words to search for in a text index", described, minProperties=2))
    return found


def flags(names: Iterable[str]) -> list[Json]:
    """Flags that are true or false."""
    return [query(name, FLAGS[name], BOOLEAN) for name in names]


def filter_of(entity: Entity) -> Json:
    """The filters of an entity: each path is a parameter of its own, `state=active` or `size=greater(100)`."""
    paths = {path.name: _tested(path) for path in entity.all_paths()}
    properties = {name: {"type": "string", "description": told} for name, told in paths.items() if told}
    return together(
        "filter",
        "Filters by field, joined by AND: a value, several with commas, or one of the operators",
        properties,
    )


def _tested(path: FieldPath) -> str:
    able = path.field.type.capabilities
    return ", ".join(
        name for name, one in OPERATORS.items() if one.capability in able and one.takes is not Takes.USER_FIELD
    )


def _list_of(name: str, description: str, choices: Iterable[str], least: int = 0) -> Json:
    """Names with commas between them."""
    items: Schema = {"type": "array", "items": {"type": "string", "enum": list(choices)}}
    items |= {"minItems": least} if least else {}
    return query(name, description, items) | {"style": "form", "explode": False}


def _sorted_by(entity: Entity) -> Iterable[str]:
    for path in entity.all_paths():
        if not path.many and _has_order(path):
            yield path.name
            yield f"-{path.name}"


def _has_order(path: FieldPath) -> bool:
    hidden = any(one.sensitive or one.transient for one in path.fields)
    return Capability.SORT in path.field.type.capabilities and not hidden


_WORDS: Final = frozenset({"_indexedFilter", "_indexedFilterQuery"})
_ABLE: Final[Mapping[str, Callable[[Entity], Iterable[str]]]] = {
    "_fields": lambda entity: (path.name for path in entity.all_paths()),
    "_sortField": _sorted_by,
    "_relationshipsToFetch": lambda entity: (path.name for path in entity.all_paths() if path.field.reference),
}
"""Parameters that take names of fields, and which."""
_NEVER_EMPTY: Final = frozenset({"_sortField", "_relationshipsToFetch"})


# parameters that are the same for all entities; what is left empty counts as not given


def _or_empty(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "string", "maxLength": 0}]}


_PART: Final[Schema] = {"type": "string", "maxLength": MOST_PATTERN}
_INSTANT: Final = _or_empty(NUMBER)
PAGE: Final = (
    query("_size", f"how many items to return, 1 to {MOST_SIZE}", _or_empty(_SCHEMAS["_size"])),
    query("_offset", "the offset that the page before answered", {"type": "string", "pattern": f"^({_OFFSET_ID})?$"}),
)
_SPAN: Final = (query("from", "ms since 1970", _INSTANT), query("to", "ms since 1970", _INSTANT))
LOG: Final = (
    query(
        "period",
        "a span such as 3h 30m, today or yesterday; wins over from and to",
        {"type": "string", "pattern": "^((today|yesterday)|[0-9]{1,3} ?(M|d|h|m|s)( [0-9]{1,3} ?(M|d|h|m|s)){0,4})?$"},
    ),
    *_SPAN,
    _list_of("level", "how much the lines matter", (level.value for level in Level)),
    query("message", "a part of the message", _PART),
    *PAGE,
)
APP_LOG: Final = (query("userEmail", "a part of the user's e-mail address", _PART), *LOG)
TRAIL: Final = (
    _list_of("eventTypes", "types of events", sorted(set(EVENT_TYPES.values()))),
    *_SPAN,
    *PAGE,
)
JOBS: Final = (
    _list_of("type", "types of jobs", (one.value for one in JobType)),
    _list_of("status", "statuses", STATUSES),
    query("hasErrors", "whether something went wrong", _or_empty(BOOLEAN)),
    *(
        query(f"{name}{end}", "ms since 1970", _INSTANT)
        for name in ("start", "end", "create")
        for end in ("From", "To")
    ),
    *PAGE,
)
REVERT: Final = (query("to", "the version", NUMBER, required=True),)
COOKIE: Final = (query("cookie", "true sets the token as a cookie, too", BOOLEAN),)
RIGHTS: Final = (
    together(
        "whose",
        "Whose rights are meant; the caller's unless given",
        {
            "groups": {"type": "string", "description": "members of these groups, separated by commas"},
            "user": {"type": "string", "description": "the user with this e-mail address"},
        },
        maxProperties=1,
    ),
)
_PAST: Final = together(
    "past",
    "The record as it was, from its audit trail",
    {
        "_version": NUMBER | {"description": "at this version"},
        "_asOf": NUMBER | {"description": "then, in ms since 1970"},
    },
    maxProperties=1,
)


def of_lists(entity: Entity) -> list[Json]:
    """What a list takes."""
    return [filter_of(entity), *system(PARAMETERS, entity)]


def of_reads(entity: Entity) -> list[Json]:
    """What reading one record takes."""
    return [*system(OF_READS, entity), _PAST]


def of_selections(entity: Entity, names: Iterable[str]) -> list[Json]:
    """What an operation on all records of a query takes; `names` are its flags."""
    return [filter_of(entity), *system(OF_SELECTIONS, entity), *flags(names)]


def of_exports(entity: Entity) -> list[Json]:
    """What an export takes."""
    columns = [name for name in OF_LISTS if name != "_relationshipsToFetch"]  # which has none
    most = query("_size", "how many records to write; all unless given", _SCHEMAS["_size"] | {"maximum": MOST_OFFSET})
    listed = [most if one["name"] == "_size" else one for one in system(columns, entity)]
    schemas: Mapping[str, Schema] = {"_format": {"enum": [form.value for form in Form]}}
    own = [query(name, option.description, schemas.get(name, BOOLEAN)) for name, option in OPTIONS.items()]
    return [filter_of(entity), *listed, *own]


def of_imports() -> list[Json]:
    """What an import takes."""
    return [
        query(name, _import_notes(name), {"enum": list(ENCODINGS)} if name == "encoding" else BOOLEAN)
        for name in IMPORT_OPTIONS
    ]


def import_fields() -> dict[str, Schema]:
    """What an import takes as fields of its form, which are texts."""
    return {
        name: {"enum": list(ENCODINGS) if name == "encoding" else ["true", "false"], "description": _import_notes(name)}
        for name in IMPORT_OPTIONS
    }


def _import_notes(name: str) -> str:
    if name == "encoding":
        return "how the file is encoded, where it does not tell by itself"
    return "for developers only, where it is false" if IMPORT_OPTIONS[name].developers else ""


__all__ = [
    "APP_LOG",
    "COOKIE",
    "FLAGS",
    "JOBS",
    "LOG",
    "NUMBER",
    "PAGE",
    "REVERT",
    "RIGHTS",
    "TRAIL",
    "filter_of",
    "flags",
    "import_fields",
    "of_exports",
    "of_imports",
    "of_lists",
    "of_reads",
    "of_selections",
    "query",
    "system",
    "together",
]
