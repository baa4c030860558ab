"""Written fields in, resolved fields out: types configured, references given their parts, copies taken from targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from engine.definitions.codes.code import problem
from engine.definitions.codes.fields import BAD_OPTION
from engine.definitions.model import EntityDef
from engine.definitions.model_fields import AggregateDef, CalculatedDef, FieldDef, StructureDef, ValidationDef
from engine.definitions.nodes import Map, Node, Scalar
from engine.definitions.takes import Named, Problems
from engine.definitions.words import in_words
from engine.errors import InvalidValue
from engine.fields import FIELD_TYPES, IdType
from engine.fields.base import BadOption, Capability, FieldType, Shape
from engine.schema import EMPTY, AggregateRule, Field, Operation, Reference, Validation, Written, rebase


class StandIn(FieldType):
    """Takes the place of a type that is unknown or refused its keys: it can do everything and takes any value."""

    name = "unknown"
    expected = "any value"
    capabilities = frozenset(Capability)
    sample = None

    def parse_json(self, value: Any) -> Any:
        """The value as it is."""
        return value


STAND_IN = StandIn()


@cache
def entity_system_fields() -> tuple[Field, ...]:
    """id, version and label, which every record has."""
    return (
        _part("id", "", IdType()),
        _part("version", "", FIELD_TYPES["integer"].configure({})),
        _part("label", "", FIELD_TYPES["longText"].configure({})),
    )


class FieldResolver:
    """Resolves the fields of all entities, each once; copied fields need their targets first."""

    def __init__(self, entities: Mapping[str, EntityDef], groups: Iterable[str]) -> None:
        self.problems: Problems = []
        self._types: dict[tuple[str, str], FieldType] = {}
        self._written = entities
        self._groups = tuple(groups)
        self._plain = {name: self._plain_fields(entity.fields, "") for name, entity in entities.items()}
        self._complete: dict[tuple[str, str], Field] = {}

    def fields_of(self, entity: str) -> tuple[Field, ...]:
        """The fields of an entity, references with their copies."""
        return tuple(self._with_copies_at(entity, item, ()) for item in self._plain[entity])

    def resolve(self, definitions: Named | None, prefix: str) -> tuple[Field, ...]:
        """Fields that belong to no entity: the parameters of an action."""
        return tuple(self._with_copies(item, ()) for item in self._plain_fields(definitions, prefix))

    def _plain_fields(self, definitions: Named | None, prefix: str) -> tuple[Field, ...]:
        if definitions is None:
            return ()
        return tuple(self._plain_field(name, item, prefix) for name, item in definitions.entries.items())

    def _plain_field(self, name: str, definition: FieldDef, prefix: str) -> Field:
        """The field with everything but the copies of references."""
        path = f"{prefix}.{name}" if prefix else name
        kind = self._type(definition)
        structure = definition.structure
        nested = kind.shape is Shape.NESTED
        reference = _reference(structure) if structure.entity is not None else None
        return Field(
            name=name,
            path=path,
            label=definition.label or in_words(name),
            type=kind,
            description=definition.description,
            many=definition.many,
            required=_condition(definition.required, default=False),
            unique=definition.unique,
            index=definition.index,
            default=_default(definition, kind),
            default_expression=written_text(definition.default_expression),
            calculated=written_text(definition.calculated) if isinstance(definition.calculated, Scalar) else None,
            aggregate=_aggregate(definition.calculated.aggregate)
            if isinstance(definition.calculated, CalculatedDef)
            else None,
            transient=definition.transient,
            sensitive=definition.sensitive,
            read=_condition(definition.read or definition.access, default=True),
            write=_condition(definition.write or definition.access, default=True),
            aliases=tuple(alias.value for alias in definition.aliases),
            validations=resolve_validations(definition.validations),
            display=definition.display.data if isinstance(definition.display, Map) else EMPTY,
            lookup=definition.lookup,
            reference=reference,
            record_label=written_text(structure.record_label),
            fields=self._plain_fields(structure.fields, path) if nested else _reference_parts(kind, path),
            system_fields=_group_parts(path) if nested else (),
            at=definition.at,
        )

    def _type(self, definition: FieldDef) -> FieldType:
        known = FIELD_TYPES.get(definition.type_name)
        if known is None or definition.unfit:
            return STAND_IN
        options = {name: node.data for name, node in definition.type_keys.items()}
        identity = (known.name, repr(options) if options else "")
        found = self._types.get(identity)
        if found is None:
            try:
                found = known.configure(options).among(self._groups)
            except BadOption as error:
                at = definition.value_at(error.key)
                meaning = next((key.description for key in known.keys if key.name == error.key), None)
                self.problems.append(problem(BAD_OPTION, at, f"{error.key}: {error.message}", error.hint or meaning))
                return STAND_IN
            self._types[identity] = found
        return found

    def _with_copies_at(self, entity: str, item: Field, asking: tuple[tuple[str, str], ...]) -> Field:
        place = (entity, item.name)
        if place not in self._complete:
            if place in asking:
                return item  # copies that copy each other: a law tells it
            self._complete[place] = self._with_copies(item, (*asking, place))
        return self._complete[place]

    def _with_copies(self, item: Field, asking: tuple[tuple[str, str], ...]) -> Field:
        if item.type.shape is Shape.NESTED and item.fields:
            inner = tuple(self._with_copies(each, asking) for each in item.fields)
            return item if inner == item.fields else replace(item, fields=inner)
        if item.reference is None or not item.reference.copy:
            return item
        target = {
            name: field for field in self._plain.get(item.reference.entity, ()) for name in (field.name, *field.aliases)
        }
        copied = [target[name] for name in item.reference.copy if name in target]
        entity = item.reference.entity
        copies = (_copy(self._with_copies_at(entity, field, asking), item.path) for field in copied)
        return replace(item, fields=(*item.fields, *copies))


def written(node: Node | None) -> Written | None:
    """A condition as written, or None."""
    return None if node is None else Written(node.data, node.at)


def written_text(scalar: Scalar | None) -> Written | None:
    """An expression or template as written, or None."""
    return None if scalar is None else Written(scalar.value, scalar.at)


def resolve_validations(definitions: tuple[ValidationDef, ...]) -> tuple[Validation, ...]:
    """The author's checks."""
    return tuple(
        Validation(
            check=Written(definition.check.value, definition.check.at),
            code=definition.code,
            message=definition.message,
            path=None if definition.field is None else definition.field.value,
        )
        for definition in definitions
    )


