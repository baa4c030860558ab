"""Text of a definition file in, the tree of its spans out: where every scalar, list and map begins and ends.

Unlike the tree of nodes this one keeps aliases as they are written, and knows block style from brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]  # the stubs leave out libyaml's parser
from yaml.events import AliasEvent, MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent


class Unkept(Exception):
    """The text holds something that cannot be laid out anew without losing it; the message names it."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the text: `start` and `end` count characters, `line`, `last` (its last line) and `column` from 0."""

    start: int
    end: int
    line: int
    column: int
    last: int


@dataclass(frozen=True, slots=True)
class Leaf(Span):
    """A scalar or an alias. `block` ones begin with | or > and hold whole lines."""

    block: bool = False

    @property
    def one_line(self) -> bool:
        """Whether it stands on one line and can go anywhere in it."""
        return not self.block and self.line == self.last


@dataclass(frozen=True, slots=True)
class Group(Span):
    """A list or a map, in brackets or by indentation, which is its column then."""

    brackets: bool
    is_map: bool
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """An item of a list, or a key of a map with its value."""

    key: Leaf | None
    value: Leaf | Group

    @property
    def begin(self) -> Leaf | Group:
        """What of it comes first in the text."""
        return self.key or self.value


_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")


class Layout:
    """A text and its spans. The text is known to be one YAML document, with \\n as its only line break."""

    def __init__(self, text: str) -> None:
        """Raises Unkept."""
        self.text = text
        self.lines = text.split("\n")
        self.root = _read(text)

    @cached_property
    def gaps(self) -> list[str]:
        """The lines with an x in place of every character of a scalar, so that a # begins a comment."""
        parts, at = [], 0
        for leaf in sorted(_leaves(self.root), key=lambda leaf: leaf.start):
            parts += [self.text[at : leaf.start], re.sub(r"[^\n]", "x", self.written(leaf))]
            at = max(at, leaf.end)
        return "".join([*parts, self.text[at:]]).split("\n")

    @property
    def comments(self) -> list[str]:
        """All comments, sorted."""
        return sorted(found[0].rstrip() for line in self.gaps for found in _COMMENT.finditer(line))

    def written(self, part: Span) -> str:
        """The source of a part."""
        return self.text[part.start : part.end]

    def key_text(self, entry: Entry) -> str:
        """The key of an entry as it is written; raises Unkept where it is more than a word before a colon."""
        assert entry.key is not None
        written = self.written(entry.key)
        if "\n" in written or self.text[entry.key.end : entry.value.start].lstrip()[:1] != ":":
            raise Unkept(f"the key in line {entry.key.line + 1} has an unusual form")
        return written

    def key(self, entry: Entry) -> str:
        """The key of an entry, without quotes."""
        return self.key_text(entry).strip("'\"")

    def words(self, group: Group) -> dict[str, str]:
        """The scalars of a map by key, without quotes."""
        return {
            self.key(entry): self.written(entry.value).strip("'\"")
            for entry in group.entries
            if isinstance(entry.value, Leaf)
        }

    def behind(self, part: Span) -> str:
        """The comment behind a part on its last line, with the space before it; raises Unkept for anything else."""
        end = self.text.find("\n", part.end)
        rest = self.text[part.end : end if end >= 0 else len(self.text)].rstrip()
        if rest and not re.fullmatch(r"[ \t]+#.*", rest):
            raise Unkept(f'"{rest.strip()[:20]}" stands behind a value')
        return rest

    def has_comment(self, first: int, last: int) -> bool:
        """Whether there is a comment in these lines."""
        return any("#" in line for line in self.gaps[first : last + 1])

    def comment_column(self, number: int) -> int:
        """Where the comment of a line that is one begins; -1 for other lines."""
        line = self.lines[number]
        return len(line) - len(line.lstrip()) if line.lstrip().startswith("#") else -1


def _leaves(part: Leaf | Group) -> Iterator[Leaf]:
    if isinstance(part, Leaf):
        yield part
        return
    for entry in part.entries:
        if entry.key is not None:
            yield entry.key
        yield from _leaves(entry.value)


def _read(text: str) -> Leaf | Group:
    parser = CParser(text)
    try:
        reader = _Reader(text, parser.get_event)
        reader.next()  # start of the stream
        reader.next()  # start of the document
        return reader.node(reader.next())
    except yaml.YAMLError:
        raise Unkept("it holds escapes that only JSON knows") from None
    finally:
        parser.dispose()


class _Reader:
    def __init__(self, text: str, next_event: Any) -> None:
        self.text = text
        self.next = next_event

    def node(self, event: Any) -> Leaf | Group:
        if isinstance(event, (ScalarEvent, AliasEvent)):
            return self.leaf(event)
        is_map, mark = isinstance(event, MappingStartEvent), event.start_mark
        brackets = bool(event.flow_style)
        if not brackets and event.anchor is not None:
            raise Unkept(f"the anchor in line {mark.line + 1} belongs to a block")
        entries: list[Entry] = []
        following = self.next()
        while not isinstance(following, (MappingEndEvent, SequenceEndEvent)):
            key = self.leaf(following) if is_map else None
            entries.append(Entry(key, self.node(self.next() if is_map else following)))
            following = self.next()
        end_mark: Any = following.end_mark
        end, last = end_mark.index, end_mark.line
        if not brackets:  # the end of a block is where the next thing begins
            end, last = entries[-1].value.end, entries[-1].value.last
        return Group(mark.index, end, mark.line, mark.column, last, brackets, is_map, tuple(entries))

    def leaf(self, event: Any) -> Leaf:
        mark, end, last = event.start_mark, event.end_mark.index, event.end_mark.line
        block = getattr(event, "style", None) in ("|", ">")
        if block:
            written = self.text[mark.index : end]
            keeps = "+" in written.partition("\n")[0].partition("#")[0]
            end = mark.index + len(written.removesuffix("\n") if keeps else written.rstrip("\n"))
            last = mark.line + self.text.count("\n", mark.index, end)
        return Leaf(mark.index, end, mark.line, mark.column, last, block)


__all__ = ["Entry", "Group", "Layout", "Leaf", "Span", "Unkept"]
