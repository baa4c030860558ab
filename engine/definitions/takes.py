"""What a key of a definition takes: a positioned node in, a checked value out, or a problem; and its JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from engine.definitions.codes.code import problem
from engine.definitions.codes.files import AMBIGUOUS_BOOLEAN, NOT_A_CHOICE, SHAPE
from engine.definitions.codes.work import RIGHT
from engine.definitions.nodes import List, Map, Node, Scalar
from engine.definitions.schema_book import Kind, Schema, SchemaBook
from engine.errors import Diagnostic, did_you_mean

INVALID: Any = type("Invalid", (), {"__repr__": lambda self: "INVALID"})()
"""Stands for a value that was refused and reported; None is a value."""

Problems = list[Diagnostic]

_DURATION = re.compile(r"(?:\d{1,9}\s*(?:ms|[smhd])\s*)+")
_DURATION_PART = re.compile(r"(\d+)\s*(ms|[smhd])")
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


@dataclass(frozen=True, slots=True)
class MapStyle:
    """How a map of known kind is laid out in files.

    `order` is the order of its keys, None where they are names of the author's choice; `takes` gives what a key takes.
    Entries of an `aligned` map stand below each other; a `compact` one stands on one line if there is room.
    """

    takes: Callable[[str], Takes | None]
    order: tuple[str, ...] | None = None
    aligned: bool = False
    compact: bool = False


class Takes(Protocol):
    """One kind of value that a key can take."""

    @property
    def expected(self) -> str:
        """What belongs there, for messages: "a text"."""

    def load(self, node: Node, where: str, problems: Problems) -> Any:
        """The checked value, or INVALID after its problems were added; `where` is the key, for messages."""

    def schema(self, book: SchemaBook) -> Schema:
        """The JSON Schema (draft 2020-12) of what `load` takes, as far as a schema can say it."""
        raise NotImplementedError

    def map_style(self, words: Mapping[str, str]) -> MapStyle | None:
        """How a map that is written here is laid out; `words` are the source texts of its scalars by key."""
        return None

    def item_takes(self) -> Takes | None:
        """What the items of a list take that is written here."""
        return None


def describe(node: Node) -> str:
    """What stands there, in words."""
    if isinstance(node, Map):
        return "a map"
    if isinstance(node, List):
        return "a list" if node.items else "an empty list"
    value = node.data
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    return f'the text "{value[:40]}"' if isinstance(value, str) else f"the number {value}"


def refuse_shape(node: Node, where: str, expected: str, problems: Problems, hint: str | None = None) -> Any:
    """Reports a value of the wrong kind, unless it was refused before; gives INVALID."""
    if not node.refused:
        message = f'"{where}" takes {expected}, not {describe(node)}'
        problems.append(problem(SHAPE, node.at, message, hint or f"write {expected}"))
    return INVALID


def _refuse_unclear(node: Node, problems: Problems) -> bool:
    """Reports a word that is a text, but that other tools read as a boolean, where a boolean can be meant."""
    if not isinstance(node, Scalar) or node.refused or node.meant is None:
        return False
    hint = f'write {node.meant} for the boolean, or "{node.value}" in quotes for the text'
    message = f"{node.value} is not clear: it could be a text or a boolean"
    problems.append(problem(AMBIGUOUS_BOOLEAN, node.at, message, hint))
    return True


@dataclass(frozen=True, slots=True)
class Text(Takes):
    """A text, as str."""

    expected: str = "a text"

    def load(self, node: Node, where: str, problems: Problems) -> Any:
        """A number or a boolean is refused: unquoted it may not mean what it looks like."""
        if isinstance(node, Scalar) and isinstance(node.value, str) and not node.refused:
            return node.value
        quotable = isinstance(node, Scalar) and node.value is not None
        hint = "put it in quotes" if quotable else "write a text, or leave the key out"
        return refuse_shape(node, where, self.expected, problems, hint)

    def schema(self, book: SchemaBook) -> Schema:
        """A string."""
        return {"type": "string"}


@dataclass(frozen=True, slots=True)
class Word(Takes):
    """A text that is a name or holds an expression, as its Scalar, so that its inside has positions."""

    expected: str = "a name"
    kind: Kind | None = None

    def load(self, node: Node, where: str, problems: Problems) -> Any:
        """The scalar itself."""
        return INVALID if Text(self.expected).load(node, where, problems) is INVALID else node

    def schema(self, book: SchemaBook) -> Schema:
        """A string or, where the project's names are known, one of them."""
        return book.name(self.kind)


