r"""What `like` looks for: written text in, a pattern out that selects the same text in RE2 and in the database.

`like(v)` contains, `like(/v)` starts with, `like(v/)` ends with, all in any letter case; `like(/re/)` is a regular
expression. `\/` is a slash at either end. Databases run patterns by backtracking, which can take forever: a regular
expression gets through only if its work is bounded, and where it grows faster than the text, only short text is tried.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from engine.errors import BadRequest
from engine.query.chars import fold, single, to_class
from engine.query.effort import MOST_TEXT, needs_short_text, trim
from engine.query.regex import Chars, Choice, Edge, Node, Repeat, Sequence, compile_re2, parse_regex

MOST_PATTERN = 256
"""Characters of a pattern."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern: `portable` for the database, `matches` for Python."""

    portable: str
    matches: Callable[[str], bool] = field(compare=False, repr=False)


class Kind(StrEnum):
    """Where the text has to stand."""

    CONTAINS = "contains"
    STARTS = "starts"
    ENDS = "ends"
    REGEX = "regex"


@dataclass(frozen=True, slots=True)
class LikeText:
    """The argument of `like`, taken apart."""

    kind: Kind
    text: str


def parse_like(written: str) -> LikeText:
    """Reads the slashes; raises BadRequest for nothing at all and for too much."""
    starts = len(written) > 1 and written.startswith("/")
    ends = len(written) > 1 and written.endswith("/") and not _escaped(written)
    if starts and ends:
        found = LikeText(Kind.REGEX, written[1:-1])
    elif starts:
        found = LikeText(Kind.STARTS, _slash_last(written[1:]))
    elif ends:
        found = LikeText(Kind.ENDS, _slash_first(written[:-1]))
    else:
        found = LikeText(Kind.CONTAINS, _slash_first(_slash_last(written)))
    if not found.text:
        raise BadRequest("some text to look for is needed; notEmpty() finds every value")
    if len(found.text) > MOST_PATTERN:
        raise BadRequest(f"the text may have at most {MOST_PATTERN} characters, not {len(found.text)}")
    return found


def _escaped(text: str) -> bool:
    before = text[:-1]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _slash_first(text: str) -> str:
    return text[1:] if text.startswith("\\/") else text


def _slash_last(text: str) -> str:
    return text[:-2] + "/" if text.endswith("\\/") else text


def build_pattern(kind: Kind, text: str) -> Pattern:
    """Compiles; raises BadRequest for a regular expression that is malformed, ambiguous or unbounded."""
    if kind is Kind.REGEX:
        node = trim(parse_regex(text))
        return _build(node, short=needs_short_text(node))
    parts: list[Node] = [Chars(fold(single(char))) for char in text]
    if kind is Kind.STARTS:
        parts.insert(0, Edge.TEXT_START)
    elif kind is Kind.ENDS:
        parts.append(Edge.TEXT_END)
    return _build(Sequence(tuple(parts)), short=False)


def build_node(node: Node) -> Pattern:
    """A pattern without repetition, already taken apart."""
    return _build(node, short=False)


def _build(node: Node, *, short: bool) -> Pattern:
    search = compile_re2(_to_re2(node)).search
    if not short:
        return Pattern(_to_portable(node), lambda text: search(text) is not None)
    portable = f"^(?![\\s\\S]{{{MOST_TEXT + 1}}})[\\s\\S]*?(?:{_to_portable(node)})"
    return Pattern(portable, lambda text: len(text) <= MOST_TEXT and search(text) is not None)


# Writing


_PORTABLE_EDGES = {
    Edge.TEXT_START: "^",
    Edge.TEXT_END: r"(?![\s\S])",
    Edge.LINE_START: r"(?<![^\n])",
    Edge.LINE_END: r"(?![^\n])",
    Edge.WORD: "(?:(?<=[0-9A-Z_a-z])(?![0-9A-Z_a-z])|(?<![0-9A-Z_a-z])(?=[0-9A-Z_a-z]))",
    Edge.NOT_WORD: "(?:(?<=[0-9A-Z_a-z])(?=[0-9A-Z_a-z])|(?<![0-9A-Z_a-z])(?![0-9A-Z_a-z]))",
}
"""`$` also stands before a last newline in PCRE, and `\\b` knows all of Unicode in some engines; these forms do not."""
_RE2_EDGES = {
    Edge.TEXT_START: r"\A",
    Edge.TEXT_END: r"\z",
    Edge.LINE_START: "(?m:^)",
    Edge.LINE_END: "(?m:$)",
    Edge.WORD: r"\b",
    Edge.NOT_WORD: r"\B",
}


def _to_portable(node: Node) -> str:
    return _write(node, _PORTABLE_EDGES)


def _to_re2(node: Node) -> str:
    return _write(node, _RE2_EDGES)


def _write(node: Node, edges: dict[Edge, str]) -> str:
    match node:
        case Chars(ranges):
            return to_class(ranges)
        case Edge():
            return edges[node]
        case Sequence(parts):
            return "".join(_write(part, edges) for part in parts)
        case Choice(branches):
            return f"(?:{'|'.join(_write(branch, edges) for branch in branches)})"
        case Repeat(body, least, most):
            inner = _write(body, edges)
            return f"{inner if isinstance(body, Chars) else f'(?:{inner})'}{_counts(least, most)}"


def _counts(least: int, most: int | None) -> str:
    if (least, most) in _SIGNS:
        return _SIGNS[least, most]
    if least == most:
        return f"{{{least}}}"
    return f"{{{least},{'' if most is None else most}}}"


_SIGNS: dict[tuple[int, int | None], str] = {(0, None): "*", (1, None): "+", (0, 1): "?", (1, 1): ""}


__all__ = ["MOST_PATTERN", "Kind", "LikeText", "Pattern", "build_node", "build_pattern", "parse_like"]
