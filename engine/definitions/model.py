"""The written model of apps, entities and groups: for every kind of definition a table of its keys.

A class's attributes annotated with a `Key` are that table: what each key takes, means and defaults to. Loading, "did
you mean" and the editors' schema all read it. Names and expressions are kept as Scalars and conditions as nodes, since
their insides have positions too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from engine.definitions.definition import Catalog, Definition, Key, Record
from engine.definitions.model_actions import ActionDef, ListenerDef
from engine.definitions.model_fields import ENTITY, FIELD, NAME, PATH, TEMPLATE, FieldTakes, ValidationDef
from engine.definitions.nodes import Scalar
from engine.definitions.schema_book import Kind
from engine.definitions.takes import (
    Alternatives,
    Boolean,
    Duration,
    Integer,
    Items,
    Json,
    Named,
    OneOf,
    Right,
    Table,
    Text,
    Word,
)


@dataclass(frozen=True, kw_only=True)
class SessionDef(Definition):
    """`session` of an app."""

    noun = "a session"
    timeout: Annotated[
        int | None, Key(Duration(), "How long a login token lives without being used; 8h unless given.")
    ] = None


@dataclass(frozen=True, kw_only=True)
class QueueDef(Definition):
    """One of an app's `queues`."""

    noun = "a queue"
    workers: Annotated[int, Key(Integer(1, 64), "How many of its jobs one process runs at once.")] = 2


@dataclass(frozen=True, kw_only=True)
class ScheduleDef(Definition):
    """One of an app's `schedules`."""

    noun = "a schedule"
    cron: Annotated[
        Scalar,
        Key(Word("a cron expression such as '0 6 * * 1-5'"), "When: minute hour day month weekday.", required=True),
    ]
    entity: Annotated[Scalar, Key(ENTITY, "The entity that has the action.", required=True)]
    action: Annotated[
        Scalar, Key(Word("a name", Kind.ACTION), "The action to run; its type is many or global.", required=True)
    ]
    params: Annotated[Named | None, Key(Table(Json()), "Values of the action's parameters.")] = None
    missed: Annotated[
        Literal["run", "skip"],
        Key(OneOf(("run", "skip")), "Times when no server was up: none is made up for, or one run makes up for all."),
    ] = "skip"


@dataclass(frozen=True, kw_only=True)
class AppDef(Definition):
    """app.yaml."""

    noun = "an app"
    name: Annotated[
        Scalar | None, Key(NAME, "The app's name in URLs; also the default name of its database.", required=True)
    ] = None
    label: Annotated[str | None, Key(Text(), "The app's name for people.")] = None
    description: Annotated[str | None, Key(Text(), "What the app is for.")] = None
    forbidden: Annotated[
        Literal["tell", "hide"], Key(OneOf(("tell", "hide")), "Records that exist but may not be read: 403 or 404.")
    ] = "tell"
    timezone: Annotated[
        Scalar | None, Key(Word("an IANA time zone such as Europe/Berlin"), "For plain text and today(); UTC.")
    ] = None
    language: Annotated[Scalar | None, Key(Word("a language such as en"), "For plain text; en unless given.")] = None
    currency: Annotated[
        Scalar | None, Key(Word("an ISO 4217 currency such as USD"), "For plain text of money; USD unless given.")
    ] = None
    session: Annotated[SessionDef | None, Key(Record(SessionDef), "Login sessions.")] = None
    queues: Annotated[
        Named | None, Key(Catalog(Record(QueueDef)), "Queues of background work beside mix, light and heavy.")
    ] = None
    schedules: Annotated[Named | None, Key(Catalog(Record(ScheduleDef)), "Actions that run by themselves.")] = None


