"""How one write is made, where it is not made as usual: which of the usual steps it leaves out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MARK: Final = "_mark"
"""The key under which a document keeps the mark of a write."""


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """The steps of a write; each can be left out by itself."""

    calculate: bool = True
    """Whether calculated fields are computed; else they keep what they hold. Labels are always computed."""
    validate: bool = True
    """Whether the rules of the definition are asked; types and formats always are."""
    conditions: bool = True
    """Whether a field that the definition lets be written under a condition asks for it."""
    defaults: bool = True
    """Whether new records get the defaults of what was not sent."""
    refuse: bool = True
    """Whether a problem refuses the write; else values that break a rule are written, those that no type could read
    count as not sent, and the write tells the problems as `tolerated`."""
    save: bool = True
    """Whether anything is written at all; else it is only found out what would be."""
    new_id: str | None = None
    """The id that a new record gets, so that a write which is repeated makes no second one."""
    mark: str | None = None
    """What the document keeps under MARK, so that it can be seen that this very write was made."""


USUAL: Final = WriteOptions()
"""How records are written."""

__all__ = ["MARK", "USUAL", "WriteOptions"]
