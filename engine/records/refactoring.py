"""Records brought to changed definitions: in goes a document of a former shape, out comes what it should hold; pure.

A value becomes text, which the new type parses; what it does not take becomes null. One value becomes a list of it, a
list its first value. Fields that are new, or newly required, get their default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from engine.errors import ExpressionError, InvalidValue
from engine.expressions import Names, Scope, compile_computed
from engine.fields.base import FieldType, Shape, Supply
from engine.fields.reference import Ask
from engine.fields.stored_json import encode_stored
from engine.permissions import OPEN_MASK
from engine.records.calculated import containers, fit
from engine.records.changes import Moment
from engine.records.draft import INVALID, Asked, Draft, Group, build_parser
from engine.records.forms import Record, build_loader, build_storer, field_loader, group_fields, stored_fields
from engine.records.shapes import Difference, Shapes, differences, former_type
from engine.records.stored import all_stored
from engine.schema import Entity, Field

Document = dict[str, Any]
Edit = Callable[[Document], object]


@dataclass(slots=True)
class Pending:
    """A record on its way: in value form, with references that wait for an answer in the draft, and the fields that
    want the next number of their counter."""

    record: Record
    draft: Draft
    numbered: tuple[Field, ...] = ()
    lists: list[list[Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Fill:
    item: Field
    walk: tuple[Field, ...]
    expression: Callable[[Scope], Any] | None

    def wants(self, container: Record) -> bool:
        value = container.get(self.item.name)
        return value is None or value in ("", []) or value is self.item.type.empty


class Refactoring:
    """What brings records of one entity to its definition, from any of several former shapes, the newest first."""

    def __init__(self, entity: Entity, former: Sequence[Shapes]) -> None:
        found: dict[str, Difference] = {}
        for each in (each for shapes in former for each in differences(entity, shapes)):
            known = found.get(each.item.path, each)
            found[each.item.path] = replace(
                known, converts=known.converts or each.converts, fills=known.fills or each.fills
            )
        self.differences: tuple[Difference, ...] = tuple(found.values())
        names = Names.of_entity(entity)
        self.aggregates = any(each.fills and each.item.aggregate is not None for each in self.differences)
        """Whether there are aggregates that no record has yet."""
        self._former = former
        converted = {(*each.walk, each.item)[0].name for each in self.differences if each.converts}
        self._converted = tuple(item for item in entity.fields if item.name in converted)
        self._fills = tuple(
            _Fill(each.item, each.walk, _expression(each, names)) for each in self.differences if each.fills
        )
        self._touched = converted | {(*each.walk, each.item)[0].name for each in self._fills}
        self._load = build_loader(entity)
        self._store = build_storer(entity)

    def begin(self, document: Mapping[str, Any]) -> Pending:
        """The record with its values converted and literal defaults in place. Whoever goes on answers the draft's
        references first."""
        record_id = str(document["_id"])
        pending = Pending(self._load(document), Draft(Group(""), OPEN_MASK))
        for item in self._converted:
            shapes = [one[item.name] for one in self._former if item.name in one]
            pending.record[item.name] = _convert(item, shapes, document.get(item.name), record_id, item.name, pending)
            _ask(item, pending.record, item.name, item.name, pending)
        for fill in self._fills:
            if fill.item.default is not None:
                for container in containers(pending.record, fill.walk):
                    if fill.wants(container.item) and (fill.walk or not _is_set(document.get(fill.item.name))):
                        _put_default(fill.item, container.item, container.where, pending)
        pending.numbered = tuple(
            fill.item
            for fill in self._fills
            if fill.item.type.supply is Supply.NUMBER and not fill.walk and fill.wants(pending.record)
        )
        return pending

    def finish(self, pending: Pending, numbers: Mapping[str, int], moment: Moment) -> Edit:
        """The edit that brings the document to what was found; `numbers` are the counters' answers by field."""
        record = pending.record
        for asked in pending.draft.asks:
            if asked.holder[asked.key] is INVALID:
                asked.holder[asked.key] = None
        for values in pending.lists:
            values[:] = [one for one in values if one is not None]
        for item in pending.numbered:
            record[item.name] = item.type.supplied(numbers[item.name])
        scope = moment.scope(record)
        for fill in self._fills:
            if fill.expression is not None:
                for container in containers(record, fill.walk):
                    if fill.wants(container.item):
                        inner = scope.within(container.item, container.parent) if fill.walk else scope
                        container.item[fill.item.name] = _evaluate(fill.item, fill.expression, inner)
        stored = self._store(record)
        return lambda document: document.update({name: stored[name] for name in self._touched})


