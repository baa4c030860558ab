"""Values that stand in a line: scalars, and lists and maps in brackets. Spans of a layout in, lines of text out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.definitions.layout import Entry, Group, Layout, Leaf
from engine.definitions.takes import MapStyle, Takes

NO_STYLE = MapStyle(lambda name: None)
STEP = 2
"""Spaces of each level."""


@dataclass(frozen=True, slots=True)
class Move:
    """Where a value goes: it begins at `column`, and its block moves from one indentation to another."""

    column: int
    old: int
    new: int

    def shift(self, indent: int, value: Leaf | Group) -> int:
        """Where a further line begins: moved with the value where it stands behind its start, else with the block."""
        return max(0, indent + (self.column - value.column if indent > value.column else self.new - self.old))


def style_of(layout: Layout, group: Group, takes: Takes | None) -> MapStyle:
    """How a map is laid out."""
    style = takes.map_style(layout.words(group)) if takes is not None and group.is_map else None
    return style or NO_STYLE


def takes_of(layout: Layout, entry: Entry, style: MapStyle, takes: Takes | None) -> Takes | None:
    """What the value of an entry takes."""
    if entry.key is None:
        return takes.item_takes() if takes is not None else None
    return style.takes(layout.key(entry))


def in_order(layout: Layout, group: Group, style: MapStyle) -> list[Entry]:
    """The entries in the order of the table, others after them as they stand."""
    if style.order is None:
        return list(group.entries)
    ranks = {name: rank for rank, name in enumerate(style.order)}
    return sorted(group.entries, key=lambda entry: ranks.get(layout.key(entry), len(ranks)))


def on_one_line(layout: Layout, value: Leaf | Group, takes: Takes | None) -> str:
    """A value that has no line break, in brackets without spaces at their ends."""
    if isinstance(value, Leaf) or _is_odd(layout, value):
        return layout.written(value)
    return in_brackets(layout, value, takes)


def in_brackets(layout: Layout, group: Group, takes: Takes | None) -> str:
    """A list or map whose values have no line breaks, in brackets on one line."""
    style = style_of(layout, group, takes)
    parts = []
    for entry in in_order(layout, group, style):
        key = "" if entry.key is None else f"{layout.key_text(entry)}: "
        parts.append(key + on_one_line(layout, entry.value, takes_of(layout, entry, style, takes)))
    return "{" + ", ".join(parts) + "}" if group.is_map else "[" + ", ".join(parts) + "]"


def lines_of(layout: Layout, value: Leaf | Group, takes: Takes | None, move: Move) -> list[str]:
    """The lines of a value, the first without its indentation."""
    if isinstance(value, Group) and value.line == value.last:
        return [on_one_line(layout, value, takes)]
    if isinstance(value, Group) and not _is_odd(layout, value) and not layout.has_comment(value.line, value.last):
        return _over_lines(layout, value, takes, move).split("\n")
    first, *rest = layout.written(value).split("\n")
    if isinstance(value, Leaf) and value.block:
        return [first.rstrip(), *_block_lines(first, rest, move)]
    return [first.rstrip(), *(_indented(line.strip(), move.shift(_indent(line), value)) for line in rest)]


def _block_lines(head: str, lines: list[str], move: Move) -> list[str]:
    """The content of a | or > scalar, a step deeper than its block, unless its head says how deep it is."""
    content = [line for line in lines if line.strip()]
    told = any(char.isdigit() for char in head.partition("#")[0])
    by = move.new - move.old
    if content and not told:
        by = move.new + STEP - _indent(content[0])
    return [_indented(line.lstrip(" "), max(0, _indent(line) + by)) for line in lines]


def _over_lines(layout: Layout, group: Group, takes: Takes | None, move: Move) -> str:
    """A value in brackets over several lines: entries change their places, line breaks stay where they are."""
    style = style_of(layout, group, takes)
    text, end = layout.text[group.start], group.start + 1
    for place, entry in zip(group.entries, in_order(layout, group, style), strict=True):
        first = place is group.entries[0]
        broken = _break(layout.text[end : place.begin.start], place.begin.column, group, move)
        text += ("" if first else ",") + (broken or ("" if first else " "))
        if entry.key is not None:
            text += f"{layout.key_text(entry)}: "
        column = len(text.rpartition("\n")[2]) + (0 if "\n" in text else move.column)
        own = takes_of(layout, entry, style, takes)
        text += "\n".join(lines_of(layout, entry.value, own, replace(move, column=column)))
        end = place.value.end
    gap = layout.text[end : group.end - 1]
    return text + _break(gap, len(gap.rpartition("\n")[2]), group, move) + layout.text[group.end - 1]


def _break(gap: str, indent: int, group: Group, move: Move) -> str:
    breaks = gap.count("\n")
    return "\n" * breaks + " " * move.shift(indent, group) if breaks else ""


def _is_odd(layout: Layout, group: Group) -> bool:
    """Whether something in brackets has a form that is better left alone: anchors, keys without a value, bare pairs."""
    if not layout.written(group).startswith(("{", "[")):
        return True
    return any(
        entry.value.start == entry.value.end
        or (entry.key is not None and (entry.key.start == entry.key.end or not entry.key.one_line))
        or (isinstance(entry.value, Group) and _is_odd(layout, entry.value))
        for entry in group.entries
    )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _indented(content: str, indent: int) -> str:
    return " " * indent + content if content else ""


__all__ = ["STEP", "Move", "in_brackets", "in_order", "lines_of", "on_one_line", "style_of", "takes_of"]
