"""What a law sees: the definitions as written and the model resolved from them, walked through together."""

from __future__ import annotations

from dataclasses import dataclass

from engine.definitions.load import Definitions
from engine.definitions.resolve import Resolved


@dataclass(frozen=True)
class Context:
    """Everything that a law may look at."""

    written: Definitions
    resolved: Resolved
