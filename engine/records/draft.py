"""Bodies to drafts: JSON becomes typed values field by field, every problem is kept, references wait for an answer.

A draft holds what the client sent and nothing else; defaults of new containers stand beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from engine.errors import BadRequest, FieldProblem, InvalidValue, did_you_mean
from engine.fields.base import Shape
from engine.fields.number import to_integer
from engine.fields.reference import Ask, Upload
from engine.permissions import OPEN_MASK, WriteMask
from engine.query import Clock
from engine.records.difference import differs
from engine.records.forms import GROUP_SYSTEM, Record, group_fields
from engine.records.options import USUAL, WriteOptions
from engine.schema import Field

INVALID: Final = type("Invalid", (), {"__repr__": lambda self: "INVALID"})()
"""Stands where a value was refused; the problem is in the draft."""

MOST_HINTS = 20
"""Unknown names of one body that are told what was likely meant: finding that out takes a while."""
LONGEST_NAME = 64
"""Characters of a name that may be a slip of the pen."""

ROOT_SYSTEM = frozenset({"id", "label", "version"})


@dataclass(slots=True)
class Group:
    """What was sent for one container (the record, a nested group, an item of a nested list).

    `sent` and `defaults` are by field name. Values are in value form, Ask for a reference, Group for a nested group,
    lists of these for many, None for cleared (a cleared group is a Group full of these), INVALID for refused. `id` is
    the sent id of a list's item.
    """

    where: str
    id: str | None = None
    sent: dict[str, Any] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)

    def seen(self) -> Record:
        """What was sent with the defaults beneath it, as far as it was understood."""
        values = {**self.defaults, **{name: value for name, value in self.sent.items() if value is not INVALID}}
        return {name: _seen(value) for name, value in values.items()}

    def holds(self, place: str) -> bool:
        """Whether something was sent for a field at a concrete path (`addresses[1].zipCode`), or for all of it."""
        found: Any = self
        for name, index in _STEPS(place):
            if not isinstance(found, Group):
                return True
            if name not in found.sent:
                return False
            found = found.sent[name]
            if index and isinstance(found, list) and int(index) < len(found):
                found = found[int(index)]
        return True


_STEPS: Final[Callable[[str], list[tuple[str, str]]]] = re.compile(r"([^.\[]+)(?:\[(\d+)\])?").findall
"""A concrete path to (name, index or nothing)."""


def _seen(value: Any) -> Any:
    if isinstance(value, Group):
        return value.seen()
    if isinstance(value, list):
        return [_seen(one) for one in value if one is not INVALID]
    return value


@dataclass(slots=True)
class Asked:
    """One reference that waits for its target: put the answer at `holder[key]`."""

    item: Field
    ask: Ask
    where: str
    holder: Any
    key: Any


class Chooser(Protocol):
    """What says whether a found target may be referred to; see references.Relationship and files.FileChoice."""

    def problem(
        self,
        target: Record,
        where: str,
        record: Mapping[str, Any],
        user: Mapping[str, Any] | None,
        clock: Clock,
        old: Record | None = None,
    ) -> FieldProblem | None:
        """What is wrong with the choice, if anything; `old` is the record before it is written, where there is one."""


@dataclass(slots=True)
class Draft:
    """A body as understood so far. `problems` are by concrete path (`addresses[1].zipCode`); `targets` are the records
    found for references that are not open to everybody, by the same paths; `uploads` are the files that came with the
    body, by the ids that they will have, and `linked` the ids of stored ones that it points to; `unseen` are references
    that may have been refused only because the asker does not see the target; `merged` is the record that was
    refused; `body` is what the client wrote, for errors to repeat."""

    root: Group
    mask: WriteMask
    options: WriteOptions = USUAL
    body: Any = None
    version: int | None = None
    problems: dict[str, FieldProblem] = field(default_factory=dict)
    unknown: list[FieldProblem] = field(default_factory=list)
    asks: list[Asked] = field(default_factory=list)
    targets: dict[str, tuple[Chooser, Record]] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    linked: set[str] = field(default_factory=set)
    unseen: list[tuple[Asked, FieldProblem]] = field(default_factory=list)
    merged: Record | None = None

    def note(self, where: str, problem: FieldProblem) -> None:
        """Keeps a problem; the first at a place stays."""
        self.problems.setdefault(where, problem)

    def place_of(self, where: str, record: Record) -> Any:
        """What stands in a record (value form) at a concrete path of the body: items of lists are known by their ids.
        A value of a list is not looked for: the whole list is given. None where there is nothing."""
        found: Any = record
        group: Any = self.root
        for name, index in _STEPS(where):
            if not isinstance(group, Group) or found is None:
                return None
            found, group = found.get(name), group.sent.get(name)
            if index and isinstance(group, list) and isinstance(group[int(index)], Group):
                group = group[int(index)]
                found = next((one for one in found or () if one["id"] == group.id), None)
        return found

    def as_sent(self, problem: FieldProblem, fields: Mapping[str, Field], record: Record) -> FieldProblem:
        """The problem with the rejected value as the client wrote it, where a rule refused what was made of that, or no
        record answers it. `fields` are those of the body, `record` is what came of it: what was sent and not taken over
        is not what was refused."""
        info = problem.info
        if info is None or not ("rule" in info or problem.code in ("notFound", "notUnique")):
            return problem
        item: Field | None = None
        raw: Any = self.body
        sent: Any = self.root
        held: Any = record
        for name, index in _STEPS(problem.field or ""):
            item = fields.get(name)
            if item is None or not isinstance(raw, Mapping) or not isinstance(sent, Group) or name not in sent.sent:
                return problem
            raw = next(raw[known] for known in (name, *item.aliases) if known in raw)
            sent, held = sent.sent[name], held.get(name)
            if index:
                place = int(index)
                if not isinstance(raw, list) or place >= len(held or ()):
                    return problem
                raw, sent, held = raw[place], sent[place], held[place]
            fields = item.by_name
        if item is None or item.type.shape is Shape.NESTED or (sent is not INVALID and differs(sent, held)):
            return problem
        return replace(problem, info={**info, "rejectedValue": raw})

    def refuse(self, item: Field, where: str, error: InvalidValue) -> Any:
        """Notes the problem and answers INVALID."""
        self.problems[where] = FieldProblem(where, item.label, error.code, error.message, error.info)
        return INVALID


Parse = Callable[[Any, str, "Draft", WriteMask, bool], Any]
"""(JSON value, where, draft, mask, whether its container is new) to a draft value."""


class ContainerParser:
    """Parses the body of one container; made once per entity, nested group or action."""

    def __init__(self, fields: tuple[Field, ...], system: frozenset[str]) -> None:
        self._system = system
        self._names = [item.name for item in fields]
        self._known: dict[str, tuple[Field, Parse | None]] = {}
        for item in fields:
            entry = (item, build_parser(item) if item.writable else None)
            for name in (*item.aliases, item.name):
                self._known[name] = entry
        self._defaults = [
            (item, parse, _default_of(item))
            for item, parse in (self._known[name] for name in self._names)
            if parse is not None and _default_of(item) is not None
        ]

    def parse(
        self, body: Mapping[str, Any], group: Group, prefix: str, draft: Draft, mask: WriteMask, new: bool
    ) -> None:
        """Fills `group` from the body; `prefix` is what stands before a field's name in problems."""
        restricted = not mask.open
        sent = group.sent
        for key, raw in body.items():
            entry = self._known.get(key)
            if entry is None or (restricted and mask.hides(entry[0].path)):
                if key not in self._system:
                    draft.unknown.append(self._unknown(prefix + key, key, mask, draft))
                continue
            item, parse = entry
            if parse is None or (restricted and not mask.may_write(item.path)):
                continue
            where = prefix + item.name
            value = parse(raw, where, draft, mask, new)
            if item.name in sent and sent[item.name] != value:
                value = draft.refuse(item, where, InvalidValue(f"Sent twice with different values, once as {key}", raw))
            sent[item.name] = value
            if value.__class__ is Ask:
                draft.asks.append(Asked(item, value, where, sent, item.name))
        if new:
            for item, parse, literal in self._defaults:
                if item.name not in sent or item.write is not True or item.path in mask.conditions:
                    where = prefix + item.name
                    value = parse(literal, where, draft, OPEN_MASK, True)
                    group.defaults[item.name] = value
                    if value.__class__ is Ask:
                        draft.asks.append(Asked(item, value, where, group.defaults, item.name))

    def clear(self, group: Group, prefix: str, draft: Draft, mask: WriteMask) -> None:
        """Fills `group` as if null had been sent for every field that the caller may write."""
        for name in self._names:
            item, parse = self._known[name]
            if parse is not None and mask.may_write(item.path):
                group.sent[name] = parse(None, prefix + name, draft, mask, False)

    def _unknown(self, where: str, name: str, mask: WriteMask, draft: Draft) -> FieldProblem:
        visible = [known for known in self._names if not mask.hides(self._known[known][0].path)]
        hint = did_you_mean(name, visible) if len(draft.unknown) < MOST_HINTS and len(name) <= LONGEST_NAME else None
        message = f"There is no field named {name}" + (f"; {hint}" if hint else "")
        return FieldProblem(where, None, "invalidStructure", message, None)


