"""References in drafts: which records to look for, and which of those found answers each ask.

One lookup serves all asks of one field, however many there are. An ask is answered by id, else by label, else by the
target's lookup fields in definition order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bson import ObjectId

from engine.errors import FieldProblem, InvalidValue
from engine.fields.reference import Ask, Home, ReferenceType, group_id, is_hex_id
from engine.permissions import FULL_ACCESS, Access
from engine.query import Clock, Condition, bind, join_filters, parse_filter_map, plan_filter, to_filter, to_predicate
from engine.records.draft import INVALID, Asked, Draft
from engine.records.files import FileChoice, file_paths
from engine.records.forms import Record, build_loader, group_fields, value_storer
from engine.records.lookups import Asker, Lookup
from engine.schema import App, Entity, Field
from engine.schema import Group as GroupDefinition

MOST_MATCHES = 1_000
"""Documents that one lookup may bring; text that matches more is not unique in any case."""


class Relationship:
    """What writing one relationship field takes; built once."""

    def __init__(self, app: App, item: Field) -> None:
        self.item = item
        self.target = app.target(item)
        self._load = build_loader(self.target)
        self._lookups = tuple((lookup, value_storer(lookup) or _same) for lookup in self.target.lookups)
        self._copies = tuple((copy.name, self.target.by_name[copy.name].name) for copy in group_fields(item))
        self._where: Condition | None = None
        self._limit: Any = None
        if item.reference is not None and item.reference.where is not None:
            self._limit = item.reference.where.value
            self._where = plan_filter(self.target, parse_filter_map(self._limit))

    def plan_lookup(self, asked: Sequence[Asked], asker: Asker) -> Lookup:
        """One question for all asks of the field, under the caller's row filter on the target."""
        access = asker.access_to(self.target.name)
        ids = {ObjectId(key) for one in asked if (key := _id_of(one.ask)) is not None}
        labels = {text for one in asked if (text := _label_of(one.ask)) is not None}
        choices: list[dict[str, Any]] = []
        if ids:
            choices.append({"_id": _one_or_in(list(ids))})
        if labels and not access.hides("label"):
            choices.append({"label": _one_or_in(list(labels))})
        for lookup, store in self._lookups:
            wanted = [store(value) for one in asked for value in _lookup_values(lookup, one.ask)]
            if wanted and not access.hides(lookup.name):
                choices.append({lookup.name: _one_or_in(wanted)})
        if not choices:  # every ask is by a field that is no lookup of the target, or that the caller does not see
            choices.append({"_id": None})
        found: dict[str, Any] = choices[0] if len(choices) == 1 else {"$or": choices}
        if access.row_filter is not None:
            readable = to_filter(access.row_filter)
            if asker.own is not None and asker.own[0] == self.target.name:
                readable = {"$or": [readable, {"_id": ObjectId(asker.own[1])}]}
            found = join_filters((found, readable))
        return Lookup(self.target.name, found, MOST_MATCHES, tuple(asked), asker, access)

    def answer(self, lookup: Lookup, documents: Sequence[Mapping[str, Any]], draft: Draft) -> None:
        """Puts the reference that each ask means in its place; what cannot be told becomes a problem."""
        records = [self._load(document) for document in documents]
        for asked in lookup.asked:
            try:
                target = self._choose(asked.ask, records, lookup.access)
            except InvalidValue as error:
                asked.holder[asked.key] = draft.refuse(self.item, asked.where, error)
                if error.code == "notFound" and _may_be_hidden(asked.ask, lookup.access):
                    draft.unseen.append((asked, draft.problems[asked.where]))
                continue
            reference = {"id": target["id"], "label": target["label"]}
            reference.update((name, target[source]) for name, source in self._copies)
            asked.holder[asked.key] = reference
            if self._where is not None:
                draft.targets[asked.where] = (self, target)

    def _choose(self, ask: Ask, records: Sequence[Record], access: Access) -> Record:
        wanted = _id_of(ask)
        for record in records if wanted is not None else ():
            if record["id"] == wanted:
                return record
        label = _label_of(ask)
        matches = _matching(records, "label", [] if label is None else [label], access)
        for lookup, _ in self._lookups if not matches else ():
            matches = _matching(records, lookup.name, _lookup_values(lookup, ask), access)
            if matches:
                break
        if not matches:
            raise InvalidValue(f"There is no such record in {self.target.label}", _written(ask), code="notFound")
        if len(matches) > 1:
            message = f"More than one record in {self.target.label} matches; give its id"
            raise InvalidValue(message, _written(ask), code="notUnique")
        return matches[0]

    def problem(
        self,
        target: Record,
        where: str,
        record: Mapping[str, Any],
        user: Mapping[str, Any] | None,
        clock: Clock,
        old: Record | None = None,
    ) -> FieldProblem | None:
        """What is wrong with a target that the field's `where` does not take."""
        assert self._where is not None
        if to_predicate(bind(self._where, user=user, record=record, clock=clock))(target):
            return None
        info = {"rejectedValue": {"id": target["id"]}, "rule": "where", "limit": self._limit}
        message = f"This record of {self.target.label} may not be chosen here"
        return FieldProblem(where, self.item.label, "invalid", message, info)


