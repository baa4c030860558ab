"""Rights of groups to access: compiled once for each set of groups and entity, united over the groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from engine.permissions.access import NO_ACCESS, Access, Transition, WriteMask, covered
from engine.permissions.derived import Source, Sources, find_sources
from engine.query import ALWAYS, NEVER, Condition, all_of, any_of, parse_filter_map, plan_filter
from engine.schema import App, Entity, EntityRights, FieldPath, FieldRight, Right, Written

MOST_SETS = 4_096
"""Sets of groups, times entities, whose access is kept ready."""
_EVERYTHING = FieldRight()
_OPEN = (ALWAYS, ALWAYS)

Shown = Mapping[str, Condition]
"""The fields that are not shown on every record that may be read, by dotted path, and on which they are."""

RIGHTS_ON_RECORDS: Mapping[str, Callable[[EntityRights], Right]] = {
    "read": lambda rights: rights.read,
    "create": lambda rights: rights.create,
    "update": lambda rights: rights.update,
    "updateTo": lambda rights: rights.update if rights.update_to is None else rights.update_to,
    "delete": lambda rights: rights.delete,
    "auditLogs": lambda rights: rights.audit_logs,
}
"""The rights that may have conditions, by their keys in files."""


@dataclass(frozen=True, slots=True)
class Grant:
    """The rights of one group on one entity as conditions; what needs reading holds only where reading does.

    `rules` are the rights on records by themselves, as each was written, by their keys (`update`, `actions.activate`).
    """

    group: str
    rights: EntityRights
    rules: Mapping[str, Condition]
    read: Condition
    create: Condition
    update: Condition
    update_to: Condition
    delete: Condition
    audit_logs: Condition
    actions: Mapping[str, Condition]
    fields: Mapping[str, tuple[Condition, Condition]]
    """On which records fields may be read and on which they may be written, for those that were given a right."""

    def right_on(self, path: str) -> FieldRight:
        """What was written for a field, or for a group around it."""
        return self.rights.fields.get(path, _EVERYTHING)

    def on_field(self, path: str) -> tuple[Condition, Condition]:
        """On which records the field may be read and on which it may be written, going by the right on it alone."""
        return self.fields.get(path, _OPEN)

    def names_field(self, path: str) -> bool:
        """Whether the group gives a right on the very field."""
        return self.right_on(path).path == path


class AccessTable:
    """What every set of groups may do with every entity of an app."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._grants = {
            (group.name, name): _grant(app.entities[name], group.name, rights)
            for group in app.groups.values()
            for name, rights in group.entities.items()
            if name in app.entities
        }
        restricted = any(grant.rights.fields for grant in self._grants.values())
        self._sources: Mapping[str, Sources] = (
            {name: find_sources(app, entity) for name, entity in app.entities.items()} if restricted else {}
        )
        self._united = lru_cache(maxsize=MOST_SETS)(self._unite)
        self._shown = lru_cache(maxsize=MOST_SETS)(self._show)
        self._open = lru_cache(maxsize=MOST_SETS)(self._opens)

    def access(self, groups: frozenset[str], entity: str) -> Access:
        """The united rights of some groups on an entity, not yet bound to a user."""
        return self._united(groups, entity)

    def grants(self, groups: Iterable[str], entity: str) -> tuple[Grant, ...]:
        """The rights that are united, one for each group that names the entity."""
        return tuple(self._grants[group, entity] for group in sorted(groups) if (group, entity) in self._grants)

    def sources(self, entity: str) -> Sources:
        """The fields of an entity that are made of others, where any group restricts a field."""
        return self._sources.get(entity, {})

    def opens(self, groups: frozenset[str], area: str) -> bool:
        """Whether any of the groups switches an area of the API on; a flag that is not given is on."""
        return self._open(groups, area)

    def _opens(self, groups: frozenset[str], area: str) -> bool:
        return any(self._app.groups[name].api.get(area, True) for name in groups if name in self._app.groups)

    def _unite(self, groups: frozenset[str], entity: str) -> Access:
        grants = self.grants(groups, entity)
        if not grants:
            return NO_ACCESS
        return unite(self._app.entities[entity], grants, self._shown(groups)[entity])

    def _show(self, groups: frozenset[str]) -> Mapping[str, Shown]:
        """For each entity that the groups name the fields that they do not see everywhere.

        What is made of a field is shown where that field is, unless a group gives a right on the very thing: hiding
        spreads through labels, calculations and references until nothing more is hidden.
        """
        united = {name: grants for name in self._app.entities if (grants := self.grants(groups, name))}
        shown = {name: dict(_restricted(self._app.entities[name], grants)) for name, grants in united.items()}
        spreading = any(shown.values())
        while spreading:
            spreading = False
            for name, grants in united.items():
                for path, sources in self.sources(name).items():
                    condition = _shown_with(path, grants, _all_shown(sources, shown[name], shown))
                    if condition != shown[name].get(path, ALWAYS):
                        shown[name][path] = condition
                        spreading = True
        return shown


def _grant(entity: Entity, group: str, rights: EntityRights) -> Grant:
    written: dict[str, Right] = {key: right(rights) for key, right in RIGHTS_ON_RECORDS.items()}
    written.update((f"actions.{name}", rights.actions.get(name, "never")) for name in entity.actions)
    rules = {key: _condition(entity, right) for key, right in written.items()}
    read = rules["read"]
    return Grant(
        group=group,
        rights=rights,
        rules=rules,
        read=read,
        create=rules["create"],
        update=all_of((read, rules["update"])),
        update_to=rules["updateTo"],
        delete=all_of((read, rules["delete"])),
        audit_logs=all_of((read, rules["auditLogs"])),
        actions={name: all_of((read, rules[f"actions.{name}"])) for name in entity.actions},
        fields=_field_rights(entity, rights),
    )


