"""One run of some steps: the record as they leave it so far, and what they want done elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.expressions import Scope
from engine.query import Clock, Condition, bind
from engine.records import Moment, Record, RecordRules


@dataclass(frozen=True, slots=True)
class Call:
    """An HTTP request to another system; `json` is its body in value form, None for none, `timeout` is in ms."""

    method: str
    url: str
    json: Any
    timeout: int


@dataclass(frozen=True, slots=True)
class Create:
    """A new record of an entity."""

    entity: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Update:
    """A change to all records of an entity for which a condition holds."""

    entity: str
    condition: Condition
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Delete:
    """The deletion of all records of an entity for which a condition holds."""

    entity: str
    condition: Condition


@dataclass(frozen=True, slots=True)
class Log:
    """A line in the app's log; `level` is INFO, WARN or ERROR."""

    level: str
    message: str


@dataclass(frozen=True, slots=True)
class Run:
    """A function of the app's hooks, with its parameters in value form. `action` names whose it is."""

    function: str
    params: Mapping[str, Any]
    action: str | None = None


Effect = Create | Update | Delete | Log | Run
"""What steps want done besides changing their record, in the order in which they said so."""


@dataclass(slots=True)
class Progress:
    """Where a run stands.

    `base` is the record (value form) that the steps began with, None where they have none, and `patch` the body of a
    PUT that makes of it what the steps made so far. `old` is what expressions call so.
    """

    rules: RecordRules | None
    base: Record | None
    moment: Moment
    old: Record | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    patch: dict[str, Any] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)
    performed: list[str] = field(default_factory=list)
    """The names of the actions that were run, inner ones first."""
    called: bool = False
    references: dict[str, Record] = field(default_factory=dict)
    """References that values brought along, by their id."""
    _made: Record | None = None

    @property
    def record(self) -> Record:
        """The record as the steps so far leave it, calculated fields included; empty where there is none."""
        if self.base is None or self.rules is None:
            return {}
        if not self.patch:
            return self.base
        if self._made is None:
            self._made = self.rules.preview(self.base, self.patch, self.moment, self.references)
        return self._made

    def changed(self) -> None:
        """Says that the patch is another one now."""
        self._made = None

    def scope(self) -> Scope:
        """What expressions of the next step see."""
        record, moment = self.record, self.moment
        return Scope(
            record,
            record,
            now=moment.now,
            timezone=moment.timezone,
            old=self.old,
            user=moment.user,
            params=self.params,
        )

    def bind(self, condition: Condition) -> Condition:
        """A filter of a step with the values of this run in it."""
        clock = Clock(self.moment.now, self.moment.timezone)
        return bind(condition, user=self.moment.user, record=self.record, clock=clock)

    def change(self, body: Mapping[str, Any]) -> None:
        """Puts more into the patch."""
        self.patch.update(body)
        self.changed()


__all__ = ["Call", "Create", "Delete", "Effect", "Log", "Progress", "Run", "Update"]
