"""Conditions over what is known: in go a condition, perhaps a record and a user, out comes yes, no or "it depends"."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from engine.permissions.access import Record
from engine.query import Clock, Condition, bind, to_predicate
from engine.query.condition import Deferred, Element, Every, Some
from engine.query.syntax import Reference, Source


class Verdict(StrEnum):
    """What becomes of a request; DEPENDS where it takes a record or a user to tell."""

    ALLOWED = "allowed"
    DENIED = "denied"
    DEPENDS = "depends"


_RANK = {Verdict.DENIED: 0, Verdict.DEPENDS: 1, Verdict.ALLOWED: 2}


def every(verdicts: Iterable[Verdict]) -> Verdict:
    """All must allow; without any it is allowed."""
    return min(verdicts, key=_RANK.__getitem__, default=Verdict.ALLOWED)


def some(verdicts: Iterable[Verdict]) -> Verdict:
    """One that allows is enough; without any it is denied."""
    return max(verdicts, key=_RANK.__getitem__, default=Verdict.DENIED)


def of_bool(allowed: bool) -> Verdict:
    """A verdict that is known."""
    return Verdict.ALLOWED if allowed else Verdict.DENIED


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a request: when it comes, and who sends it (a user in value form; None where that is open)."""

    clock: Clock
    user: Record | None = None

    def hold(self, condition: Condition, record: Record | None) -> Verdict:
        """Whether a condition holds on a record in value form; None stands for any record."""
        match condition:
            case Every(parts):
                return every(self.hold(part, record) for part in parts)
            case Some(parts):
                return some(self.hold(part, record) for part in parts)
        if self.user is None and asks_user(condition):
            return Verdict.DEPENDS
        if isinstance(condition, Deferred | Element):
            bound = bind(condition, user=self.user, clock=self.clock)
            if isinstance(bound, Every | Some):
                return self.hold(bound, record)
            condition = bound
        return Verdict.DEPENDS if record is None else of_bool(to_predicate(condition)(record))

    def hold_somewhere(self, condition: Condition) -> Verdict:
        """Whether there can be a record at all on which a condition holds, as far as rights ask before they see one."""
        found = self.hold(condition, None)
        return Verdict.ALLOWED if found is Verdict.DEPENDS and not asks_user(condition) else found


def asks_user(condition: Condition) -> bool:
    """Whether a condition compares with values of whoever asks."""
    match condition:
        case Deferred(_, _, arguments):
            return any(isinstance(one, Reference) and one.source is Source.USER for one in arguments)
        case Every(parts) | Some(parts):
            return any(map(asks_user, parts))
        case Element(_, inner):
            return asks_user(inner)
    return False


__all__ = ["Known", "Verdict", "asks_user", "every", "of_bool", "some"]
