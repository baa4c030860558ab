"""From text to a checked tree: Python's own parser, then an allow-list; what the list does not name is refused."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from engine.errors import ExpressionError, did_you_mean
from engine.expressions.functions import FUNCTIONS
from engine.expressions.scan import check_brackets
from engine.expressions.scope import LOOP_DEPTH
from engine.expressions.syntax import (
    Arithmetic,
    Call,
    Choose,
    Collect,
    Compare,
    Expression,
    Item,
    ListOf,
    Literal,
    Local,
    Logic,
    Member,
    Negate,
    Node,
    Not,
    Path,
    Read,
    RecordOf,
)
from engine.expressions.values import DECIMALS, LARGEST_INTEGER, negate

LONGEST_EXPRESSION = 2_000
DEEPEST_EXPRESSION = 32
MOST_NODES = 500
LONGEST_PATH = 16
NODES_PER_STEP = 4
"""How much of a comprehension's body one step of the budget pays for."""

_ARITHMETIC: Mapping[type[ast.operator], tuple[str, int]] = {
    ast.Add: ("+", 1),
    ast.Sub: ("-", 1),
    ast.Mult: ("*", 2),
    ast.Div: ("/", 2),
    ast.FloorDiv: ("//", 2),
    ast.Mod: ("%", 2),
}
"""Symbol and rank of the arithmetic operators; neighbours of one rank make one node."""

_COMPARISONS: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "is",
    ast.IsNot: "is not",
}

_REFUSED: Mapping[type[ast.AST], tuple[str, str | None]] = {
    ast.Tuple: ("A list in round brackets", "write [a, b]"),
    ast.Set: ("A set", "write [a, b]"),
    ast.Dict: ("A record in braces", "records can be made in an action's respond only"),
    ast.DictComp: ("A comprehension in braces", "write [... for ... in ...]"),
    ast.SetComp: ("A comprehension in braces", "write [... for ... in ...]"),
    ast.GeneratorExp: ("A comprehension in round brackets", "write [... for ... in ...]"),
    ast.JoinedStr: ("An f-string", "join texts with +, or write a template"),
    ast.Lambda: ("A function of its own", None),
    ast.NamedExpr: ("An assignment", None),
    ast.Slice: ("A slice", "index one item, or filter with [... for ... in ... if ...]"),
    ast.Starred: ("A star", None),
    ast.Await: ("await", None),
    ast.Yield: ("yield", None),
    ast.YieldFrom: ("yield", None),
    ast.Pow: ("The operator **", "write a product"),
    ast.MatMult: ("The operator @", None),
    ast.LShift: ("The operator <<", None),
    ast.RShift: ("The operator >>", None),
    ast.BitOr: ("The operator |", "write or"),
    ast.BitAnd: ("The operator &", "write and"),
    ast.BitXor: ("The operator ^", None),
    ast.UAdd: ("The sign +", "leave it out"),
    ast.Invert: ("The operator ~", "write not"),
}
"""What authors who know Python try, in words."""


def parse_expression(text: str, allow_records: bool = False) -> Expression:
    """The checked tree of an expression; `allow_records` lets it make records (`{'total': total}`).

    Raises ExpressionError with the offset of the first fault.
    """
    reader = Reader(allow_records=allow_records)
    tree = reader.read(text, 0)
    return Expression(text, tree, reader.offsets)


