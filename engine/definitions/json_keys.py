"""The keys of JSON objects in a text, with their places: for texts that are too large or too loose for a tree."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')


@dataclass(frozen=True, slots=True)
class JsonKey:
    """A key: the characters inside its quotes, and the keys on the way to it, itself last."""

    start: int
    end: int
    path: tuple[str, ...]


def json_keys(text: str, start: int = 0) -> Iterator[JsonKey]:
    """Every key of every object from `start` on; one value or several after each other (JSON lines).

    Text that is no JSON gives what looks like keys; nothing is raised.
    """
    path: list[str] = []
    opened: list[int] = []
    waiting: re.Match[str] | None = None
    for token in _TOKEN.finditer(text, start):
        symbol = token[0]
        if symbol == ":" and waiting is not None:
            name = _decoded(waiting[0])
            del path[opened[-1] if opened else 0 :]
            path.append(name)
            yield JsonKey(waiting.start() + 1, waiting.end() - 1, tuple(path))
        elif symbol in "{[":
            opened.append(len(path))
        elif symbol in "}]" and opened:
            del path[opened.pop() :]
        waiting = token if symbol.startswith('"') else None


def _decoded(quoted: str) -> str:
    try:
        return str(json.loads(quoted))
    except ValueError:
        return quoted[1:-1]


__all__ = ["JsonKey", "json_keys"]