@dataclass(frozen=True, slots=True)
class Boolean(Takes):
    """true or false."""

    expected: str = "true or false"

    def load(self, node: Node, where: str, problems: Problems) -> Any:
        """A bool."""
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        if _refuse_unclear(node, problems):
            return INVALID
        return refuse_shape(node, where, self.expected, problems, "write true or false, without quotes")

    def schema(self, book: SchemaBook) -> Schema:
        """A boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Integer(Takes):
    """A whole number within bounds."""

    least: int
    most: int

    @property
    def expected(self) -> str:
        """Names the bounds."""
        return f"a whole number from {self.least} to {self.most}"

    def load(self, node: Node, where: str, problems: Problems) -> Any:
        """An int."""
        value = node.data if isinstance(node, Scalar) else None
        if isinstance(value, int) and not isinstance(value, bool) and self.least <= value <= self.most:
            return value
        return refuse_shape(node, where, self.expected, problems)

    def schema(self, book: SchemaBook) -> Schema:
        """A number within the bounds."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class OneOf(Takes):
    """One of a few words, as str."""

    words: tuple[str, ...]

    @property
    def expected(self) -> str:
        """Names the words."""
        return f"one of {', '.join(self.words)}"

    def load(self, node: Node, where: str, problems: Problems) -> Any:
        """The word."""
        if isinstance(node, Scalar) and node.value in self.words and isinstance(node.value, str):
            return node.value
        if isinstance(node, Scalar) and isinstance(node.value, str):
            if not node.refused:
                hint = did_you_mean(node.value, self.words) or f"write {self.expected}"
                message = f'"{where}" takes {self.expected}, not "{node.value[:40]}"'
                problems.append(problem(NOT_A_CHOICE, node.at, message, hint))
            return INVALID
        return refuse_shape(node, where, self.expected, problems)

    def schema(self, book: SchemaBook) -> Schema:
        """One of the words."""
        return {"enum": [*self.words]}


@dataclass(frozen=True, slots=True)
class Duration(Takes):
    """A length of time such as 30m, 8h or 60d, as ms; never zero."""

    expected: str = "a length of time such as 30m, 8h or 60d"

    def load(self, node: Node, where: str, problems: Problems) -> Any:
        """Milliseconds."""
        if isinstance(node, Scalar) and isinstance(node.value, str) and _DURATION.fullmatch(node.value):
            total = sum(int(count) * _MILLISECONDS[unit] for count, unit in _DURATION_PART.findall(node.value))
            if 0 < total <= 36_600 * 86_400_000:
                return total
        return refuse_shape(node, where, self.expected, problems, "write a number and a unit: ms, s, m, h or d")

    def schema(self, book: SchemaBook) -> Schema:
        """A string of numbers and units."""
        return {"type": "string", "pattern": f"^{_DURATION.pattern}$"}


@dataclass(frozen=True, slots=True)
class Json(Takes):
    """Any value, as its node."""

    expected: str = "a value"

    def load(self, node: Node, where: str, problems: Problems) -> Any:
        """The node itself."""
        return INVALID if node.refused else node

    def schema(self, book: SchemaBook) -> Schema:
        """Anything."""
        return {}


@dataclass(frozen=True, slots=True)
class Filter(Takes):
    """A filter map, as its Map."""

    expected: str = "a filter map such as {state: active}"
    kind: Kind | None = Kind.FIELD

    def load(self, node: Node, where: str, problems: Problems) -> Any:
        """The map; its fields and operators are checked against the entity later."""
        return node if isinstance(node, Map) else refuse_shape(node, where, self.expected, problems)

    def schema(self, book: SchemaBook) -> Schema:
        """A map by the paths of fields, or other names."""
        return book.table(self.kind, {})


@dataclass(frozen=True, slots=True)
class Condition(Takes):
    """A boolean, a filter map or an expression, as its node."""

    expected: str = "true, false, a filter map or an expression"

    def load(self, node: Node, where: str, problems: Problems) -> Any:
        """The node; what it names is checked later."""
        if _refuse_unclear(node, problems):
            return INVALID
        if isinstance(node, Map) or (
            isinstance(node, Scalar) and isinstance(node.value, bool | str) and not node.refused
        ):
            return node
        return refuse_shape(node, where, self.expected, problems)

    def schema(self, book: SchemaBook) -> Schema:
        """Any of the three forms."""
        return {"anyOf": [{"type": ["boolean", "string"]}, Filter().schema(book)]}


