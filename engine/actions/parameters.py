"""The parameters of an action: a body in, parameters in value form out, by the rules that fields of records have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NoReturn

from engine.actions.values import to_body
from engine.errors import BadRequest, ExpressionError, ValidationErrors
from engine.expressions import Names, Scope
from engine.fields.base import Shape
from engine.permissions import OPEN_MASK
from engine.query import Clock
from engine.records import Moment, Record, References
from engine.records.calculated import Calculator
from engine.records.draft import ContainerParser, Draft, Group
from engine.records.merge import Merge, Merger
from engine.records.validate import Validator, compile_checks
from engine.schema import EMPTY, Action, App, Entity, Field


class NeedsRecord(Exception):
    """The parameters cannot be judged without the record that the action runs on."""


class _NoRecord(Mapping[str, Any]):
    """Stands for a record that is not known yet."""

    def __getitem__(self, key: str) -> NoReturn:
        raise NeedsRecord

    def __iter__(self) -> Iterator[str]:
        raise NeedsRecord

    def __len__(self) -> int:
        raise NeedsRecord


NO_RECORD: Mapping[str, Any] = _NoRecord()


class Parameters:
    """What is compiled of one action's parameters; built once."""

    def __init__(self, app: App, entity: Entity, action: Action) -> None:
        whole = Names.of_action(entity, action)
        own = Names.of_parameters(entity, action)
        self._fields = action.parameters
        self._by_name = action.parameters_by_name
        self._parser = ContainerParser(action.parameters, frozenset())
        self._merger = Merger(action.parameters, own)
        self._validator = Validator(action.parameters, own)
        labels = {item.name: item.label for item in (*entity.fields, *action.parameters)}
        self._checks = tuple(
            (check, labels.get((check.validation.path or "").split(".")[0]))
            for check in compile_checks(action.validations, whole)
        )
        whole_body = Entity(action.name, action.label, action.parameters)
        self.references = References(app, whole_body)
        self._labels = Calculator(whole_body, own)
        self._defaulted = {
            name: item
            for name, item in action.parameters_by_name.items()
            if item.default is not None or item.default_expression is not None
        }

    def parse(self, body: Any) -> Draft:
        """The body as a draft whose references wait for an answer; empty values give way to defaults.

        Raises BadRequest where it is no object.
        """
        if not isinstance(body, Mapping):
            raise BadRequest("The body must be a JSON object with the action's parameters")
        given = {name: value for name, value in body.items() if name not in self._defaulted or value not in (None, "")}
        draft = Draft(Group(""), OPEN_MASK, body=given)
        self._parser.parse(given, draft.root, "", draft, OPEN_MASK, True)
        return draft

    def fill(self, draft: Draft, record: Mapping[str, Any] | None, moment: Moment) -> tuple[Record, Draft]:
        """All parameters by name, and the draft with what is wrong with them so far. `record` is the one that the
        action runs on, None for none. The given draft serves other records, too, and stays as it is."""
        own = replace(draft, problems=dict(draft.problems))
        params: Record = {}
        merge = Merge(own, _scope(params, record, moment))
        self._merger.merge(None, own.root, params, None, merge)
        merge.run_defaults()
        self._labels.label_groups(params, merge.scope, own.note)
        return params, own

    def check(self, draft: Draft, params: Record, record: Mapping[str, Any] | None, moment: Moment) -> None:
        """Raises ValidationErrors with every problem of filled parameters."""
        scope = _scope(params, record, moment)
        problems = self._validator.validate(params, draft.problems, scope)
        problems += [
            problem
            for where, (choice, target) in draft.targets.items()
            if (problem := choice.problem(target, where, scope.record, moment.user, Clock(moment.now, moment.timezone)))
            is not None
        ]
        if not problems:
            whole = scope.within(scope.record, None)  # bare names are the record's
            problems = [
                problem
                for check, label in self._checks
                if (problem := check.problem(whole, check.validation.path, label)) is not None
            ]
        if problems or draft.unknown:
            told = (draft.as_sent(problem, self._by_name, params) for problem in problems)
            raise ValidationErrors([*told, *draft.unknown])

    def check_alone(self, draft: Draft, moment: Moment) -> None:
        """Raises ValidationErrors where the parameters are wrong whatever the record is."""
        try:
            params, own = self.fill(draft, NO_RECORD, moment)
            self.check(own, params, NO_RECORD, moment)
        except (NeedsRecord, ExpressionError):
            return  # told when it runs

    def render(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters in the JSON forms of their types."""
        return {item.name: render_value(item, params.get(item.name)) for item in self._fields}

    def linked(self, draft: Draft, params: Record, entity: Entity) -> dict[str, Any]:
        """The body that saves parameters to the fields of their names: those that were sent, or have a value."""
        return {
            entity.by_name[name].name: to_body(entity.by_name[name], value, own=False)
            for name, value in params.items()
            if name in entity.by_name and (name in draft.root.sent or value not in (None, "", []))
        }


def render_value(item: Field, value: Any) -> Any:
    """The value of a field in the JSON form of its type."""
    if value is None:
        return None
    if item.many and isinstance(value, list):
        return [_render_one(item, one) for one in value]
    return _render_one(item, value)


def _render_one(item: Field, value: Any) -> Any:
    if item.type.shape is Shape.NESTED:
        return {
            name: render_value(item.by_name[name], inner) if name in item.by_name else inner
            for name, inner in value.items()
        }
    return item.type.render(value)


def _scope(params: Record, record: Mapping[str, Any] | None, moment: Moment) -> Scope:
    return Scope(
        params,
        EMPTY if record is None else record,
        now=moment.now,
        timezone=moment.timezone,
        user=moment.user,
        params=params,
    )


__all__ = ["NO_RECORD", "NeedsRecord", "Parameters", "render_value"]
