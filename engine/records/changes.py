"""Drafts to writes: plan_create and plan_update carry a draft through merge, calculation and rules to stored data.

Every write of the product passes here: HTTP, import, jobs, actions and hooks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bson import ObjectId

from engine.errors import FieldProblem, OptimisticLocking, ValidationErrors
from engine.expressions import Names, Scope
from engine.fields.base import Supply
from engine.permissions import FULL_ACCESS, Access
from engine.query import Clock
from engine.records.calculated import Calculator
from engine.records.difference import differs
from engine.records.draft import ROOT_SYSTEM, ContainerParser, Draft, parse_record
from engine.records.forms import Record, build_loader, build_storer, stored_fields, value_storer
from engine.records.merge import Merge, Merger
from engine.records.options import MARK, USUAL, WriteOptions
from engine.records.references import keep_unchanged, stand_in
from engine.records.rights import RecordRights
from engine.records.validate import Validator
from engine.schema import Entity, Field


@dataclass(frozen=True, slots=True)
class Moment:
    """What a write knows of the world: the clock (ms), the app's zone, who writes (a record in JSON form, or None)."""

    now: int
    timezone: str = "UTC"
    user: Mapping[str, Any] | None = None

    def scope(self, record: Record, old: Record | None = None) -> Scope:
        """What expressions see while `record` is written."""
        return Scope(item=record, record=record, old=old, user=self.user, now=self.now, timezone=self.timezone)


@dataclass(frozen=True, slots=True)
class Creation:
    """A record to insert: in value form, as stored, and as the answer shows it (transient fields included).

    `tolerated` are problems that do not stand in the way, see WriteOptions.
    """

    record: Record
    document: dict[str, Any]
    answer: dict[str, Any]
    tolerated: tuple[FieldProblem, ...] = ()

    @property
    def old(self) -> None:
        """There was no such record."""
        return

    @property
    def before(self) -> None:
        """Nor such a document."""
        return

    @property
    def expected(self) -> None:
        """No version is asked for."""
        return

    @property
    def values(self) -> dict[str, Any]:
        """What is written."""
        return self.document

    @property
    def planned(self) -> dict[str, Any]:
        """The document as it will be."""
        return self.document

    @property
    def version(self) -> int:
        """The version that the record will have."""
        return 0

    def amended(self, record: Record, values: Mapping[str, Any], answer: dict[str, Any]) -> Creation:
        """The same creation with other values in it."""
        return replace(self, record=record, document={**self.document, **values}, answer=answer)

    def seen_as(self, record: Record, document: dict[str, Any]) -> Creation:
        """The same creation as later writes leave the record."""
        return replace(self, record=record, document=document, answer={**self.answer, **document})


@dataclass(frozen=True, slots=True)
class Change:
    """A record to change: `values` are the keys to set (None: nothing changed) while it has the version `expected`."""

    old: Record
    record: Record
    expected: int
    values: dict[str, Any] | None
    answer: dict[str, Any]
    planned: dict[str, Any]
    """The document as it will be."""
    before: Mapping[str, Any]
    """The document as it was."""
    tolerated: tuple[FieldProblem, ...] = ()

    @property
    def version(self) -> int:
        """The version that the record will have, if it is to be changed at all."""
        return self.expected + 1

    def amended(self, record: Record, values: Mapping[str, Any], answer: dict[str, Any]) -> Change:
        """The same change with other values in it."""
        whole = {**(self.values or {}), **values}
        return replace(self, record=record, values=whole, answer=answer, planned={**self.planned, **values})

    def seen_as(self, record: Record, document: dict[str, Any]) -> Change:
        """The same change as later writes leave the record."""
        return replace(self, record=record, answer={**self.answer, **document}, planned=document)


Write = Creation | Change
"""What is to be written of one record."""


