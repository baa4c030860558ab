r"""What `like` looks for: written text in, a pattern out that selects the same text in RE2 and in the database.

`like(v)` contains, `like(/v)` starts with, `like(v/)` ends with, all in any letter case; `like(/re/)` is a regular
expression. `\/` is a slash at either end. Databases run patterns by backtracking, which can take forever: a regular
expression gets through only if its work is bounded, and open repetition only meets text of limited length.
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
MOST_TEXT = 10_000
"""Characters of the text on which an open repetition is tried; longer text does not match it."""
MOST_WAYS = 1_000
"""Ways in which bounded choices of a pattern may combine."""
_SMALL_REPEAT = 16


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
        raise BadRequest("like needs some text to look for; notEmpty() finds every value")
    if len(found.text) > MOST_PATTERN:
        raise BadRequest(f"like takes at most {MOST_PATTERN} characters, not {len(found.text)}")
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
    open_ended = _check_effort(node)
    compiled = compile_re2(_to_re2(node))
    search = compiled.search
    if not open_ended:
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
    parts = list(branch.parts) if isinstance(branch, Sequence) else [branch]
    for end in (0, -1):
        while parts and isinstance(last := parts[end], Repeat):
            if last.least:
                parts[end] = Repeat(last.body, last.least, last.least)
                break
            parts.pop(end)
    return Sequence(tuple(parts))


@dataclass(frozen=True, slots=True)
class _Effort:
    """What a failing attempt from one place costs: `ways` times the text's length to the power of `degree`."""

    ways: int = 1
    degree: int = 0
    open_ended: bool = False


def _check_effort(node: Node) -> bool:
    """Whether the pattern may cost the square of the text's length; raises BadRequest where it may cost more."""
    ways, square = 0, False
    for branch in node.branches if isinstance(node, Choice) else (node,):
        parts = branch.parts if isinstance(branch, Sequence) else (branch,)
        anchored = bool(parts) and parts[0] is Edge.TEXT_START
        effort = _measure(branch, ())
        degree = max(effort.degree, 1 if effort.open_ended else 0) + (0 if anchored else 1)
        if degree > 2:
            raise BadRequest(
                "The regular expression could take too long: it may hold at most two open repetitions (* or +) that "
                "compete for the same text, one where it does not begin with ^. Split it into several like conditions"
            )
        ways += effort.ways
        square |= degree == 2
    if ways > (MOST_WAYS // 50 if square else MOST_WAYS):
        raise BadRequest(
            "The regular expression could take too long: its alternatives and optional parts combine in too many ways. "
            "Split it into several like conditions"
        )
    return square


def _measure(node: Node, follow: Ranges) -> _Effort:
    """`follow` holds the characters that may come next; where it shares none with a repetition, its end is certain."""
    match node:
        case Sequence(parts):
            return _measure_sequence(parts, follow)
        case Choice(branches):
            efforts = [_measure(branch, follow) for branch in branches]
            counts = [effort.ways for effort in efforts]
            return _Effort(
                max(counts) if _disjoint(branches) else sum(counts),
                max(effort.degree for effort in efforts),
                any(effort.open_ended for effort in efforts),
            )
        case Repeat():
            return _measure_repeat(node, follow)
        case _:
            return _Effort()


def _measure_sequence(parts: tuple[Node, ...], follow: Ranges) -> _Effort:
    ways, degree, open_ended = 1, 0, False
    for part in reversed(parts):
        effort = _measure(part, follow)
        ways, degree = ways * effort.ways, degree + effort.degree
        open_ended |= effort.open_ended
        follow = union((*_first(part), *follow)) if _may_be_nothing(part) else _first(part)
    return _Effort(ways, degree, open_ended)


def _measure_repeat(node: Repeat, follow: Ranges) -> _Effort:
    competing = node.least != node.most and overlap(_first(node.body), follow)
    if node.most is not None and node.most <= 1:
        inner = _measure(node.body, follow)
        return _Effort(inner.ways + competing, inner.degree, inner.open_ended)
    if not _is_fixed(node.body):
        raise BadRequest(
            "The regular expression repeats a group that holds repetition or alternatives, which could take forever; "
            "repeat single characters, classes or fixed text"
        )
    small = node.most is not None and node.most - node.least <= _SMALL_REPEAT
    if small and node.most is not None:
        return _Effort(node.most - node.least + 1 if competing else 1)
    return _Effort(1, 1 if competing else 0, open_ended=True)


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
