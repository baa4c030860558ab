"""What a caller may do: compiled per group, united per user; row filters and field masks as data."""

from engine.permissions.access import FULL_ACCESS, Access

__all__ = ["FULL_ACCESS", "Access"]
