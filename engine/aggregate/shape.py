"""What items look like at one point of a pipeline: the stages before in, every dotted path that exists there out.

Values stand in the running document under the names of their fields, the id of an item under `_id`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

from engine.aggregate.names import unknown
from engine.errors import BadRequest, Forbidden
from engine.fields import FIELD_TYPES
from engine.fields.base import Capability, FieldType, Shape
from engine.permissions.access import NONE, Access, covered
from engine.query import Condition, all_of
from engine.schema import EMPTY, Entity, Field, FieldPath, rebase

WHOLE: FieldType = FIELD_TYPES["integer"].configure({})
NUMBER: FieldType = FIELD_TYPES["decimal"].configure({})
GROUP: FieldType = FIELD_TYPES["nested"].configure({})
"""Types of what stages compute: whole numbers, numbers with decimals, objects."""


@dataclass(frozen=True)
class ItemShape:
    """The fields of every item.

    `record` are those of the entity as long as the record in the item is as it was read; `others` are what stages
    added to it, or all that stages left of it. A path in `hidden` may not be named. One in `guards` is seen on those
    records only that satisfy its condition: a filter on records joins it, nothing else may name the path.

    It is what filters are planned on, as their paths and as their rights.
    """

    record: tuple[Field, ...]
    others: tuple[Field, ...] = ()
    hidden: frozenset[str] = NONE
    guards: Mapping[str, Condition] = field(default_factory=lambda: EMPTY)

    @classmethod
    def of(cls, entity: Entity, access: Access) -> Self:
        """Records of an entity as a caller may see them."""
        record = (*entity.system_fields, *entity.fields)
        return cls(record, (), access.hidden, access.masked)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """All fields."""
        return (*self.record, *self.others)

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """All fields by name and by alias."""
        names = {alias: item for item in self.fields for alias in item.aliases}
        names.update((item.name, item) for item in self.fields)
        return names

    @property
    def has_id(self) -> bool:
        """Whether items are still told apart by an id."""
        return "id" in self.by_name

    # what filters ask

    @property
    def row_filter(self) -> None:
        """None: the caller's rows were selected before the first stage."""
        return None

    def hides(self, path: str) -> bool:
        """Whether a path may not be named."""
        return covered(path, self.hidden)

    def guard(self, path: str) -> Condition | None:
        """What a record must satisfy for the caller to see the field at a path; None where nothing is asked."""
        found = [condition for guarded, condition in self.guards.items() if covered(path, frozenset((guarded,)))]
        return all_of(found) if found else None

    def field_at(self, path: str) -> FieldPath:
        """The field at a dotted path, by name or alias. Raises BadRequest where there is none or where nothing is
        stored, and Forbidden where the caller does not see it, or sees it on some records only."""
        found: list[Field] = []
        names = self.by_name
        for name in path.split("."):
            item = names.get(name)
            if item is None:
                raise self._unknown(name, found, names)
            found.append(item)
            names = item.by_name
        resolved = FieldPath(tuple(found))
        if self.hides(resolved.name):
            raise Forbidden(f'You have no right to read the field "{resolved.name}"')
        if any(item.transient for item in found):
            raise BadRequest(f'The field "{resolved.name}" is not stored')
        if any(item.read is not True for item in found):
            raise _seen_sometimes(resolved.name)
        return resolved

    def _unknown(self, name: str, above: list[Field], known: Mapping[str, Field]) -> BadRequest:
        inside = f' in "{".".join(item.name for item in above)}"' if above else ""
        seen = [one for one, item in known.items() if one == item.name and not self.closes(item.path)]
        return unknown(name, seen, "field", inside)

    # what stages ask

    def pick(self, path: str) -> FieldPath:
        """The field at a dotted path whose values a stage uses; raises BadRequest and Forbidden."""
        found = self.field_at(path)
        if covered(found.name, self.guards):
            raise _seen_sometimes(found.name)
        return found

    def pick_single(self, path: str) -> FieldPath:
        """The same for a field with one value in each item."""
        found = self.pick(path)
        for depth, item in enumerate(found.fields, 1):
            if item.many:
                above = ".".join(one.name for one in found.fields[:depth])
                raise BadRequest(f"{found.name} holds several values in one item; unwind {above} first")
        return found

    def identity_of(self, path: FieldPath) -> FieldPath:
        """What tells two values of a field apart: of a reference its id, else the value; raises BadRequest."""
        kind = path.field.type
        if kind.shape is Shape.NESTED or Capability.EQUALS not in kind.capabilities:
            hint = "; take one of its inner fields" if path.field.fields else ""
            raise BadRequest(f"{path.name} has no values that could be told apart{hint}")
        if any(item.sensitive for item in path.fields):
            raise BadRequest(f"{path.name} is sensitive: it is only shown, and found by its exact text")
        return self.pick(f"{path.name}.id") if kind.shape is Shape.REFERENCE else path

    def closes(self, path: str) -> bool:
        """Whether the field at a path is one of `closed`, or lies in one."""
        return covered(path, self.hidden) or covered(path, self.guards)

    # what stages leave

    @property
    def closed(self) -> frozenset[str]:
        """The paths that are left out of what is shown: where records are gone, so are the conditions on them."""
        return self.hidden.union(self.guards)

    def with_field(self, item: Field, source: ItemShape | None = None, path: str = "") -> ItemShape:
        """The same with one more field. What it holds stands at a path of `source`, or is its whole items; without a
        source it was computed and may be seen."""
        if source is None:
            return replace(self, others=(*self.others, item))
        return replace(
            self,
            others=(*self.others, item),
            hidden=self.hidden | _moved(source.closed, path, item.name),
        )

    def with_single(self, path: FieldPath) -> ItemShape:
        """The same where the list at a path has become one value."""
        names = [item.name for item in path.fields]
        if names[0] in {item.name for item in self.others}:
            return replace(self, others=_changed(self.others, names, _as_single))
        return self.remade(_changed(self.fields, names, _as_single))

    def remade(self, fields: tuple[Field, ...]) -> ItemShape:
        """Items of these fields only, under the paths that they had, that are no records any more."""
        names = {item.name for item in fields}
        return ItemShape((), fields, frozenset(path for path in self.closed if path.partition(".")[0] in names))


def renamed(item: Field, name: str) -> Field:
    """The field as it stands at the root under another name."""
    return rebase(replace(item, name=name, aliases=()), "")


def _as_single(item: Field) -> Field:
    return replace(item, many=False)


def _changed(fields: Iterable[Field], names: list[str], change: Callable[[Field], Field]) -> tuple[Field, ...]:
    """The fields with another one at a path."""
    first, *rest = names
    return tuple(
        item
        if item.name != first
        else replace(item, fields=_changed(item.fields, rest, change))
        if rest
        else change(item)
        for item in fields
    )


def _moved(paths: frozenset[str], old: str, new: str) -> frozenset[str]:
    """The paths below one, as they are when that is called otherwise."""
    start = f"{old}." if old else ""
    return frozenset(f"{new}.{path[len(start) :]}" for path in paths if path.startswith(start))


def _seen_sometimes(path: str) -> Forbidden:
    return Forbidden(f'The field "{path}" is not shown on every record, so it cannot be used here')


__all__ = ["GROUP", "NUMBER", "WHOLE", "ItemShape", "renamed"]