def _field_rights(entity: Entity, rights: EntityRights) -> Mapping[str, tuple[Condition, Condition]]:
    """What is never shown cannot be written either."""
    return {
        path: (_condition(entity, right.read), _condition(entity, "never" if right.read == "never" else right.write))
        for path, right in rights.fields.items()
    }


def _condition(entity: Entity, right: Right) -> Condition:
    if isinstance(right, Written):
        return plan_filter(entity, parse_filter_map(right.value))
    return ALWAYS if right == "always" else NEVER


def unite(entity: Entity, grants: Sequence[Grant], shown: Shown) -> Access:
    """What several groups allow together: a record where any group does, a field where a group that does shows it."""
    hidden = frozenset(path for path, condition in shown.items() if condition == NEVER)
    changing = [one for one in grants if NEVER not in (one.update, one.update_to)]
    return Access(
        read=any_of(grant.read for grant in grants),
        create=any_of(grant.create for grant in grants),
        updates=tuple(
            Transition(one.update, one.update_to, _write_mask(entity, hidden, [(ALWAYS, one)], _writes_seen))
            for one in changing
        ),
        delete=any_of(grant.delete for grant in grants),
        audit_logs=any_of(grant.audit_logs for grant in grants),
        imports=any(grant.rights.imports for grant in grants),
        exports=any(grant.rights.exports for grant in grants if grant.read != NEVER),
        actions=MappingProxyType({name: any_of(grant.actions[name] for grant in grants) for name in entity.actions}),
        hidden=hidden,
        masked=MappingProxyType({path: condition for path, condition in shown.items() if condition != NEVER}),
        creating=_write_mask(entity, hidden, [(one.create, one) for one in grants], _writes),
        updating=_write_mask(entity, hidden, [(one.update, one) for one in changing], _writes_seen),
    )


def _restricted(entity: Entity, grants: Sequence[Grant]) -> Iterator[tuple[str, Condition]]:
    """The fields on which groups that read give a right that is not always, and where they are shown."""
    if any(grant.rights.fields for grant in grants):
        for path in _own_paths(entity):
            condition = _shown_with(path.name, grants, ALWAYS)
            if condition != ALWAYS:
                yield path.name, condition


def _shown_with(path: str, grants: Sequence[Grant], inherited: Condition) -> Condition:
    """On which records a field is shown by any of the groups; ALWAYS where it is on all that may be read.

    `inherited` is where all that it is made of is shown; a right on the very field takes its place.
    """
    readers = [grant for grant in grants if grant.read != NEVER]
    rights = [
        grant.on_field(path)[0] if grant.names_field(path) else all_of((grant.on_field(path)[0], inherited))
        for grant in readers
    ]
    if all(right == ALWAYS for right in rights):
        return ALWAYS
    return any_of(all_of((grant.read, right)) for grant, right in zip(readers, rights, strict=True))


def _all_shown(sources: Iterable[Source], own: Shown, shown: Mapping[str, Shown]) -> Condition:
    """Where all sources are shown. No condition on another record can be asked of this one, so what is hidden on some
    records of another entity counts as hidden; an entity that no group names says nothing about its fields."""
    found: list[Condition] = []
    for source in sources:
        if source.entity is None:
            found += [condition for condition in _guards(source.path, own) if condition not in found]
        elif _guards(source.path, shown.get(source.entity, {})):
            return NEVER
    return all_of(found)


def _guards(path: str, shown: Shown) -> list[Condition]:
    return [condition for guarded, condition in shown.items() if covered(path, frozenset((guarded,)))]


_Rows = Sequence[tuple[Condition, Grant]]
_OnField = Callable[[Grant, str], Condition]


def _writes(grant: Grant, path: str) -> Condition:
    """On which new records a group may set a field."""
    return grant.on_field(path)[1]


def _writes_seen(grant: Grant, path: str) -> Condition:
    """On which records a group may change a field: those on which it sees it, or changes would tell what it holds."""
    return all_of(grant.on_field(path))


def _write_mask(entity: Entity, hidden: frozenset[str], rows: _Rows, on_field: _OnField) -> WriteMask:
    """Where any of the groups allows fields to be written, on the rows on which it allows writing at all."""
    writers = [(row, grant) for row, grant in rows if row != NEVER]
    allowed: dict[str, Condition] = {}
    if any(grant.fields for _, grant in writers):
        for path in _own_paths(entity):
            rights = [on_field(grant, path.name) for _, grant in writers]
            if any(right != ALWAYS for right in rights):
                allowed[path.name] = any_of(
                    all_of((row, right)) for (row, _), right in zip(writers, rights, strict=True)
                )
    return WriteMask(
        hidden=hidden,
        refused=frozenset(path for path, condition in allowed.items() if condition == NEVER) - hidden,
        conditions=MappingProxyType(
            {path: condition for path, condition in allowed.items() if condition not in (ALWAYS, NEVER)}
        ),
    )


def _own_paths(entity: Entity) -> Iterator[FieldPath]:
    system = {item.name for item in entity.system_fields}
    return (path for path in entity.all_paths() if path.fields[0].name not in system)


__all__ = ["RIGHTS_ON_RECORDS", "AccessTable", "Grant", "unite"]
