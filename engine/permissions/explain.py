"""Why somebody may do something or not: in go groups, an entity and a case, out come verdicts with the rules behind.

Verdicts are those of the rights that the server asks (`Access`); the rules say, group by group, what was written for
them and where it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from engine.errors import BadRequest, did_you_mean
from engine.permissions.access import Access, WriteMask, covered
from engine.permissions.asked import ACTION, OPERATIONS, READ, WRITE, Asked, Case, Rule, prefixes
from engine.permissions.compile import AccessTable, Grant
from engine.permissions.field_conditions import FieldConditions
from engine.permissions.holding import Verdict, every, of_bool, some
from engine.schema import ActionKind, App, Entity

FIELD: Final = "field."
DATA: Final = "data"
"""The switch of the API that all of this stands behind."""


@dataclass(frozen=True, slots=True)
class GroupSays:
    """What one group alone makes of a case: all of its rules must allow it."""

    group: str
    verdict: Verdict
    rules: tuple[Rule, ...]

    @property
    def decided_by(self) -> tuple[Rule, ...]:
        """Where it allows, the rule on what was asked for itself, which stands last; else the rules in its way."""
        if self.verdict is Verdict.ALLOWED:
            return self.rules[-1:]
        return tuple(rule for rule in self.rules if rule.verdict is self.verdict)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The verdict on one operation and what each group says. `others` are the rules that count whatever groups say: a
    closed API, and conditions in a field's own definition. Developers pass the rights of groups."""

    operation: str
    verdict: Verdict
    groups: tuple[GroupSays, ...] = ()
    others: tuple[Rule, ...] = ()
    developer: bool = False

    @property
    def decided_by(self) -> tuple[Rule, ...]:
        """The rules that lead to the verdict: those of the groups that allow it, or all that stand in its way."""
        if self.verdict is not Verdict.ALLOWED:
            closed = tuple(rule for rule in self.others if rule.verdict is self.verdict)
            if closed:
                return closed
        return tuple(rule for says in self.groups if says.verdict is self.verdict for rule in says.decided_by)


@dataclass(frozen=True, slots=True)
class FieldExplanation:
    """What may be done with one field of a record: reading and changing it."""

    path: str
    read: Explanation
    write: Explanation

    @property
    def right(self) -> str:
        """`none`, `readOnly` or `readWrite`; `depends` where it takes a record or a user to tell."""
        if self.read.verdict is Verdict.DENIED:
            return "none"
        if Verdict.DEPENDS in (self.read.verdict, self.write.verdict):
            return "depends"
        return "readWrite" if self.write.verdict is Verdict.ALLOWED else "readOnly"


@dataclass(frozen=True, slots=True)
class Rights:
    """Everything that may be done with an entity in one case."""

    operations: Mapping[str, Explanation]
    actions: Mapping[str, Explanation]
    fields: Mapping[str, FieldExplanation]


