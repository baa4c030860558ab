"""The written model of fields: their keys, those of their types, and what checks and calculates them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, Literal

from engine.definitions.codes.code import problem
from engine.definitions.codes.files import UNKNOWN_KEY
from engine.definitions.definition import (
    Catalog,
    Definition,
    Key,
    Record,
    described,
    keys_schema,
    load_keys,
    refuse_key,
)
from engine.definitions.nodes import File, Map, Node, Scalar
from engine.definitions.options import (
    NEEDED_CAPABILITIES,
    check_display,
    check_option,
    key_schema,
    keys_of_type,
    needed_keys,
    types_with,
)
from engine.definitions.schema_book import Kind, Schema, SchemaBook
from engine.definitions.takes import (
    INVALID,
    Alternatives,
    Boolean,
    Condition,
    Filter,
    Items,
    Json,
    MapStyle,
    Named,
    OneOf,
    Problems,
    Takes,
    Text,
    Word,
    refuse_shape,
)
from engine.errors import Position
from engine.fields import FIELD_TYPES
from engine.fields.base import Capability, FieldType

EXPRESSION = Word("an expression")
TEMPLATE = Word('a template such as "{lastName}, {firstName}", or the name of a field')
NAME = Word("a name")
ENTITY = Word("a name", Kind.ENTITY)
FIELD = Word("a name", Kind.FIELD)
PATH = Word("the path of a field", Kind.FIELD)
QUEUE = Word("a name", Kind.QUEUE)
FUNCTION = Word("a function of hooks.py", Kind.FUNCTION)
NO_KEYS = Map(File("", ""), 0, 0, False, {}, {})


@dataclass(frozen=True, kw_only=True)
class ValidationDef(Definition):
    """One of the `validations` of an entity, a field or an action."""

    noun = "a validation"
    check: Annotated[Scalar, Key(EXPRESSION, "An expression that is false where the value is refused.", required=True)]
    field: Annotated[Scalar | None, Key(PATH, "The field that the problem is told about.")] = None
    code: Annotated[str, Key(Text(), "The code in the answer.")] = "invalid"
    message: Annotated[str, Key(Text(), "The message in the answer.")] = "This value is not valid"


@dataclass(frozen=True, kw_only=True)
class AggregateDef(Definition):
    """`calculated: {aggregate: …}`."""

    noun = "an aggregate"
    entity: Annotated[Scalar, Key(ENTITY, "The entity whose records are counted or summed up.", required=True)]
    where: Annotated[
        Map | None, Key(Filter(), "Which of its records; $record.path reads the record that has the field.")
    ] = None
    operation: Annotated[Literal["count", "sum", "avg"], Key(OneOf(("count", "sum", "avg")), "What is computed.")] = (
        "count"
    )
    field: Annotated[Scalar | None, Key(PATH, "The field to sum or average.")] = None


@dataclass(frozen=True, kw_only=True)
class CalculatedDef(Definition):
    """`calculated` as a map."""

    noun = "a calculation"
    aggregate: Annotated[
        AggregateDef, Key(Record(AggregateDef), "Computed over the records of another entity.", required=True)
    ]


@dataclass(frozen=True, kw_only=True)
class FieldDef(Definition):
    """A field. `type_keys` holds the keys of its type that are not structural, as nodes.

    It is `unfit` when one of these was refused, and `faulty` when it is no map at all.
    """

    noun = "a field"
    exclusive = (
        frozenset({"access", "read"}),
        frozenset({"access", "write"}),
        frozenset({"default", "defaultExpression"}),
        frozenset({"calculated", "default"}),
        frozenset({"calculated", "defaultExpression"}),
    )

    type: Annotated[Scalar | None, Key(Word("a field type"), "What kind of values it holds.")] = None
    label: Annotated[str | None, Key(Text(), "Its name for people; the name in words unless given.")] = None
    description: Annotated[str | None, Key(Text(), "What it means.")] = None
    many: Annotated[bool, Key(Boolean(), "Whether it holds a list of values.")] = False
    required: Annotated[Node | None, Key(Condition(), "Whether, or under which condition, it must have a value.")] = (
        None
    )
    unique: Annotated[bool, Key(Boolean(), "Whether no two records may have the same value.")] = False
    index: Annotated[bool, Key(Boolean(), "Whether the database keeps an index on it.")] = False
    default: Annotated[Node | None, Key(Json(), "The value of a new record that is given none.")] = None
    default_expression: Annotated[Scalar | None, Key(EXPRESSION, "An expression that gives the default.")] = None
    calculated: Annotated[
        Scalar | CalculatedDef | None,
        Key(
            Alternatives(scalar=Word("an expression or a template"), map=Record(CalculatedDef)),
            "How its value follows from others; bodies cannot set it.",
        ),
    ] = None
    transient: Annotated[
        bool,
        Key(
            Boolean(),
            "Whether it lives during the write only and is not stored. One that is required is asked for when the "
            "record is made, or when its condition comes to hold.",
        ),
    ] = False
    sensitive: Annotated[bool, Key(Boolean(), "Whether it is masked in logs and kept out of comparisons.")] = False
    access: Annotated[
        Node | None, Key(Condition(), "Who may read and write it, apart from groups; holds for everyone.")
    ] = None
    read: Annotated[Node | None, Key(Condition(), "Who may read it, apart from groups; holds for everyone.")] = None
    write: Annotated[Node | None, Key(Condition(), "Who may write it, apart from groups; holds for everyone.")] = None
    aliases: Annotated[tuple[Scalar, ...], Key(Items(NAME), "Former names that are still understood.")] = ()
    validations: Annotated[
        tuple[ValidationDef, ...], Key(Items(Record(ValidationDef)), "Checks of each of its values, seen as `value`.")
    ] = ()
    display: Annotated[
        Map | None, Key(Filter("a map of display options", None), "How plain text writes its values.")
    ] = None
    lookup: Annotated[bool, Key(Boolean(), "Whether a relationship to this entity may be written by it.")] = False
    type_keys: Mapping[str, Node] = field(default_factory=dict)
    unfit: bool = False
    structure: StructureDef = field(default_factory=lambda: StructureDef(node=NO_KEYS, at=NO_KEYS.at))

    @property
    def type_name(self) -> str:
        """The name of its type as written; "" where there is none."""
        return "" if self.type is None else str(self.type.value)


@dataclass(frozen=True, kw_only=True)
class StructureDef(Definition):
    """The keys that give a field inner fields or tie it to another entity; types say which of them they take."""

    noun = "a field"

    fields: Annotated[Named | None, Key(Catalog(FieldTakes()), "Its inner fields, in the order of output.")] = None
    record_label: Annotated[Scalar | None, Key(TEMPLATE, "What its values are called.")] = None
    entity: Annotated[Scalar | None, Key(ENTITY, "The entity that it points to.")] = None
    where: Annotated[
        Map | None, Key(Filter(), "Which records it may point to; $record.path reads the record being written.")
    ] = None
    copy: Annotated[tuple[Scalar, ...], Key(Items(FIELD), "Fields of the target that are kept beside its label.")] = ()
    on_delete: Annotated[
        Literal["none", "remove", "delete"],
        Key(OneOf(("none", "remove", "delete")), "What a deletion of the target does here."),
    ] = "none"
    sync_label: Annotated[bool, Key(Boolean(), "Whether a change of the target's label arrives here.")] = True
    sync_copies: Annotated[bool, Key(Boolean(), "Whether changes of copied fields arrive here.")] = True


@dataclass(frozen=True, slots=True)
class FieldTakes(Takes):
    """A field: the keys of every field and those of its type."""

    expected: str = "a field such as {type: text}"

    def load(self, node: Node, where: str, problems: Problems, at: Position | None = None) -> FieldDef:
        """Always a FieldDef, so that a field with a fault is still known by its name."""
        if not isinstance(node, Map):
            refuse_shape(node, where, self.expected, problems, "write a map with at least the key type")
            return FieldDef(node=Map(node.file, node.line, node.column, True, {}, {}), at=at or node.at, faulty=True)
        written = node.values.get("type")
        type_name = written.data if isinstance(written, Scalar) and isinstance(written.data, str) else None
        own = keys_of_type(type_name)
        structure_table = StructureDef.table()
        structure: dict[str, Any] = {}
        type_keys: dict[str, Node] = {}
        unfit: list[bool] = []

        def load_own(name: str, inner: Node) -> bool:
            if name not in own:
                _refuse_foreign(name, node, type_name, own, problems)
            elif name in structure_table:
                value = structure_table[name].takes.load(inner, name, problems)
                if value is not INVALID:
                    structure[structure_table[name].attribute] = value
            else:
                unfit.append(not check_option(own[name], inner, problems))
                type_keys[name] = inner
            return True

        values = load_keys(FieldDef, node, FieldDef.table(), problems, load_own)
        kind = FIELD_TYPES.get(type_name or "")
        if kind and isinstance(values.get("display"), Map):
            check_display(kind, values["display"], problems)
        return FieldDef(
            node=node,
            at=at or node.at,
            **values,
            type_keys=type_keys,
            unfit=any(unfit),
            structure=StructureDef(node=node, at=node.at, **structure),
        )

    def schema(self, book: SchemaBook) -> Schema:
        """An object with the keys of every field; which others there are depends on its type."""
        return book.part("field", lambda: _field_schema(book))

    def map_style(self, words: Mapping[str, str]) -> MapStyle | None:
        """What it is, the keys of its type, what holds for its values, inner fields last."""
        own = [*keys_of_type(words.get("type"))]
        tables = {**FieldDef.table(), **StructureDef.table()}
        head = ("type", "label", "description", "many")
        order = dict.fromkeys((*head, *(name for name in own if name != "fields"), *FieldDef.table(), *own))
        return MapStyle(lambda name: tables[name].takes if name in tables else None, tuple(order), compact=True)


def _field_schema(book: SchemaBook) -> Schema:
    keys = keys_schema(FieldDef, book)
    words = keys["properties"]["type"]["description"]
    keys["properties"]["type"] = {"description": words, "enum": [*FIELD_TYPES]}
    cases = [
        {
            "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
            "then": book.part(f"{name}Field", partial(_typed_schema, kind, book)),
        }
        for name, kind in FIELD_TYPES.items()
    ]
    return {**keys, "required": ["type"], "allOf": [*keys["allOf"], *cases]}


def _typed_schema(kind: type[FieldType], book: SchemaBook) -> Schema:
    """What a type adds to the keys of every field, and which of them it cannot have."""
    own = keys_of_type(kind.name)
    structure = StructureDef.table()
    properties = {
        name: described(
            structure[name].takes.schema(book) if name in structure else key_schema(key, book), key.description
        )
        for name, key in own.items()
    }
    properties |= {
        key: {"const": False} for key, capability in NEEDED_CAPABILITIES.items() if capability not in kind.capabilities
    }
    if Capability.CALCULATED not in kind.capabilities:
        properties["calculated"] = {"not": {}}
    elif Capability.AGGREGATE not in kind.capabilities:
        properties["calculated"] = {"type": "string"}
    display = {key.name: described(key_schema(key, book), key.description) for key in kind.display_keys}
    properties["display"] = {"type": "object", "properties": display, "additionalProperties": False}
    return {
        "description": f"Takes {kind.expected}.",
        "properties": properties,
        "propertyNames": {"enum": [*FieldDef.table(), *own]},
        "required": needed_keys(kind),
    }


def _refuse_foreign(name: str, node: Map, type_name: str | None, own: Mapping[str, Any], problems: Problems) -> None:
    takers = types_with(name)
    if type_name in FIELD_TYPES and takers:
        message = f'a field of type {type_name} has no key "{name}"'
        problems.append(problem(UNKNOWN_KEY, node.key_at(name), message, f"types with this key: {', '.join(takers)}"))
    else:
        refuse_key(name, node, "a field has no key", [*FieldDef.table(), *own], problems)
