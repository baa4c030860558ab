"""What a definition is: a class whose annotated attributes are the table of its keys, and how such a map is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Protocol, get_type_hints

from engine.definitions.codes.code import problem
from engine.definitions.codes.files import EXCLUSIVE_KEYS, MISSING_KEY, UNKNOWN_KEY
from engine.definitions.nodes import Map, Node
from engine.definitions.schema_book import NAME_PATTERN, Kind, Schema, SchemaBook, at_most_one
from engine.definitions.takes import INVALID, MapStyle, Named, Problems, Takes, refuse_shape, refuse_table
from engine.errors import Position, did_you_mean


@dataclass(frozen=True, slots=True)
class Key:
    """What an attribute of a Definition is in files: `Annotated[type, Key(takes, description)]`.

    Its name there is the attribute in camelCase, unless given.
    """

    takes: Takes
    description: str
    name: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class KeyDef:
    """One key of a kind of definition: its name in files, the attribute that carries it, what it takes and means."""

    name: str
    attribute: str
    takes: Takes
    description: str
    required: bool


@dataclass(frozen=True, kw_only=True)
class Definition:
    """Base of what is written in files: a map of known keys. `at` is its name, or the map where it has none.

    A `faulty` one could not be read; it stands for its name, and says nothing.
    """

    noun: ClassVar[str]
    """What one of them is called in messages: "a field"."""
    exclusive: ClassVar[tuple[frozenset[str], ...]] = ()
    """Sets of keys of which at most one may be given."""
    needed: ClassVar[tuple[frozenset[str], ...]] = ()
    """Sets of keys of which one must be given."""

    node: Map
    at: Position
    faulty: bool = False

    @classmethod
    @cache
    def table(cls) -> Mapping[str, KeyDef]:
        """The keys of this kind of definition, by their names in files."""
        table = {}
        for attribute, hint in get_type_hints(cls, include_extras=True).items():
            for key in getattr(hint, "__metadata__", ()):
                head, *rest = attribute.split("_")
                name = key.name or head + "".join(word.capitalize() for word in rest)
                table[name] = KeyDef(name, attribute, key.takes, key.description, key.required)
        return table

    def given(self, name: str) -> bool:
        """Whether the author wrote the key."""
        return name in self.node.keys

    def key_at(self, name: str) -> Position:
        """Where the key stands, or the definition when it is not given."""
        key = self.node.keys.get(name)
        return self.at if key is None else key.at

    def value_at(self, name: str) -> Position:
        """Where the key's value stands, or the definition when it is not given."""
        value = self.node.values.get(name)
        return self.at if value is None else value.at


@dataclass(frozen=True, slots=True)
class Record(Takes):
    """A map of known keys, as a Definition."""

    model: type[Definition]

    @property
    def expected(self) -> str:
        """Names the kind."""
        return f"{self.model.noun}, which is a map of keys"

    def load(self, node: Node, where: str, problems: Problems, at: Position | None = None) -> Any:
        """The Definition, or INVALID when a required key is missing or wrong."""
        model = self.model
        if not isinstance(node, Map):
            return refuse_shape(node, where, self.expected, problems)
        values = load_keys(model, node, model.table(), problems)
        return INVALID if values is INVALID else model(node=node, at=at or node.at, **values)

    def schema(self, book: SchemaBook) -> Schema:
        """An object of the known keys, as a part of the book."""
        return book.part(
            part_name(self.model), lambda: {**keys_schema(self.model, book), "additionalProperties": False}
        )

    def map_style(self, words: Mapping[str, str]) -> MapStyle | None:
        """The keys in the order of the table."""
        table = self.model.table()
        return MapStyle(lambda name: table[name].takes if name in table else None, tuple(table))


def part_name(model: type[Definition]) -> str:
    """What a kind of definition is called among the parts of a schema: `entityRights`."""
    name = model.__name__.removesuffix("Def")
    return name[0].lower() + name[1:]


