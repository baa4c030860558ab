"""Names that clients give: checked where they are new, and answered with what they probably meant where unknown."""

from __future__ import annotations

from collections.abc import Collection, Container
from typing import Final

from engine.errors import BadRequest, did_you_mean

LONGEST_NAME: Final = 64
"""Characters of a new name, and of an unknown one that a message repeats."""
MOST_SHOWN: Final = 12
"""Known names that a message lists."""


def unknown(name: str, known: Collection[str], what: str, inside: str = "") -> BadRequest:
    """The refusal of a name: `There is no field "nam"; did you mean "name"?`, or a list of what there is."""
    hint = did_you_mean(name, known) if len(name) <= LONGEST_NAME else None
    if hint is None and len(known) <= MOST_SHOWN:
        hint = f"there is only {', '.join(known)}" if known else None
    return BadRequest(f'There is no {what} "{name[:LONGEST_NAME]}"{inside}' + (f"; {hint}" if hint else ""))


def check_name(name: object, taken: Container[str] = ()) -> str:
    """A name for something new, which stands at the root of items; raises BadRequest."""
    if not isinstance(name, str) or not name.isascii() or not name.isalnum() or len(name) > LONGEST_NAME:
        shown = f'"{name[:LONGEST_NAME]}"' if isinstance(name, str) else "this"
        raise BadRequest(f"{shown} is no name: a name is made of up to {LONGEST_NAME} letters and digits")
    if name == "id" or name in taken:
        raise BadRequest(f'The name "{name}" is taken; choose another one')
    return name


__all__ = ["LONGEST_NAME", "check_name", "unknown"]
