"""The resolved model of an app: frozen, small, known by everybody. Definitions end here, requests start here.

Names have become objects; expressions, templates and conditions stay as their authors wrote them (`Written`), already
checked, and are compiled to closures by the modules that run them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

from engine.errors import Position
from engine.fields.base import Capability, FieldType

NOWHERE = Position("", 0, 0)
EMPTY: Mapping[str, Any] = MappingProxyType({})


def _empty() -> Mapping[str, Any]:
    return EMPTY


@dataclass(frozen=True, slots=True)
class Written:
    """A condition (bool, filter map or expression), an expression, or a template, and where it stands."""

    value: Any
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Validation:
    """A check by the app's author: refused with `code` and `message` where `check` (an expression) is false."""

    check: Written
    code: str
    message: str
    path: str | None = None


class Operation(StrEnum):
    """What an aggregate calculated field computes."""

    COUNT = "count"
    SUM = "sum"
    AVG = "avg"


@dataclass(frozen=True, slots=True)
class AggregateRule:
    """A field calculated over the records of another entity."""

    entity: str
    where: Written
    operation: Operation
    path: str | None = None


OnDelete = Literal["none", "remove", "delete"]


@dataclass(frozen=True, slots=True)
class Reference:
    """What a relationship points to and what it keeps of it. `fields` of its Field are id, label and the copies."""

    entity: str
    where: Written | None = None
    copy: tuple[str, ...] = ()
    on_delete: OnDelete = "none"
    sync_label: bool = True
    sync_copies: bool = True


@dataclass(frozen=True)
class Field:
    """One field of an entity, of a nested group or of an action's parameters.

    `path` is dotted from the record's root (`addresses.state`); `fields` are the inner fields of a nested group, or
    the parts of a reference (id, label, copies), empty otherwise. `system_fields` are the id and label of a nested
    group: paths may end in them, bodies do not set them.
    """

    name: str
    path: str
    label: str
    type: FieldType
    description: str | None = None
    many: bool = False
    required: Written | bool = False
    unique: bool = False
    index: bool = False
    default: Any = None
    default_expression: Written | None = None
    calculated: Written | None = None
    aggregate: AggregateRule | None = None
    transient: bool = False
    sensitive: bool = False
    read: Written | bool = True
    write: Written | bool = True
    aliases: tuple[str, ...] = ()
    validations: tuple[Validation, ...] = ()
    display: Mapping[str, Any] = field(default_factory=_empty)
    lookup: bool = False
    reference: Reference | None = None
    record_label: Written | None = None
    fields: tuple[Field, ...] = ()
    system_fields: tuple[Field, ...] = ()
    at: Position = NOWHERE

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """Inner fields by name and by alias, and the system fields of a nested group."""
        return _by_name((*self.system_fields, *self.fields))

    @property
    def writable(self) -> bool:
        """Whether a body may set the field at all, apart from anybody's rights."""
        return Capability.WRITE in self.type.capabilities and self.calculated is None and self.aggregate is None


@dataclass(frozen=True)
class FieldPath:
    """A resolved dotted path: the fields walked through, outermost first; never empty.

    `storage` is the dotted path inside the stored document. Examples: `addresses.state`, `company.label`, `_id`.
    """

    fields: tuple[Field, ...]

    @property
    def field(self) -> Field:
        """The field at the end of the path."""
        return self.fields[-1]

    @cached_property
    def name(self) -> str:
        """The path as clients write it, by present names."""
        return ".".join(part.name for part in self.fields)

    @cached_property
    def storage(self) -> str:
        """Where the value stands in the stored document."""
        return "_id" if self.name == "id" else self.name

    @cached_property
    def many(self) -> bool:
        """Whether one record may hold several values at this path."""
        return any(part.many for part in self.fields)


class ActionKind(StrEnum):
    """What an action runs on."""

    ONE = "one"
    MANY = "many"
    GLOBAL = "global"


@dataclass(frozen=True, slots=True)
class Step:
    """One declarative step as written: its kind (`set`, `create`, ...), its argument and its condition."""

    kind: str
    argument: Written
    when: Written | None = None


