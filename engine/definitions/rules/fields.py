"""Laws about fields: known types, keys that the type has the capability for, defaults that keep their own rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from engine.definitions.codes.code import problem
from engine.definitions.codes.fields import (
    BAD_DEFAULT,
    BAD_DISPLAY,
    CONTRADICTION,
    LACKS_CAPABILITY,
    NEVER_SUPPLIED,
    PARAMETER_KEY,
    UNIQUE_IN_LIST,
)
from engine.definitions.codes.files import MISSING_KEY, TOO_LARGE
from engine.definitions.codes.names import UNKNOWN_TYPE
from engine.definitions.model_fields import CalculatedDef, FieldDef
from engine.definitions.nodes import Map, Scalar
from engine.definitions.options import NEEDED_CAPABILITIES, keys_of_type
from engine.definitions.resolve_fields import parse_default
from engine.definitions.rules.context import Context, FieldSite, entries, is_stand_in, suggest, text_of
from engine.definitions.rules.trials import MOMENTS
from engine.errors import Diagnostic, ExpressionError, InvalidValue
from engine.expressions import Names, Scope, compile_expression, parse_expression
from engine.fields import FIELD_TYPES
from engine.fields.base import BadOption, Capability, Supply

DEEPEST = 12
"""Groups around a field at most; paths have 16 parts, and a reference at the end has some of its own."""

_OTHER_WORDS = {
    "string": "text",
    "varchar": "text",
    "char": "text",
    "number": "decimal",
    "float": "decimal",
    "double": "decimal",
    "bool": "boolean",
    "timestamp": "dateTime",
    "enum": "choice",
    "select": "choice",
    "reference": "relationship",
    "ref": "relationship",
    "object": "nested",
}
"""What other systems call these types."""

_RECORD_KEYS = ("unique", "index", "lookup", "calculated", "transient")
"""Keys that mean something only for what is stored in records."""


def types_are_known(context: Context) -> Iterator[Diagnostic]:
    """Every field has a type, and it is one of the types."""
    for place in _all(context):
        definition = place.definition
        if definition.node.refused:
            continue
        if definition.type is None:
            if not definition.given("type"):
                yield problem(MISSING_KEY, definition.at, f'{place.field.path} needs the key "type"', "type: text")
        elif definition.type_name not in FIELD_TYPES:
            meant = _OTHER_WORDS.get(definition.type_name.lower())
            hint = f'did you mean "{meant}"?' if meant else suggest(definition.type_name, FIELD_TYPES)
            message = f'there is no field type "{definition.type_name}"'
            yield problem(UNKNOWN_TYPE, definition.type.at, message, hint)


def structures_are_complete(context: Context) -> Iterator[Diagnostic]:
    """A relationship names its entity, a nested group has inner fields."""
    for place in _all(context):
        definition, own = place.definition, keys_of_type(place.definition.type_name or None)
        if definition.type_name not in FIELD_TYPES:
            continue
        if "entity" in own and not definition.given("entity"):
            message = f'a field of type {definition.type_name} needs the key "entity"'
            yield problem(MISSING_KEY, definition.at, message, "entity: the name of the entity that it points to")
        if "fields" in own and not entries(definition.structure.fields) and not _refused(definition, "fields"):
            at = definition.key_at("fields")
            message = f'a field of type {definition.type_name} needs the key "fields" with at least one inner field'
            yield problem(MISSING_KEY, at, message, "fields: {name: {type: text}}")


def fields_are_within_reach(context: Context) -> Iterator[Diagnostic]:
    """Groups nest no deeper than paths are read."""
    for place in _all(context):
        if place.depth == DEEPEST:
            message = f"{place.field.path} is nested in {DEEPEST} groups, and nothing can be reached there"
            yield problem(TOO_LARGE, place.definition.at, message, "nest less, or make an entity of it")


def supplied_values_have_a_record(context: Context) -> Iterator[Diagnostic]:
    """What the engine gives to new and changed records stands at the top of an entity."""
    for place in context.fields:
        hint = _IN_GROUPS.get(place.field.type.supply) if place.depth else None
        if hint is not None:
            name, path = place.field.type.name, place.field.path
            message = f"{name} is given to records, so {path} would stay empty in its group"
            yield problem(NEVER_SUPPLIED, place.definition.key_at("type"), message, hint)


_MOVE: Final = "move it to the entity's own fields"
_IN_GROUPS: Final[Mapping[Supply | None, str]] = {
    Supply.CREATED: f"{_MOVE}, or write {{type: dateTime, defaultExpression: now()}}",
    Supply.MODIFIED: _MOVE,
    Supply.NUMBER: _MOVE,
}
"""The way out for each value that a group would not get."""


def keys_suit_the_type(context: Context) -> Iterator[Diagnostic]:
    """unique, many, required and their like stand only where the type can do it."""
    for place in _all(context):
        definition, kind = place.definition, place.field.type
        for key, capability in NEEDED_CAPABILITIES.items():
            if _says(definition, key) and capability not in kind.capabilities:
                yield _lacks(definition, key, capability)
        calculated = definition.calculated
        capability = Capability.AGGREGATE if isinstance(calculated, CalculatedDef) else Capability.CALCULATED
        if calculated is not None and capability not in kind.capabilities:
            yield _lacks(definition, "calculated", capability)


def keys_agree(context: Context) -> Iterator[Diagnostic]:
    """Keys of one field do not contradict each other."""
    for place in context.fields:
        definition = place.definition
        if definition.lookup and (not definition.unique or place.depth):
            hint = "move it to the entity's own fields" if place.depth else "add unique: true"
            message = "a lookup field finds one record, so it is unique and stands at the top of its entity"
            yield problem(CONTRADICTION, definition.key_at("lookup"), message, hint)
        if definition.lookup and definition.many:
            message = "a lookup field holds one value, not many"
            yield problem(CONTRADICTION, definition.key_at("lookup"), message, "remove many or lookup")
        for key in ("unique", "index", "lookup"):
            if definition.transient and _says(definition, key):
                message = f"a transient field is not stored, so {key} has nothing to work on"
                yield problem(CONTRADICTION, definition.key_at(key), message, f"remove {key} or transient")
        if definition.calculated is not None and _says(definition, "required"):
            message = "nobody can give a calculated field a value, so required could never be met"
            yield problem(CONTRADICTION, definition.key_at("required"), message, "remove required")
        if definition.structure.copy == () and definition.given("syncCopies"):
            message = "there are no copies to keep up to date"
            yield problem(CONTRADICTION, definition.key_at("syncCopies"), message, "add copy, or remove syncCopies")


def aggregates_have_their_field(context: Context) -> Iterator[Diagnostic]:
    """sum and avg need a field of numbers; count needs none."""
    for place in context.fields:
        calculated = place.definition.calculated
        if not isinstance(calculated, CalculatedDef):
            continue
        aggregate = calculated.aggregate
        if aggregate.operation == "count":
            if aggregate.field is not None:
                message = "count counts records, so it takes no field"
                yield problem(CONTRADICTION, aggregate.key_at("field"), message, "remove field, or write sum or avg")
        elif aggregate.field is None:
            message = f'{aggregate.operation} needs the key "field"'
            yield problem(MISSING_KEY, aggregate.key_at("operation"), message, "field: the path of a number field")
        else:
            target = context.resolved.entities.get(text_of(aggregate.entity))
            found = target.field_at(text_of(aggregate.field)) if target else None
            if found is not None and Capability.SUM not in found.field.type.capabilities:
                message = f"{text_of(aggregate.field)} holds no numbers, so it has no {aggregate.operation}"
                yield problem(LACKS_CAPABILITY, aggregate.field.at, message, "name a field of numbers")
        if place.field.many:
            message = "an aggregate is one number, so the field cannot be many"
            yield problem(CONTRADICTION, place.definition.key_at("many"), message, "remove many")


def parameters_are_not_stored(context: Context) -> Iterator[Diagnostic]:
    """A parameter has no keys that only make sense for what is stored."""
    for place in context.parameters:
        for key in _RECORD_KEYS:
            if place.definition.given(key):
                message = f'a parameter is not stored, so it has no key "{key}"'
                yield problem(PARAMETER_KEY, place.definition.key_at(key), message, f"remove {key}")


def defaults_are_valid(context: Context) -> Iterator[Diagnostic]:
    """A default is a value that the field itself would take."""
    for place in _all(context):
        definition, kind = place.definition, place.field.type
        if definition.default is None or is_stand_in(place.field) or Capability.DEFAULT not in kind.capabilities:
            continue
        try:
            parse_default(kind, definition.default.data, many=definition.many)
        except InvalidValue as error:
            expected = "a list of values" if definition.many else kind.expected
            limit = ", ".join(map(str, error.limit)) if isinstance(error.limit, list) else error.limit
            rule = f" ({error.rule}: {limit})" if error.rule else ""
            message = f"the default of {place.field.path} is refused by its own rules: {error.message}{rule}"
            hint = f"write {expected}; what is computed stands under defaultExpression"
            yield problem(BAD_DEFAULT, definition.default.at, message, hint)


def defaults_pass_their_validations(context: Context) -> Iterator[Diagnostic]:
    """A default passes the checks of its own field, as far as they look at the value alone."""
    for place in _all(context):
        default = place.field.default
        if default is None or place.definition.default is None:
            continue
        names = place.names.with_value(place.field)
        for check in place.definition.validations:
            for value in default if place.definition.many else (default,):
                if _refuses(check.check, names, value):
                    message = f"the default of {place.field.path} is refused by its own check: {check.message}"
                    hint = "write a value that passes the check"
                    yield problem(BAD_DEFAULT, place.definition.default.at, message, hint)
                    break


def _refuses(check: Scalar, names: Names, value: object) -> bool:
    """Whether a check that reads nothing but the value refuses it, at any time."""
    try:
        source = parse_expression(text_of(check))
        if any(path[0] != "value" for path in source.paths):
            return False
        run = compile_expression(source, names)
        results = [run(Scope({}, {}, now=moment).of_value(value)) for moment in MOMENTS]
    except ExpressionError:
        return False
    return all(result is not None and not result for result in results)


def unique_values_stand_alone(context: Context) -> Iterator[Diagnostic]:
    """unique works on one value of a record, not on the values of a list."""
    for place in context.fields:
        if place.definition.unique and not place.definition.lookup and not is_stand_in(place.field):
            path = context.resolved.entities[place.entity.name].field_at(place.field.path)
            if path is not None and path.many and Capability.UNIQUE in place.field.type.capabilities:
                message = f"{place.field.path} holds several values, and two records may not share any of them"
                hint = "remove unique, or ignore it if that is meant"
                yield problem(UNIQUE_IN_LIST, place.definition.key_at("unique"), message, hint)


def displays_are_valid(context: Context) -> Iterator[Diagnostic]:
    """Display options make sense together."""
    for place in _all(context):
        display = place.definition.display
        if isinstance(display, Map) and not is_stand_in(place.field):
            try:
                place.field.type.check_display(display.data)
            except BadOption as error:
                at = display.values[error.key].at if error.key in display.values else display.at
                meaning = next(
                    (key.description for key in place.field.type.display_keys if key.name == error.key), None
                )
                yield problem(BAD_DISPLAY, at, f"{error.key}: {error.message}", error.hint or meaning)


def _all(context: Context) -> tuple[FieldSite, ...]:
    return (*context.fields, *context.parameters)


def _says(definition: FieldDef, key: str) -> bool:
    """Whether the key is given and is not plainly false."""
    return definition.given(key) and definition.node.values[key].data is not False


def _refused(definition: FieldDef, key: str) -> bool:
    """Whether a key was given in a form that has been refused already."""
    return definition.given(key) and not isinstance(definition.node.values[key], Map)


def _lacks(definition: FieldDef, key: str, capability: Capability) -> Diagnostic:
    able = [name for name, kind in FIELD_TYPES.items() if capability in kind.capabilities]
    message = f'a field of type {definition.type_name} cannot have the key "{key}"'
    return problem(
        LACKS_CAPABILITY, definition.key_at(key), message, f"remove {key}; types that can: {', '.join(able)}"
    )