def keys_schema(model: type[Definition], book: SchemaBook) -> Schema:
    """The JSON Schema of a map with the keys of a kind of definition, and perhaps others."""
    table = model.table()
    required = [key.name for key in table.values() if key.required]
    rules = [at_most_one(keys) for keys in model.exclusive]
    rules += [{"anyOf": [{"required": [key]} for key in sorted(keys)]} for keys in model.needed]
    return {
        "type": "object",
        "properties": {key.name: described(key.takes.schema(book), key.description) for key in table.values()},
        **({"required": required} if required else {}),
        **({"allOf": rules} if rules else {}),
    }


def described(schema: Schema, description: str) -> Schema:
    """The schema with words for people."""
    return {"description": description, **schema}


def load_keys(
    model: type[Definition],
    node: Map,
    table: Mapping[str, KeyDef],
    problems: Problems,
    other: Callable[[str, Node], bool] = lambda name, node: False,
) -> Any:
    """The values of a map's known keys by attribute, or INVALID when a required one is missing or wrong.

    A key that is not in the table is offered to `other`, which says whether it took care of it.
    """
    values: dict[str, Any] = {}
    for name, inner in node.values.items():
        definition = table.get(name)
        if definition is None:
            if not other(name, inner):
                refuse_key(name, node, f"{model.noun} has no key", table, problems)
            continue
        value = definition.takes.load(inner, name, problems)
        if value is not INVALID:
            values[definition.attribute] = value
    for keys in model.exclusive:
        both = sorted(keys & node.keys.keys())
        if len(both) > 1:
            message = f"{' and '.join(both)} cannot stand together"
            problems.append(
                problem(EXCLUSIVE_KEYS, node.key_at(both[-1]), message, f"keep one of {', '.join(sorted(keys))}")
            )
    required = [definition for definition in table.values() if definition.required]
    for definition in required:
        if definition.name not in node.values and not node.refused:
            message = f'{model.noun} needs the key "{definition.name}"'
            hint = f"{definition.name}: {definition.takes.expected}"
            problems.append(problem(MISSING_KEY, node.at, message, hint))
    return values if all(definition.attribute in values for definition in required) else INVALID


def refuse_key(name: str, node: Map, reason: str, known: Iterable[str], problems: Problems) -> None:
    """Reports an unknown key at its place, with the nearest known one, or all of them when they are few."""
    names = sorted(known)
    hint = did_you_mean(name, names) or f"known keys: {', '.join(names)}"
    problems.append(problem(UNKNOWN_KEY, node.keys[name].at, f'{reason} "{name}"', hint))


class TakesDefinition(Takes, Protocol):
    """A kind of value that is a Definition, and so can be told the place of its name."""

    def load(self, node: Node, where: str, problems: Problems, at: Position | None = None) -> Any:
        """As `Takes.load`; `at` is the place of its name, where it has one."""


@dataclass(frozen=True, slots=True)
class Catalog(Takes):
    """A map from names to definitions, as a Named; refused entries are left out."""

    takes: TakesDefinition
    kind: Kind | None = None

    @property
    def expected(self) -> str:
        """Names what the entries are."""
        return f"a map from names to {self.takes.expected}"

    def load(self, node: Node, where: str, problems: Problems) -> Any:
        """A Named of Definitions, each standing where its name stands."""
        if not isinstance(node, Map):
            return refuse_table(self, node, where, problems)
        keys = node.keys
        loaded = {name: self.takes.load(inner, name, problems, keys[name].at) for name, inner in node.values.items()}
        return Named(node, {name: value for name, value in loaded.items() if value is not INVALID})

    def schema(self, book: SchemaBook) -> Schema:
        """An object whose keys are names, or the project's names."""
        table = book.table(self.kind, self.takes.schema(book))
        return table if self.kind is not None else {**table, "propertyNames": {"pattern": NAME_PATTERN}}

    def map_style(self, words: Mapping[str, str]) -> MapStyle | None:
        """The definitions in the author's order, short ones below each other."""
        return MapStyle(lambda name: self.takes, aligned=True)
