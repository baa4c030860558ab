"""The keys that field types bring along: which type takes which, and whether a written value fits its JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from engine.definitions.codes.code import problem
from engine.definitions.codes.files import SHAPE, UNKNOWN_KEY
from engine.definitions.nodes import List, Map, Node, Scalar
from engine.definitions.schema_book import Kind, Schema, SchemaBook
from engine.definitions.takes import Problems
from engine.errors import did_you_mean
from engine.fields import FIELD_TYPES
from engine.fields.base import BadOption, Capability, FieldType, Key

_EXPECTED = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a map",
}


@cache
def keys_of_type(name: str | None) -> Mapping[str, Key]:
    """The own keys of a field type by name; of an unknown type, those of all types."""
    kind = FIELD_TYPES.get(name or "")
    kinds = [kind] if kind else FIELD_TYPES.values()
    return {key.name: key for kind in kinds for key in kind.keys}


NEEDED_CAPABILITIES: Final[Mapping[str, Capability]] = {
    "many": Capability.MANY,
    "default": Capability.DEFAULT,
    "defaultExpression": Capability.DEFAULT,
    "unique": Capability.UNIQUE,
    "required": Capability.REQUIRED,
    "index": Capability.INDEX,
    "sensitive": Capability.SENSITIVE,
}
"""Keys of every field that only types with a capability may carry, unless they say false."""


def needed_keys(kind: type[FieldType]) -> list[str]:
    """The own keys without which a type cannot be: what it points to, what it holds, what it refuses to go without."""
    needed = [key.name for key in kind.keys if key.name in ("entity", "fields")]
    try:
        kind.configure({})
    except BadOption as error:
        needed.append(error.key)
    return needed


def key_schema(key: Key, book: SchemaBook) -> Schema:
    """The JSON Schema of a type's key, with the project's names where it lists names."""
    items = {"items": book.name(Kind(key.lists))} if key.lists else {}
    return {**key.schema, **items}


@cache
def types_with(key: str) -> tuple[str, ...]:
    """The names of the types that have a key of that name."""
    return tuple(name for name, kind in FIELD_TYPES.items() if any(own.name == key for own in kind.keys))


def check_option(key: Key, node: Node, problems: Problems) -> bool:
    """Whether a written value fits the key's schema; reports where it does not."""
    if node.refused:
        return False
    validator = _validator(key)
    data = node.data
    if _fits(id(key), data) if isinstance(node, Scalar) else validator.is_valid(data):
        return True
    error = best_match(validator.iter_errors(data))
    place = node_at(node, error.absolute_path)
    problems.append(problem(SHAPE, place.at, f'"{key.name}" {_reason(error)}', _way_out(error) or key.description))
    return False


def check_display(kind: type[FieldType], display: Map, problems: Problems) -> None:
    """Reports unknown or unfit keys of a field's `display`."""
    known = {key.name: key for key in kind.display_keys}
    for name, node in display.values.items():
        if name in known:
            check_option(known[name], node, problems)
        else:
            takes = (
                f"display of {kind.name} takes {', '.join(known)}" if known else f"{kind.name} has no display options"
            )
            hint = did_you_mean(name, known) or takes
            problems.append(
                problem(UNKNOWN_KEY, display.key_at(name), f'display of {kind.name} has no key "{name}"', hint)
            )


def node_at(node: Node, path: Any) -> Node:
    """The node at a path of keys and indexes below another; the last one on the way that is there."""
    for part in path:
        if isinstance(node, Map) and part in node.values:
            node = node.values[part]
        elif isinstance(node, List) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
        else:
            break
    return node


@cache
def _validators() -> dict[int, tuple[Key, Draft202012Validator]]:
    """One validator per key, by the key's identity; the key stays with it so that the identity stays its own."""
    return {}


def _validator(key: Key) -> Draft202012Validator:
    known = _validators().get(id(key))
    if known is None:
        known = _validators()[id(key)] = (key, Draft202012Validator(key.schema))
    return known[1]


@lru_cache(maxsize=4096, typed=True)
def _fits(key: int, data: Any) -> bool:
    """Whether a scalar fits the key of that identity; most values of most keys come again and again."""
    return _validators()[key][1].is_valid(data)


def _wanted(error: ValidationError) -> list[str]:
    """The kinds of values of which the value is none; nothing where that is not what is wrong."""
    rule: Any = error.validator_value
    if error.validator == "type":
        return [rule] if isinstance(rule, str) else [*rule]
    if error.validator == "anyOf" and all(one.validator == "type" and not one.path for one in error.context):
        return [kind for one in error.context for kind in _wanted(one)]
    return []


def _way_out(error: ValidationError) -> str | None:
    if "string" in _wanted(error) and isinstance(error.instance, bool | int | Decimal):
        return "put it in quotes"
    return None


def _reason(error: ValidationError) -> str:
    rule: Any = error.validator_value
    wanted = _wanted(error)
    if wanted:
        return f"takes {' or '.join(_EXPECTED.get(item, item) for item in wanted)}, not {error.instance!r}"
    if error.validator == "enum":
        return f"takes one of {', '.join(map(str, rule))}, not {error.instance!r}"
    return f"does not fit: {error.message}"