def _default_of(item: Field) -> Any:
    if item.default is not None:
        return item.default
    if (
        item.type.shape is Shape.NESTED
        and not item.many
        and any(_default_of(inner) is not None for inner in item.fields)
    ):
        return {}
    return None


def build_parser(item: Field) -> Parse:
    """The parser of one field: null and "" mean cleared, lists are parsed item by item."""
    one = _BY_SHAPE[item.type.shape](item)
    if item.many:
        return _many_parser(item, one)
    if item.type.shape is Shape.NESTED:
        return one

    def single(raw: Any, where: str, draft: Draft, mask: WriteMask, new: bool) -> Any:
        if raw is None or raw == "":
            return None
        return one(raw, where, draft, mask, new)

    return single


def _many_parser(item: Field, one: Parse) -> Parse:
    def many(raw: Any, where: str, draft: Draft, mask: WriteMask, new: bool) -> Any:
        if raw is None or raw == "":
            return []
        if not isinstance(raw, list):
            return draft.refuse(item, where, InvalidValue("Expected a list of values", raw))
        values: list[Any] = []
        for index, each in enumerate(raw):
            place = f"{where}[{index}]"
            if each is None or each == "":
                values.append(draft.refuse(item, place, InvalidValue("A list holds no empty values", each)))
                continue
            value = one(each, place, draft, mask, new)
            if value is None:
                value = draft.refuse(item, place, InvalidValue("A list holds no empty values", each))
            values.append(value)
            if value.__class__ is Ask:
                draft.asks.append(Asked(item, value, place, values, index))
        return values

    return many


