"""Rules and JSON data in words: on one line, as an author would write them in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import yaml

from engine.permissions.asked import Rule

LONGEST = 500


def as_text(value: Any) -> str:
    """The value on one line, cut off where it gets long."""
    text = yaml.safe_dump(_plain(value), default_flow_style=True, width=float("inf"), sort_keys=False)
    text = text.removesuffix("\n").removesuffix("\n...")
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def describe_rule(rule: Rule) -> str:
    """What a rule says, without its place: `update: {state: active}`."""
    key = f"{rule.key} ({rule.part})" if rule.part else rule.key
    default = "" if rule.written else ", as nothing is said"
    about = f", which shows in it: {rule.about}" if rule.about else ""
    return f"{key}: {as_text(rule.says)}{default}{about}"


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, bool | int | float | None) else str(value)


__all__ = ["as_text", "describe_rule"]