def _expression(difference: Difference, names: Names) -> Callable[[Scope], Any] | None:
    written = difference.item.default_expression
    if written is None:
        return None
    return compile_computed(written.value, reduce(lambda found, group: found.of_group(group), difference.walk, names))


def _evaluate(item: Field, expression: Callable[[Scope], Any], scope: Scope) -> Any:
    try:
        return fit(item, expression(scope))
    except (ExpressionError, InvalidValue):
        return [] if item.many else item.type.empty


def _is_set(stored: Any) -> bool:
    return stored is not None and stored != []


def _put_default(item: Field, container: Record, where: str, pending: Pending) -> None:
    place = f"{where}.{item.name}" if where else item.name
    value = build_parser(item)(item.default, place, pending.draft, OPEN_MASK, True)
    if value is INVALID:
        return
    container[item.name] = value
    if isinstance(value, list):
        pending.lists.append(value)
    _ask(item, container, item.name, place, pending)


def _ask(item: Field, holder: Any, key: Any, where: str, pending: Pending) -> None:
    """Has a reference looked up where one is still to be found."""
    if isinstance(holder[key], Ask):
        pending.draft.asks.append(Asked(item, holder[key], where, holder, key))


# Values


def _convert(
    item: Field, former: Sequence[Mapping[str, Any]], stored: Any, record_id: str, where: str, pending: Pending
) -> Any:
    """What a field holds, in value form, of what is stored for it under one of its former shapes."""
    if item.type.shape is Shape.NESTED:
        return _convert_group(item, former, stored, record_id, where, pending)
    values: list[Any] = []
    found = None if stored is None else next(_readings(item.type, former, stored), None)
    if found is None:
        values = [item.type.from_stored(one) for one in all_stored(item.type, stored)]
    else:
        kind, listed = found
        values = [_reparse(kind, item.type, one) for one in (listed if item.many else listed[:1])]
    if not item.many:
        return values[0] if values and values[0] is not None else item.type.empty
    for index in range(len(values)):
        _ask(item, values, index, f"{where}[{index}]", pending)
    pending.lists.append(values)
    return values


def _readings(
    kind: FieldType, former: Sequence[Mapping[str, Any]], stored: Any
) -> Iterator[tuple[FieldType, Sequence[Any]]]:
    """The former types of which a stored value is, each with the single values. What may as well have been written
    under the present definition is of a former type only if that would take it."""
    for shape in former:
        old = former_type(shape)
        if old is None:
            continue
        listed = stored if shape["many"] and isinstance(stored, list) else [stored]
        if listed and all(one is not None and _is_of(old, shape, kind, one) for one in listed):
            yield old, listed


def _is_of(old: FieldType, shape: Mapping[str, Any], kind: FieldType, stored: Any) -> bool:
    if not old.is_stored(stored):
        return False
    if old.shape is Shape.NESTED:
        return all(name in stored for name in shape["fields"])
    if old.shape is Shape.REFERENCE or not kind.is_stored(stored):
        return True
    try:
        value = old.from_stored(stored)
        return bool(old.parse_json(old.render(value)) == value)
    except InvalidValue:
        return False


def _reparse(old: FieldType, new: FieldType, stored: Any) -> Any:
    """One value: as JSON has it if the new type takes that, else as CSV has it, else null."""
    if old.shape is Shape.SCALAR:
        try:
            return _filled(new.parse_json(old.render(old.from_stored(stored))))
        except InvalidValue:
            pass
    text = encode_stored(stored).decode() if old.shape is Shape.NESTED else old.csv_out(old.from_stored(stored))
    try:
        return _filled(new.csv_in(text)) if text else None
    except InvalidValue:
        return None


def _filled(value: Any) -> Any:
    return None if value == "" else value


def _convert_group(
    item: Field, former: Sequence[Mapping[str, Any]], stored: Any, record_id: str, where: str, pending: Pending
) -> Any:
    """Groups keep what is in them, field by field; what was no group is gone."""
    if not any(shape["type"] == item.type.name for shape in former):
        return field_loader(item)(None, record_id)
    raws = all_stored(item.type, stored)
    load = field_loader(item)
    groups: list[Record] = load(raws, record_id) if item.many else [load(raws[0] if raws else None, record_id)]
    for index, (group, raw) in enumerate(zip(groups, raws, strict=False)):
        place = f"{where}[{index}]" if item.many else where
        for inner in stored_fields(group_fields(item)):
            shapes = [shape["fields"][inner.name] for shape in former if inner.name in shape["fields"]]
            if shapes:
                inside = f"{place}.{inner.name}"
                group[inner.name] = _convert(inner, shapes, raw.get(inner.name), record_id, inside, pending)
                _ask(inner, group, inner.name, inside, pending)
    return groups if item.many else groups[0]


__all__ = ["Edit", "Pending", "Refactoring"]
