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
from engine.query.chars import Ranges, fold, overlap, single, to_class, union
from engine.query.regex import Chars, Choice, Edge, Node, Repeat, Sequence, compile_re2, parse_regex

MOST_PATTERN = 256
"""Characters of a pattern."""
MOST_TEXT = 1_000
"""Characters of the text on which a pattern is tried whose work grows faster than the text; longer text never matches."""
_MOST_STEPS = 5e7
_LONG_TEXT = 1_000_000
_MOST_STEPS_LONG = 3e8
"""Steps that a pattern may take on text of MOST_TEXT and of _LONG_TEXT characters; some 10 ns each."""
_GROUP_STEPS = 5
"""What repeating a group costs more than repeating a character."""


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
        return _build(_trim(parse_regex(text)))
    parts: list[Node] = [Chars(fold(single(char))) for char in text]
    if kind is Kind.STARTS:
        parts.insert(0, Edge.TEXT_START)
    elif kind is Kind.ENDS:
        parts.append(Edge.TEXT_END)
    return _build(Sequence(tuple(parts)))


def _build(node: Node) -> Pattern:
    search = compile_re2(_to_re2(node)).search
    if not _needs_short_text(node):
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


# Bounding the work


def _trim(node: Node) -> Node:
    """The same search without open repetition at its ends: `.*a+b.*` finds what `ab` finds."""
    branches = node.branches if isinstance(node, Choice) else (node,)
    trimmed = tuple(_trim_branch(branch) for branch in branches)
    return Choice(trimmed) if len(trimmed) > 1 else trimmed[0]


def _trim_branch(branch: Node) -> Node:
    parts = _parts(branch)
    for end in (0, -1):
        while parts and isinstance(outer := parts[end], Repeat):
            if outer.least > 1:
                parts[end] = Repeat(outer.body, outer.least, outer.least)
                break
            once = _parts(outer.body) if outer.least else []
            parts = [*once, *parts[1:]] if end == 0 else [*parts[:-1], *once]
    return Sequence(tuple(parts))


def _parts(node: Node) -> list[Node]:
    return list(node.parts) if isinstance(node, Sequence) else [node]


def _needs_short_text(node: Node) -> bool:
    """Whether the pattern may only meet text of at most MOST_TEXT; raises BadRequest where even that is too much."""
    if _steps(node, _LONG_TEXT) <= _MOST_STEPS_LONG:
        return False
    if _steps(node, MOST_TEXT) <= _MOST_STEPS:
        return True
    raise BadRequest(
        "the regular expression could take too long: repetitions or alternatives compete for the same text. "
        "Begin it with ^, make what is repeated differ from what follows, or split it into several like conditions"
    )


def _steps(node: Node, length: int) -> float:
    """An upper bound of the steps that a backtracking engine takes to fail on the worst text of a length."""
    total = 0.0
    for branch in node.branches if isinstance(node, Choice) else (node,):
        parts = _parts(branch)
        anchored = bool(parts) and parts[0] is Edge.TEXT_START
        total += _cost(branch, 1, (), length) * (1 if anchored else length)
    return total


def _cost(node: Node, rest: float, follow: Ranges, length: int) -> float:
    """Steps for a node and, `rest` steps a time, what comes after it.

    `follow` holds the characters that may come next: where a repetition shares none with them, its end is certain, and
    what comes after it is tried once; else it is tried after every number of repetitions.
    """
    match node:
        case Sequence(parts):
            for part in reversed(parts):
                rest = _cost(part, rest, follow, length)
                follow = union((*_first(part), *follow)) if _may_be_nothing(part) else _first(part)
            return rest
        case Choice(branches):
            costs = [_cost(branch, rest, follow, length) for branch in branches]
            return (max(costs) if _disjoint(branches) else sum(costs)) + len(branches)
        case Repeat(body, least, most):
            competing = least != most and (_may_be_nothing(body) or overlap(_first(body), follow))
            if most is not None and most <= 1:
                return _cost(body, rest, follow, length) + (rest if competing else 1)
            if not _is_fixed(body):
                raise BadRequest(
                    "the regular expression repeats a group that holds repetition or alternatives, which could take "
                    "forever; repeat single characters, classes or fixed text"
                )
            times = length if most is None else min(most, length)
            once = 1 if isinstance(body, Chars) else _GROUP_STEPS * _cost(body, 0, (), length)
            return once * times + ((times - least + 1) * rest if competing else times + rest)
        case _:
            return rest + 1


def _is_fixed(node: Node) -> bool:
    match node:
        case Chars():
            return True
        case Sequence(parts):
            return bool(parts) and all(_is_fixed(part) for part in parts)
        case Repeat(body, least, most):
            return least == most and least > 0 and _is_fixed(body)
        case _:
            return False


def _first(node: Node) -> Ranges:
    """The characters that a match may begin with."""
    match node:
        case Chars(ranges):
            return ranges
        case Sequence(parts):
            found: list[tuple[int, int]] = []
            for part in parts:
                found.extend(_first(part))
                if not _may_be_nothing(part):
                    break
            return union(found)
        case Choice(branches):
            return union(one for branch in branches for one in _first(branch))
        case Repeat(body, _, _):
            return _first(body)
        case _:
            return ()


def _may_be_nothing(node: Node) -> bool:
    match node:
        case Chars():
            return False
        case Sequence(parts):
            return all(_may_be_nothing(part) for part in parts)
        case Choice(branches):
            return any(_may_be_nothing(branch) for branch in branches)
        case Repeat(body, least, _):
            return least == 0 or _may_be_nothing(body)
        case _:
            return True


def _disjoint(branches: tuple[Node, ...]) -> bool:
    seen: Ranges = ()
    for branch in branches:
        first = _first(branch)
        if _may_be_nothing(branch) or overlap(seen, first):
            return False
        seen = union((*seen, *first))
    return True


__all__ = ["MOST_PATTERN", "MOST_TEXT", "Kind", "LikeText", "Pattern", "build_pattern", "parse_like"]
