"""What an expression may name: the schema's fields go in as Names, every unknown path comes out with a hint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from engine.errors import ExpressionError, did_you_mean
from engine.expressions.scope import Scope
from engine.expressions.syntax import Collect, Item, Local, Member, Node, Path, Read, Source
from engine.fields.base import MISSING
from engine.schema import EMPTY, Action, ActionKind, Entity, Field


def _no_params() -> Mapping[str, Field]:
    return EMPTY


@dataclass(frozen=True)
class Names:
    """The names that stand for something at one place of the definitions.

    `fields` are the bare names, `record` the fields of the whole record; `parent` is there inside a nested group,
    `value` (the field whose value it is) in a validation per value. A declared field hides a root of the same name.
    What stands below `user` is not checked. Where it `lends`, the record's fields are there by their bare names, too,
    but for names that mean something else.
    """

    fields: Mapping[str, Field]
    record: Mapping[str, Field]
    parent: Names | None = None
    params: Mapping[str, Field] = field(default_factory=_no_params)
    old: bool = True
    user: bool = True
    value: Field | None = None
    lends: bool = False

    @classmethod
    def of_entity(cls, entity: Entity, *, old: bool = True, user: bool = True) -> Names:
        """What stands for something on a whole record: its fields by name and alias, and id, version and label."""
        fields = MappingProxyType({**{item.name: item for item in entity.system_fields}, **entity.by_name})
        return cls(fields, fields, old=old, user=user)

    @classmethod
    def of_action(cls, entity: Entity, action: Action) -> Names:
        """What stands for something in an action's steps, validations and answer.

        Actions on many records or on none see no record, only `params` and `user`.
        """
        if action.kind is ActionKind.ONE:
            return replace(cls.of_entity(entity), params=action.parameters_by_name)
        return cls(EMPTY, EMPTY, params=action.parameters_by_name, old=False)

    @classmethod
    def of_parameters(cls, entity: Entity, action: Action) -> Names:
        """What stands for something in what is said of an action's parameters: they, else the record's fields."""
        return replace(cls.of_action(entity, action), fields=action.parameters_by_name, lends=True)

    def of_group(self, group: Field) -> Names:
        """What stands for something inside an item of a nested group of these names."""
        return replace(self, fields=group.by_name, parent=self, value=None, lends=False)

    def with_value(self, item: Field) -> Names:
        """The same names, and `value` for one value of that field."""
        return replace(self, value=item)


@dataclass(frozen=True, slots=True)
class _Place:
    """What is known of a value: what may stand below it (None: anything) and its path from the record's root.

    `path` is None for what is not part of the record: parameters, the user, the old record.
    """

    below: Mapping[str, Field] | None
    path: str | None


_OPEN = _Place(None, None)


@dataclass(frozen=True, slots=True)
class Root:
    """A name that is there beside the fields: what it gives at run time, and what may stand below it."""

    name: str
    read: Callable[[Scope], Any]
    place: Callable[[Names], _Place | None]
    doc: str


def _value_of(scope: Scope) -> Any:
    return None if scope.value is MISSING else scope.value


def _value_place(names: Names) -> _Place | None:
    return None if names.value is None else replace(_place_of(names.value), path=None)


ROOTS: Mapping[str, Root] = {
    root.name: root
    for root in (
        Root("record", lambda scope: scope.record, lambda names: _Place(names.record, ""), "the whole record"),
        Root(
            "old",
            lambda scope: scope.old,
            lambda names: _Place(names.record, None) if names.old else None,
            "the record before the change; null when it is created",
        ),
        Root("user", lambda scope: scope.user, lambda names: _OPEN if names.user else None, "who makes the request"),
        Root(
            "params",
            lambda scope: scope.params,
            lambda names: _Place(names.params, None) if names.params else None,
            "the parameters of an action",
        ),
        Root(
            "parent",
            lambda scope: scope.parent,
            lambda names: _Place(names.parent.fields, _path_above(names)) if names.parent else None,
            "what encloses a nested item",
        ),
        Root("value", _value_of, _value_place, "the value that a field's validation looks at"),
    )
}
"""The roots by name."""

_CONSTANTS = {"true": "True", "false": "False", "null": "None", "none": "None"}


def _path_above(names: Names) -> str | None:
    """The record path of what encloses a nested item, read from any of the fields there."""
    assert names.parent is not None
    return next((item.path.rpartition(".")[0] for item in names.parent.fields.values()), None)


def _place_of(item: Field) -> _Place:
    if item.by_name:
        return _Place(item.by_name, item.path)
    return _Place(None if _holds_records(item.type.json_schema()) else EMPTY, item.path)


def _holds_records(schema: Mapping[str, Any]) -> bool:
    """Whether values of a JSON Schema may be objects, so that something may stand below them."""
    if "enum" in schema:
        return any(isinstance(option, Mapping) for option in schema["enum"])
    ways: Iterable[Mapping[str, Any]] = schema.get("anyOf") or schema.get("oneOf") or ()
    if ways:
        return any(map(_holds_records, ways))
    return "object" in schema.get("type", "object")


@dataclass(frozen=True, slots=True)
class Resolution:
    """What the names of an expression or template stand for.

    `reads` are the record fields that it needs, as dotted paths by present names; `keys` are for each path node the
    keys to follow, by present names; `roots` has the path nodes that begin at a root. `fields` tells for each path node
    which of its names (by their number in the path) stand for which fields.
    """

    errors: tuple[ExpressionError, ...]
    reads: frozenset[str]
    keys: Mapping[Node, Path]
    roots: Mapping[Node, Root]
    fields: Mapping[Node, tuple[tuple[int, Field], ...]]


def resolve_names(source: Source, names: Names) -> Resolution:
    """Looks up every path of an expression or template."""
    walk = _Walk(names)
    for tree in source.trees:
        walk.visit(tree)
    errors = sorted(walk.errors, key=lambda error: error.offset)
    fields = {node: tuple(found) for node, found in walk.fields.items()}
    return Resolution(tuple(errors), frozenset(walk.reads), walk.keys, walk.roots, fields)


def check_names(source: Source, names: Names) -> list[ExpressionError]:
    """Every name of an expression or template that stands for nothing, in the order of the text."""
    return list(resolve_names(source, names).errors)


def field_paths(source: Source, names: Names) -> frozenset[str]:
    """The record fields that an expression or template reads, as dotted paths from the root, by present names.

    Aliases, `record.`, `parent.` and comprehension variables are seen through; `old`, `user` and `params` do not count.
    """
    return resolve_names(source, names).reads


@dataclass
class _Walk:
    names: Names
    errors: list[ExpressionError] = field(default_factory=list)
    reads: set[str] = field(default_factory=set)
    keys: dict[Node, Path] = field(default_factory=dict)
    roots: dict[Node, Root] = field(default_factory=dict)
    fields: dict[Node, list[tuple[int, Field]]] = field(default_factory=dict)
    locals: dict[int, _Place] = field(default_factory=dict)

    def visit(self, node: Node) -> _Place:
        """Looks up everything below a node; tells what is known of its value."""
        special = _VISITS.get(type(node))
        if special is not None:
            return special(self, node)
        for child in node.children:
            self.visit(child)
        return _OPEN

    def read(self, node: Read) -> _Place:
        first, *rest = node.path
        item = self.names.fields.get(first)
        if item is not None:
            self.fields[node] = [(0, item)]
            return self.follow(node, _place_of(item), rest, (item.name,))
        root = ROOTS.get(first)
        place = root.place(self.names) if root is not None else None
        if root is None and self.names.lends and first in self.names.record:
            root, rest = ROOTS["record"], list(node.path)
            place = root.place(self.names)
        if root is None or place is None:
            self.errors.append(self.unknown(first, node.offset, root))
            return _OPEN
        self.roots[node] = root
        return self.follow(node, place, rest, ())

    def unknown(self, name: str, offset: int, root: Root | None) -> ExpressionError:
        if root is not None:
            return ExpressionError(f'"{name}" ({root.doc}) is not there in this place', offset)
        if name in _CONSTANTS:
            return ExpressionError(f'There is no field "{name}"', offset, f"write {_CONSTANTS[name]}")
        outer = self.names.parent
        if outer is not None and name in outer.fields:
            return ExpressionError(f'There is no field "{name}" in this group', offset, f"write parent.{name}")
        known = (*self.names.fields, *(root.name for root in ROOTS.values() if root.place(self.names) is not None))
        return ExpressionError(f'There is no field "{name}"', offset, did_you_mean(name, known))

    def follow(self, node: Read | Member, place: _Place, rest: Sequence[str], keys: Path) -> _Place:
        for number, name in enumerate(rest, len(node.path) - len(rest)):
            if place.below is None:
                keys = (*keys, name)
                continue
            item = place.below.get(name)
            if item is None:
                above = f' in "{keys[-1]}"' if keys else ""
                self.errors.append(
                    ExpressionError(f'There is no field "{name}"{above}', node.offset, did_you_mean(name, place.below))
                )
                return _OPEN
            self.fields.setdefault(node, []).append((number, item))
            keys = (*keys, item.name)
            below = _place_of(item)
            place = below if place.path is not None else replace(below, path=None)
        self.keys[node] = keys
        if place.path:
            self.reads.add(place.path)
        return place

    def local(self, node: Local) -> _Place:
        return self.locals[node.slot]

    def member(self, node: Member) -> _Place:
        return self.follow(node, self.visit(node.base), node.path, ())

    def item(self, node: Item) -> _Place:
        """An item of a list has the same names below it as the list itself."""
        self.visit(node.index)
        return self.visit(node.base)

    def collect(self, node: Collect) -> _Place:
        self.locals[node.slot] = self.visit(node.source)
        for part in node.children[1:]:
            self.visit(part)
        return _OPEN


_VISITS: Mapping[type[Node], Callable[[_Walk, Any], _Place]] = {
    Read: _Walk.read,
    Local: _Walk.local,
    Member: _Walk.member,
    Item: _Walk.item,
    Collect: _Walk.collect,
}
