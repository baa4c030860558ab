"""Conditions that hold for everyone: in goes an entity, out come those in the definitions of its fields, asked in a
case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import ExpressionError
from engine.expressions import Names, Scope, parse_expression
from engine.expressions.filter import Condition, compile_condition
from engine.permissions.asked import READ, WRITE, Case, Rule
from engine.permissions.holding import Verdict, asks_user, of_bool
from engine.query import FieldSet, parse_filter_map, plan_filter
from engine.schema import NOWHERE, Entity, Field, FieldPath, Written

KEPT = "kept by the server"
"""What is said of a field that bodies do not set: calculated ones, numbers and moments that the server gives."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    holds: Condition
    asks_user: bool


class FieldConditions:
    """The `read`, `write` and `access` of an entity's fields; each is compiled when it is first asked."""

    def __init__(self, entity: Entity) -> None:
        self._entity = entity
        self._compiled: dict[tuple[str, str], _Compiled] = {}

    def asked(self, path: FieldPath, case: Case) -> Iterator[Rule]:
        """The conditions on the way to a field, those on writing last; and that nobody can write it, where it is so."""
        for part in (READ, WRITE):
            names = Names.of_entity(self._entity)
            for depth, item in enumerate(path.fields):
                written = item.read if part == READ else item.write
                if written is not True and not _is_kept(item):
                    verdict = self._verdict(path, depth, part, names, written, case)
                    yield self._rule(item, part, written, verdict)
                names = names.of_group(item)
        if _is_kept(path.field):
            yield self._rule(path.field, WRITE, KEPT, Verdict.DENIED)

    def _rule(self, item: Field, part: str, says: Written | bool | str, verdict: Verdict) -> Rule:
        at = says.at if isinstance(says, Written) else self._entity.at if item.at == NOWHERE else item.at
        value = says.value if isinstance(says, Written) else says
        return Rule(None, self._entity.name, f"fields.{item.path}", value, at, verdict, part=part)

    def _verdict(
        self, path: FieldPath, depth: int, part: str, names: Names, written: Written | bool, case: Case
    ) -> Verdict:
        if isinstance(written, bool):
            return of_bool(written)
        compiled = self._compile(path.fields[depth].path, part, names, written)
        above = path.fields[:depth]
        if case.record is None or any(item.many for item in above) or (compiled.asks_user and case.user is None):
            return Verdict.DEPENDS
        scope = Scope(
            case.record, case.record, now=case.clock.now, timezone=case.clock.timezone, user=case.user, old=case.record
        )
        for item in above:
            scope = scope.within(scope.item.get(item.name) or {}, scope.item)
        try:
            return of_bool(compiled.holds(scope))
        except ExpressionError:
            return Verdict.DENIED

    def _compile(self, path: str, part: str, names: Names, written: Written) -> _Compiled:
        known = self._compiled.get((path, part))
        if known is None:
            known = _Compiled(compile_condition(written, names), _asks_user(written.value, names))
            self._compiled[path, part] = known
        return known


def _is_kept(item: Field) -> bool:
    """Whether bodies do not set a field: calculated ones, and ids, labels and copies, which no file defines."""
    return not item.writable or (item.write is False and item.at == NOWHERE)


def _asks_user(value: Any, names: Names) -> bool:
    if isinstance(value, Mapping):
        return asks_user(plan_filter(FieldSet(names.fields), parse_filter_map(value), transient=True))
    return any(path[0] == "user" for path in parse_expression(value).paths)


__all__ = ["KEPT", "FieldConditions"]