@dataclass(frozen=True)
class Action:
    """Something that clients can run on records of an entity."""

    name: str
    label: str
    kind: ActionKind = ActionKind.ONE
    precondition: Written | None = None
    parameters: tuple[Field, ...] = ()
    validations: tuple[Validation, ...] = ()
    steps: tuple[Step, ...] = ()
    run: Written | None = None
    respond: Written | None = None
    background: bool = False
    queue: str = "mix"
    save_linked: bool = False
    at: Position = NOWHERE

    @cached_property
    def parameters_by_name(self) -> Mapping[str, Field]:
        """Parameters by name and by alias."""
        return _by_name(self.parameters)


@dataclass(frozen=True, slots=True)
class Listener:
    """Something that happens when records change. `on` holds created, changed, deleted, action.X, conditionMet."""

    name: str
    on: tuple[str, ...]
    origins: frozenset[str] = frozenset({"user", "script"})
    when: Written | None = None
    background: bool = False
    queue: str = "mix"
    steps: tuple[Step, ...] = ()
    run: Written | None = None
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Audit:
    """What an entity's audit trail records, how long it keeps it (ms, None is forever)."""

    created: bool = False
    changed: bool = False
    deleted: bool = False
    actions: bool = False
    ignore: tuple[str, ...] = ()
    on_delete: Literal["keep", "erase"] = "keep"
    keep: int | None = None

    @property
    def on(self) -> bool:
        """Whether anything at all is recorded."""
        return self.created or self.changed or self.deleted or self.actions


@dataclass(frozen=True, slots=True)
class Index:
    """An index that the author asked for; `fields` may carry a leading `-`."""

    name: str
    fields: tuple[str, ...]
    kind: Literal["normal", "text"] = "normal"
    unique: bool = False
    at: Position = NOWHERE


@dataclass(frozen=True)
class Entity:
    """One kind of record."""

    name: str
    label: str
    fields: tuple[Field, ...]
    record_label: Written | None = None
    description: str | None = None
    audit: Audit = Audit()
    indexes: tuple[Index, ...] = ()
    validations: tuple[Validation, ...] = ()
    actions: Mapping[str, Action] = field(default_factory=_empty)
    listeners: tuple[Listener, ...] = ()
    scan: Literal["allow", "warn", "refuse"] = "allow"
    system_fields: tuple[Field, ...] = ()
    at: Position = NOWHERE
    _paths: dict[str, FieldPath | None] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """Own fields by name and by alias; system fields are not among them."""
        return _by_name(self.fields)

    @cached_property
    def lookups(self) -> tuple[Field, ...]:
        """Fields by which a relationship to this entity may be written, in definition order."""
        return tuple(item for item in self.fields if item.lookup)

    @cached_property
    def has_conditional_fields(self) -> bool:
        """Whether some field is shown or not depending on the rest of the record."""
        return any(isinstance(path.field.read, Written) for path in self.all_paths())

    def field_at(self, path: str) -> FieldPath | None:
        """The field at a dotted path (`addresses.state`, `company.id`, `version`), by name or alias; None: unknown."""
        known = self._paths.get(path)
        if known is None and path.count(".") < 16:
            known = self._walk(path)
            if known is not None:
                self._paths[path] = known  # only real paths are kept, so the table is bounded by the definition
        return known

    def _walk(self, path: str) -> FieldPath | None:
        first, *rest = path.split(".")
        start = self.by_name.get(first) or next((item for item in self.system_fields if item.name == first), None)
        if start is None:
            return None
        found = [start]
        for name in rest:
            inner = found[-1].by_name.get(name)
            if inner is None:
                return None
            found.append(inner)
        return FieldPath(tuple(found))

    def all_paths(self) -> Iterator[FieldPath]:
        """Every path, system fields first, then depth first in definition order."""
        yield from (FieldPath((item,)) for item in self.system_fields)
        yield from _paths_below((), self.fields)


def _paths_below(above: tuple[Field, ...], fields: tuple[Field, ...]) -> Iterator[FieldPath]:
    for item in fields:
        here = (*above, item)
        yield FieldPath(here)
        yield from _paths_below(here, (*item.system_fields, *item.fields))