class Reader:
    """Reads one expression, or one after another the expressions of a template, into one set of limits and paths."""

    def __init__(self, *, allow_records: bool = False) -> None:
        self._allow_records = allow_records
        self._found: dict[Path, list[int]] = {}
        self._nodes = 0
        self._depth = 0
        self._loops = 0
        self._locals: list[str] = []
        self._base = 0
        self._text = ""
        self._lines: list[int] = []

    @property
    def offsets(self) -> Mapping[Path, tuple[int, ...]]:
        """Where each path stands, for all that was read."""
        return MappingProxyType({path: tuple(offsets) for path, offsets in self._found.items()})

    def read(self, text: str, base: int) -> Node:
        """The tree of a text that begins at offset `base` of its source; every offset counts from that source."""
        self._base = base
        try:
            return self._expression(self._parse(text))
        except ExpressionError as error:
            raise ExpressionError(error.message, base + error.offset, error.hint) from None

    def _parse(self, text: str) -> ast.AST:
        if len(text) > LONGEST_EXPRESSION:
            raise ExpressionError(
                f"The expression is longer than {LONGEST_EXPRESSION:,} characters", LONGEST_EXPRESSION
            )
        if not text.strip():
            raise ExpressionError("The expression is empty")
        check_brackets(text, DEEPEST_EXPRESSION)
        # Round brackets let an expression go over several lines; the brackets inside are known to pair.
        self._text = text.replace("\r\n", " \n").replace("\r", "\n")
        self._lines = [-1, *(index + 1 for index, char in enumerate(self._text) if char == "\n")]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python frowns at '\d' and at `1 is None`; patterns hold the former
                return ast.parse(f"({self._text}\n)", mode="eval").body
        except SyntaxError as error:
            raise ExpressionError(f"This is not an expression: {error.msg}", self._near(error)) from None
        except (ValueError, MemoryError, RecursionError):  # texts that only an attacker writes
            raise ExpressionError("This is not an expression") from None

    def _near(self, error: SyntaxError) -> int:
        """The offset that Python's parser complains about, kept inside the text; it may mean the bracket after it."""
        last = len(self._text.rstrip()) - 1
        line = error.lineno or 1
        return last if line > len(self._lines) else max(0, min(self._lines[line - 1] + (error.offset or 1) - 1, last))

    def _at(self, line: int, column: int) -> int:
        """The offset of a place that `ast` gives as line and UTF-8 column."""
        start = self._lines[line - 1]
        if self._text.isascii():
            return max(start + column, 0)  # the added bracket itself, where an unbracketed `a, b` seems to begin
        following = self._lines[line] if line < len(self._lines) else len(self._text)
        before = 0 if start >= 0 else 1  # the bracket that was put before the first line
        written = self._text[max(start, 0) : following].encode()[: column - before]
        return max(start, 0) + len(written.decode())

    def _offset(self, node: Any) -> int:
        return self._at(node.lineno, node.col_offset)

    def _end(self, node: Any) -> int:
        return self._at(node.end_lineno, node.end_col_offset)

    def _expression(self, node: ast.AST) -> Node:
        read = _READERS.get(type(node))
        offset = self._offset(node)
        if read is None:
            raise _refused(node, offset)
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise ExpressionError(f"The expression has more than {MOST_NODES} parts", offset)
        if self._depth == DEEPEST_EXPRESSION:
            raise ExpressionError(f"The expression is nested more than {DEEPEST_EXPRESSION} deep", offset)
        self._depth += 1
        made = read(self, node, offset)
        self._depth -= 1
        return made

    def _constant(self, node: ast.Constant, offset: int) -> Node:
        value = node.value
        if isinstance(value, float):
            written = self._text[offset : self._end(node)]
            try:
                return Literal(self._base + offset, DECIMALS.create_decimal(Decimal(written.replace("_", ""))))
            except ArithmeticError:
                raise ExpressionError("The number is out of range", offset) from None
        if isinstance(value, int) and value > LARGEST_INTEGER:
            raise ExpressionError("The number leaves the range of 127 bits", offset)
        if isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value):
            raise ExpressionError("Half of a surrogate pair is not text", offset)
        if value is not None and not isinstance(value, str | int):
            raise ExpressionError(f"A value of kind {type(value).__name__} is not part of the language", offset)
        return Literal(self._base + offset, value)

    def _name(self, node: ast.Name, offset: int) -> Node:
        name = _word(node.id, offset)
        for slot in reversed(range(len(self._locals))):
            if self._locals[slot] == name:
                return Local(self._base + offset, slot)
        return self._path((name,), offset, (offset,))

    def _path(self, path: Path, offset: int, places: tuple[int, ...]) -> Read:
        self._found.setdefault(path, []).append(self._base + offset)
        return Read(self._base + offset, path, tuple(self._base + place for place in places))

    def _attribute(self, node: ast.Attribute, offset: int) -> Node:
        names: list[str] = []
        places: list[int] = []
        base: ast.expr = node
        while isinstance(base, ast.Attribute):
            names.append(_word(base.attr, offset))
            places.append(self._end(base) - len(base.attr))
            base = base.value
        if len(names) >= LONGEST_PATH:
            raise ExpressionError(f"The path has more than {LONGEST_PATH} names", offset)
        names.reverse()
        places.reverse()
        if isinstance(base, ast.Name) and base.id not in self._locals:
            return self._path((_word(base.id, offset), *names), offset, (self._offset(base), *places))
        if isinstance(base, ast.Constant | ast.JoinedStr):
            raise ExpressionError(f'There is no "{names[0]}" below a literal', offset, _call_hint(names[0]))
        below = tuple(self._base + place for place in places)
        return Member(self._base + offset, self._expression(base), tuple(names), below)

    def _subscript(self, node: ast.Subscript, offset: int) -> Node:
        return Item(self._base + offset, self._expression(node.value), self._expression(node.slice))

    def _list(self, node: ast.List, offset: int) -> Node:
        return ListOf(self._base + offset, tuple(map(self._expression, node.elts)))

    def _dict(self, node: ast.Dict, offset: int) -> Node:
        if not self._allow_records:
            raise _refused(node, offset)
        keys: list[str] = []
        for key in node.keys:
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                raise ExpressionError(
                    "The keys of a record are literal texts", offset if key is None else self._offset(key)
                )
            if key.value in keys:
                raise ExpressionError(f'The record has two entries "{key.value}"', self._offset(key))
            keys.append(key.value)
        return RecordOf(self._base + offset, tuple(keys), tuple(map(self._expression, node.values)))

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp, offset: int) -> Node:
        loop = node.generators[0]
        if len(node.generators) > 1:
            raise ExpressionError("A comprehension has one for", offset, "put one comprehension into another")
        if loop.is_async or not isinstance(loop.target, ast.Name):
            raise ExpressionError("A comprehension has one plain variable", offset, "write [item.x for item in items]")
        if self._loops == LOOP_DEPTH:
            raise ExpressionError(f"Comprehensions stand more than {LOOP_DEPTH} deep in one another", offset)
        self._loops += 1
        source = self._expression(loop.iter)
        slot = len(self._locals)
        self._locals.append(_word(loop.target.id, self._offset(loop.target)))
        before = self._nodes
        conditions = tuple(map(self._expression, loop.ifs))
        element = self._expression(node.elt)
        weight = 1 + (self._nodes - before) // NODES_PER_STEP
        self._locals.pop()
        self._loops -= 1
        condition = None
        if conditions:
            condition = conditions[0] if len(conditions) == 1 else Logic(conditions[0].offset, True, conditions)
        return Collect(self._base + offset, element, slot, source, condition, weight)

    def _call(self, node: ast.Call, offset: int) -> Node:
        if not isinstance(node.func, ast.Name):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            raise ExpressionError("Only the functions of the language can be called", offset, _call_hint(name))
        function = FUNCTIONS.get(node.func.id)
        if function is None:
            name = _word(node.func.id, offset)
            raise ExpressionError(f'There is no function "{name}"', offset, did_you_mean(name, FUNCTIONS))
        if node.keywords:
            raise ExpressionError(f"{function.name}() takes no named arguments", offset)
        if not function.takes(len(node.args)):
            raise ExpressionError(f"{function.name}() takes {function.arity}, not {len(node.args)}", offset)
        arguments = tuple(
            self._argument(argument) if isinstance(argument, ast.GeneratorExp) else self._expression(argument)
            for argument in node.args
        )
        if function.prepare is not None:
            pattern = arguments[-1]
            if not isinstance(pattern, Literal) or not isinstance(pattern.value, str):
                raise ExpressionError(
                    f"The last argument of {function.name}() is a literal text",
                    self._offset(node.args[-1]),
                    "write it in quotes",
                )
            try:
                function.prepare(pattern.value)
            except ExpressionError as error:
                raise ExpressionError(error.message, self._offset(node.args[-1]), error.hint) from None
        return Call(self._base + offset, function.name, arguments)

    def _argument(self, node: ast.GeneratorExp) -> Node:
        """`any(x for x in y)` reads as `any([x for x in y])`."""
        listed = ast.ListComp(elt=node.elt, generators=node.generators)
        return self._expression(ast.copy_location(listed, node))

    def _binary(self, node: ast.BinOp, offset: int) -> Node:
        operands: list[tuple[str, ast.expr]] = []
        _, rank = _ARITHMETIC.get(type(node.op), ("", 0))
        first: ast.expr = node
        while isinstance(first, ast.BinOp):
            symbol, its_rank = _ARITHMETIC.get(type(first.op), ("", 0))
            if not symbol:
                raise _refused(first.op, offset)
            if its_rank != rank:
                break
            operands.append((symbol, first.right))
            first = first.left
        made = self._expression(first)
        rest = tuple((symbol, self._expression(operand)) for symbol, operand in reversed(operands))
        return Arithmetic(self._base + offset, made, rest)

    def _unary(self, node: ast.UnaryOp, offset: int) -> Node:
        if isinstance(node.op, ast.Invert | ast.UAdd):
            raise _refused(node.op, offset)
        operand = self._expression(node.operand)
        if isinstance(node.op, ast.Not):
            return Not(self._base + offset, operand)
        if isinstance(operand, Literal) and type(operand.value) in {int, Decimal}:
            return Literal(self._base + offset, negate(operand.value))
        return Negate(self._base + offset, operand)

    def _compare(self, node: ast.Compare, offset: int) -> Node:
        first = self._expression(node.left)
        rest: list[tuple[str, Node]] = []
        for operator, operand in zip(node.ops, node.comparators, strict=True):
            symbol, right = _COMPARISONS[type(operator)], self._expression(operand)
            if symbol in {"is", "is not"} and not (isinstance(right, Literal) and right.value is None):
                instead = "==" if symbol == "is" else "!="
                raise ExpressionError(f'Only None can follow "{symbol}"', self._offset(operand), f"write {instead}")
            rest.append((symbol, right))
        return Compare(self._base + offset, first, tuple(rest))

    def _logic(self, node: ast.BoolOp, offset: int) -> Node:
        return Logic(self._base + offset, isinstance(node.op, ast.And), tuple(map(self._expression, node.values)))

    def _choice(self, node: ast.IfExp, offset: int) -> Node:
        then = self._expression(node.body)
        condition = self._expression(node.test)
        return Choose(self._base + offset, condition, then, self._expression(node.orelse))


