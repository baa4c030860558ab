"""Definition files in the house's layout: text in, the same text out with keys in order, aligned and evenly indented.

Comments and blank lines stay with what they stand before or behind. The result is read again and compared: a file
whose meaning or comments would change is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.definitions.blocks import Printer
from engine.definitions.definition import Record
from engine.definitions.layout import Layout, Unkept
from engine.definitions.model import AppDef, EntityDef, GroupDef
from engine.definitions.nodes import List, Map, Node
from engine.definitions.source import APP_FILES
from engine.definitions.takes import Takes
from engine.definitions.text import load_text
from engine.errors import CastworkError

_FOLDERS: Mapping[str, Takes] = {"entities": Record(EntityDef), "groups": Record(GroupDef)}


class CannotFormat(CastworkError):
    """A file that is left as it is; the message says why. A `broken` one has problems that validating tells."""

    def __init__(self, message: str, *, broken: bool = False) -> None:
        self.broken = broken
        super().__init__(message)


def takes_of_file(name: str) -> Takes | None:
    """What a file of an app holds, by its name inside the app; None where it is no definition."""
    return Record(AppDef) if name in APP_FILES else _FOLDERS.get(name.partition("/")[0])


def format_text(name: str, text: str) -> str:
    """The text of a file (`entities/companies.yaml`) in the house's layout; raises CannotFormat."""
    takes = takes_of_file(name)
    node, problems = load_text(name, text)
    if takes is None or node is None or problems:
        raise CannotFormat("left as it is: castwork validate tells what is wrong with it", broken=True)
    try:
        layout = Layout(node.file.text)
        formatted = Printer(layout).file(takes)
    except Unkept as reason:
        raise CannotFormat(f"left as it is: {reason}") from None
    again, faults = load_text(name, formatted)
    same = again is not None and not faults and _meaning(again, takes) == _meaning(node, takes)
    if not same or Layout(formatted).comments != layout.comments:
        raise CannotFormat("left as it is: its layout is too unusual to be changed safely")
    return formatted


def _meaning(node: Node, takes: Takes | None) -> Any:
    """The data, with the keys of a table sorted, whose order means nothing, and all others in their order."""
    if isinstance(node, Map):
        words = {name: str(value.data) for name, value in node.values.items()}
        style = takes.map_style(words) if takes is not None else None
        pairs = [(name, _meaning(value, style.takes(name) if style else None)) for name, value in node.values.items()]
        return sorted(pairs, key=lambda pair: pair[0]) if style and style.order is not None else pairs
    if isinstance(node, List):
        return [_meaning(item, takes.item_takes() if takes else None) for item in node.items]
    return type(node.data), node.data


__all__ = ["CannotFormat", "format_text", "takes_of_file"]
