"""The checked tree of an expression: what parsing gives, what name checks and the compiler walk through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """One part of an expression; `offset` is the character of the source text where it begins."""

    offset: int

    @property
    def children(self) -> tuple[Node, ...]:
        """The parts that it is made of, in source order."""
        return ()


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """Text, a whole number, a Decimal, True, False or None."""

    value: Any


@dataclass(frozen=True, slots=True)
class Read(Node):
    """A dotted path as written, from a field or a root such as `record`: `address.city`.

    `places` are the characters of the source text where its names begin.
    """

    path: Path
    places: tuple[int, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Local(Node):
    """The variable of an enclosing comprehension, by its place in the scope's locals."""

    slot: int


@dataclass(frozen=True, slots=True)
class Member(Node):
    """A dotted path below something that is not a name itself: `addresses[0].city`, `item.city` in a comprehension.

    `places` as in Read.
    """

    base: Node
    path: Path
    places: tuple[int, ...] = field(default=(), compare=False)

    @property
    def children(self) -> tuple[Node, ...]:
        """What the path stands below."""
        return (self.base,)


@dataclass(frozen=True, slots=True)
class Item(Node):
    """One item of a list, character of a text, or entry of a record: `addresses[0]`."""

    base: Node
    index: Node

    @property
    def children(self) -> tuple[Node, ...]:
        """What is indexed, and by what."""
        return (self.base, self.index)


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    """A list display."""

    items: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        """The items."""
        return self.items


@dataclass(frozen=True, slots=True)
class RecordOf(Node):
    """A dict display with literal text keys."""

    keys: tuple[str, ...]
    values: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        """The values."""
        return self.values


@dataclass(frozen=True, slots=True)
class Collect(Node):
    """A comprehension. Each round costs `weight` steps, more for a long body."""

    element: Node
    slot: int
    source: Node
    condition: Node | None
    weight: int

    @property
    def children(self) -> tuple[Node, ...]:
        """The source, then what is evaluated for each item."""
        body = (self.element,) if self.condition is None else (self.condition, self.element)
        return (self.source, *body)


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function of the registry with its arguments; the number of arguments is already checked."""

    function: str
    arguments: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        """The arguments."""
        return self.arguments


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """Operands joined from left to right by operators of one rank: `a - b + c`."""

    first: Node
    rest: tuple[tuple[str, Node], ...]

    @property
    def children(self) -> tuple[Node, ...]:
        """The operands."""
        return (self.first, *(operand for _, operand in self.rest))


@dataclass(frozen=True, slots=True)
class Negate(Node):
    """A minus sign before something."""

    operand: Node

    @property
    def children(self) -> tuple[Node, ...]:
        """What is negated."""
        return (self.operand,)


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """Comparisons, chained as in Python: `0 < a <= b`. Operators are spelled as in the source (`not in`, `is`)."""

    first: Node
    rest: tuple[tuple[str, Node], ...]

    @property
    def children(self) -> tuple[Node, ...]:
        """The operands."""
        return (self.first, *(operand for _, operand in self.rest))


@dataclass(frozen=True, slots=True)
class Logic(Node):
    """Parts joined by `and` (`every`) or by `or`; gives the deciding part's value, as Python does."""

    every: bool
    parts: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        """The parts."""
        return self.parts


@dataclass(frozen=True, slots=True)
class Not(Node):
    """The opposite truth."""

    part: Node

    @property
    def children(self) -> tuple[Node, ...]:
        """What is turned around."""
        return (self.part,)


@dataclass(frozen=True, slots=True)
class Choose(Node):
    """`then if condition else otherwise`."""

    condition: Node
    then: Node
    otherwise: Node

    @property
    def children(self) -> tuple[Node, ...]:
        """The three parts, in source order."""
        return (self.then, self.condition, self.otherwise)


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression.

    `paths` are all dotted paths as written, comprehension variables left out; `offsets` tells for each path where in
    the text it stands.
    """

    text: str
    tree: Node
    offsets: Mapping[Path, tuple[int, ...]] = field(compare=False)

    @property
    def paths(self) -> frozenset[Path]:
        """Everything that it reads, as written: `("address", "city")`, `("record", "name")`."""
        return frozenset(self.offsets)

    @property
    def trees(self) -> tuple[Node, ...]:
        """The one tree; templates have several."""
        return (self.tree,)


@dataclass(frozen=True, slots=True)
class Template:
    """Text with expressions in it: `parts` are literal texts and trees in turn. `paths` as in Expression."""

    text: str
    parts: tuple[str | Node, ...]
    offsets: Mapping[Path, tuple[int, ...]] = field(compare=False)

    @property
    def paths(self) -> frozenset[Path]:
        """Everything that it reads, as written."""
        return frozenset(self.offsets)

    @property
    def trees(self) -> tuple[Node, ...]:
        """The expressions, in order."""
        return tuple(part for part in self.parts if isinstance(part, Node))


Source = Expression | Template
