"""What a caller may do: compiled per set of groups, united per user; row filters and field masks as data."""

from engine.permissions.access import FULL_ACCESS, NO_ACCESS, OPEN_MASK, Access, Transition, WriteMask
from engine.permissions.asked import Case
from engine.permissions.compile import AccessTable
from engine.permissions.explain import Explainer
from engine.permissions.holding import Verdict

__all__ = [
    "FULL_ACCESS",
    "NO_ACCESS",
    "OPEN_MASK",
    "Access",
    "AccessTable",
    "Case",
    "Explainer",
    "Transition",
    "Verdict",
    "WriteMask",
]
