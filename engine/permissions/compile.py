"""Rights of groups to access: compiled once for each set of groups and entity, united over the groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from engine.expressions import Names, field_paths, parse_label
from engine.permissions.access import NO_ACCESS, Access, Transition, WriteMask, covered
from engine.query import ALWAYS, NEVER, Condition, all_of, any_of, parse_filter_map, plan_filter
from engine.schema import App, Entity, EntityRights, Field, FieldPath, FieldRight, Right, Written

MOST_SETS = 4_096
"""Sets of groups, times entities, whose access is kept ready."""
_EVERYTHING = FieldRight()


@dataclass(frozen=True, slots=True)
class _Grant:
    """The rights of one group on one entity as conditions; what needs reading holds only where reading does."""

    read: Condition
    create: Condition
    update: Condition
    update_to: Condition
    delete: Condition
    audit_logs: Condition
    rights: EntityRights


class AccessTable:
    """What every set of groups may do with every entity of an app."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._grants = {
            (group.name, name): _grant(app.entities[name], rights)
            for group in app.groups.values()
            for name, rights in group.entities.items()
            if name in app.entities
        }
        self._united = lru_cache(maxsize=MOST_SETS)(self._unite)

    def access(self, groups: frozenset[str], entity: str) -> Access:
        """The united rights of some groups on an entity, not yet bound to a user."""
        return self._united(groups, entity)

    def opens(self, groups: frozenset[str], area: str) -> bool:
        """Whether any of the groups switches an area of the API on; a flag that is not given is on."""
        return any(self._app.groups[name].api.get(area, True) for name in groups if name in self._app.groups)

    def _unite(self, groups: frozenset[str], entity: str) -> Access:
        grants = [self._grants[group, entity] for group in sorted(groups) if (group, entity) in self._grants]
        return unite(self._app.entities[entity], grants) if grants else NO_ACCESS


def _grant(entity: Entity, rights: EntityRights) -> _Grant:
    read = _condition(entity, rights.read)
    update = _condition(entity, rights.update)
    return _Grant(
        read=read,
        create=_condition(entity, rights.create),
        update=all_of((read, update)),
        update_to=update if rights.update_to is None else _condition(entity, rights.update_to),
        delete=all_of((read, _condition(entity, rights.delete))),
        audit_logs=all_of((read, _condition(entity, rights.audit_logs))),
        rights=rights,
    )


def _condition(entity: Entity, right: Right) -> Condition:
    if isinstance(right, Written):
        return plan_filter(entity, parse_filter_map(right.value))
    return ALWAYS if right == "always" else NEVER


def unite(entity: Entity, grants: Sequence[_Grant]) -> Access:
    """What several groups allow together: a record where any group does, a field where a group that does shows it."""
    readers = [grant for grant in grants if grant.read != NEVER]
    shown = dict(_field_conditions(entity, [(one.read, one) for one in readers], _read_right))
    hidden = frozenset(path for path, condition in shown.items() if condition == NEVER)
    masked = {path: condition for path, condition in shown.items() if condition != NEVER}
    for path, reads in _labels(entity):
        if any(covered(read, hidden) for read in reads):
            hidden |= {path}
        elif guards := [
            masked[masked_path] for masked_path in masked if any(_meets(masked_path, read) for read in reads)
        ]:
            masked[path] = all_of(guards)
    actions = {
        name: any_of(
            all_of((grant.read, _condition(entity, grant.rights.actions.get(name, "never")))) for grant in grants
        )
        for name in entity.actions
    }
    return Access(
        read=any_of(grant.read for grant in grants),
        create=any_of(grant.create for grant in grants),
        updates=tuple(
            Transition(one.update, one.update_to) for one in grants if NEVER not in (one.update, one.update_to)
        ),
        delete=any_of(grant.delete for grant in grants),
        audit_logs=any_of(grant.audit_logs for grant in grants),
        imports=any(grant.rights.imports for grant in grants),
        exports=any(grant.rights.exports for grant in readers),
        actions=MappingProxyType(actions),
        hidden=hidden,
        masked=MappingProxyType(masked),
        creating=_write_mask(entity, hidden, [(one.create, one) for one in grants]),
        updating=_write_mask(entity, hidden, [(one.update, one) for one in grants]),
    )


def _action(entity: Entity, grant: _Grant, name: str) -> Condition:
    return all_of((grant.read, _condition(entity, grant.rights.actions.get(name, "never"))))


_Rows = Sequence[tuple[Condition, _Grant]]
_Pick = Callable[[FieldRight], Right]


def _read_right(right: FieldRight) -> Right:
    return right.read


def _write_right(right: FieldRight) -> Right:
    return "never" if right.read == "never" else right.write


def _write_mask(entity: Entity, hidden: frozenset[str], rows: _Rows) -> WriteMask:
    allowed = dict(_field_conditions(entity, [row for row in rows if row[0] != NEVER], _write_right))
    return WriteMask(
        hidden=hidden,
        refused=frozenset(path for path, condition in allowed.items() if condition == NEVER) - hidden,
        conditions=MappingProxyType({path: one for path, one in allowed.items() if one != NEVER}),
    )


def _field_conditions(entity: Entity, rows: _Rows, of: _Pick) -> Iterator[tuple[str, Condition]]:
    """The paths that are not open wherever the rows are, each with the condition under which it is."""
    for path in _own_paths(entity):
        rights = [(row, of(grant.rights.fields.get(path.name, _EVERYTHING))) for row, grant in rows]
        if all(right == "always" for _, right in rights):
            continue
        condition = any_of(all_of((row, _condition(entity, right))) for row, right in rights)
        if condition != ALWAYS:
            yield path.name, condition


def _own_paths(entity: Entity) -> Iterator[FieldPath]:
    system = {item.name for item in entity.system_fields}
    return (path for path in entity.all_paths() if path.fields[0].name not in system)


def _labels(entity: Entity) -> Iterator[tuple[str, frozenset[str]]]:
    """Every label that is made of fields: its path, and the paths that it reads."""
    names = Names.of_entity(entity)
    yield from _group_labels(entity.fields, names)
    if entity.record_label is not None:
        yield "label", field_paths(parse_label(entity.record_label.value), names)


def _group_labels(fields: Iterable[Field], names: Names) -> Iterator[tuple[str, frozenset[str]]]:
    for item in fields:
        if item.reference is None and item.fields:
            inner = names.of_group(item)
            yield from _group_labels(item.fields, inner)
            if item.record_label is not None:
                yield f"{item.path}.label", field_paths(parse_label(item.record_label.value), inner)


def _meets(masked: str, read: str) -> bool:
    return masked == read or masked.startswith(read + ".") or read.startswith(masked + ".")