_READERS: Mapping[type[ast.AST], Callable[[Reader, Any, int], Node]] = {
    ast.Constant: Reader._constant,
    ast.Name: Reader._name,
    ast.Attribute: Reader._attribute,
    ast.Subscript: Reader._subscript,
    ast.List: Reader._list,
    ast.Dict: Reader._dict,
    ast.ListComp: Reader._comprehension,
    ast.Call: Reader._call,
    ast.BinOp: Reader._binary,
    ast.UnaryOp: Reader._unary,
    ast.Compare: Reader._compare,
    ast.BoolOp: Reader._logic,
    ast.IfExp: Reader._choice,
}
"""The allow-list."""


def _word(name: str, offset: int) -> str:
    """A name as the language allows it: no underscore before it, none doubled."""
    if name.startswith("_") or "__" in name:
        raise ExpressionError(f'"{name}" is not a name of the language', offset, "names begin with a letter")
    return name


def _refused(node: ast.AST, offset: int) -> ExpressionError:
    what, hint = _REFUSED.get(type(node), (f"{type(node).__name__}", None))
    return ExpressionError(f"{what} is not part of the language", offset, hint)


def _call_hint(name: str) -> str | None:
    if name in FUNCTIONS:
        return f"functions stand before their value: write {name}(...)"
    return did_you_mean(name, FUNCTIONS) if name else None
