"""JSON Schemas of definition authors (draft 2020-12) as checkers that no value can keep busy.

The jsonschema library does the work. Replaced are the keywords that would run a pattern in Python's `re`, compare all
items of a list with each other, or compute a remainder with floats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

from engine.errors import InvalidValue
from engine.fields.base import BadOption
from engine.fields.patterns import compile_pattern

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

Check = Callable[[Any], None]
"""Raises InvalidValue for the first thing that the schema refuses in a value."""


def compile_schema(schema: Any, key: str = "schema") -> Check:
    """A checker of values whose fractions are Decimal. Raises BadOption where the schema itself is wrong, points
    outside itself, or has a pattern that RE2 refuses."""
    from jsonschema.exceptions import SchemaError

    validator_class = _validator_class()
    try:
        validator_class.check_schema(schema)
        _refuse_unsupported(schema, key)
        validator = validator_class(_exact(schema))
        for trial in _TRIALS:
            validator.is_valid(trial)
    except SchemaError as error:
        raise BadOption(key, f"this is no JSON Schema: {error.json_path}: {error.message[:300]}") from error
    except RecursionError as error:
        raise BadOption(key, "the schema refers to itself without end") from error

    def check(value: Any) -> None:
        try:
            error = next(validator.iter_errors(value), None)
        except RecursionError:
            raise InvalidValue("Nested too deeply for its schema", value, rule="schema") from None
        if error is not None:
            keyword = error.validator or "false"
            raise InvalidValue(
                f"Does not fit the schema: {keyword} at {error.json_path}",
                value,
                rule="schema",
                limit={keyword: error.validator_value},
            )

    return check


_TRIALS: Final[tuple[Any, ...]] = (None, True, "", 0, [], {})
"""One value of each kind: a schema that refers to itself without going inward never ends on one of them."""


def _refuse_unsupported(schema: Any, key: str) -> None:
    """Raises BadOption for what the checker cannot do: other documents, references to nowhere, patterns that RE2
    refuses, and two keywords that together run patterns inside the library."""
    lookup = _lookup_of(schema)
    keywords: set[str] = set()
    for part in _objects(schema):
        keywords.update(part)
        if isinstance(part.get("$id"), str):
            raise BadOption(key, "$id gives the schema another address", "remove it and refer to #/$defs/…")
        if part.get("$schema", DIALECT) != DIALECT:
            raise BadOption(key, f"only {DIALECT} is supported", "remove $schema")
        for name in ("$ref", "$dynamicRef"):
            target = part.get(name)
            if isinstance(target, str):
                if not target.startswith("#"):
                    raise BadOption(key, f"{name} {target!r} points outside the schema", 'write it under "$defs"')
                if not lookup(target):
                    raise BadOption(key, f"{name} {target!r} points to nothing in the schema")
        patterns = part.get("patternProperties")
        for pattern in (part.get("pattern"), *(patterns if isinstance(patterns, Mapping) else ())):
            if isinstance(pattern, str):
                compile_pattern(pattern, key)
    if {"patternProperties", "unevaluatedProperties"} <= keywords:
        raise BadOption(
            key, "patternProperties and unevaluatedProperties cannot be combined", "use additionalProperties instead"
        )


def _objects(schema: Any) -> Iterator[Mapping[str, Any]]:
    """Every object inside a schema."""
    pending = [schema]
    while pending:
        part = pending.pop()
        if isinstance(part, Mapping):
            yield part
            pending.extend(part.values())
        elif isinstance(part, list):
            pending.extend(part)


def _lookup_of(schema: Any) -> Callable[[str], bool]:
    """Whether a reference inside the schema points to something."""
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    resolver = Registry().resolver_with_root(DRAFT202012.create_resource(schema))

    def lookup(target: str) -> bool:
        try:
            resolver.lookup(target)
        except Unresolvable:
            return False
        return True

    return lookup


def _exact(node: Any) -> Any:
    """A schema with its fractions as Decimal, like the values."""
    if isinstance(node, Mapping):
        return {name: _exact(part) for name, part in node.items()}
    if isinstance(node, list):
        return [_exact(part) for part in node]
    return Decimal(repr(node)) if isinstance(node, float) else node


_compiled = lru_cache(maxsize=None)(compile_pattern)
"""Patterns of schemas; there are as many as definitions have."""


def _pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[Any]:
    if isinstance(value, str) and _compiled(pattern).search(value) is None:
        yield _broken()


def _pattern_properties(validator: Any, by_pattern: Mapping[str, Any], value: Any, schema: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for pattern, inner in by_pattern.items():
            search = _compiled(pattern).search
            for name, each in value.items():
                if search(name) is not None:
                    yield from validator.descend(each, inner, path=name, schema_path=pattern)


def _additional_properties(validator: Any, inner: Any, value: Any, schema: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        known = schema.get("properties", {})
        patterns = [_compiled(pattern) for pattern in schema.get("patternProperties", ())]
        for name, each in value.items():
            if name not in known and not any(pattern.search(name) for pattern in patterns):
                yield from _further(validator, inner, each, name)


def _further(validator: Any, inner: Any, value: Any, place: str | int) -> Iterator[Any]:
    """What is wrong with a part that no other keyword speaks of; `false` allows none, and the keyword says so."""
    if inner is False:
        yield _broken(place)
    else:
        yield from validator.descend(value, inner, path=place)


def _unevaluated_properties(validator: Any, inner: Any, value: Any, schema: Any) -> Iterator[Any]:
    from jsonschema._utils import find_evaluated_property_keys_by_schema

    if isinstance(value, dict):
        evaluated = frozenset(find_evaluated_property_keys_by_schema(validator, value, schema))
        for name, each in value.items():
            if name not in evaluated:
                yield from _further(validator, inner, each, name)


def _unevaluated_items(validator: Any, inner: Any, value: Any, schema: Any) -> Iterator[Any]:
    from jsonschema._utils import find_evaluated_item_indexes_by_schema

    if isinstance(value, list):
        evaluated = frozenset(find_evaluated_item_indexes_by_schema(validator, value, schema))
        for index, each in enumerate(value):
            if index not in evaluated:
                yield from _further(validator, inner, each, index)


def _unique_items(validator: Any, unique: bool, value: Any, schema: Any) -> Iterator[Any]:
    if unique and isinstance(value, list) and len({_identity(each) for each in value}) < len(value):
        yield _broken()


def _identity(value: Any) -> Any:
    """Something hashable that is equal exactly where JSON values are: 1 is 1.0 and is not true."""
    if isinstance(value, dict):
        return "object", frozenset((name, _identity(each)) for name, each in value.items())
    if isinstance(value, list):
        return "array", tuple(_identity(each) for each in value)
    return ("boolean", value) if isinstance(value, bool) else value


def _multiple_of(validator: Any, divisor: Any, value: Any, schema: Any) -> Iterator[Any]:
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool) and not _is_multiple(value, Fraction(divisor)):
        yield _broken()


def _is_multiple(value: int | Decimal, divisor: Fraction) -> bool:
    """Exactly; far exponents are reduced first, since they would make numbers of thousands of digits."""
    if isinstance(value, Decimal) and abs(value.adjusted()) > _FAR:
        _sign, digits, exponent = value.as_tuple()
        number = int("".join(map(str, digits)))
        if number == 0 or int(exponent) < 0:
            return number == 0
        return number * pow(10, int(exponent), divisor.numerator) * divisor.denominator % divisor.numerator == 0
    return (Fraction(value) / divisor).denominator == 1


_FAR: Final = 400


def _is_integer(checker: Any, value: Any) -> bool:
    if isinstance(value, Decimal):
        return value == value.to_integral_value()
    return isinstance(value, int) and not isinstance(value, bool)


def _broken(*place: str | int) -> Any:
    from jsonschema import ValidationError

    return ValidationError("", path=place)


@lru_cache(maxsize=1)
def _validator_class() -> Any:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    return extend(  # type: ignore[no-untyped-call]  # the library has no annotations here
        Draft202012Validator,
        {
            "pattern": _pattern,
            "patternProperties": _pattern_properties,
            "additionalProperties": _additional_properties,
            "unevaluatedProperties": _unevaluated_properties,
            "unevaluatedItems": _unevaluated_items,
            "uniqueItems": _unique_items,
            "multipleOf": _multiple_of,
        },
        type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
    )
