"""The written model of actions, listeners and their steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from engine.definitions.definition import Catalog, Definition, Key, Record
from engine.definitions.model_fields import ENTITY, EXPRESSION, FUNCTION, QUEUE, FieldTakes, ValidationDef
from engine.definitions.nodes import Map, Node, Scalar
from engine.definitions.schema_book import Kind
from engine.definitions.takes import Boolean, Condition, Duration, Filter, Items, Json, Named, OneOf, Table, Text, Word

VALUES = Table(Json())
VALUES_BY_PATH = Table(Json(), Kind.FIELD)


@dataclass(frozen=True, kw_only=True)
class ActionDef(Definition):
    """One of an entity's `actions`."""

    noun = "an action"
    exclusive = (frozenset({"steps", "run"}),)

    label: Annotated[str | None, Key(Text(), "Its name for people.")] = None
    type: Annotated[
        Literal["one", "many", "global"],
        Key(OneOf(("one", "many", "global")), "What it runs on: each record, a query, nothing."),
    ] = "one"
    precondition: Annotated[Node | None, Key(Condition(), "What a record must be like for it.")] = None
    parameters: Annotated[Named | None, Key(Catalog(FieldTakes()), "What the caller gives, written as fields.")] = None
    validations: Annotated[
        tuple[ValidationDef, ...], Key(Items(Record(ValidationDef)), "Checks of the parameters.")
    ] = ()
    steps: Annotated[tuple[StepDef, ...], Key(Items(Record(StepDef)), "What it does, in order.")] = ()
    run: Annotated[Scalar | None, Key(FUNCTION, "The function that does it.")] = None
    respond: Annotated[
        Scalar | None, Key(EXPRESSION, "An expression whose value is the answer instead of the record.")
    ] = None
    background: Annotated[bool, Key(Boolean(), "Whether it always runs as a job.")] = False
    queue: Annotated[Scalar | None, Key(QUEUE, "The queue of its jobs; mix unless given.")] = None
    save_linked: Annotated[
        bool, Key(Boolean(), "Whether its parameters are saved to fields of the same name first.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class ListenerDef(Definition):
    """One of an entity's `listeners`."""

    noun = "a listener"
    exclusive = (frozenset({"steps", "run"}),)

    on: Annotated[
        tuple[Scalar, ...],
        Key(
            Items(Word("created, changed, deleted, conditionMet or action.NAME"), least=1),
            "What it listens to.",
            required=True,
        ),
    ]
    origins: Annotated[
        tuple[str, ...] | None,
        Key(
            Items(OneOf(("user", "script", "system")), least=1),
            "Whose changes; user and script unless given.",
            name="from",
        ),
    ] = None
    when: Annotated[
        Node | None, Key(Condition(), "A condition; for conditionMet one that holds now and did not before.")
    ] = None
    background: Annotated[bool, Key(Boolean(), "Whether it runs as a job, after the answer.")] = False
    queue: Annotated[Scalar | None, Key(QUEUE, "The queue of its jobs; mix unless given.")] = None
    steps: Annotated[tuple[StepDef, ...], Key(Items(Record(StepDef)), "What it does, in order.")] = ()
    run: Annotated[Scalar | None, Key(FUNCTION, "The function that does it.")] = None


@dataclass(frozen=True, kw_only=True)
class CreateDef(Definition):
    """The argument of the step `create`."""

    noun = "create"
    entity: Annotated[Scalar, Key(ENTITY, "The entity of the new record.", required=True)]
    values: Annotated[
        Named | None, Key(VALUES_BY_PATH, "Its values; a text may be a template, or an expression after =.")
    ] = None


@dataclass(frozen=True, kw_only=True)
class UpdateDef(Definition):
    """The argument of the step `update`."""

    noun = "update"
    entity: Annotated[Scalar, Key(ENTITY, "The entity of the records.", required=True)]
    where: Annotated[Map, Key(Filter(), "Which records.", required=True)]
    set: Annotated[
        Named,
        Key(VALUES_BY_PATH, "Their new values; a text may be a template, or an expression after =.", required=True),
    ]


@dataclass(frozen=True, kw_only=True)
class DeleteDef(Definition):
    """The argument of the step `delete`."""

    noun = "delete"
    entity: Annotated[Scalar, Key(ENTITY, "The entity of the records.", required=True)]
    where: Annotated[Map, Key(Filter(), "Which records.", required=True)]


@dataclass(frozen=True, kw_only=True)
class RunActionDef(Definition):
    """The argument of the step `action`."""

    noun = "action"
    name: Annotated[
        Scalar, Key(Word("a name", Kind.ACTION), "Another action of the same entity, of type one.", required=True)
    ]
    params: Annotated[
        Named | None, Key(VALUES, "Its parameters; a text may be a template, or an expression after =.")
    ] = None


@dataclass(frozen=True, kw_only=True)
class CallDef(Definition):
    """The argument of the step `call`."""

    noun = "call"
    method: Annotated[
        Literal["GET", "POST", "PUT", "PATCH", "DELETE"],
        Key(OneOf(("GET", "POST", "PUT", "PATCH", "DELETE")), "The HTTP method."),
    ] = "GET"
    url: Annotated[Scalar, Key(Word("a URL; it may be a template"), "The URL; it may be a template.", required=True)]
    json: Annotated[Node | None, Key(Json(), "The body; its texts may be templates, or expressions after =.")] = None
    timeout: Annotated[int, Key(Duration(), "How long an answer is waited for.")] = 10_000


@dataclass(frozen=True, kw_only=True)
class LogDef(Definition):
    """The argument of the step `log`."""

    noun = "log"
    level: Annotated[Literal["INFO", "WARN", "ERROR"], Key(OneOf(("INFO", "WARN", "ERROR")), "The level.")] = "INFO"
    message: Annotated[
        Scalar, Key(Word("a message; it may be a template"), "The message; it may be a template.", required=True)
    ]


@dataclass(frozen=True, kw_only=True)
class FailDef(Definition):
    """The argument of the step `fail`."""

    noun = "fail"
    code: Annotated[str, Key(Text(), "The code of the answer.")] = "badRequest"
    message: Annotated[
        Scalar, Key(Word("a message; it may be a template"), "The message; it may be a template.", required=True)
    ]


@dataclass(frozen=True, kw_only=True)
class StepDef(Definition):
    """One of the `steps` of an action or a listener: exactly one of the keys but `when`."""

    noun = "a step"
    exclusive = (frozenset({"set", "append", "remove", "create", "update", "delete", "action", "call", "log", "fail"}),)
    needed = exclusive

    when: Annotated[Node | None, Key(Condition(), "Under which condition the step is taken.")] = None
    set: Annotated[
        Named | None, Key(VALUES_BY_PATH, "New values by path; a text may be a template, or an expression after =.")
    ] = None
    append: Annotated[Named | None, Key(VALUES_BY_PATH, "Values to add to lists, by path.")] = None
    remove: Annotated[Named | None, Key(VALUES_BY_PATH, "Which items to take out of lists, by path, as filters.")] = (
        None
    )
    create: Annotated[CreateDef | None, Key(Record(CreateDef), "A new record of some entity.")] = None
    update: Annotated[UpdateDef | None, Key(Record(UpdateDef), "Changes to records of some entity.")] = None
    delete: Annotated[DeleteDef | None, Key(Record(DeleteDef), "Deletion of records of some entity.")] = None
    action: Annotated[RunActionDef | None, Key(Record(RunActionDef), "Another action on the same record.")] = None
    call: Annotated[CallDef | None, Key(Record(CallDef), "An HTTP request to another system.")] = None
    log: Annotated[LogDef | None, Key(Record(LogDef), "A line in the app's log.")] = None
    fail: Annotated[FailDef | None, Key(Record(FailDef), "An end with an error; nothing of the action stays.")] = None

    @property
    def kind(self) -> str | None:
        """The step's one key, or None when it has none."""
        return next((name for name in self.exclusive[0] if self.given(name)), None)
