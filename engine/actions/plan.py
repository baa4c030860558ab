"""Actions and listeners, compiled: a record and parameters in, a plan of what is to be written out.

Planning is a generator: it yields each Call to another system and goes on when that was answered, so that nothing is
written and no transaction is open meanwhile. Its result is an ActionPlan.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from engine.actions.answers import compile_answer
from engine.actions.parameters import Parameters
from engine.actions.run import Call, Effect, Progress, Run
from engine.actions.steps import STEPS, Asks, Place, compile_steps
from engine.errors import BadRequest, ExpressionError
from engine.expressions import Names, parse_expression
from engine.expressions.filter import compile_condition
from engine.fields.base import MISSING
from engine.records import Moment, Record, RecordRules
from engine.records.draft import Draft
from engine.records.references import stand_in
from engine.schema import EMPTY, Action, ActionKind, App, Entity, Listener


@dataclass(frozen=True, slots=True)
class ActionPlan:
    """What is to be done, in this order.

    `linked` is a change of its own to the record (a body, None for none), `patch` the change that the steps make,
    `effects` what is done elsewhere. `performed` are the names of the actions that were run, `response` is the value of
    `respond` (MISSING where there is none). `called` says that another system was asked, so that nothing is planned
    again.
    """

    linked: Mapping[str, Any] | None
    patch: Mapping[str, Any]
    effects: tuple[Effect, ...]
    performed: tuple[str, ...]
    response: Any
    called: bool


Planning = Generator[Call, None, ActionPlan]


class CompiledAction:
    """One action, ready to run; built once."""

    def __init__(self, app: App, entity: Entity, action: Action, rules: RecordRules, actions: ActionTable) -> None:
        names = Names.of_action(entity, action)
        self.action = action
        self.entity = entity
        self.parameters = Parameters(app, entity, action)
        self._rules = rules
        self._actions = actions
        self._precondition = None if action.precondition is None else compile_condition(action.precondition, names)
        self._steps = compile_steps(action.steps, Place(app, entity, names, actions))
        self._respond = (
            None
            if action.respond is None
            else compile_answer(parse_expression(action.respond.value, allow_records=True), names)
        )
        self._run = None if action.run is None else str(action.run.value)

    @property
    def kind(self) -> ActionKind:
        """What it runs on."""
        return self.action.kind

    @property
    def answers(self) -> bool:
        """Whether it always answers with a value of its own."""
        return self._respond is not None or self.kind is not ActionKind.ONE

    def calls(self) -> bool:
        """Whether it, or an action that it runs, may speak to other systems."""
        return any(STEPS[step.kind].calls for one in self._parts() for step in one.action.steps)

    def runs(self) -> bool:
        """Whether it, or an action that it runs, is done by a function."""
        return any(one.action.run is not None for one in self._parts())

    def _parts(self) -> Iterator[CompiledAction]:
        """The action, and all that it runs."""
        yield self
        for step in self.action.steps:
            if step.kind == "action":
                yield from self._actions[step.argument.value["name"]]._parts()

    def plan(self, record: Record | None, draft: Draft, moment: Moment) -> Planning:
        """Plans one run on a record (value form), or on none.

        Raises BadRequest where the precondition does not hold, ValidationErrors for wrong parameters, Failed.
        """
        with _explained(self.action.name):
            params, draft = self.parameters.fill(draft, record, moment)
            progress = Progress(self._rules, record, moment, record, params)
            self._check_precondition(progress)
            self.parameters.check(draft, params, record, moment)
            linked = self.parameters.linked(draft, params, self.entity) if self.action.save_linked else None
            if linked:
                progress.change(linked)
            yield from self._perform(progress)
            response = MISSING if self._respond is None else self._respond(progress.scope())
        return ActionPlan(
            linked or None,
            progress.patch,
            tuple(progress.effects),
            tuple(progress.performed),
            response,
            progress.called,
        )

    def perform_inside(self, progress: Progress, body: Mapping[str, Any]) -> Asks:
        """Runs as a step of another action on the same record; the parameters are given as a body."""
        outer, record = progress.params, progress.record
        draft = self.parameters.parse(body)
        stand_in(draft, progress.references)
        params, draft = self.parameters.fill(draft, record, progress.moment)
        progress.params = params
        self._check_precondition(progress)
        self.parameters.check(draft, params, record, progress.moment)
        if self.action.save_linked:
            progress.change(self.parameters.linked(draft, params, self.entity))
        yield from self._perform(progress)
        progress.params = outer

    def _perform(self, progress: Progress) -> Asks:
        for step in self._steps:
            yield from step.take(progress)
        if self._run is not None:
            progress.effects.append(Run(self._run, progress.params, self.action.name))
        progress.performed.append(self.action.name)

    def _check_precondition(self, progress: Progress) -> None:
        if self._precondition is not None and not self._precondition(progress.scope()):
            raise BadRequest(f"{self.action.label} cannot be done: its precondition does not hold for this record")


ActionTable = Mapping[str, CompiledAction]
"""The actions of one entity by name."""


class CompiledListener:
    """One listener, ready to run; built once."""

    def __init__(self, app: App, entity: Entity, listener: Listener, rules: RecordRules, actions: ActionTable) -> None:
        names = Names.of_entity(entity)
        self.listener = listener
        self.entity = entity
        self._rules = rules
        self._when = None if listener.when is None else compile_condition(listener.when, names)
        self._steps = compile_steps(listener.steps, Place(app, entity, names, actions))
        self._run = None if listener.run is None else str(listener.run.value)

    @property
    def name(self) -> str:
        """Where it stands, for messages: `companies.notifyOwner`."""
        return f"{self.entity.name}.{self.listener.name}"

    def concerns(self, event: str, record: Record, old: Record | None, moment: Moment) -> bool:
        """Whether something that happened to a record is for this listener. `conditionMet` asks for a condition that
        holds now and did not before."""
        if self._when is None:
            return True
        with _explained(self.name):
            if not self._when(Progress(self._rules, record, moment, old).scope()):
                return False
            if event != CONDITION_MET or old is None:
                return True
            return not self._when(Progress(self._rules, old, moment, None).scope())

    def plan(self, record: Record, old: Record | None, moment: Moment) -> Planning:
        """Plans one run on the record as it is now."""
        progress = Progress(self._rules, record, moment, old)
        with _explained(self.name):
            for step in self._steps:
                yield from step.take(progress)
            if self._run is not None:
                progress.effects.append(Run(self._run, EMPTY))
        return ActionPlan(
            None, progress.patch, tuple(progress.effects), tuple(progress.performed), MISSING, progress.called
        )


CREATED, CHANGED, DELETED, CONDITION_MET = "created", "changed", "deleted", "conditionMet"
ACTION = "action."
"""What the name of an event begins with that is about an action."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An event and a listener that it may be for."""

    event: str
    listener: CompiledListener


