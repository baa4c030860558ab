"""The documentation of all field types as Markdown tables, made from the types themselves.

`python -m engine.fields.tables > app_definitions/FIELD_TYPES.md` writes it down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from bson import Decimal128, ObjectId
from bson.datetime_ms import DatetimeMS

from engine.fields import FIELD_TYPES
from engine.fields.base import Capability, FieldType, Key, Locale
from engine.fields.json_text import encode_json

_NAMES_OF_STORED: Mapping[type, str] = {
    str: "string",
    int: "int",
    bool: "bool",
    dict: "object",
    Decimal128: "decimal",
    DatetimeMS: "date",
    ObjectId: "objectId",
}

_FEATURES: Mapping[str, Capability] = {
    name.value: name
    for name in (
        Capability.MANY,
        Capability.DEFAULT,
        Capability.UNIQUE,
        Capability.REQUIRED,
        Capability.INDEX,
        Capability.SENSITIVE,
        Capability.CALCULATED,
        Capability.AGGREGATE,
    )
} | {"written by bodies": Capability.WRITE, "imported from CSV": Capability.IMPORT}

_OPERATORS: Mapping[str, Capability] = {
    "equals": Capability.EQUALS,
    "notEquals": Capability.NOT_EQUALS,
    "empty, notEmpty": Capability.EMPTY,
    "like": Capability.LIKE,
    "greater, less, between": Capability.ORDER,
    "near": Capability.NEAR,
    "relative words": Capability.INSTANT,
    "sort": Capability.SORT,
    "sum, avg": Capability.SUM,
    "min, max": Capability.EXTREMES,
    "first, last": Capability.FIRST_LAST,
}

_NOTHING: Final = "–"


def field_tables() -> dict[str, str]:
    """Markdown tables by title: what definitions may say, what queries may ask, how values look, keys of each type."""
    return {
        "What a field may carry": _capability_table(_FEATURES),
        "What queries and aggregates may ask": _capability_table(_OPERATORS),
        "How values look": _table(
            ("type", "JSON", "stored as", "query", "CSV", "plain text", "beyond its JSON Schema"),
            (_formats(kind) for kind in FIELD_TYPES.values()),
        ),
        "Keys of a type": _key_table(lambda kind: kind.keys),
        "Keys of display": _key_table(lambda kind: kind.display_keys),
    }


def render_page() -> str:
    """The page with all tables."""
    tables = "\n\n".join(f"## {title}\n\n{table}" for title, table in field_tables().items())
    return f"# Field types\n\nThis page is made from the code by `python -m engine.fields.tables`.\n\n{tables}\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _capability_table(columns: Mapping[str, Capability]) -> str:
    rows = (
        (kind.name, *("yes" if wanted in kind.capabilities else _NOTHING for wanted in columns.values()))
        for kind in FIELD_TYPES.values()
    )
    return _table(("type", *columns), rows)


def _formats(kind: type[FieldType]) -> tuple[str, ...]:
    configured = kind.configure(kind.sample_options)
    value: Any = kind.sample
    plain = configured.plain_text(value, {}, Locale())
    return (
        kind.name,
        _code(encode_json(configured.render(value))),
        _NAMES_OF_STORED[type(configured.to_stored(value))],
        _code(_query(configured, value)) if Capability.EQUALS in kind.capabilities else _NOTHING,
        _code(configured.csv_out(value)),
        _code(plain if isinstance(plain, str) else encode_json(plain)),
        kind.schema_gap or _NOTHING,
    )


def _query(configured: FieldType, value: Any) -> str:
    asked = configured.query_value(value)
    if isinstance(asked, list):
        asked = asked[0]
    return asked if isinstance(asked, str) else encode_json(asked)


def _key_table(keys_of: Callable[[type[FieldType]], tuple[Key, ...]]) -> str:
    """One row for each key; types that share it stand together."""
    owners: dict[tuple[str, str, str], list[str]] = {}
    for kind in FIELD_TYPES.values():
        for key in keys_of(kind):
            owners.setdefault((_code(key.name), _taken(key.schema), key.description), []).append(kind.name)
    return _table(("types", "key", "takes", "meaning"), ((", ".join(names), *row) for row, names in owners.items()))


def _taken(schema: Mapping[str, Any]) -> str:
    """What a key takes, in few words."""
    if "enum" in schema:
        return ", ".join(_code(str(each)) for each in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_taken(each) for each in schema["anyOf"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return " or ".join(_words(each, schema) for each in kinds)


def _words(kind: str, schema: Mapping[str, Any]) -> str:
    if kind == "array":
        return f"list of {_taken(schema['items'])}"
    least, most = schema.get("minimum"), schema.get("maximum")
    if kind == "integer" and least is not None and most is not None:
        return f"integer from {least} to {most}"
    return "map" if kind == "object" else kind


def _code(text: str) -> str:
    return f"`{text}`"


if __name__ == "__main__":
    print(render_page(), end="")
