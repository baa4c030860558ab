"""The laws that definitions must keep: small functions in one ordered tuple, each giving what breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine.definitions.rules.context import Context
from engine.errors import Diagnostic

Rule = Callable[[Context], Iterable[Diagnostic]]

specified_rules: tuple[Rule, ...] = ()
"""Every law, in the order in which an author would want to hear of them."""