class Explainer:
    """Explains the rights of an app's groups. `groups` are their names, None stands for a developer."""

    def __init__(self, app: App, rights: AccessTable) -> None:
        self._app = app
        self._table = rights
        self._conditions = {name: FieldConditions(entity) for name, entity in app.entities.items()}

    def check_entity(self, name: str) -> None:
        """Raises BadRequest for an entity that there is not."""
        self._entity(name)

    def check_groups(self, groups: Iterable[str]) -> None:
        """Raises BadRequest for a group that there is not."""
        for name in groups:
            if name not in self._app.groups:
                raise BadRequest(_unknown("There is no group", name, self._app.groups))

    def explain(self, groups: Sequence[str] | None, entity: str, operation: str, case: Case) -> Explanation:
        """One of OPERATIONS, or `action.NAME`. Raises BadRequest for an unknown name."""
        found = self._entity(entity)
        action = operation.removeprefix(ACTION)
        if action != operation and action not in found.actions:
            raise BadRequest(_unknown(f"{entity} has no action", action, found.actions))
        if action == operation and operation not in OPERATIONS:
            known = (*OPERATIONS, *(ACTION + name for name in found.actions), f"{FIELD}PATH")
            raise BadRequest(_unknown("There is no operation", operation, known))
        if groups is None:
            return Explanation(operation, Verdict.ALLOWED, developer=True)
        access = self._table.access(frozenset(groups), entity)
        said = tuple(self._says(name, found, operation, case) for name in groups)
        return self._behind_switch(groups, Explanation(operation, _verdict(access, found, operation, case), said))

    def explain_field(self, groups: Sequence[str] | None, entity: str, path: str, case: Case) -> FieldExplanation:
        """Reading and changing the field at a dotted path. Raises BadRequest for an unknown path."""
        found = self._entity(entity)
        place = found.field_at(path)
        if place is None:
            raise BadRequest(_unknown(f"{entity} has no field", path, [one.name for one in found.all_paths()]))
        own = tuple(self._conditions[entity].asked(place, case))
        read = self._field_side(groups, found, place.name, case, READ)
        write = self._field_side(groups, found, place.name, case, WRITE)
        return FieldExplanation(place.name, _with(read, [rule for rule in own if rule.part == READ]), _with(write, own))

    def explain_all(self, groups: Sequence[str] | None, entity: str, case: Case) -> Rights:
        """Every operation, action and field of an entity. Raises BadRequest for an unknown name."""
        found = self._entity(entity)
        return Rights(
            {name: self.explain(groups, entity, name, case) for name in OPERATIONS},
            {name: self.explain(groups, entity, ACTION + name, case) for name in found.actions},
            {path.name: self.explain_field(groups, entity, path.name, case) for path in found.all_paths()},
        )

    def _entity(self, name: str) -> Entity:
        found = self._app.entities.get(name)
        if found is None:
            raise BadRequest(_unknown("There is no entity", name, self._app.entities))
        return found

    def _field_side(
        self, groups: Sequence[str] | None, entity: Entity, path: str, case: Case, part: str
    ) -> Explanation:
        operation = f"{FIELD}{path}"
        if groups is None:
            return Explanation(operation, Verdict.ALLOWED, developer=True)
        access = self._table.access(frozenset(groups), entity.name)
        verdict = _shown(access, path, case)
        if part == WRITE:
            changing = some(case.known.hold(one.before, case.record) for one in access.updates)
            verdict = every((verdict, changing, _written(access.updating, path, case)))
        said = tuple(self._says_of_field(name, entity, path, case, part) for name in groups)
        return self._behind_switch(groups, Explanation(operation, verdict, said))

    def _behind_switch(self, groups: Sequence[str], found: Explanation) -> Explanation:
        """Closed where no group opens the part of the API that serves records."""
        if self._table.opens(frozenset(groups), DATA):
            return found
        key = f"api.{DATA}"
        homes = [self._app.groups[name] for name in groups]
        closed = [Rule(one.name, "", key, False, one.places.get(key, one.at), Verdict.DENIED) for one in homes]
        return replace(found, verdict=Verdict.DENIED, others=(*found.others, *closed))

    def _says(self, group: str, entity: Entity, operation: str, case: Case) -> GroupSays:
        """What a group says of an operation. A change takes the rights on the fields that it sets, too."""
        grant = self._grant(group, entity)
        if grant is None:
            return self._unnamed(group, entity, operation.replace(ACTION, "actions."))
        asked = Asked(grant, entity, case)
        rules: list[Rule] = []
        for path in case.changed if operation == "update" else ():
            for rule in (*asked.rules_of_field(path, READ), *asked.rules_of_field(path, WRITE)):
                if rule not in rules:  # fields of one group have its right
                    rules.append(rule)
        rules += asked.rules(operation)
        return GroupSays(group, every(rule.verdict for rule in rules), tuple(rules))

    def _says_of_field(self, group: str, entity: Entity, path: str, case: Case, part: str) -> GroupSays:
        grant = self._grant(group, entity)
        if grant is None:
            return self._unnamed(group, entity, "read")
        asked = Asked(grant, entity, replace(case, becomes=None))  # rights on fields look at the record as it is
        rules = [*asked.rules("read")]
        if part == WRITE:
            rules = [rule for rule in asked.rules("update") if rule.key != "updateTo" or rule.verdict is Verdict.DENIED]
        rules += self._rules_of_sources(grant, entity, path, case, {(entity.name, path)})
        rules += asked.rules_of_field(path, READ)
        if part == WRITE:
            rules += asked.rules_of_field(path, WRITE)
        return GroupSays(group, every(rule.verdict for rule in rules), tuple(rules))

    def _grant(self, group: str, entity: Entity) -> Grant | None:
        found = self._table.grants((group,), entity.name)
        return found[0] if found else None

    def _unnamed(self, group: str, entity: Entity, key: str) -> GroupSays:
        """What a group says of an entity that it does not name."""
        at = self._app.groups[group].at
        rule = Rule(group, entity.name, key, "never", at, Verdict.DENIED, written=False)
        return GroupSays(group, Verdict.DENIED, (rule,))

    def _rules_of_sources(
        self, grant: Grant, entity: Entity, path: str, case: Case, seen: set[tuple[str, str]]
    ) -> Iterator[Rule]:
        """What hides the fields of which the field is made, unless the group gives a right on the very field."""
        for above in prefixes(path):
            if grant.names_field(above):
                continue
            for source in self._table.sources(entity.name).get(above, ()):
                where = self._app.entities[source.entity or entity.name]
                own = self._grant(grant.group, where)
                if own is None or (where.name, source.path) in seen:
                    continue  # what the group does not name hides nothing
                seen.add((where.name, source.path))
                foreign = source.entity is not None
                there = replace(case, record=None, becomes=None) if foreign else case
                behind = self._rules_of_sources(own, where, source.path, there, seen)
                for rule in (*behind, *Asked(own, where, there).rules_of_field(source.path, READ)):
                    if rule.verdict is not Verdict.ALLOWED:
                        # hidden on some records of another entity counts as hidden
                        verdict = Verdict.DENIED if foreign else rule.verdict
                        yield replace(rule, verdict=verdict, about=rule.about or f"{where.name}.{source.path}")


