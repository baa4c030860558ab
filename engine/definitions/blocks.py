"""Lists and maps that stand by indentation: a layout in, the lines of its file out, comments where they belong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from engine.definitions.inline import STEP, Move, in_brackets, in_order, lines_of, on_one_line, style_of, takes_of
from engine.definitions.layout import Entry, Group, Layout, Leaf, Unkept
from engine.definitions.takes import MapStyle, Takes

WIDEST = 100
"""Columns within which a short map is put on one line."""

_NOT_IN_BRACKETS = re.compile(r"[,\[\]{}]|:$")


@dataclass(frozen=True, slots=True)
class Piece:
    """An entry of a block. `leading` and `tail` are the comments and blank lines before and below it.

    `short` is its value where that is a map on one line.
    """

    entry: Entry
    takes: Takes | None
    leading: list[str]
    short: str | None
    tail: list[str] = field(default_factory=list)


class Printer:
    """Lays one file out anew."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def file(self, takes: Takes) -> str:
        """The whole text; raises Unkept. Comments before the first key stay at the top of the file."""
        root = self.layout.root
        if isinstance(root, Leaf):
            raise Unkept("it is no map")
        head = self._between(-1, root.line, 0)
        if root.brackets:
            body = lines_of(self.layout, root, takes, Move(0, 0, 0))
            body[-1] += self.layout.behind(root)
        else:
            body = self._block(root, 0, takes, root.line - 1)
        below = len(self.layout.lines)
        inner = () if root.brackets else self._inner_comments(root.last, below, root)
        tail = self._between(inner[-1] if inner else root.last, below, 0)
        lines = [*head, *body, *self._placed(inner, root, 0), *tail]
        return "\n".join(lines).rstrip("\n") + "\n"

    def _between(self, above: int, below: int, indent: int) -> list[str]:
        """The comments and blank lines between two lines, comments indented."""
        found = []
        for line in self.layout.lines[above + 1 : below]:
            content = line.strip()
            if content == "---":
                continue
            if content and not content.startswith("#"):
                raise Unkept(f'"{content[:20]}" stands where only comments are expected')
            found.append(" " * indent + content if content else "")
        return found

    def _inner_comments(self, above: int, below: int, group: Group) -> Sequence[int]:
        """The lines between two lines up to the last comment that is indented deeper than the group around them."""
        deep = [number for number in range(above + 1, below) if self.layout.comment_column(number) > group.column]
        return range(above + 1, deep[-1] + 1) if deep else ()

    def _placed(self, numbers: Sequence[int], group: Group, indent: int) -> list[str]:
        """Comment lines at the indentation of the innermost block at the group's end that they can belong to."""
        levels = list(_levels(group, indent)) if numbers else []
        placed = []
        for number in numbers:
            content = self.layout.lines[number].strip()
            column = self.layout.comment_column(number)
            level = max((new for old, new in levels if old <= column), default=indent)
            placed.append(" " * level + content if content else "")
        return placed

    def _block(self, group: Group, indent: int, takes: Takes | None, above: int) -> list[str]:
        """The lines of a block; its leading comments begin below the line `above`."""
        style = style_of(self.layout, group, takes)
        pieces = self._pieces(group, indent, takes, style, above)
        if style.order is not None:
            pieces = self._in_order(pieces, group, style)
        widths = self._widths(pieces) if style.aligned else [0] * len(pieces)
        lines: list[str] = []
        for piece, width in zip(pieces, widths, strict=True):
            lines += [*piece.leading, *self._entry(piece, indent, width), *piece.tail]
        return lines

    def _pieces(self, group: Group, indent: int, takes: Takes | None, style: MapStyle, above: int) -> list[Piece]:
        pieces: list[Piece] = []
        for entry in group.entries:
            begin = entry.key.line if entry.key is not None else self._dash_line(entry, group, above)
            before = pieces[-1].entry.value if pieces else None
            if isinstance(before, Group) and not before.brackets:
                inner = self._inner_comments(above, begin, group)
                pieces[-1].tail.extend(self._placed(inner, before, indent + STEP))
                above = inner[-1] if inner else above
            own = takes_of(self.layout, entry, style, takes)
            short = None if entry.key is None else self._short(entry, own, indent)
            pieces.append(Piece(entry, own, self._between(above, begin, indent), short))
            above = entry.value.last
        return pieces

    def _dash_line(self, entry: Entry, group: Group, above: int) -> int:
        first = group.line if entry is group.entries[0] else above + 1
        for number in range(first, entry.value.line + 1):
            if self.layout.gaps[number][group.column : group.column + 1] == "-":
                if entry.value.line > number and self.layout.has_comment(number, number):
                    raise Unkept(f"the comment in line {number + 1} stands between a dash and its value")
                return number
        raise Unkept(f"the item in line {entry.value.line + 1} has an unusual form")

    def _in_order(self, pieces: list[Piece], group: Group, style: MapStyle) -> list[Piece]:
        """The pieces in the order of the table; blank lines before the new first one go to the old first one."""
        by_entry = {id(piece.entry): piece for piece in pieces}
        found = [by_entry[id(entry)] for entry in in_order(self.layout, group, style)]
        while found[0] is not pieces[0] and found[0].leading and not found[0].leading[0]:
            pieces[0].leading.insert(0, found[0].leading.pop(0))
        return found

    def _widths(self, pieces: list[Piece]) -> list[int]:
        """How far the keys of short entries are filled up: to the longest of their neighbours up to a blank line."""
        widths: list[int] = []
        run: list[int] = []
        for piece in pieces:
            if piece.short is None or "" in piece.leading:
                widths += [max(run)] * len(run) if run else []
                run = []
            if piece.short is None:
                widths.append(0)
            else:
                run.append(len(self.layout.key_text(piece.entry)))
        return widths + [max(run, default=0)] * len(run)

    def _entry(self, piece: Piece, indent: int, width: int) -> list[str]:
        entry, value = piece.entry, piece.entry.value
        start = " " * indent + ("-" if entry.key is None else f"{self.layout.key_text(entry)}:")
        if piece.short is not None:
            comment = self.layout.behind(value) if _is_in_brackets(value) else ""
            return [f"{start.ljust(indent + width + 1)} {piece.short}{comment}"]
        if isinstance(value, Group) and not value.brackets:
            return self._below(piece, value, start, indent)
        self._refuse_comment(entry)
        if value.start == value.end:
            return [start + self.layout.behind(value)]
        old = value.column - STEP if entry.key is None else entry.key.column
        lines = lines_of(self.layout, value, piece.takes, Move(len(start) + 1, max(0, old), indent))
        lines[0] = f"{start} {lines[0]}"
        if not (isinstance(value, Leaf) and value.block):
            lines[-1] += self.layout.behind(value)
        return lines

    def _below(self, piece: Piece, value: Group, start: str, indent: int) -> list[str]:
        """A block below its key, or beside its dash."""
        key = piece.entry.key
        if key is None:
            lines = self._block(value, indent + STEP, piece.takes, value.line - 1)
            beside = bool(lines[0]) and not lines[0].lstrip().startswith("#")
            return [f"{start} {lines[0].lstrip()}", *lines[1:]] if beside else [start, *lines]
        comment = self.layout.gaps[key.line][key.column :].partition(":")[2].rstrip()
        if comment and not comment.lstrip().startswith("#"):
            raise Unkept(f"the block in line {value.line + 1} has an unusual form")
        comment = self.layout.lines[key.line].rstrip()[-len(comment) :] if comment else ""
        return [start + comment, *self._block(value, indent + STEP, piece.takes, key.line)]

    def _refuse_comment(self, entry: Entry) -> None:
        if entry.key is not None and "#" in self.layout.text[entry.key.end : entry.value.start]:
            raise Unkept(f"the comment in line {entry.key.line + 1} stands between a key and its value")

    def _short(self, entry: Entry, takes: Takes | None, indent: int) -> str | None:
        """A map on one line: as it is written so, or because it is short and its kind may be."""
        value = entry.value
        if not isinstance(value, Group) or not value.is_map:
            return None
        if value.brackets:
            self._refuse_comment(entry)
            return on_one_line(self.layout, value, takes) if value.line == value.last else None
        if not style_of(self.layout, value, takes).compact or not self._is_simple(value, entry):
            return None
        line = in_brackets(self.layout, value, takes)
        return line if indent + len(self.layout.key_text(entry)) + len(": ") + len(line) <= WIDEST else None

    def _is_simple(self, group: Group, entry: Entry) -> bool:
        """Whether a block holds nothing but short values, one a line, without comments."""
        assert entry.key is not None
        if self.layout.has_comment(entry.key.line, group.last):
            return False
        if group.last - entry.key.line != len(group.entries):
            return False
        return all(self._fits_in_brackets(inner.value) for inner in group.entries)

    def _fits_in_brackets(self, value: Leaf | Group) -> bool:
        if isinstance(value, Group):
            return value.brackets and value.line == value.last
        written = self.layout.written(value)
        quoted = written.startswith(("'", '"'))
        return value.one_line and bool(written) and (quoted or _NOT_IN_BRACKETS.search(written) is None)


def _is_in_brackets(value: Leaf | Group) -> bool:
    return isinstance(value, Group) and value.brackets


def _levels(group: Group, indent: int) -> Iterator[tuple[int, int]]:
    """The columns of the blocks at the end of a block, and where they move to."""
    yield group.column, indent
    last = group.entries[-1].value
    if isinstance(last, Group) and not last.brackets:
        yield from _levels(last, indent + STEP)


__all__ = ["Printer"]
