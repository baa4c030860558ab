"""Regular expressions of clients: RE2 syntax in, a tree out, in which flags, shorthands and letter case are resolved.

Only what means the same in every engine gets through; the rest is refused by name. RE2 itself has the first word, so
what comes here is known to be well formed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import re2

from engine.errors import BadRequest
from engine.query.chars import Ranges, complement, fold, single, union


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of a set."""

    ranges: Ranges


class Edge(StrEnum):
    """A place between characters."""

    TEXT_START = "textStart"
    TEXT_END = "textEnd"
    LINE_START = "lineStart"
    LINE_END = "lineEnd"
    WORD = "word"
    NOT_WORD = "notWord"


@dataclass(frozen=True, slots=True)
class Repeat:
    """`body` at least and at most so many times; None is no limit."""

    body: Node
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Sequence:
    """One part after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Any one of the branches."""

    branches: tuple[Node, ...]


Node = Chars | Edge | Repeat | Sequence | Choice

_DIGITS: Final[Ranges] = ((0x30, 0x39),)
_WORD: Final[Ranges] = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACE: Final[Ranges] = ((0x09, 0x0A), (0x0C, 0x0D), (0x20, 0x20))
_ANY: Final[Ranges] = complement(())
_NOT_NEWLINE: Final[Ranges] = complement(single("\n"))
_SHORTHANDS: Final = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
_CONTROLS: Final = {"a": "\a", "f": "\f", "t": "\t", "n": "\n", "r": "\r", "v": "\v"}
_EDGES: Final = {"b": Edge.WORD, "B": Edge.NOT_WORD, "A": Edge.TEXT_START, "z": Edge.TEXT_END}
_QUANTIFIERS: Final = {"*": (0, None), "+": (1, None), "?": (0, 1)}


