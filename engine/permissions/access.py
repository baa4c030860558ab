"""What one caller may do with one entity: rows as conditions, fields as masks; planners, writes and views ask it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

from engine.query import ALWAYS, NEVER, Clock, Condition, Predicate, all_of, bind, is_bound, to_predicate

Record = Mapping[str, Any]
NONE: frozenset[str] = frozenset()


def covered(path: str, listed: frozenset[str] | Mapping[str, Any]) -> bool:
    """Whether a dotted path, or anything above it, is listed."""
    if not listed:
        return False
    if path in listed:
        return True
    while (cut := path.rfind(".")) >= 0:
        path = path[:cut]
        if path in listed:
            return True
    return False


def _no_conditions() -> Mapping[str, Condition]:
    return MappingProxyType({})


@dataclass(frozen=True)
class WriteMask:
    """Which fields a body may set: never those in `refused`, and those in `conditions` where theirs holds.

    Conditions look at the record as it was, on creation at the record that would be. A `hidden` field is as good as
    unknown.
    """

    hidden: frozenset[str] = NONE
    refused: frozenset[str] = NONE
    conditions: Mapping[str, Condition] = field(default_factory=_no_conditions)

    @cached_property
    def open(self) -> bool:
        """Whether there is nothing to look up."""
        return not (self.hidden or self.refused)

    def hides(self, path: str) -> bool:
        """Whether the field is as good as unknown."""
        return covered(path, self.hidden)

    def may_write(self, path: str) -> bool:
        """Whether the field may be set, as far as can be said without a record."""
        return not covered(path, self.refused) and not self.hides(path)

    def allows(self, path: str, record: Record) -> bool:
        """Whether the field may be set, given the record that conditions look at."""
        if not self.may_write(path):
            return False
        test = self.tests.get(path)
        return test is None or test(record)

    def on(self, record: Record) -> WriteMask:
        """The mask for one record, without conditions."""
        if not self.conditions:
            return self
        denied = frozenset(path for path, test in self.tests.items() if not test(record))
        return WriteMask(self.hidden, self.refused | denied)

    @cached_property
    def tests(self) -> Mapping[str, Predicate]:
        """The conditions as predicates."""
        return {path: to_predicate(condition) for path, condition in self.conditions.items()}

    def bound(self, user: Record | None, clock: Clock) -> WriteMask:
        """The same with the caller's values filled in."""
        return replace(self, conditions=_bind_all(self.conditions, user, clock))


OPEN_MASK = WriteMask()


@dataclass(frozen=True, slots=True)
class Transition:
    """A change that one of a caller's groups allows: from records that satisfy `before` to records that satisfy
    `after`, of the fields that `writes` allows."""

    before: Condition
    after: Condition
    writes: WriteMask = OPEN_MASK

    def conditions(self) -> Iterable[Condition]:
        """All that is asked of records."""
        return (self.before, self.after, *self.writes.conditions.values())

    def bound(self, user: Record | None, clock: Clock) -> Transition:
        """The same with the caller's values filled in."""
        return Transition(
            bind(self.before, user=user, clock=clock),
            bind(self.after, user=user, clock=clock),
            self.writes.bound(user, clock),
        )


