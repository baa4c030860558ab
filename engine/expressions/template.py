"""Templates and labels: text with expressions in braces in, a function from a scope to the finished text out."""

from __future__ import annotations

import re
from collections.abc import Callable

from engine.errors import ExpressionError
from engine.expressions.compile import Compiler, Evaluate, compile_expression
from engine.expressions.names import Names
from engine.expressions.parse import Reader, parse_expression
from engine.expressions.printing import text_of
from engine.expressions.scan import closing_brace, outside_quotes
from engine.expressions.scope import BUDGET, Scope
from engine.expressions.syntax import Expression, Node, Path, Source, Template
from engine.expressions.values import join_texts

LONGEST_TEMPLATE = 10_000

_LITERAL = re.compile(r"[^{}]+|\{\{|\}\}")
_PATH = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*")


def parse_template(text: str) -> Template:
    """Splits a template at its braces; `{{` and `}}` stand for braces. Raises ExpressionError at the first fault."""
    if len(text) > LONGEST_TEMPLATE:
        raise ExpressionError(f"The template is longer than {LONGEST_TEMPLATE:,} characters", LONGEST_TEMPLATE)
    reader = Reader()
    parts: list[str | Node] = []
    literal = ""
    at = 0
    while at < len(text):
        plain = _LITERAL.match(text, at)
        if plain is not None:
            literal += plain[0][0] if plain[0] in {"{{", "}}"} else plain[0]
            at = plain.end()
            continue
        if text[at] == "}":
            raise ExpressionError('"}" closes nothing', at, "write }} for a brace that is text")
        end = closing_brace(text, at + 1)
        parts += [literal, reader.read(text[at + 1 : end], at + 1)]
        literal = ""
        at = end + 1
    parts.append(literal)
    return Template(text, tuple(part for part in parts if part != ""), reader.offsets)


def parse_label(text: str) -> Template:
    """The template of a record label, which may also be one bare field path (`name`, `address.city`)."""
    if _PATH.fullmatch(text):
        reader = Reader()
        return Template(text, (reader.read(text, 0),), reader.offsets)
    template = parse_template(text)
    if not template.trees:
        raise ExpressionError(
            "A label names at least one field", 0, 'write a field path, or a template such as "{name}"'
        )
    return template


def parse_computed(text: str) -> Source:
    """What computes a field: a template if a brace opens outside quotes, else an expression, with or without `=`."""
    if text.startswith("="):
        reader = Reader()
        return Expression(text, reader.read(text[1:], 1), reader.offsets)
    return parse_template(text) if _has_brace(text) else parse_expression(text)


def _has_brace(text: str) -> bool:
    if "{" not in text:
        return False
    try:
        return any(char == "{" for _, char in outside_quotes(text))
    except ExpressionError:  # not the quotes of an expression, so the brace is a template's: "{name}'s"
        return True


def compile_template(template: Template, names: Names) -> Callable[[Scope], str]:
    """A function from a scope to the finished text; it raises ExpressionError and nothing else.

    Raises ExpressionError at once if the template names something that is not there.
    """
    compiler = Compiler(template, names)
    texts = [part if isinstance(part, str) else "" for part in template.parts]
    holes = [(place, compiler.build(part)) for place, part in enumerate(template.parts) if isinstance(part, Node)]

    def render(scope: Scope) -> str:
        scope.budget = BUDGET
        filled = texts.copy()
        for place, evaluate in holes:
            filled[place] = text_of(scope, evaluate(scope))
        return join_texts(scope, filled)

    return render


def compile_label(text: str, names: Names) -> Callable[[Scope], str]:
    """`parse_label`, compiled."""
    return compile_template(parse_label(text), names)


def compile_computed(text: str, names: Names) -> Evaluate:
    """`parse_computed`, compiled."""
    source = parse_computed(text)
    return compile_template(source, names) if isinstance(source, Template) else compile_expression(source, names)


def label_paths(text: str) -> frozenset[Path]:
    """All paths that a label reads, as written."""
    return parse_label(text).paths


def computed_paths(text: str) -> frozenset[Path]:
    """All paths that the expression or template of a computed field reads, as written."""
    return parse_computed(text).paths
