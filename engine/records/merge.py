"""Drafts onto records: in go the record as it was (or nothing) and what was sent, out comes the record as it would be.

The old record is never touched: every container of the result is new.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from bson import ObjectId

from engine.errors import ExpressionError, FieldProblem, InvalidValue
from engine.expressions import Names, Scope, compile_computed
from engine.expressions.filter import Condition, compile_condition
from engine.fields.base import Shape
from engine.records.calculated import fit
from engine.records.difference import differs
from engine.records.draft import INVALID, Draft, Group
from engine.records.forms import Record, group_fields
from engine.schema import Field

Default = tuple[Record, Callable[[Scope], Any], Field, str, Record | None]


@dataclass(slots=True)
class Merge:
    """The state of one merge: the draft, the scope conditions are asked in, the paths that the caller's rights forbid
    for this record, the paths that were set to something else, and default expressions still to run."""

    draft: Draft
    scope: Scope
    denied: Collection[str] = ()
    changed: set[str] = field(default_factory=set)
    pending: list[Default] = field(default_factory=list)

    def run_defaults(self) -> None:
        """Evaluates the default expressions of new containers, when all that was sent is in place."""
        for container, evaluate, item, where, parent in self.pending:
            try:
                container[item.name] = fit(item, evaluate(self.scope.within(container, parent)))
            except (ExpressionError, InvalidValue) as error:
                message = f"The default could not be calculated: {error.message}"
                self.draft.problems[where] = FieldProblem(where, item.label, "invalid", message, None)


class Merger:
    """Merges one kind of container; built once."""

    def __init__(self, fields: tuple[Field, ...], names: Names) -> None:
        self._rules = tuple(_FieldMerge(item, names) for item in fields)

    def merge(self, base: Record | None, sent: Group, into: Record, parent: Record | None, state: Merge) -> Record:
        """Fills `into` with every field in definition order; `base` is the container as it was, None for a new one."""
        for rule in self._rules:
            into[rule.name] = rule.value(base, sent, into, parent, state)
        return into


class _FieldMerge:
    __slots__ = ("_default", "_empty", "_inner", "_item", "_many", "_one", "_write", "name")

    def __init__(self, item: Field, names: Names) -> None:
        self.name = item.name
        self._item = item
        self._many = item.many
        self._empty = item.type.empty
        self._write: Condition | None = compile_condition(item.write, names) if item.write is not True else None
        self._default = compile_computed(item.default_expression.value, names) if item.default_expression else None
        self._inner = None
        if item.type.shape is Shape.NESTED:
            self._inner = Merger(group_fields(item), names.of_group(item))

    def value(self, base: Record | None, sent: Group, into: Record, parent: Record | None, state: Merge) -> Any:
        """What the field holds after the write."""
        value: Any = sent.sent.get(self.name, INVALID)
        if value is not INVALID and not self._may_write(base, sent, parent, state):
            value = INVALID
        if value is INVALID and base is None and state.draft.options.defaults:
            value = sent.defaults.get(self.name, INVALID)
        if value is INVALID:
            return self._unsent(base, sent, into, parent, state)
        if self._inner is not None:
            return self._items(base, value, into, state) if self._many else self._group(base, value, into, state)
        if self._many:
            found = _whole(value, state.draft) if state.draft.problems else value
        else:
            found = self._empty if value is None else value
        if base is None or differs(base.get(self.name), found):
            state.changed.add(self._item.path)
        return found

    def _may_write(self, base: Record | None, sent: Group, parent: Record | None, state: Merge) -> bool:
        if state.denied and self._item.path in state.denied:
            return False
        if self._write is None or not state.draft.options.conditions:
            return True
        seen = base if base is not None else sent.seen()
        return self._write(state.scope.within(seen, parent))

    def _unsent(self, base: Record | None, sent: Group, into: Record, parent: Record | None, state: Merge) -> Any:
        place = f"{sent.where}.{self.name}" if sent.where else self.name
        if base is None and self._default is not None and state.draft.options.defaults:
            state.pending.append((into, self._default, self._item, place, parent))
        if self._inner is not None and not self._many:
            return self._group(base, Group(place), into, state)
        value = None if base is None else base.get(self.name)
        if self._inner is not None:
            return [self._inner.merge(one, Group(place), _system(one), into, state) for one in value or ()]
        if value is None:
            return [] if self._many else self._empty
        return value

    def _group(self, base: Record | None, sent: Group, into: Record, state: Merge) -> Record:
        """A single nested group is patched and keeps its id."""
        assert self._inner is not None
        old = None if base is None else base.get(self.name)
        return self._inner.merge(old, sent, _new_system() if old is None else _system(old), into, state)

    def _items(self, base: Record | None, sent: list[Any], into: Record, state: Merge) -> list[Any]:
        """The whole new list: known ids are patched, items without id are new, others are gone."""
        assert self._inner is not None
        known: Mapping[str, Record] = {one["id"]: one for one in (base or {}).get(self.name) or ()}
        if list(known) != [one.id for one in sent if one is not INVALID]:
            state.changed.add(self._item.path)
        items = []
        used: set[str] = set()
        # an empty group in the place of a refused one keeps the places of those behind it; the problem is in the draft
        for group in (Group("") if one is INVALID else one for one in sent):
            old = known.get(group.id) if group.id is not None else None
            if group.id is not None and (old is None or group.id in used):
                self._refuse_id(group, "invalid" if group.id in used else "notFound", state)
            if group.id is not None:
                used.add(group.id)
            items.append(self._inner.merge(old, group, _new_system() if old is None else _system(old), into, state))
        return items

    def _refuse_id(self, group: Group, code: str, state: Merge) -> None:
        message = "There is no item with this id" if code == "notFound" else "This item is in the list twice"
        problem = FieldProblem(group.where, self._item.label, code, message, {"rejectedValue": group.id})
        state.draft.problems[group.where] = problem


def _whole(values: list[Any], draft: Draft) -> list[Any]:
    """A list some of whose values may have been refused: nulls keep the places of what stands behind them, but for a
    list that is written all the same."""
    if draft.options.refuse:
        return [None if one is INVALID else one for one in values]
    return [one for one in values if one is not INVALID]


def _new_system() -> Record:
    return {"id": str(ObjectId()), "label": ""}


def _system(old: Record) -> Record:
    return {"id": old["id"], "label": old["label"]}