def compile_re2(pattern: str) -> Any:
    """The pattern in RE2; raises BadRequest with RE2's reason."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise BadRequest(f"the regular expression {pattern!r} is refused: {reason}") from None


def parse_regex(pattern: str) -> Node:
    """The tree of a pattern; raises BadRequest where RE2 refuses it or where engines would read it differently."""
    compile_re2(pattern)
    return _Parser(pattern).parse()


class _Parser:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.flags = frozenset[str]()

    def parse(self) -> Node:
        found = self.choice()
        assert self.at == len(self.pattern), "RE2 refuses brackets without a partner"
        return found

    def refuse(self, what: str) -> BadRequest:
        return BadRequest(
            f"the regular expression {self.pattern!r} uses {what}, which databases read in different ways; "
            "write it with characters, classes, groups, repetition and anchors only"
        )

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def take(self) -> str:
        char = self.pattern[self.at : self.at + 1]
        self.at += 1
        return char

    def choice(self) -> Node:
        branches = [self.sequence()]
        while self.peek() == "|":
            self.at += 1
            branches.append(self.sequence())
        if len(branches) == 1:
            return branches[0]
        if all(isinstance(branch, Chars) for branch in branches):
            return Chars(union(part for branch in branches if isinstance(branch, Chars) for part in branch.ranges))
        return Choice(tuple(branches))

    def sequence(self) -> Node:
        parts: list[Node] = []
        while (char := self.peek()) and char not in "|)":
            part = self.quantified(self.atom())
            if part is not None:
                parts.append(part)
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def atom(self) -> Node | None:
        """The next unit; None where it stands for nothing (a change of flags)."""
        char = self.take()
        if char == "(":
            return self.group()
        if char == "[":
            return Chars(self.char_class())
        if char == ".":
            return Chars(_ANY if "s" in self.flags else _NOT_NEWLINE)
        if char == "^":
            return Edge.LINE_START if "m" in self.flags else Edge.TEXT_START
        if char == "$":
            return Edge.LINE_END if "m" in self.flags else Edge.TEXT_END
        if char == "\\":
            if self.peek() in _EDGES:
                return _EDGES[self.take()]
            found = self.escape()
            return Chars(self.folded(union([(found, found)]) if isinstance(found, int) else found))
        return Chars(self.folded(single(char)))

    def folded(self, ranges: Ranges) -> Ranges:
        return fold(ranges) if "i" in self.flags else ranges

    def group(self) -> Node | None:
        outer = self.flags
        if self.peek() == "?":
            self.at += 1
            if self.peek() in ("P", "<"):
                self.at = self.pattern.index(">", self.at) + 1
            elif self.take_flags() == ")":
                return None
        found = self.choice()
        self.at += 1  # the closing bracket; RE2 has seen it
        self.flags = outer
        return found

    def take_flags(self) -> str:
        """Reads `i-s:` or `i)` and returns the sign that ended it."""
        adding = True
        while (flag := self.take()) not in ":)":
            if flag == "-":
                adding = False
            elif flag not in "ims":
                raise self.refuse(f"the flag {flag}")
            else:
                self.flags = self.flags | {flag} if adding else self.flags - {flag}
        return flag

    def escape(self) -> int | Ranges:
        """What follows a backslash: a code point, or the set that a shorthand stands for."""
        char = self.take()
        if char.lower() in _SHORTHANDS:
            found = self.folded(_SHORTHANDS[char.lower()])
            return found if char.islower() else complement(found)
        if char in _CONTROLS:
            return ord(_CONTROLS[char])
        if char == "x":
            return self.hexadecimal()
        if char.isalnum():
            raise self.refuse(f"\\{char}")
        return ord(char)

    def hexadecimal(self) -> int:
        if self.peek() == "{":
            end = self.pattern.index("}", self.at)
            digits, self.at = self.pattern[self.at + 1 : end], end + 1
        else:
            digits, self.at = self.pattern[self.at : self.at + 2], self.at + 2
        code = int(digits, 16)
        if 0xD800 <= code <= 0xDFFF:
            raise self.refuse("half of a surrogate pair")
        return code

    def char_class(self) -> Ranges:
        negated = self.peek() == "^"
        self.at += negated
        members: list[tuple[int, int]] = []
        first = True
        while first or self.peek() != "]":
            first = False
            if self.pattern.startswith("[:", self.at):
                raise self.refuse("a named class such as [:alpha:]")
            low = self.class_member()
            if isinstance(low, tuple):
                members.extend(low)
            elif self.peek() == "-" and self.pattern[self.at + 1 : self.at + 2] != "]":
                self.at += 1
                high = self.class_member()
                assert isinstance(high, int), "RE2 refuses a range that ends in a class"
                members.append((low, high))
            else:
                members.append((low, low))
        self.at += 1
        found = self.folded(union(members))
        found = complement(found) if negated else found
        if not found:
            raise self.refuse("a class without any character")
        return found

    def class_member(self) -> int | Ranges:
        """A code point, or the set that a shorthand stands for."""
        char = self.take()
        return self.escape() if char == "\\" else ord(char)

    def quantified(self, part: Node | None) -> Node | None:
        counts = self.quantifier()
        if counts is None:
            return part
        if self.peek() == "?":
            self.at += 1  # lazy: finds other text, but finds it in the same records
        if part is None or isinstance(part, Edge):
            raise self.refuse("repetition of an anchor")
        return Repeat(part, *counts)

    def quantifier(self) -> tuple[int, int | None] | None:
        char = self.peek()
        if char in _QUANTIFIERS and char:
            self.at += 1
            return _QUANTIFIERS[char]
        if char != "{":
            return None
        inside, closed, _ = self.pattern[self.at + 1 :].partition("}")
        least, comma, most = inside.partition(",")
        if not closed or not _is_number(least) or not (most == "" or _is_number(most)):
            return None  # a brace that counts nothing is a character
        self.at += len(inside) + 2
        if not comma:
            return int(least), int(least)
        return int(least), int(most) if most else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


__all__ = ["Chars", "Choice", "Edge", "Node", "Repeat", "Sequence", "compile_re2", "parse_regex"]
