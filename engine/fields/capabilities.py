"""Sets of capabilities that whole families of types share; a type's own set is a union of these."""

from __future__ import annotations

from typing import Final

from engine.fields.base import Capability

TEXT_OPERATORS: Final = frozenset(
    {
        Capability.EQUALS,
        Capability.NOT_EQUALS,
        Capability.EMPTY,
        Capability.LIKE,
        Capability.ORDER,
        Capability.EXTREMES,
        Capability.FIRST_LAST,
        Capability.SORT,
    }
)
ORDERED_OPERATORS: Final = TEXT_OPERATORS - {Capability.LIKE}
NUMBER_OPERATORS: Final = ORDERED_OPERATORS | {Capability.SUM}
CHOICE_OPERATORS: Final = ORDERED_OPERATORS - {Capability.ORDER}
REFERENCE_OPERATORS: Final = TEXT_OPERATORS - {Capability.ORDER, Capability.EXTREMES}

WRITABLE: Final = frozenset({Capability.WRITE, Capability.IMPORT})
"""A body and a CSV column may set the field."""

GENERAL: Final = WRITABLE | {
    Capability.MANY,
    Capability.DEFAULT,
    Capability.REQUIRED,
    Capability.INDEX,
    Capability.SENSITIVE,
    Capability.CALCULATED,
}
"""What most fields may carry."""

READ_ONLY: Final = frozenset({Capability.INDEX, Capability.SENSITIVE})
"""What fields that the engine supplies may carry."""
