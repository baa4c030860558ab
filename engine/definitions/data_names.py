"""Starting records in: the places in data/*.json and data/*.csv that name a field."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath

from engine.definitions.edits import Edit
from engine.definitions.json_keys import json_keys
from engine.definitions.mentions import below
from engine.definitions.rules.context import Context
from engine.schema import Field

_CELL = re.compile(r'"(?P<quoted>(?:[^"]|"")*)"|(?P<bare>[^,\r\n]*)')
_PART = re.compile(r"[^.\[\]]+(?:\[\d+\])?")


def edits_of_data(
    context: Context, data: Mapping[str, str], is_meant: Callable[[Field], bool], old: str, new: str
) -> Iterator[Edit]:
    """What renames a field in the app's data files: keys of JSON objects, headers of CSV columns."""
    for file, text in data.items():
        entity = context.resolved.entities.get(PurePosixPath(file).stem)
        if entity is None:
            continue
        named = _csv_names(text) if file.endswith(".csv") else _json_names(text)
        for start, path in named:
            field = _field_at(context, entity.by_name, path)
            if field is not None and is_meant(field) and path[-1] == old and text.startswith(old, start):
                yield Edit(file, start, start + len(old), new)


def _field_at(context: Context, fields: Mapping[str, Field], path: tuple[str, ...]) -> Field | None:
    field = None
    for name in path:
        field = fields.get(name)
        if field is None:
            return None
        fields = below(context, field)
    return field


def _json_names(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    for key in json_keys(text):
        yield key.start, key.path


def _csv_names(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Every name of every header (`addresses[0].city`), with the path that it ends."""
    at = 0
    while True:
        cell = _CELL.match(text, at)
        assert cell is not None  # an empty cell matches too
        group = "quoted" if cell["quoted"] is not None else "bare"
        path: list[str] = []
        for part in _PART.finditer(cell[group]):
            path.append(part[0].partition("[")[0])
            yield cell.start(group) + part.start(), tuple(path)
        at = cell.end() + 1
        if text[cell.end() : at] != ",":
            return


__all__ = ["edits_of_data"]
