"""References in drafts: which records to look for, and which of those found answers each ask.

One lookup serves all asks of one field, however many there are. An ask is answered by id, else by label, else by the
target's lookup fields in definition order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bson import ObjectId

from engine.errors import FieldProblem, InvalidValue
from engine.fields.base import Shape
from engine.fields.reference import Ask
from engine.permissions import Access
from engine.query import Condition, bind, parse_filter_map, plan_filter, to_filter, to_predicate
from engine.records.draft import INVALID, Asked, Draft
from engine.records.forms import Record, build_loader, group_fields, value_storer
from engine.schema import App, Entity, Field

MOST_MATCHES = 1_000
"""Documents that one lookup may bring; text that matches more is not unique in any case."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A question to the database: the documents of `entity` that `filter` matches, at most `limit`."""

    entity: str
    filter: dict[str, Any]
    limit: int
    asked: tuple[Asked, ...]


class Relationship:
    """What writing one relationship field takes; built once."""

    def __init__(self, app: App, item: Field) -> None:
        self.item = item
        self.target = app.target(item)
        self._load = build_loader(self.target)
        self._lookups = tuple((lookup, value_storer(lookup) or _same) for lookup in self.target.lookups)
        self._copies = tuple((copy.name, self.target.by_name[copy.name].name) for copy in group_fields(item))
        self._where: Condition | None = None
        if item.reference is not None and item.reference.where is not None:
            self._where = plan_filter(self.target, parse_filter_map(item.reference.where.value))

    def plan_lookup(self, asked: Sequence[Asked], access: Access) -> Lookup:
        """One question for all asks of the field, under the caller's row filter on the target."""
        ids = {ObjectId(one.ask.id) for one in asked if one.ask.id is not None}
        labels = {one.ask.label for one in asked if one.ask.label is not None}
        choices: list[dict[str, Any]] = []
        if ids:
            choices.append({"_id": _one_or_in(list(ids))})
        if labels:
            choices.append({"label": _one_or_in(list(labels))})
        for lookup, store in self._lookups:
            wanted = [store(value) for one in asked for value in _lookup_values(lookup, one.ask)]
            if wanted:
                choices.append({lookup.name: _one_or_in(wanted)})
        found: dict[str, Any] = choices[0] if len(choices) == 1 else {"$or": choices}
        if access.row_filter is not None:
            found = {"$and": [found, to_filter(access.row_filter)]}
        return Lookup(self.target.name, found, MOST_MATCHES, tuple(asked))

    def answer(self, lookup: Lookup, documents: Sequence[Mapping[str, Any]], draft: Draft) -> None:
        """Puts the reference that each ask means in its place; what cannot be told becomes a problem."""
        records = [self._load(document) for document in documents]
        for asked in lookup.asked:
            try:
                target = self._choose(asked.ask, records)
            except InvalidValue as error:
                asked.holder[asked.key] = draft.refuse(self.item, asked.where, error)
                continue
            reference = {"id": target["id"], "label": target["label"]}
            reference.update((name, target[source]) for name, source in self._copies)
            asked.holder[asked.key] = reference
            if self._where is not None:
                draft.targets[asked.where] = (self, target)

    def _choose(self, ask: Ask, records: Sequence[Record]) -> Record:
        if ask.id is not None:
            for record in records:
                if record["id"] == ask.id:
                    return record
        if ask.label is not None:
            matches = [record for record in records if record["label"] == ask.label]
            if matches:
                return self._only(matches, ask)
        for lookup, _ in self._lookups:
            for value in _lookup_values(lookup, ask):
                matches = [record for record in records if record[lookup.name] == value]
                if matches:
                    return self._only(matches, ask)
        raise InvalidValue(f"There is no such record in {self.target.label}", ask.sent, code="notFound")

    def _only(self, matches: list[Record], ask: Ask) -> Record:
        if len(matches) > 1:
            message = f"More than one record in {self.target.label} matches; give its id"
            raise InvalidValue(message, ask.sent, code="notUnique")
        return matches[0]

    def problem(self, target: Record, where: str, record: Record, user: Mapping[str, Any] | None) -> FieldProblem | None:
        """What is wrong with a target that the field's `where` does not take."""
        assert self._where is not None
        if to_predicate(bind(self._where, user=user, record=record))(target):
            return None
        info = {"rejectedValue": {"id": target["id"], "label": target["label"]}, "rule": "where", "limit": None}
        message = f"This record of {self.target.label} may not be chosen here"
        return FieldProblem(where, self.item.label, "invalid", message, info)


def build_relationships(app: App, entity: Entity) -> Mapping[str, Relationship]:
    """Every relationship of the entity by dotted path."""
    return {
        path.name: Relationship(app, path.field)
        for path in entity.all_paths()
        if path.field.reference is not None and path.field.type.shape is Shape.REFERENCE
    }


def plan_lookups(
    relationships: Mapping[str, Relationship], draft: Draft, access_to: Callable[[str], Access]
) -> tuple[tuple[Relationship, Lookup], ...]:
    """One lookup for every relationship field that the draft writes; `access_to` gives the caller's rights on an entity."""
    by_path: dict[str, list[Asked]] = {}
    for asked in draft.asks:
        if asked.holder[asked.key] is not INVALID:
            by_path.setdefault(asked.item.path, []).append(asked)
    found = []
    for path, asked_here in by_path.items():
        relationship = relationships[path]
        found.append((relationship, relationship.plan_lookup(asked_here, access_to(relationship.target.name))))
    return tuple(found)


def _lookup_values(lookup: Field, ask: Ask) -> list[Any]:
    if ask.by is not None:
        text = ask.by[1] if ask.by[0] == lookup.name or ask.by[0] in lookup.aliases else None
    else:
        text = ask.label
    if text is None:
        return []
    try:
        return [lookup.type.parse_text(text) if isinstance(text, str) else lookup.type.parse_json(text)]
    except InvalidValue:
        return []


def _one_or_in(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else {"$in": values}


def _same(value: Any) -> Any:
    return value