def _scalar_parser(item: Field) -> Parse:
    parse_json = item.type.parse_json

    def scalar(raw: Any, where: str, draft: Draft, mask: WriteMask, new: bool) -> Any:
        try:
            value = parse_json(raw)
        except InvalidValue as error:
            return draft.refuse(item, where, error)
        return value if value or value.__class__ is not str else None  # HTML of which cleaning left nothing is missing

    return scalar


def _reference_parser(item: Field) -> Parse:
    parse = _scalar_parser(item)

    def reference(raw: Any, where: str, draft: Draft, mask: WriteMask, new: bool) -> Any:
        return raw if raw.__class__ is Ask else parse(raw, where, draft, mask, new)  # a default is read already

    return reference


def _group_parser(item: Field) -> Parse:
    container = ContainerParser(group_fields(item), GROUP_SYSTEM)
    many = item.many

    def group(raw: Any, where: str, draft: Draft, mask: WriteMask, new: bool) -> Any:
        if (raw is None or raw == "") and not many:
            found = Group(where)
            container.clear(found, f"{where}.", draft, mask)
            return found
        if not isinstance(raw, dict):
            return draft.refuse(item, where, InvalidValue("Expected an object", raw))
        sent_id = raw.get("id") if many and not new else None  # there are no items yet that it could be one of
        if sent_id is not None and not isinstance(sent_id, str):
            return draft.refuse(item, where, InvalidValue("Expected the id of an item as text", sent_id))
        found = Group(where, sent_id)
        container.parse(raw, found, f"{where}.", draft, mask, new or (many and sent_id is None))
        return found

    return group


_BY_SHAPE: Mapping[Shape, Callable[[Field], Parse]] = {
    Shape.SCALAR: _scalar_parser,
    Shape.REFERENCE: _reference_parser,
    Shape.NESTED: _group_parser,
}


def parse_record(
    container: ContainerParser, body: Any, mask: WriteMask, *, new: bool, options: WriteOptions = USUAL
) -> Draft:
    """The draft of a record's body. Raises BadRequest where the body is no object."""
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object with the record's fields")
    draft = Draft(Group(""), mask, options, body)
    container.parse(body, draft.root, "", draft, mask, new)
    version = body.get("version")
    if version is not None and not new:
        number = to_integer(version)
        if number is None or number < 0:
            problem = InvalidValue("Expected the version that was read, a whole number", version)
            draft.problems["version"] = FieldProblem("version", None, problem.code, problem.message, problem.info)
        else:
            draft.version = number
    return draft
