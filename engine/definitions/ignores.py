"""Comments `# ignore: CODE reason` in, warnings that they silence out of the list, and warnings about the comments."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from engine.definitions.codes import CODES
from engine.definitions.codes.code import problem
from engine.definitions.codes.files import BAD_IGNORE, IDLE_IGNORE
from engine.definitions.nodes import List, Map, Node, Scalar
from engine.errors import Diagnostic, Position, did_you_mean

_MARK = "ignore:"
_COMMENT = re.compile(
    r"(?m)(?:^|(?<=[ \t]))#[ \t]*ignore:[ \t]*(?P<codes>[^\s,]*(?:[ \t]*,[ \t]*[^\s,]+)*)(?P<reason>.*)$"
)
_CODE = re.compile(r"[^\s,]+")


@dataclass(frozen=True, slots=True)
class Ignore:
    """One code of one comment: `line` is where it silences, `at` where the code stands, `reason` may be missing."""

    code: str
    line: int
    at: Position
    reason: str


def find_ignores(trees: Mapping[str, Node]) -> list[Ignore]:
    """Every ignore in the files that could be read, in their order; JSON has no comments."""
    written = [tree for name, tree in trees.items() if _MARK in tree.file.text and not name.endswith(".json")]
    return [ignore for tree in written for ignore in _in_file(tree)]


def apply_ignores(found: Iterable[Diagnostic], ignores: Iterable[Ignore]) -> list[Diagnostic]:
    """What is left, and a warning for every ignore that silenced nothing or cannot silence anything.

    While there are errors some laws are not asked, so that nothing is said about idle ignores then.
    """
    left = list(found)
    wanted = list(ignores)
    if not wanted:
        return left
    broken = any(item.severity == "error" for item in left)
    faults: list[Diagnostic] = []
    for ignore in wanted:
        fault = _fault(ignore)
        silenced = [item for item in left if _silences(ignore, item)]
        if fault is not None:
            faults.append(fault)
        elif silenced:
            left = [item for item in left if item not in silenced]
        elif not broken:
            message = f"there is no warning {ignore.code} to ignore here"
            faults.append(problem(IDLE_IGNORE, ignore.at, message, "remove the comment"))
    return left + faults


def _silences(ignore: Ignore, item: Diagnostic) -> bool:
    here = (item.code, item.at.file, item.at.line) == (ignore.code, ignore.at.file, ignore.line)
    return here and item.severity == "warning"


def _fault(ignore: Ignore) -> Diagnostic | None:
    code = CODES.get(ignore.code)
    if code is None:
        hint = did_you_mean(ignore.code, CODES) or "write the code of a warning, as the report shows it"
        return problem(BAD_IGNORE, ignore.at, f'there is no problem with the code "{ignore.code}"', hint)
    if code.severity == "error":
        return problem(BAD_IGNORE, ignore.at, f"{code.code} is an error and cannot be ignored", "correct it")
    if not ignore.reason:
        return problem(BAD_IGNORE, ignore.at, "an ignore says why", f"write # ignore: {code.code} and the reason")
    return None


def _in_file(tree: Node) -> Iterator[Ignore]:
    text = tree.file.text
    spans = sorted((scalar.start, scalar.end) for scalar in _scalars(tree))
    for found in _COMMENT.finditer(text):
        place = bisect_right(spans, (found.start(), len(text)))
        if place and spans[place - 1][1] > found.start():
            continue  # inside a text
        line = text.count("\n", 0, found.start()) + 1
        begin = text.rfind("\n", 0, found.start()) + 1
        alone = not text[begin : found.start()].strip()
        codes = list(_CODE.finditer(found["codes"])) or [found]
        for code in codes:
            named = code is not found
            column = (found.start("codes") + code.start() if named else found.start()) - begin + 1
            yield Ignore(
                code=code[0] if named else "",
                line=_next_line(text, line) if alone else line,
                at=Position(tree.file.name, line, column),
                reason=found["reason"].strip(),
            )


def _next_line(text: str, line: int) -> int:
    """The next line that is neither empty nor a comment."""
    for number, content in enumerate(text.split("\n")[line:], line + 1):
        if content.strip() and not content.lstrip().startswith("#"):
            return number
    return line


def _scalars(node: Node) -> Iterator[Scalar]:
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Map):
        yield from node.keys.values()
        for inner in node.values.values():
            yield from _scalars(inner)
    elif isinstance(node, List):
        for inner in node.items:
            yield from _scalars(inner)


__all__ = ["Ignore", "apply_ignores", "find_ignores"]
