"""The rules of one group, one by one: in go its rights on an entity and a case, out come those that it asks there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.errors import Position
from engine.permissions.access import Record
from engine.permissions.compile import RIGHTS_ON_RECORDS, Grant
from engine.permissions.holding import Known, Verdict, every, of_bool
from engine.query import Clock
from engine.schema import NOWHERE, ActionKind, Entity, Right, Written

ACTION = "action."
READ, WRITE = "read", "write"
"""The parts of a right on a field."""


@dataclass(frozen=True, slots=True)
class Case:
    """What a right is asked about; records and the user are in value form.

    `record` is the record as it is (for a creation: as it would be), None for any record; `becomes` is what an update
    makes of it, and `changed` the paths of the fields that it sets. `user` is None where it is open who asks.
    """

    clock: Clock
    user: Record | None = None
    record: Record | None = None
    becomes: Record | None = None
    changed: tuple[str, ...] = ()

    @property
    def known(self) -> Known:
        """What conditions are told."""
        return Known(self.clock, self.user)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule that was asked, and what it says in this case.

    `group` is None for a condition in the definition of a field. `key` is its place inside the rights on `entity`
    (`updateTo`, `fields.taxId`, `actions.activate`), `part` tells reading from writing a field. `says` is a word, a yes
    or no, or a filter map. One that was not `written` is a default, and stands where it could have been. `about` names
    the field that it is about where that is only what the asked one is made of.
    """

    group: str | None
    entity: str
    key: str
    says: Any
    at: Position
    verdict: Verdict
    part: str = ""
    written: bool = True
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The rights of one group on an entity, asked in one case."""

    grant: Grant
    entity: Entity
    case: Case

    def rules(self, operation: str) -> Iterator[Rule]:
        """The rules for an operation, those that others build on first."""
        if operation.startswith(ACTION):
            yield self._on_record("read")
            yield self._on_action(operation.removeprefix(ACTION))
            return
        yield from (_CHAINS[operation](self))

    def rules_of_field(self, path: str, part: str) -> Iterator[Rule]:
        """The rights on a field and on the groups around it, each once, outermost first."""
        told: set[str] = set()
        for above in prefixes(path):
            right = self.grant.rights.fields.get(above)
            if right is None or right.path in told:
                continue
            told.add(right.path)
            says = right.read if part == READ else right.write
            condition = self.grant.fields[right.path][0 if part == READ else 1]
            verdict = self.case.known.hold(condition, self.case.record)
            at = says.at if isinstance(says, Written) else right.at
            yield Rule(
                self.grant.group, self.entity.name, f"fields.{right.path}", says_of(says), at, verdict, part=part
            )

    def _reading(self) -> Iterator[Rule]:
        yield self._on_record("read")

    def _creating(self) -> Iterator[Rule]:
        yield self._on_record("create")

    def _changing(self) -> Iterator[Rule]:
        yield self._on_record("read")
        rule = self._on_record("update")
        if self.case.becomes is None and self.case.record is not None:
            yield rule
            if self.grant.rights.update_to == "never":
                yield self._on_record("updateTo")
        elif self.grant.rights.update_to is None:
            after = self._on_record("update", self.case.becomes)
            yield replace(rule, verdict=every((rule.verdict, after.verdict)))
        else:
            yield rule
            yield self._on_record("updateTo", self.case.becomes)

    def _deleting(self) -> Iterator[Rule]:
        yield self._on_record("read")
        yield self._on_record("delete")

    def _auditing(self) -> Iterator[Rule]:
        yield self._on_record("read")
        yield self._on_record("auditLogs")

    def _importing(self) -> Iterator[Rule]:
        yield self._switch("import", self.grant.rights.imports)

    def _exporting(self) -> Iterator[Rule]:
        rule = self._on_record("read")
        yield replace(rule, verdict=of_bool(self.grant.rights.read != "never"))
        yield self._switch("export", self.grant.rights.exports)

    def _on_record(self, key: str, record: Record | None = None) -> Rule:
        right = RIGHTS_ON_RECORDS[key](self.grant.rights)
        verdict = self.case.known.hold(self.grant.rules[key], self.case.record if record is None else record)
        return self._rule(key, right, verdict)

    def _on_action(self, name: str) -> Rule:
        key, known = f"actions.{name}", self.case.known
        if self.entity.actions[name].kind is ActionKind.GLOBAL:
            verdict = known.hold_somewhere(self.grant.rules[key])
        else:
            verdict = known.hold(self.grant.rules[key], self.case.record)
        return self._rule(key, self.grant.rights.actions.get(name, "never"), verdict)

    def _switch(self, key: str, says: bool) -> Rule:
        return self._rule(key, says, of_bool(says))

    def _rule(self, key: str, says: Right | bool, verdict: Verdict) -> Rule:
        at = self.grant.rights.places.get(key, NOWHERE)
        place, written = (self.grant.rights.at, False) if at is NOWHERE else (at, True)
        return Rule(self.grant.group, self.entity.name, key, says_of(says), place, verdict, written=written)


_CHAINS: Mapping[str, Callable[[Asked], Iterator[Rule]]] = {
    "read": Asked._reading,
    "create": Asked._creating,
    "update": Asked._changing,
    "delete": Asked._deleting,
    "auditLogs": Asked._auditing,
    "import": Asked._importing,
    "export": Asked._exporting,
}
OPERATIONS = tuple(_CHAINS)
"""What may be done with an entity beside running its actions and using its fields."""


def says_of(right: Right | bool) -> Any:
    """A right as it was written."""
    return right.value if isinstance(right, Written) else right


def prefixes(path: str) -> Iterator[str]:
    """A dotted path and all above it, outermost first."""
    parts = path.split(".")
    return (".".join(parts[: length + 1]) for length in range(len(parts)))


__all__ = ["ACTION", "OPERATIONS", "READ", "WRITE", "Asked", "Case", "Rule", "prefixes", "says_of"]