class RecordRules:
    """Everything compiled that writes of one entity need; built once, shared by every request."""

    def __init__(self, entity: Entity, *, hide_forbidden: bool = False) -> None:
        names = Names.of_entity(entity)
        self.entity = entity
        self.rights = RecordRights(entity, hide=hide_forbidden)
        self.load = build_loader(entity)
        self.parser = ContainerParser(entity.fields, ROOT_SYSTEM)
        self._numbered = tuple(item for item in entity.fields if item.type.supply is Supply.NUMBER)
        self._merger = Merger(entity.fields, names)
        self._calculator = Calculator(entity)
        self._validator = Validator(entity.fields, names, entity.validations)
        self._store = build_storer(entity)
        self._stored = {item.name: _field_storer(item) for item in stored_fields(entity.fields)}
        self._transient = {item.name: _field_storer(item) for item in entity.fields if item.transient}
        self._stamps = tuple(item for item in entity.fields if item.type.supply is Supply.MODIFIED)
        self._moments = tuple(item for item in entity.fields if item.type.supply in (Supply.CREATED, Supply.MODIFIED))

    def parse(self, body: Any, access: Access, *, new: bool, options: WriteOptions = USUAL) -> Draft:
        """The body as a draft; raises BadRequest where it is no object."""
        mask = access.creating if new else access.updating
        return parse_record(self.parser, body, mask, new=new, options=options)

    def numbers_for(self, draft: Draft) -> tuple[Field, ...]:
        """The fields of a new record that need the next number of their counter: those that were not sent."""
        if not self._numbered:
            return ()
        sent = draft.root.sent
        return tuple(item for item in self._numbered if sent.get(item.name) is None)

    def plan_create(
        self,
        draft: Draft,
        moment: Moment,
        access: Access,
        numbers: Mapping[str, int],
        reader: Access | None = None,
    ) -> Creation:
        """The record that the draft makes; `numbers` are the counters' answers by field. Problems are told to `reader`
        where that is not the writer.

        Raises ValidationErrors, and Forbidden for a record that the caller may not make.
        """
        supplied = {item.name: item.type.supplied(moment.now) for item in self._moments}
        supplied.update((item.name, item.type.supplied(numbers[item.name])) for item in self.numbers_for(draft))
        record = self._make(
            draft, {"id": draft.options.new_id or str(ObjectId()), "version": 0, "label": ""}, supplied, moment
        )
        tolerated = self._check(draft, record, None, moment, access, reader)
        self.rights.check_create(record, access)
        document = self._store(record)
        if draft.options.mark is not None:
            document[MARK] = draft.options.mark
        return Creation(record, document, self._answer(document, record), tolerated)

    def _make(self, draft: Draft, start: Record, supplied: Mapping[str, Any], moment: Moment) -> Record:
        """The new record. Fields that the caller may set on some records only are left out where the record that comes
        of it is none of these, until all that are left in may be there."""
        tests = {path: test for path, test in draft.mask.tests.items() if path.partition(".")[0] in draft.root.sent}
        denied: set[str] = set()
        while True:
            record, problems = dict(start), dict(draft.problems)
            self._fill(None, record, supplied, Merge(draft, moment.scope(record), denied))
            refused = {path for path, test in tests.items() if path not in denied and not test(record)}
            if not refused:
                return record
            denied |= refused
            draft.problems = problems  # those of a record that will not be are forgotten

    def plan_update(
        self,
        document: Mapping[str, Any],
        draft: Draft,
        moment: Moment,
        access: Access,
        reader: Access | None = None,
    ) -> Change:
        """The change that the draft makes to a stored document. Problems are told to `reader` where that is not the
        writer.

        Raises, in this order: Forbidden (or NotFound) for a record that the caller may not change, OptimisticLocking
        for a version that is gone, ValidationErrors, Forbidden for a record that it may not become.
        """
        old = self.load(document)
        self.rights.check_change_of(old, access)
        if draft.version is not None and draft.version != old["version"]:
            raise OptimisticLocking(old["version"])
        if draft.unseen:
            self._keep_unchanged(draft, old, reader or access)
        record: Record = {"id": old["id"], "version": old["version"], "label": old["label"]}
        denied = {path for path, test in draft.mask.tests.items() if not test(old)}
        merge = Merge(draft, moment.scope(record, old), denied)
        self._fill(old, record, {}, merge)
        tolerated = self._check(draft, record, old, moment, access, reader)
        self.rights.check_change(old, record, merge.changed, access)
        changed = {name for name in ("label", *self._stored) if differs(record[name], old[name])}
        if not changed:
            answer = self._answer(document, record)
            return Change(old, record, old["version"], None, answer, dict(document), document, tolerated)
        record["version"] = old["version"] + 1
        self._stamp(record, old, moment, draft.options)
        values: dict[str, Any] = {"version": record["version"]}
        if draft.options.mark is not None:
            values[MARK] = draft.options.mark
        if "label" in changed:
            values["label"] = record["label"]
        for name, convert in self._stored.items():
            if differs(record[name], old[name]):
                values[name] = convert(record[name])
        planned = {**document, **values}
        answer = self._answer(planned, record)
        return Change(old, record, old["version"], values, answer, planned, document, tolerated)

    def _keep_unchanged(self, draft: Draft, old: Record, reader: Access) -> None:
        readable = reader is FULL_ACCESS or reader.allows_read(old)
        keep_unchanged(draft, old, lambda path: readable and reader.shows(path, old))

    def preview(self, base: Record, body: Mapping[str, Any], moment: Moment, known: Mapping[str, Record]) -> Record:
        """The record (value form) that a body would make of another one; what would be refused is passed over.

        References show what `known` holds under their id, or else what was written: nothing is looked up.
        """
        return self._preview(base, body, moment, known)[0]

    def preview_change(self, base: Record, body: Mapping[str, Any], moment: Moment) -> tuple[Record, tuple[str, ...]]:
        """As `preview`, with the paths of the fields that the body changes."""
        record, merge = self._preview(base, body, moment, {})
        return record, tuple(sorted(merge.changed))

    def sample(self, values: Mapping[str, Any], moment: Moment) -> Record:
        """The record (value form) that is created with these values, an `id` among them if one is wanted, by somebody
        who may do so; what would be refused is passed over, and nothing is looked up.
        """
        draft = self.parse(values, FULL_ACCESS, new=True)
        stand_in(draft, {})
        start = {"id": str(values.get("id") or ObjectId()), "version": 0, "label": ""}
        supplied = {item.name: item.type.supplied(moment.now) for item in self._moments}
        return self._make(draft, start, supplied, moment)

    def _preview(
        self, base: Record, body: Mapping[str, Any], moment: Moment, known: Mapping[str, Record]
    ) -> tuple[Record, Merge]:
        draft = self.parse(body, FULL_ACCESS, new=False)
        stand_in(draft, known)
        record: Record = {"id": base["id"], "version": base["version"], "label": base["label"]}
        merge = Merge(draft, moment.scope(record, base))
        self._fill(base, record, {}, merge)
        return record, merge

    def amend(self, written: Write, draft: Draft, moment: Moment, reader: Access | None = None) -> Write:
        """A planned write with one more change in it: still one write, and one version. Raises ValidationErrors, as
        `reader` may know of them."""
        planned = written.planned
        more = self.plan_update(planned, draft, moment, FULL_ACCESS, reader)
        if more.values is None:
            return written
        version = written.version
        record = {**more.record, "version": version}
        answer = {**written.answer, **{name: more.answer[name] for name in planned}, "version": version}
        return written.amended(record, {**more.values, "version": version}, answer)

    def _stamp(self, record: Record, old: Record, moment: Moment, options: WriteOptions) -> None:
        for item in self._stamps:
            record[item.name] = item.type.supplied(moment.now)
        if self._stamps and self._calculator.reads_modified:
            self._calculator.run(record, moment.scope(record, old), _ignore, labels_only=not options.calculate)

    def _fill(self, old: Record | None, record: Record, supplied: Mapping[str, Any], merge: Merge) -> None:
        """Everything that the record holds after the write; what goes wrong is noted in the draft."""
        self._merger.merge(old, merge.draft.root, record, None, merge)
        record.update(supplied)
        merge.run_defaults()
        self._calculator.run(record, merge.scope, merge.draft.note, labels_only=not merge.draft.options.calculate)

    def _check(
        self,
        draft: Draft,
        record: Record,
        old: Record | None,
        moment: Moment,
        access: Access,
        reader: Access | None,
    ) -> tuple[FieldProblem, ...]:
        """Raises ValidationErrors with every problem, as far as who hears of them may know; or gives them, where they
        do not refuse the write."""
        version = draft.problems.get("version")
        if draft.options.validate:
            refused = _unfit_targets(draft, record, old, moment) | draft.problems
            problems = self._validator.validate(record, refused, moment.scope(record, old))
        else:
            problems = [problem for where, problem in draft.problems.items() if where != "version"]
        if problems or draft.unknown or version is not None:
            draft.merged = record
            seen = (record,) if old is None else (record, old)
            sent = draft.root.holds if reader is None else None
            fields = self.entity.by_name
            told = [
                self.rights.tell(draft.as_sent(problem, fields, record), reader or access, seen, sent)
                for problem in problems
            ]
            if not draft.options.refuse and not draft.unknown and version is None:
                return tuple(told)
            raise ValidationErrors([*([version] if version else ()), *told, *draft.unknown])
        return ()

    def _answer(self, document: Mapping[str, Any], record: Record) -> dict[str, Any]:
        answer = dict(document)
        for name, convert in self._transient.items():
            answer[name] = convert(record[name])
        return answer


def _ignore(where: str, problem: FieldProblem) -> None:
    """A computation that fails only for the new stamp keeps its empty value; the same inputs just passed."""


def _field_storer(item: Field) -> Callable[[Any], Any]:
    one = value_storer(item)
    if one is None:
        return lambda value: value
    if item.many:
        return lambda value: [one(each) for each in value or ()]
    return lambda value: None if value is None else one(value)


def _unfit_targets(draft: Draft, record: Record, old: Record | None, moment: Moment) -> dict[str, FieldProblem]:
    clock = Clock(moment.now, moment.timezone)
    found = (
        (where, choice.problem(target, where, record, moment.user, clock, old))
        for where, (choice, target) in draft.targets.items()
    )
    return {where: problem for where, problem in found if problem is not None}
