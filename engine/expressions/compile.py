"""From a checked tree to a closure: built once at start-up, called with a Scope for every value."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeGuard

from engine.errors import ExpressionError
from engine.expressions.functions import FUNCTIONS
from engine.expressions.names import Names, resolve_names
from engine.expressions.scope import BUDGET, Scope
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
    Source,
)
from engine.expressions.values import ARITHMETIC, LIST, below, equal, item_at, kind_of, member, negate, order

Evaluate = Callable[[Scope], Any]
Test = Callable[[Scope, Any, Any], bool]


def compile_expression(expression: Expression, names: Names) -> Evaluate:
    """A function from a scope to the expression's value; it raises ExpressionError and nothing else.

    Raises ExpressionError at once if the expression names something that is not there.
    """
    compiler = Compiler(expression, names)
    evaluate = compiler.build(expression.tree)
    if not compiler.metered:
        return evaluate

    def metered(scope: Scope) -> Any:
        scope.budget = BUDGET
        return evaluate(scope)

    return metered


class Compiler:
    """Builds the closures of one expression or template. `metered` tells whether any of them spends steps."""

    def __init__(self, source: Source, names: Names) -> None:
        resolution = resolve_names(source, names)
        if resolution.errors:
            raise resolution.errors[0]
        self._keys = resolution.keys
        self._roots = resolution.roots
        self.metered = False

    def build(self, node: Node) -> Evaluate:
        """The closure of one node."""
        return _BUILDERS[type(node)](self, node)

    def _literal(self, node: Literal) -> Evaluate:
        value = node.value
        return lambda scope: value

    def _read(self, node: Read) -> Evaluate:
        keys = self._keys[node]
        root = self._roots.get(node)
        if root is not None:
            return self._below(root.read, keys, node.offset) if keys else root.read
        first, *rest = keys
        if not rest:
            return lambda scope: scope.item.get(first)
        return self._below(lambda scope: scope.item.get(first), tuple(rest), node.offset)

    def _member(self, node: Member) -> Evaluate:
        return self._below(self.build(node.base), self._keys[node], node.offset)

    def _below(self, base: Evaluate, keys: Path, offset: int) -> Evaluate:
        self.metered = True

        def path(scope: Scope) -> Any:
            value = base(scope)
            try:
                return below(scope, value, keys)
            except ExpressionError as error:
                raise _placed(error, offset) from None

        return path

    def _local(self, node: Local) -> Evaluate:
        slot = node.slot
        return lambda scope: scope.locals[slot]

    def _item(self, node: Item) -> Evaluate:
        base, index, offset = self.build(node.base), self.build(node.index), node.offset

        def item(scope: Scope) -> Any:
            value, key = base(scope), index(scope)
            try:
                return item_at(value, key)
            except ExpressionError as error:
                raise _placed(error, offset) from None

        return item

    def _list(self, node: ListOf) -> Evaluate:
        items = tuple(map(self.build, node.items))
        return lambda scope: [item(scope) for item in items]

    def _record(self, node: RecordOf) -> Evaluate:
        entries = tuple(zip(node.keys, map(self.build, node.values), strict=True))
        return lambda scope: {key: value(scope) for key, value in entries}

    def _collect(self, node: Collect) -> Evaluate:
        self.metered = True
        source, element = self.build(node.source), self.build(node.element)
        condition = None if node.condition is None else self.build(node.condition)
        slot, weight, offset = node.slot, node.weight, node.source.offset

        def collect(scope: Scope) -> list[Any]:
            values = source(scope)
            if values is None:
                return []
            if kind_of(values) is not LIST:
                raise ExpressionError(f"A comprehension goes through a list, not {kind_of(values)}", offset)
            try:
                scope.spend(len(values) * weight)
            except ExpressionError as error:
                raise _placed(error, offset) from None
            variables = scope.locals
            found = []
            for value in values:
                variables[slot] = value
                if condition is None or condition(scope):
                    found.append(element(scope))
            return found

        return collect

    def _call(self, node: Call) -> Evaluate:
        self.metered = True
        function = FUNCTIONS[node.function]
        run, offset = function.run, node.offset
        arguments = [self.build(argument) for argument in node.arguments]
        if function.prepare is not None:
            pattern = node.arguments[-1]
            assert isinstance(pattern, Literal)
            prepared = function.prepare(pattern.value)
            arguments[-1] = lambda scope: prepared
        every = tuple(arguments)

        def call(scope: Scope) -> Any:
            values = [argument(scope) for argument in every]
            try:
                return run(scope, *values)
            except ExpressionError as error:
                raise _placed(error, offset) from None

        return call

    def _arithmetic(self, node: Arithmetic) -> Evaluate:
        self.metered = True
        first = self.build(node.first)
        if len(node.rest) == 1:
            symbol, operand = node.rest[0]
            return _joined(first, ARITHMETIC[symbol], self.build(operand), operand.offset)
        rest = tuple((ARITHMETIC[symbol], self.build(operand), operand.offset) for symbol, operand in node.rest)

        def chain(scope: Scope) -> Any:
            value = first(scope)
            for apply, operand, offset in rest:
                other = operand(scope)
                try:
                    value = apply(scope, value, other)
                except ExpressionError as error:
                    raise _placed(error, offset) from None
            return value

        return chain

    def _negate(self, node: Negate) -> Evaluate:
        operand, offset = self.build(node.operand), node.offset

        def negated(scope: Scope) -> Any:
            value = operand(scope)
            try:
                return negate(value)
            except ExpressionError as error:
                raise _placed(error, offset) from None

        return negated

    def _compare(self, node: Compare) -> Evaluate:
        if len(node.rest) == 1:
            symbol, right = node.rest[0]
            return self._pair(node.first, symbol, right)
        self.metered = True
        first = self.build(node.first)
        rest = tuple((_TESTS[symbol], self.build(operand), operand.offset) for symbol, operand in node.rest)

        def chain(scope: Scope) -> bool:
            left = first(scope)
            for test, operand, offset in rest:
                right = operand(scope)
                try:
                    if not test(scope, left, right):
                        return False
                except ExpressionError as error:
                    raise _placed(error, offset) from None
                left = right
            return True

        return chain

    def _pair(self, left: Node, symbol: str, right: Node) -> Evaluate:
        """One comparison. With simple constants on its right, Python's own comparison means the same and is faster."""
        value = self.build(left)
        quick = _QUICK.get(symbol)
        if quick is not None and _is_plain(right):
            return quick(value, right.value)
        quick = _QUICK_IN.get(symbol)
        if quick is not None and isinstance(right, ListOf) and all(map(_is_plain, right.items)):
            return quick(value, tuple(item.value for item in right.items if isinstance(item, Literal)))
        self.metered = True
        return _joined(value, _TESTS[symbol], self.build(right), right.offset)

    def _logic(self, node: Logic) -> Evaluate:
        join = _both if node.every else _either
        parts = [self.build(part) for part in node.parts]
        while len(parts) > 1:  # by threes, so that long chains do not grow deep
            threes = [parts[start : start + 3] for start in range(0, len(parts), 3)]
            parts = [join(*three) if len(three) > 1 else three[0] for three in threes]
        return parts[0]

    def _not(self, node: Not) -> Evaluate:
        part = self.build(node.part)
        return lambda scope: not part(scope)

    def _choose(self, node: Choose) -> Evaluate:
        condition, then, otherwise = self.build(node.condition), self.build(node.then), self.build(node.otherwise)
        return lambda scope: then(scope) if condition(scope) else otherwise(scope)


