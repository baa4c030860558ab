"""How long a pattern may keep a backtracking engine busy: its tree goes in, a bound on its steps comes out.

Databases run patterns by backtracking, which may take time that grows with a power of the text's length, or worse.
"""

from __future__ import annotations

from typing import Final

from engine.errors import BadRequest
from engine.query.chars import Ranges, overlap, union
from engine.query.regex import Chars, Choice, Edge, Node, Repeat, Sequence

MOST_TEXT: Final = 1_000
"""Characters of the text on which a pattern is tried whose work grows faster than the text."""
_LONG_TEXT: Final = 1_000_000
_MOST_STEPS: Final = 5e7
"""Steps that a pattern may take, on long text or else on text of MOST_TEXT characters; some 10 to 40 ns each."""
_GROUP_STEPS: Final = 5
"""What repeating a group costs more than repeating a character."""


def trim(node: Node) -> Node:
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


def needs_short_text(node: Node) -> bool:
    """Whether the pattern may only meet text of at most MOST_TEXT; raises BadRequest where even that is too much."""
    if _steps(node, _LONG_TEXT) <= _MOST_STEPS:
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


__all__ = ["MOST_TEXT", "needs_short_text", "trim"]
