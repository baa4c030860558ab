"""Cases of rights out of JSON: in go a user, a record and what becomes of it, out comes what rights are asked of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from engine.compiler import CompiledApp
from engine.errors import BadRequest
from engine.permissions import FULL_ACCESS, Case
from engine.query import Clock
from engine.records import Moment, RecordRules

USERS: Final = "sys.users"
_DEVELOPER: Final[Mapping[str, Any]] = {"permissions": {"developer": True}}
"""Who makes the users of cases, so that they may be anybody."""
Values = Mapping[str, Any]


def build_case(
    compiled: CompiledApp, entity: str, now: int, *, user: Values | None, record: Values | None, becomes: Values | None
) -> Case:
    """The case at a moment (ms). A record that becomes something is there; a user whose values are `{}` is nobody in
    particular, None leaves open who asks."""
    timezone = compiled.app.timezone
    clock = Clock(now, timezone)
    asking = user
    if user:
        asking = compiled.entities[USERS].rules.sample(dict(user), Moment(now, timezone, _DEVELOPER))
    if record is None and becomes is None:
        return Case(clock, asking)
    rules, moment = compiled.entities[entity].rules, Moment(now, timezone, asking)
    old = rules.sample(dict(record or {}), moment)
    if becomes is None:
        return Case(clock, asking, old)
    new, changed = rules.preview_change(old, dict(becomes), moment)
    return Case(clock, asking, old, new, changed)


def check_values(rules: RecordRules, values: Values, *, new: bool) -> None:
    """Raises BadRequest with everything that an entity's fields do not take."""
    draft = rules.parse(values, FULL_ACCESS, new=new)
    problems = [*draft.problems.values(), *draft.unknown]
    if problems:
        raise BadRequest("; ".join(f"{one.field}: {one.message}" for one in problems))


__all__ = ["USERS", "build_case", "check_values"]