class ListenerTable:
    """The listeners of one entity by what they listen to."""

    def __init__(self, listeners: tuple[CompiledListener, ...]) -> None:
        self._by_name = {one.listener.name: one for one in listeners}
        self._found: dict[tuple[str, str], tuple[Heard, ...]] = {}
        for one in listeners:
            for event in one.listener.on:
                for origin in one.listener.origins:
                    self._found[event, origin] = (*self._found.get((event, origin), ()), Heard(event, one))

    def hearing(self, event: str, origin: str) -> tuple[Heard, ...]:
        """Those that listen to an event that has this origin, in the order in which they were written."""
        return self._found.get((event, origin), ())

    def named(self, name: str) -> CompiledListener | None:
        """The listener of a name."""
        return self._by_name.get(name)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What an entity does: its actions and its listeners."""

    actions: ActionTable
    listeners: ListenerTable


def compile_behaviour(app: App, entity: Entity, rules: RecordRules) -> Behaviour:
    """Compiles all actions and listeners of an entity."""
    actions: dict[str, CompiledAction] = {}
    for name, action in entity.actions.items():
        actions[name] = CompiledAction(app, entity, action, rules, actions)
    listeners = tuple(CompiledListener(app, entity, one, rules, actions) for one in entity.listeners)
    return Behaviour(actions, ListenerTable(listeners))


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Says of an expression that failed where it stands."""
    try:
        yield
    except ExpressionError as error:
        raise BadRequest(f"{name} could not be carried out: {error.message}") from error


__all__ = [
    "ACTION",
    "CHANGED",
    "CONDITION_MET",
    "CREATED",
    "DELETED",
    "ActionPlan",
    "Behaviour",
    "CompiledAction",
    "CompiledListener",
    "Heard",
    "ListenerTable",
    "Planning",
    "compile_behaviour",
]