@dataclass(frozen=True, slots=True)
class Right(Takes):
    """always, never or a filter map: the only forms that may condition access to records."""

    expected: str = "always, never or a filter map such as {state: active}"

    def load(self, node: Node, where: str, problems: Problems) -> Any:
        """The word as str, or the Map."""
        if isinstance(node, Map):
            return node
        if isinstance(node, Scalar) and node.value in {"always", "never"}:
            return node.value
        if not node.refused:
            hint = "an expression cannot condition records: write {field: value}"
            if isinstance(node.data, bool):
                hint = f"write {'always' if node.data else 'never'}"
            problems.append(problem(RIGHT, node.at, f'"{where}" takes {self.expected}, not {describe(node)}', hint))
        return INVALID

    def schema(self, book: SchemaBook) -> Schema:
        """A word or a filter map."""
        return {"anyOf": [{"enum": ["always", "never"]}, Filter().schema(book)]}


@dataclass(frozen=True, slots=True)
class Items(Takes):
    """A list, as a tuple; items that were refused are left out."""

    takes: Takes
    least: int = 0

    @property
    def expected(self) -> str:
        """Names what the items are."""
        return f"a list, each item {self.takes.expected}"

    def load(self, node: Node, where: str, problems: Problems) -> Any:
        """A tuple of checked items."""
        if not isinstance(node, List):
            hint = "put it in brackets: [...]" if isinstance(node, Scalar) and node.value is not None else None
            return refuse_shape(node, where, self.expected, problems, hint)
        if len(node.items) < self.least:
            return refuse_shape(node, where, f"{self.expected}, {self.least} at least", problems)
        loaded = [self.takes.load(item, where, problems) for item in node.items]
        kept = tuple(item for item in loaded if item is not INVALID)
        return kept if len(kept) >= self.least else INVALID

    def schema(self, book: SchemaBook) -> Schema:
        """An array."""
        return {"type": "array", "items": self.takes.schema(book), "minItems": self.least}

    def item_takes(self) -> Takes | None:
        """What each item is."""
        return self.takes


@dataclass(frozen=True, slots=True)
class Table(Takes):
    """A map from names of the author's choice to plain values, as a Named; refused entries are left out."""

    takes: Takes
    kind: Kind | None = None

    @property
    def expected(self) -> str:
        """Names what the entries are."""
        return f"a map from names to {self.takes.expected}"

    def load(self, node: Node, where: str, problems: Problems) -> Any:
        """A Named of checked entries."""
        if not isinstance(node, Map):
            return refuse_table(self, node, where, problems)
        loaded = {name: self.takes.load(inner, name, problems) for name, inner in node.values.items()}
        return Named(node, {name: value for name, value in loaded.items() if value is not INVALID})

    def schema(self, book: SchemaBook) -> Schema:
        """An object with any keys, or with the project's names."""
        return book.table(self.kind, self.takes.schema(book))

    def map_style(self, words: Mapping[str, str]) -> MapStyle | None:
        """Every key takes the same."""
        return MapStyle(lambda name: self.takes)


def refuse_table(takes: Takes, node: Node, where: str, problems: Problems) -> Any:
    """Reports what should have been a map from names; gives INVALID."""
    hint = "write {} for none, or leave the key out" if node.data is None else None
    return refuse_shape(node, where, takes.expected, problems, hint)


@dataclass(frozen=True, slots=True)
class Named:
    """The entries of a Table or Catalog and the map that they come from, for the positions of their names."""

    node: Map
    entries: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Alternatives(Takes):
    """One way to write it for each kind of node; the first that takes the node's kind loads it."""

    scalar: Takes | None = None
    items: Takes | None = None
    map: Takes | None = None

    @property
    def expected(self) -> str:
        """Names all ways."""
        return ", or ".join(takes.expected for takes in (self.scalar, self.items, self.map) if takes)

    def load(self, node: Node, where: str, problems: Problems) -> Any:
        """Whatever the chosen way gives."""
        chosen = self.map if isinstance(node, Map) else self.items if isinstance(node, List) else self.scalar
        if chosen is None or (isinstance(node, Scalar) and node.value is None):
            return refuse_shape(node, where, self.expected, problems)
        return chosen.load(node, where, problems)

    def schema(self, book: SchemaBook) -> Schema:
        """Any of the ways."""
        return {"anyOf": [takes.schema(book) for takes in (self.scalar, self.items, self.map) if takes]}

    def map_style(self, words: Mapping[str, str]) -> MapStyle | None:
        """As the way that is a map."""
        return self.map.map_style(words) if self.map else None

    def item_takes(self) -> Takes | None:
        """As the way that is a list."""
        return self.items.item_takes() if self.items else None
