"""What one caller may do with one entity: in go compiled rights, out comes data that planners and views consult."""

from __future__ import annotations

from dataclasses import dataclass

from engine.query import Condition


@dataclass(frozen=True)
class Access:
    """The rights of one caller on one entity.

    `row_filter` joins every query (None: all rows). `hidden` and `read_only` are dotted field paths; a path is hidden
    or read-only where it or anything above it is listed.
    """

    row_filter: Condition | None = None
    hidden: frozenset[str] = frozenset()
    read_only: frozenset[str] = frozenset()

    def hides(self, path: str) -> bool:
        """Whether the caller may not know of the field at a dotted path."""
        return bool(self.hidden) and _covered(path, self.hidden)

    def may_write(self, path: str) -> bool:
        """Whether the caller may set the field at a dotted path."""
        return not (self.read_only and _covered(path, self.read_only)) and not self.hides(path)


def _covered(path: str, listed: frozenset[str]) -> bool:
    if path in listed:
        return True
    while (cut := path.rfind(".")) >= 0:
        path = path[:cut]
        if path in listed:
            return True
    return False


FULL_ACCESS = Access()
"""Every right: developers, the engine itself, and servers that ask nobody who they are."""
