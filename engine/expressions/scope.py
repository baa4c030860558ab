"""What an expression sees while it runs: a Scope goes into every evaluation, and meters it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from engine.errors import ExpressionError
from engine.fields.base import MISSING
from engine.schema import EMPTY

BUDGET = 10_000
"""Steps that one evaluation may take: one for each list item that it goes through, one for each 100 characters."""
TEXT_PER_STEP = 100
LOOP_DEPTH = 2
"""How deep comprehensions may stand in one another."""


def _no_params() -> Mapping[str, Any]:
    return EMPTY


def _no_locals() -> list[Any]:
    return [None] * LOOP_DEPTH


@dataclass(slots=True)
class Scope:
    """The values that the names of an expression stand for, all in value form.

    `item` answers bare names: the record, or the nested item whose label, calculation or condition runs. `parent` is
    what encloses a nested item. `value` is the value under a per-value validation. `now` is in ms and fixed for the
    whole request; `timezone` is an IANA name. A scope serves one evaluation at a time.
    """

    item: Mapping[str, Any]
    record: Mapping[str, Any]
    _: KW_ONLY
    now: int
    timezone: str = "UTC"
    old: Mapping[str, Any] | None = None
    user: Mapping[str, Any] | None = None
    params: Mapping[str, Any] = field(default_factory=_no_params)
    parent: Mapping[str, Any] | None = None
    value: Any = MISSING
    budget: int = field(default=BUDGET, init=False, repr=False, compare=False)
    locals: list[Any] = field(default_factory=_no_locals, init=False, repr=False, compare=False)

    def within(self, item: Mapping[str, Any], parent: Mapping[str, Any] | None) -> Scope:
        """The scope of another item of the same record, with what encloses it."""
        return self._copy(item, parent, MISSING)

    def of_value(self, value: Any) -> Scope:
        """The same scope, looking at one value of a field."""
        return self._copy(self.item, self.parent, value)

    def _copy(self, item: Mapping[str, Any], parent: Mapping[str, Any] | None, value: Any) -> Scope:
        return Scope(
            item,
            self.record,
            now=self.now,
            timezone=self.timezone,
            old=self.old,
            user=self.user,
            params=self.params,
            parent=parent,
            value=value,
        )

    def spend(self, steps: int) -> None:
        """Takes steps from what the running evaluation has left; raises ExpressionError when nothing is left."""
        left = self.budget - steps
        if left < 0:
            raise ExpressionError(
                f"The expression goes through more than {BUDGET:,} list items or {BUDGET * TEXT_PER_STEP:,} characters",
                hint="filter the list first, or move the work into a hook",
            )
        self.budget = left

    def spend_text(self, length: int) -> None:
        """Takes the steps that going through so many characters costs."""
        if length >= TEXT_PER_STEP:
            self.spend(length // TEXT_PER_STEP)