class GroupChoice:
    """What writing one field that points to a group takes; groups are definitions, so nothing is asked."""

    def __init__(self, app: App, item: Field) -> None:
        self.item = item
        self._groups = {group_id(group.name): group for group in app.groups.values()}

    def plan_lookup(self, asked: Sequence[Asked], asker: Asker) -> Lookup:
        """An empty question."""
        return Lookup(None, {}, 0, tuple(asked), asker)

    def answer(self, lookup: Lookup, documents: Sequence[Mapping[str, Any]], draft: Draft) -> None:
        """Puts {id, label} of each group in its place: found by id, else name, else label."""
        for asked in lookup.asked:
            try:
                found = self._choose(asked.ask)
                asked.holder[asked.key] = {"id": group_id(found.name), "label": found.label}
            except InvalidValue as error:
                asked.holder[asked.key] = draft.refuse(self.item, asked.where, error)

    def _choose(self, ask: Ask) -> GroupDefinition:
        wanted, text = _id_of(ask), ask.by[1] if ask.by is not None else ask.text
        matches = [group for key, group in self._groups.items() if key == wanted]
        matches = matches or [group for group in self._groups.values() if group.name == text]
        matches = matches or [group for group in self._groups.values() if group.label == text]
        if not matches:
            raise InvalidValue("There is no such group", _written(ask), code="notFound")
        if len(matches) > 1:
            raise InvalidValue("More than one group has this label; give its name", _written(ask), code="notUnique")
        return matches[0]


Choice = Relationship | FileChoice | GroupChoice
_CHOICES: Mapping[Home, type[Choice]] = {
    Home.RECORDS: Relationship,
    Home.FILES: FileChoice,
    Home.GROUPS: GroupChoice,
}


class References:
    """Every reference field of one entity, ready to be written; built once."""

    def __init__(self, app: App, entity: Entity) -> None:
        self.files = file_paths(entity)
        """The fields that point to stored files, copies of others' fields included."""
        self._choices: dict[str, Choice] = {
            path.name: _CHOICES[path.field.type.home](app, path.field)
            for path in entity.all_paths()
            if isinstance(path.field.type, ReferenceType)
        }

    def plan_lookups(self, draft: Draft, asker: Asker) -> tuple[tuple[Choice, Lookup], ...]:
        """One lookup for every field that the draft writes."""
        by_path: dict[str, list[Asked]] = {}
        for asked in draft.asks:
            if asked.holder[asked.key] is not INVALID:
                by_path.setdefault(asked.item.path, []).append(asked)
        choices = self._choices
        return tuple((choices[path], choices[path].plan_lookup(asked, asker)) for path, asked in by_path.items())


def keep_unchanged(draft: Draft, old: Record, shows: Callable[[str], bool]) -> None:
    """References to targets that the asker does not see stay where they stood in the old record already, if the asker
    sees them there: what was read can be sent back, and nothing is learned of the target."""
    for asked, problem in draft.unseen:
        kept = _standing(asked, draft.place_of(asked.where, old)) if shows(asked.item.path) else None
        if kept is not None:
            asked.holder[asked.key] = kept
            draft.problems.pop(asked.where, None)
        else:
            asked.holder[asked.key] = INVALID
            draft.problems[asked.where] = problem


def _standing(asked: Asked, before: Any) -> Record | None:
    """The reference among those that stood in the same place which the ask names by its id, else by its label."""
    standing: list[Record] = [one for one in (before if asked.item.many else [before]) or () if one is not None]
    for name, wanted in (("id", _id_of(asked.ask)), ("label", _label_of(asked.ask))):
        named = {one["id"]: one for one in standing if wanted is not None and one[name] == wanted}
        if len(named) == 1:
            return next(iter(named.values()))
    return None


def _may_be_hidden(ask: Ask, access: Access) -> bool:
    """Whether a target that was not found may be there all the same."""
    return access is not FULL_ACCESS and (access.row_filter is not None or _id_of(ask) is None)


def stand_in(draft: Draft, known: Mapping[str, Record]) -> None:
    """Answers every ask without looking anything up: by `known` references of that id, else by what was written."""
    for asked in draft.asks:
        ask = asked.ask
        key = _id_of(ask)
        text = ask.upload.name if ask.upload is not None else ask.by[1] if ask.by is not None else ask.text
        asked.holder[asked.key] = known.get(key or "") or {"id": key, str(asked.item.type.query_part): text}


def _matching(records: Sequence[Record], name: str, values: Sequence[Any], access: Access) -> list[Record]:
    """The records that have one of the values, as far as the caller sees that they do."""
    return [record for record in records if record[name] in values and access.shows(name, record)]


def _id_of(ask: Ask) -> str | None:
    if ask.text is not None and is_hex_id(ask.text) is not None:
        return ask.text.lower()
    return ask.id


def _label_of(ask: Ask) -> str | None:
    return ask.by[1] if ask.by is not None and ask.by[0] == "label" else ask.text


def _lookup_values(lookup: Field, ask: Ask) -> list[Any]:
    """The values of a lookup field that the ask may mean: none or one."""
    try:
        if ask.text is not None:
            return [lookup.type.parse_text(ask.text)]
        if ask.by is not None and ask.by[0] in (lookup.name, *lookup.aliases):
            return [lookup.type.parse_json(ask.by[1])]
    except InvalidValue:
        pass
    return []


def _written(ask: Ask) -> Any:
    """The ask as a body would say it, for the error's rejectedValue."""
    if ask.by is not None:
        return {ask.by[0]: ask.by[1]}
    return ask.text if ask.text is not None else {"id": ask.id}


def _one_or_in(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else {"$in": values}


def _same(value: Any) -> Any:
    return value