_BUILDERS: Mapping[type[Node], Callable[[Compiler, Any], Evaluate]] = {
    Literal: Compiler._literal,
    Read: Compiler._read,
    Local: Compiler._local,
    Member: Compiler._member,
    Item: Compiler._item,
    ListOf: Compiler._list,
    RecordOf: Compiler._record,
    Collect: Compiler._collect,
    Call: Compiler._call,
    Arithmetic: Compiler._arithmetic,
    Negate: Compiler._negate,
    Compare: Compiler._compare,
    Logic: Compiler._logic,
    Not: Compiler._not,
    Choose: Compiler._choose,
}


def _placed(error: ExpressionError, offset: int) -> ExpressionError:
    return ExpressionError(error.message, offset, error.hint)


def _joined(left: Evaluate, apply: Callable[[Scope, Any, Any], Any], right: Evaluate, offset: int) -> Evaluate:
    def joined(scope: Scope) -> Any:
        a, b = left(scope), right(scope)
        try:
            return apply(scope, a, b)
        except ExpressionError as error:
            raise _placed(error, offset) from None

    return joined


def _both(a: Evaluate, b: Evaluate, c: Evaluate | None = None) -> Evaluate:
    if c is None:
        return lambda scope: a(scope) and b(scope)
    return lambda scope: a(scope) and b(scope) and c(scope)


def _either(a: Evaluate, b: Evaluate, c: Evaluate | None = None) -> Evaluate:
    if c is None:
        return lambda scope: a(scope) or b(scope)
    return lambda scope: a(scope) or b(scope) or c(scope)


def _ordered(holds: Callable[[Any, Any], bool]) -> Test:
    return lambda scope, a, b: order(scope, a, b, holds)


_TESTS: Mapping[str, Test] = {
    "==": equal,
    "!=": lambda scope, a, b: not equal(scope, a, b),
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
    "in": member,
    "not in": lambda scope, a, b: not member(scope, a, b),
    "is": lambda scope, a, b: a is None,
    "is not": lambda scope, a, b: a is not None,
}

_QUICK: Mapping[str, Callable[[Evaluate, Any], Evaluate]] = {
    "==": lambda left, constant: lambda scope: left(scope) == constant,
    "!=": lambda left, constant: lambda scope: left(scope) != constant,
    "is": lambda left, constant: lambda scope: left(scope) is None,
    "is not": lambda left, constant: lambda scope: left(scope) is not None,
}

_QUICK_IN: Mapping[str, Callable[[Evaluate, Any], Evaluate]] = {
    "in": lambda left, constants: lambda scope: left(scope) in constants,
    "not in": lambda left, constants: lambda scope: left(scope) not in constants,
}


def _is_plain(node: Node) -> TypeGuard[Literal]:
    """Whether it is a literal that Python compares as the language does; Decimals are not, because of floats."""
    return isinstance(node, Literal) and not isinstance(node.value, Decimal)
