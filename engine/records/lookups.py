"""Questions that a draft's references put to the database, and on whose behalf they are put."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.permissions import FULL_ACCESS, Access
from engine.records.draft import Asked


@dataclass(frozen=True, slots=True)
class Uploader:
    """Whose uploads may be pointed to: those of the user with this id, None for those of nobody who is known; `anybody`
    is for whom all are open."""

    user: str | None = None
    anybody: bool = False

    def may_link(self, document: Mapping[str, Any]) -> bool:
        """Whether a stored file is among them; of the unknown's only those to which no record points yet."""
        stored = document["metadata"]
        if self.anybody:
            return True
        return bool(stored.get("user") == self.user and (self.user is not None or not stored.get("held")))


@dataclass(frozen=True, slots=True)
class Asker:
    """Who points to something: the rights on an entity, by its name, and the files. `own` are the entity and the id of
    the asker's own record, which may be pointed to in any case."""

    access_to: Callable[[str], Access]
    uploader: Uploader = Uploader()
    own: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Lookup:
    """A question to the database: what `filter` matches in `collection` (None: nothing to ask), at most `limit`.

    `access` are the asker's rights on what is found: nothing is found by a field that they do not see there.
    """

    collection: str | None
    filter: dict[str, Any]
    limit: int
    asked: tuple[Asked, ...]
    asker: Asker
    access: Access = FULL_ACCESS


__all__ = ["Asker", "Lookup", "Uploader"]
