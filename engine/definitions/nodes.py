"""The tree that a definition file becomes: scalars, lists and maps that know where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import Position

_BOOLEANS_ONCE = {
    word: meaning
    for meaning, words in (("true", "yes on"), ("false", "no off"))
    for plain in words.split()
    for word in (plain, plain.capitalize(), plain.upper())
}


@dataclass(frozen=True, slots=True)
class File:
    """A definition file: its name inside the app and its text."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a file; lines and columns count from 1. A `refused` one has its problem already and gets no second."""

    file: File
    line: int
    column: int
    refused: bool

    @property
    def at(self) -> Position:
        """Where the node begins."""
        return Position(self.file.name, self.line, self.column)

    @property
    def data(self) -> Any:
        """The node as plain JSON data; numbers with a fraction or an exponent are Decimal."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Scalar(Node):
    """One value: None, bool, int, Decimal or str. `start` and `end` bound its source text; `style` is its quote."""

    value: Any
    start: int
    end: int
    style: str

    @property
    def data(self) -> Any:
        """The value itself."""
        return self.value

    @property
    def meant(self) -> str | None:
        """The boolean that tools of YAML 1.1 read in this text, which is none here: of `yes` it is `true`."""
        return None if self.style or not isinstance(self.value, str) else _BOOLEANS_ONCE.get(self.value)

    def index_of(self, offset: int) -> int:
        """The character of the file at which the `offset`-th of a text value stands, whatever its quotes and folds."""
        return _source_index(self, offset)

    def position_of(self, offset: int) -> Position:
        """As `index_of`, as a line and a column."""
        index = self.index_of(offset)
        text = self.file.text
        line = text.count("\n", 0, index) + 1
        return Position(self.file.name, line, index - text.rfind("\n", 0, index))


@dataclass(frozen=True, slots=True)
class List(Node):
    """A sequence."""

    items: tuple[Node, ...]

    @property
    def data(self) -> Any:
        """A list of the items' data."""
        return [item.data for item in self.items]


@dataclass(frozen=True, slots=True)
class Map(Node):
    """A mapping; `keys` and `values` go by the key's text, in file order."""

    keys: Mapping[str, Scalar]
    values: Mapping[str, Node]

    @property
    def data(self) -> Any:
        """A dict of the values' data."""
        return {name: value.data for name, value in self.values.items()}

    def key_at(self, name: str) -> Position:
        """Where the key stands, or the map itself when it has no such key."""
        key = self.keys.get(name)
        return self.at if key is None else key.at


def path_to(root: Node, at: Position) -> str:
    """The dotted path of the innermost key or list item that begins at or before `at` (`fields.name.type`)."""
    return ".".join(_path_parts(root, (at.line, at.column)))


def _path_parts(node: Node, place: tuple[int, int]) -> Iterator[str]:
    children: list[tuple[str, Node, Node]] = []
    if isinstance(node, Map):
        children = [(name, key, node.values[name]) for name, key in node.keys.items()]
    elif isinstance(node, List):
        children = [(str(index), item, item) for index, item in enumerate(node.items)]
    before = [child for child in children if (child[1].line, child[1].column) <= place]
    if before:
        name, key, value = before[-1]
        if isinstance(value, Map) and place[0] > key.line and place[1] <= key.column:
            return  # indented less than what the key holds: a key of this map that is not in the tree
        yield name
        yield from _path_parts(value, place)


def _source_index(scalar: Scalar, offset: int) -> int:
    """Walks source and value side by side: folds, indents and escapes of the source stand for fewer characters."""
    source = scalar.file.text
    index = scalar.start
    if source.startswith("&", index):
        index = next(place for place in range(index, len(source)) if source[place].isspace())
        index = _skip_fold(source, index, scalar.end, "")
    if scalar.style in {"'", '"'}:
        index += 1
    elif scalar.style in {"|", ">"}:
        index = source.find("\n", index) + 1
    for wanted in scalar.value[:offset]:
        index = _skip_fold(source, index, scalar.end, wanted)
        index += _written_length(source, index, scalar.style)
    if offset < len(scalar.value):
        index = _skip_fold(source, index, scalar.end, scalar.value[offset])
    return min(index, scalar.end)


def _skip_fold(source: str, index: int, end: int, wanted: str) -> int:
    if wanted.isspace():
        return index
    while index < end and source[index].isspace():
        index += 1
    return index


_ESCAPES = {"x": 4, "u": 6, "U": 10}


def _written_length(source: str, index: int, style: str) -> int:
    if style == '"' and source.startswith("\\", index):
        return _ESCAPES.get(source[index + 1 : index + 2], 2)
    if style == "'" and source.startswith("''", index):
        return 2
    return 1