def _verdict(access: Access, entity: Entity, operation: str, case: Case) -> Verdict:
    known, record = case.known, case.record
    if operation.startswith(ACTION):
        name = operation.removeprefix(ACTION)
        if entity.actions[name].kind is ActionKind.GLOBAL:
            return known.hold_somewhere(access.action(name))
        return known.hold(access.action(name), record)
    match operation:
        case "import":
            return of_bool(access.imports)
        case "export":
            return of_bool(access.exports)
        case "update":
            return _changes(access, case)
    conditions = {
        "read": access.read,
        "create": access.create,
        "delete": access.delete,
        "auditLogs": access.audit_logs,
    }
    return known.hold(conditions[operation], record)


def _changes(access: Access, case: Case) -> Verdict:
    """One of the groups must allow both ends of a change, and for each field that it sets one of those must allow
    that."""
    known = case.known
    begun = case.becomes is None and case.record is not None
    ends = [
        (one, every((known.hold(one.before, case.record), *(() if begun else (known.hold(one.after, case.becomes),)))))
        for one in access.updates
    ]
    whole = some(verdict for _, verdict in ends)
    parts = (some(every((end, _written(one.writes, path, case))) for one, end in ends) for path in case.changed)
    return every((whole, *parts))


def _shown(access: Access, path: str, case: Case) -> Verdict:
    known = case.known
    if access.hides(path):
        return Verdict.DENIED
    guard = access.guard(path)
    shown = Verdict.ALLOWED if guard is None else known.hold(guard, case.record)
    return every((known.hold(access.read, case.record), shown))


def _written(mask: WriteMask, path: str, case: Case) -> Verdict:
    if not mask.may_write(path):
        return Verdict.DENIED
    return every(
        case.known.hold(condition, case.record)
        for guarded, condition in mask.conditions.items()
        if covered(path, frozenset((guarded,)))
    )


def _with(found: Explanation, rules: Sequence[Rule]) -> Explanation:
    verdict = every((found.verdict, *(rule.verdict for rule in rules)))
    return replace(found, verdict=verdict, others=(*found.others, *rules))


def _unknown(message: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    hint = did_you_mean(name, names) or (f"known: {', '.join(names)}" if names else "there are none")
    return f"{message} {name[:64]}; {hint}"


__all__ = [
    "DATA",
    "FIELD",
    "Explainer",
    "Explanation",
    "FieldExplanation",
    "GroupSays",
    "Rights",
]