def _condition(node: Node | None, *, default: bool) -> Written | bool:
    if node is None:
        return default
    return node.data if isinstance(node.data, bool) else Written(node.data, node.at)


def _default(definition: FieldDef, kind: FieldType) -> Any:
    """The default in value form; one that its own rules refuse is told by a law."""
    if definition.default is None:
        return None
    try:
        return parse_default(kind, definition.default.data, many=definition.many)
    except InvalidValue:
        return None


def parse_default(kind: FieldType, data: Any, *, many: bool) -> Any:
    """The value form of a written default; raises InvalidValue where the type or its rules refuse it."""
    if many:
        if not isinstance(data, list):
            raise InvalidValue("Expected a list of values", data)
        return [parse_default(kind, item, many=False) for item in data]
    if data is None or data == "":
        raise InvalidValue("Expected a value; leave the key out for none", data)
    value = kind.parse_json(data)
    kind.check(value)
    return value


def _aggregate(definition: AggregateDef) -> AggregateRule:
    where = definition.where
    return AggregateRule(
        entity=definition.entity.value,
        where=Written({} if where is None else where.data, definition.value_at("where")),
        operation=Operation(definition.operation),
        path=None if definition.field is None else definition.field.value,
    )


def _reference(structure: StructureDef) -> Reference:
    assert structure.entity is not None
    return Reference(
        entity=structure.entity.value,
        where=written(structure.where),
        copy=tuple(field.value for field in structure.copy),
        on_delete=structure.on_delete,
        sync_label=structure.sync_label,
        sync_copies=structure.sync_copies,
    )


def _reference_parts(kind: FieldType, path: str) -> tuple[Field, ...]:
    if kind.shape is not Shape.REFERENCE:
        return ()
    return (_part("id", path, IdType()), _part(kind.query_part or "label", path, FIELD_TYPES["longText"].configure({})))


def _group_parts(path: str) -> tuple[Field, ...]:
    return (_part("id", path, IdType()), _part("label", path, FIELD_TYPES["longText"].configure({})))


def _part(name: str, prefix: str, kind: FieldType) -> Field:
    return Field(name=name, path=f"{prefix}.{name}" if prefix else name, label=in_words(name), type=kind, write=False)


def _copy(item: Field, prefix: str) -> Field:
    """The field as it stands inside a reference: plain data, without the rules that hold in its own entity."""
    plain = replace(
        item,
        required=False,
        unique=False,
        index=False,
        default=None,
        default_expression=None,
        calculated=None,
        aggregate=None,
        read=True,
        write=False,
        validations=(),
        lookup=False,
        reference=None if item.reference is None else replace(item.reference, on_delete="none"),
    )
    return rebase(plain, prefix)