def _by_name(fields: tuple[Field, ...]) -> Mapping[str, Field]:
    names = {alias: item for item in fields for alias in item.aliases}
    names.update((item.name, item) for item in fields)
    return MappingProxyType(names)


Right = Written | Literal["always", "never"]


@dataclass(frozen=True, slots=True)
class FieldRight:
    """What a group may do with one field; a Written is a filter map on the record.

    `path` is that of the field for which it was written: the field itself, or a group around it.
    """

    read: Right = "always"
    write: Right = "always"
    at: Position = NOWHERE
    path: str = ""


@dataclass(frozen=True, slots=True)
class EntityRights:
    """What a group may do with one entity.

    `places` says where each right stands, by its key (`read`, `updateTo`, `actions.activate`); what was not given has
    none.
    """

    read: Right = "never"
    create: Right = "never"
    update: Right = "never"
    update_to: Right | None = None
    delete: Right = "never"
    audit_logs: Right = "never"
    imports: bool = False
    exports: bool = False
    fields: Mapping[str, FieldRight] = field(default_factory=_empty)
    actions: Mapping[str, Right] = field(default_factory=_empty)
    at: Position = NOWHERE
    places: Mapping[str, Position] = field(default_factory=_empty)


@dataclass(frozen=True, slots=True)
class PasswordRules:
    """What a password must have."""

    min_length: int = 6
    upper: bool = False
    lower: bool = False
    digit: bool = False
    symbol: bool = False


@dataclass(frozen=True)
class Group:
    """A set of rights that users can be given.

    `places` says where each switch of the API stands, by its key (`api.data`); what was not given has none.
    """

    name: str
    label: str
    description: str | None = None
    entities: Mapping[str, EntityRights] = field(default_factory=_empty)
    api: Mapping[str, bool] = field(default_factory=_empty)
    allowed_ips: tuple[str, ...] = ()
    max_login_attempts: int | None = None
    session_timeout: int | None = None
    password: PasswordRules = PasswordRules()
    impersonate: bool = False
    at: Position = NOWHERE
    places: Mapping[str, Position] = field(default_factory=_empty)


@dataclass(frozen=True, slots=True)
class Queue:
    """Where background work waits; `workers` bounds how much of it runs at once on one machine."""

    name: str
    workers: int = 2


@dataclass(frozen=True, slots=True)
class Schedule:
    """An action that runs by itself: a cron expression in the app's time zone."""

    name: str
    cron: str
    entity: str
    action: str
    params: Mapping[str, Any] = field(default_factory=_empty)
    missed: Literal["run", "skip"] = "skip"
    at: Position = NOWHERE


@dataclass(frozen=True)
class App:
    """One app: its settings and everything it defines. `entities` holds only those that can have records."""

    name: str
    label: str
    description: str | None = None
    forbidden: Literal["tell", "hide"] = "tell"
    timezone: str = "UTC"
    language: str = "en"
    currency: str = "USD"
    session_timeout: int = 8 * 3600 * 1000
    entities: Mapping[str, Entity] = field(default_factory=_empty)
    groups: Mapping[str, Group] = field(default_factory=_empty)
    queues: Mapping[str, Queue] = field(default_factory=_empty)
    schedules: tuple[Schedule, ...] = ()
    hooks: str | None = None

    def target(self, item: Field) -> Entity:
        """The entity that a relationship points to."""
        assert item.reference is not None
        return self.entities[item.reference.entity]


def rebase(item: Field, prefix: str) -> Field:
    """The same field standing under another path, inner fields included."""
    path = f"{prefix}.{item.name}" if prefix else item.name
    fields = tuple(rebase(inner, path) for inner in item.fields)
    system_fields = tuple(rebase(inner, path) for inner in item.system_fields)
    return replace(item, path=path, fields=fields, system_fields=system_fields)


__all__ = [
    "EMPTY",
    "NOWHERE",
    "Action",
    "ActionKind",
    "AggregateRule",
    "App",
    "Audit",
    "Entity",
    "EntityRights",
    "Field",
    "FieldPath",
    "FieldRight",
    "Group",
    "Index",
    "Listener",
    "Operation",
    "PasswordRules",
    "Queue",
    "Reference",
    "Right",
    "Schedule",
    "Step",
    "Validation",
    "Written",
    "rebase",
]