@dataclass(frozen=True, kw_only=True)
class AuditDef(Definition):
    """`auditLogs` of an entity as a map."""

    noun = "an audit setting"
    created: Annotated[bool, Key(Boolean(), "Whether creations are recorded; true unless given.")] = True
    changed: Annotated[bool, Key(Boolean(), "Whether changes are recorded; true unless given.")] = True
    deleted: Annotated[bool, Key(Boolean(), "Whether deletions are recorded; true unless given.")] = True
    actions: Annotated[bool, Key(Boolean(), "Whether actions are recorded; true unless given.")] = True
    ignore: Annotated[tuple[Scalar, ...], Key(Items(FIELD), "Fields whose changes are not recorded.")] = ()
    on_delete: Annotated[
        Literal["keep", "erase"], Key(OneOf(("keep", "erase")), "What becomes of the trail when its record is deleted.")
    ] = "keep"
    keep: Annotated[int | None, Key(Duration(), "How long an entry is kept; for ever unless given.")] = None


@dataclass(frozen=True, kw_only=True)
class IndexDef(Definition):
    """One of an entity's `indexes`, as a map."""

    noun = "an index"
    name: Annotated[Scalar | None, Key(NAME, "Its name; made of its fields unless given.")] = None
    type: Annotated[
        Literal["normal", "text"],
        Key(OneOf(("normal", "text")), "normal for order and equality, text for searching words."),
    ] = "normal"
    fields: Annotated[
        tuple[Scalar, ...],
        Key(
            Items(Word("the path of a field, with - before it for descending order", Kind.FIELD), least=1),
            "Its fields.",
            required=True,
        ),
    ]
    unique: Annotated[bool, Key(Boolean(), "Whether no two records may have the same values.")] = False


@dataclass(frozen=True, kw_only=True)
class QueriesDef(Definition):
    """`queries` of an entity."""

    noun = "a setting of queries"
    scan: Annotated[
        Literal["allow", "warn", "refuse"],
        Key(OneOf(("allow", "warn", "refuse")), "What happens to queries that no index supports."),
    ] = "allow"


@dataclass(frozen=True, kw_only=True)
class EntityDef(Definition):
    """A file of entities/. `indexes` mixes IndexDefs with tuples of Scalars, the short form; `name` is the file's."""

    noun = "an entity"
    label: Annotated[str | None, Key(Text(), "Its name for people, in the plural.")] = None
    description: Annotated[str | None, Key(Text(), "What one record means.")] = None
    extends: Annotated[
        Scalar | None,
        Key(ENTITY, "The entity whose fields, actions, listeners, validations and indexes it takes over."),
    ] = None
    abstract: Annotated[bool, Key(Boolean(), "Whether it is only there to be extended.")] = False
    record_label: Annotated[Scalar | None, Key(TEMPLATE, "What a record is called.")] = None
    audit_logs: Annotated[
        bool | AuditDef | None,
        Key(Alternatives(scalar=Boolean(), map=Record(AuditDef)), "What its audit trail records."),
    ] = None
    fields: Annotated[Named | None, Key(Catalog(FieldTakes()), "Its fields, in the order of output.")] = None
    indexes: Annotated[
        tuple[Any, ...],
        Key(
            Items(Alternatives(items=Items(PATH, least=1), map=Record(IndexDef))),
            "Indexes over several fields.",
        ),
    ] = ()
    validations: Annotated[
        tuple[ValidationDef, ...], Key(Items(Record(ValidationDef)), "Checks over several fields.")
    ] = ()
    actions: Annotated[Named | None, Key(Catalog(Record(ActionDef)), "What clients can run on its records.")] = None
    listeners: Annotated[Named | None, Key(Catalog(Record(ListenerDef)), "What happens when its records change.")] = (
        None
    )
    queries: Annotated[QueriesDef | None, Key(Record(QueriesDef), "Bounds of its queries.")] = None
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class FieldRightDef(Definition):
    """A group's right on one field, as a map."""

    noun = "a right on a field"
    read: Annotated[Any, Key(Right(), "On which records it may be read; always unless given.")] = "always"
    write: Annotated[Any, Key(Right(), "On which records it may be written; always unless given.")] = "always"