@dataclass(frozen=True)
class Access:
    """The rights of one caller on one entity. Conditions say on which records; field names are dotted paths.

    `hidden` fields are never shown, those in `masked` only on records where their condition holds. `actions` is None
    where all are allowed.
    """

    read: Condition = ALWAYS
    create: Condition = ALWAYS
    updates: tuple[Transition, ...] = (Transition(ALWAYS, ALWAYS),)
    delete: Condition = ALWAYS
    audit_logs: Condition = ALWAYS
    imports: bool = True
    exports: bool = True
    actions: Mapping[str, Condition] | None = None
    hidden: frozenset[str] = NONE
    masked: Mapping[str, Condition] = field(default_factory=_no_conditions)
    creating: WriteMask = OPEN_MASK
    updating: WriteMask = OPEN_MASK

    @cached_property
    def row_filter(self) -> Condition | None:
        """Joins every query of the caller; None where all rows may be read."""
        return None if self.read == ALWAYS else self.read

    def may(self, right: str) -> bool:
        """Whether the caller has a right of the route table (`read`, `create`, ...) on any record at all."""
        return _RIGHTS[right](self)

    def hides(self, path: str) -> bool:
        """Whether the caller may not know of the field at a dotted path."""
        return covered(path, self.hidden)

    def shows(self, path: str, record: Record) -> bool:
        """Whether the caller may see the field at a dotted path of a record that they may read (value form)."""
        if self.hides(path):
            return False
        return all(allows(record) for masked, allows in self.masks.items() if covered(path, frozenset((masked,))))

    def guard(self, path: str) -> Condition | None:
        """What a record must satisfy for the caller to see its field at a path; None where nothing is asked."""
        if not self.masked:
            return None
        guards = [condition for masked, condition in self.masked.items() if covered(path, frozenset((masked,)))]
        return all_of(guards) if guards else None

    def action(self, name: str) -> Condition:
        """On which records the caller may run an action."""
        return ALWAYS if self.actions is None else self.actions.get(name, NEVER)

    def may_act(self, name: str) -> bool:
        """Whether the caller may run an action on any record at all."""
        return self.action(name) != NEVER

    def allows_read(self, record: Record) -> bool:
        """Whether the caller may read a record (value form)."""
        return self._reads(record)

    def allows_create(self, record: Record) -> bool:
        """Whether the caller may create this record."""
        return self._creates(record)

    def allows_delete(self, record: Record) -> bool:
        """Whether the caller may delete a record."""
        return self._deletes(record)

    def allows_audit(self, record: Record) -> bool:
        """Whether the caller may see what happened to a record."""
        return self._audits(record)

    def allows_action(self, name: str, record: Record) -> bool:
        """Whether the caller may run an action on a record."""
        return to_predicate(self.action(name))(record)

    def allows_change_of(self, old: Record) -> bool:
        """Whether the caller may change a record as it is."""
        return any(before(old) for before, _, _ in self._changes)

    def allows_change(self, old: Record, new: Record) -> bool:
        """Whether the caller may make a record of the other; one and the same group must allow both ends."""
        return any(before(old) and after(new) for before, after, _ in self._changes)

    def masks_of_change(self, old: Record, new: Record) -> tuple[WriteMask, ...] | None:
        """What the groups that allow both ends of a change allow to be written, each by itself; None where these are
        all the groups that may change the old record, whose rights on fields stand united in `updating`."""
        starting = [(after, writes) for before, after, writes in self._changes if before(old)]
        allowing = tuple(writes for after, writes in starting if after(new))
        return None if len(allowing) == len(starting) else allowing

    @cached_property
    def masks(self) -> Mapping[str, Predicate]:
        """The conditions of masked fields as predicates."""
        return {path: to_predicate(condition) for path, condition in self.masked.items()}

    @cached_property
    def _reads(self) -> Predicate:
        return to_predicate(self.read)

    @cached_property
    def _creates(self) -> Predicate:
        return to_predicate(self.create)

    @cached_property
    def _deletes(self) -> Predicate:
        return to_predicate(self.delete)

    @cached_property
    def _audits(self) -> Predicate:
        return to_predicate(self.audit_logs)

    @cached_property
    def _changes(self) -> tuple[tuple[Predicate, Predicate, WriteMask], ...]:
        return tuple((to_predicate(one.before), to_predicate(one.after), one.writes) for one in self.updates)

    @cached_property
    def is_bound(self) -> bool:
        """Whether nothing depends on who asks and when, so that one Access serves all."""
        return not self._unbound

    def bound(self, user: Record | None, clock: Clock) -> Access:
        """The same rights with the caller's values filled in; `user` is the user's record in value form."""
        if self.is_bound:
            return self
        return replace(self, **{name: _BINDING[name](getattr(self, name), user, clock) for name in self._unbound})

    @cached_property
    def _unbound(self) -> tuple[str, ...]:
        """What depends on who asks and when: the only parts that are made anew for each caller."""
        return tuple(
            name for name, conditions in self._parts() if not all(is_bound(condition) for condition in conditions)
        )

    def _parts(self) -> Iterable[tuple[str, Iterable[Condition]]]:
        """The conditions by the attribute that they stand in."""
        yield from (("read", [self.read]), ("create", [self.create]), ("delete", [self.delete]))
        yield "audit_logs", [self.audit_logs]
        yield "updates", [part for one in self.updates for part in one.conditions()]
        yield from (("actions", (self.actions or {}).values()), ("masked", self.masked.values()))
        yield from (("creating", self.creating.conditions.values()), ("updating", self.updating.conditions.values()))


def _bind(condition: Condition, user: Record | None, clock: Clock) -> Condition:
    return bind(condition, user=user, clock=clock)


def _bind_all(conditions: Mapping[str, Condition], user: Record | None, clock: Clock) -> Mapping[str, Condition]:
    return {name: _bind(condition, user, clock) for name, condition in conditions.items()}


_BINDING: Mapping[str, Callable[[Any, Record | None, Clock], Any]] = {
    **dict.fromkeys(("read", "create", "delete", "audit_logs"), _bind),
    **dict.fromkeys(("actions", "masked"), _bind_all),
    "updates": lambda updates, user, clock: tuple(one.bound(user, clock) for one in updates),
    **dict.fromkeys(("creating", "updating"), WriteMask.bound),
}
"""How each part of an Access that holds conditions is bound."""

_RIGHTS: Mapping[str, Callable[[Access], bool]] = {
    "none": lambda access: True,
    "read": lambda access: access.read != NEVER,
    "create": lambda access: access.create != NEVER,
    "update": lambda access: bool(access.updates),
    "delete": lambda access: access.delete != NEVER,
    "auditLogs": lambda access: access.audit_logs != NEVER,
    "import": lambda access: access.imports,
    "export": lambda access: access.exports,
    "developer": lambda access: access is FULL_ACCESS,
    "action": lambda access: access.actions is None or any(one != NEVER for one in access.actions.values()),
}
"""By the names that routes use."""

FULL_ACCESS: Access = Access()
"""Every right: developers, the engine itself, and servers that ask nobody who they are."""

NO_ACCESS = Access(
    read=NEVER,
    create=NEVER,
    updates=(),
    delete=NEVER,
    audit_logs=NEVER,
    imports=False,
    exports=False,
    actions=MappingProxyType({}),
)
"""No right at all: entities that none of a caller's groups names."""
