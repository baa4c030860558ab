"""Every kind of problem that a definition can have, by subject; codes are stable."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from engine.definitions.codes import examples, fields, files, names, work
from engine.definitions.codes.code import Code, CodeGroup, problem

CODE_GROUPS: Final[tuple[CodeGroup, ...]] = (
    files.FILES,
    names.NAMES,
    names.REFERENCES,
    fields.TYPES,
    fields.EXPRESSIONS,
    work.RIGHTS,
    work.ACTIONS,
    work.INDEXES,
    work.DATA,
    examples.EXAMPLES,
)
"""All codes, in the order of the documentation."""

CODES: Final[Mapping[str, Code]] = MappingProxyType({item.code: item for group in CODE_GROUPS for item in group.codes})
"""Every code with what it means."""

__all__ = ["CODES", "CODE_GROUPS", "Code", "CodeGroup", "problem"]