@dataclass(frozen=True, kw_only=True)
class EntityRightsDef(Definition):
    """A group's rights on one entity. A right is the word always or never, or the Map of a filter."""

    noun = "a set of rights"
    read: Annotated[Any, Key(Right(), "Which records may be read.")] = "never"
    create: Annotated[Any, Key(Right(), "Which records may be created, as they would be stored.")] = "never"
    update: Annotated[Any, Key(Right(), "Which records may be changed: before and after the change.")] = "never"
    update_to: Annotated[Any, Key(Right(), "What a changed record may become, where that differs from update.")] = None
    delete: Annotated[Any, Key(Right(), "Which records may be deleted.")] = "never"
    audit_logs: Annotated[Any, Key(Right(), "Of which records the trail may be read.")] = "never"
    imports: Annotated[bool, Key(Boolean(), "Whether records may be imported.", name="import")] = False
    exports: Annotated[bool, Key(Boolean(), "Whether records may be exported.", name="export")] = False
    fields: Annotated[
        Named | None,
        Key(
            Table(
                Alternatives(scalar=OneOf(("readWrite", "readOnly", "none", "parent")), map=Record(FieldRightDef)),
                Kind.FIELD,
            ),
            "Rights on fields by path; readWrite unless given, inside nested groups as the group.",
        ),
    ] = None
    actions: Annotated[
        Named | None,
        Key(
            Table(Right(), Kind.ACTION),
            "On which records actions may be run; always unless given, where update is not never.",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class ApiDef(Definition):
    """`api` of a group; what is not given is true."""

    noun = "a set of API rights"
    data: Annotated[bool, Key(Boolean(), "Whether /data may be used.")] = True
    read_files: Annotated[bool, Key(Boolean(), "Whether files may be read.")] = True
    upload_files: Annotated[bool, Key(Boolean(), "Whether files may be uploaded.")] = True
    jobs: Annotated[bool, Key(Boolean(), "Whether jobs may be read and steered.")] = True


@dataclass(frozen=True, kw_only=True)
class PasswordDef(Definition):
    """`security.password` of a group."""

    noun = "a password rule"
    min_length: Annotated[int, Key(Integer(6, 128), "The least number of characters.")] = 6
    upper: Annotated[bool, Key(Boolean(), "Whether a capital is needed.")] = False
    lower: Annotated[bool, Key(Boolean(), "Whether a small letter is needed.")] = False
    digit: Annotated[bool, Key(Boolean(), "Whether a digit is needed.")] = False
    symbol: Annotated[bool, Key(Boolean(), "Whether another character is needed.")] = False


@dataclass(frozen=True, kw_only=True)
class SecurityDef(Definition):
    """`security` of a group."""

    noun = "a security setting"
    allowed_ips: Annotated[
        tuple[Scalar, ...],
        Key(Items(Word("an IP address or network such as 10.0.0.0/8")), "From where its members may come."),
    ] = ()
    max_login_attempts: Annotated[int | None, Key(Integer(1, 1000), "The consecutive failure that blocks a user.")] = (
        None
    )
    session_timeout: Annotated[int | None, Key(Duration(), "How long a token lives without being used.")] = None
    password: Annotated[PasswordDef | None, Key(Record(PasswordDef), "What its members' passwords must have.")] = None


@dataclass(frozen=True, kw_only=True)
class GroupDef(Definition):
    """A file of groups/."""

    noun = "a group"
    label: Annotated[str | None, Key(Text(), "Its name for people.")] = None
    description: Annotated[str | None, Key(Text(), "Who belongs to it.")] = None
    entities: Annotated[
        Named | None,
        Key(Catalog(Record(EntityRightsDef), Kind.ENTITY), "Rights by entity; what is not named is closed."),
    ] = None
    api: Annotated[ApiDef | None, Key(Record(ApiDef), "Parts of the API; all are open unless closed here.")] = None
    security: Annotated[SecurityDef | None, Key(Record(SecurityDef), "Sessions and passwords of its members.")] = None
    impersonate: Annotated[bool, Key(Boolean(), "Whether its members may act as other users.")] = False
