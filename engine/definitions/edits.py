"""Exact edits of texts: where characters change places with others, and the edit that adds an alias to a field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.definitions.inline import in_order, style_of
from engine.definitions.layout import Entry, Group, Layout, Leaf, Unkept
from engine.definitions.model_fields import FieldTakes
from engine.definitions.nodes import Node, Scalar

_NEEDS_QUOTES = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """The characters of a file from `start` to `end` become `text`."""

    file: str
    start: int
    end: int
    text: str


def apply_edits(texts: Mapping[str, str], edits: Iterable[Edit]) -> dict[str, str]:
    """The new texts of the files that change; edits of one file do not overlap."""
    changed: dict[str, str] = {}
    for edit in sorted(set(edits), reverse=True):
        text = changed.get(edit.file, texts[edit.file])
        changed[edit.file] = text[: edit.start] + edit.text + text[edit.end :]
    return dict(sorted(changed.items()))


def alias_edit(tree: Node, key: Scalar, old: str, new: str) -> Edit:
    """What adds `old` to the aliases of the field that is defined under the key, and takes `new` out of them.

    Raises Unkept where the field is written in a form that cannot be extended safely.
    """
    layout = Layout(tree.file.text)
    field = _value_of(layout.root, key.start)
    if not isinstance(field, Group) or not field.is_map:
        raise Unkept(f"the field in line {key.line} is not written as a map of its own")
    json = tree.file.name.endswith(".json")
    quoted = f'"{old}"' if json or old in _NEEDS_QUOTES else old
    aliases = next((entry.value for entry in field.entries if layout.key(entry) == "aliases"), None)
    if isinstance(aliases, Group):
        return _extended(layout, tree.file.name, aliases, quoted, new)
    before = _before_aliases(layout, field)
    if field.brackets:
        name = '"aliases"' if json else "aliases"
        return Edit(tree.file.name, before.value.end, before.value.end, f", {name}: [{quoted}]")
    end = layout.text.find("\n", before.value.end)
    at = len(layout.text) if end < 0 else end
    return Edit(tree.file.name, at, at, f"\n{' ' * field.column}aliases: [{quoted}]")


def _extended(layout: Layout, file: str, aliases: Group, quoted: str, new: str) -> Edit:
    for entry in aliases.entries:
        if layout.written(entry.value).strip("'\"") == new:
            return Edit(file, entry.value.start, entry.value.end, quoted)
    if not aliases.entries:
        return Edit(file, aliases.start + 1, aliases.start + 1, quoted)
    last = aliases.entries[-1].value.end
    more = f", {quoted}" if aliases.brackets else f"\n{' ' * aliases.column}- {quoted}"
    return Edit(file, last, last, more)


def _before_aliases(layout: Layout, field: Group) -> Entry:
    """The entry behind which the aliases go: the last one before those that come later in the house's order."""
    style = style_of(layout, field, FieldTakes())
    ranks = {name: rank for rank, name in enumerate(style.order or ())}
    earlier = [entry for entry in field.entries if ranks.get(layout.key(entry), 0) < ranks["aliases"]]
    ordered = in_order(layout, field, style) == list(field.entries)
    return earlier[-1] if ordered and not field.brackets else (field.entries[-1] if field.brackets else earlier[0])


def _value_of(part: Leaf | Group, key: int) -> Leaf | Group | None:
    """The value of the key that begins at a character."""
    for entry in part.entries if isinstance(part, Group) else ():
        if entry.key is not None and entry.key.start == key:
            return entry.value
        if entry.begin.start <= key <= entry.value.end:
            return _value_of(entry.value, key)
    return None


__all__ = ["Edit", "alias_edit", "apply_edits"]
