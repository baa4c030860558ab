"""The written model of examples: what groups may do, and requests with their answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from engine.definitions.definition import Definition, Key, Record
from engine.definitions.model_fields import ENTITY
from engine.definitions.nodes import Node, Scalar
from engine.definitions.schema_book import Kind
from engine.definitions.takes import Alternatives, Boolean, Integer, Items, Json, Named, OneOf, Table, Text, Word

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
METHODS: tuple[Method, ...] = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
GROUP = Word("the name of a group", Kind.GROUP)
CALLER = Word("a group, an e-mail address, developer or anonymous")
ADDRESS = Word("an IP address such as 10.0.0.7")
VALUES = Table(Json(), Kind.FIELD)
MAY = Boolean()


@dataclass(frozen=True, kw_only=True)
class CanDef(Definition):
    """`can` of a permission example; what is not named is not looked at."""

    noun = "a list of what they can do"
    needed = (
        frozenset(
            {"read", "create", "update", "delete", "auditLogs", "import", "export", "fields", "actions"},
        ),
    )

    read: Annotated[bool | None, Key(MAY, "Whether the record may be read.")] = None
    create: Annotated[bool | None, Key(MAY, "Whether a record like this one may be created.")] = None
    update: Annotated[
        bool | None, Key(MAY, "Whether the record may be changed: at all, or so that it becomes what is given.")
    ] = None
    delete: Annotated[bool | None, Key(MAY, "Whether the record may be deleted.")] = None
    audit_logs: Annotated[bool | None, Key(MAY, "Whether the record's trail may be read.")] = None
    imports: Annotated[bool | None, Key(MAY, "Whether records may be imported.", name="import")] = None
    exports: Annotated[bool | None, Key(MAY, "Whether records may be exported.", name="export")] = None
    fields: Annotated[
        Named | None,
        Key(
            Table(OneOf(("none", "readOnly", "readWrite")), Kind.FIELD),
            "What may be done with fields of the record, by path.",
        ),
    ] = None
    actions: Annotated[
        Named | None, Key(Table(MAY, Kind.ACTION), "Whether actions may be run on the record, by name.")
    ] = None


@dataclass(frozen=True, kw_only=True)
class PermissionExampleDef(Definition):
    """One of `permissions`. `callers` is a Scalar or a tuple of Scalars."""

    noun = "an example of permissions"

    name: Annotated[str | None, Key(Text(), "What it shows, for reports.")] = None
    callers: Annotated[
        Any, Key(Alternatives(scalar=GROUP, items=Items(GROUP, least=1)), "Who: a group, or several.", "as", True)
    ]
    user: Annotated[Named | None, Key(Table(Json()), "Values of the user that conditions ask for.")] = None
    on: Annotated[Scalar, Key(ENTITY, "The entity.", required=True)]
    record: Annotated[Named | None, Key(VALUES, "The record as it is; for a creation as it is to be.")] = None
    becomes: Annotated[Named | None, Key(VALUES, "What an update sends: the values that change.")] = None
    can: Annotated[CanDef, Key(Record(CanDef), "What they can do and what they cannot.", required=True)]


@dataclass(frozen=True, kw_only=True)
class RequestExampleDef(Definition):
    """One of `requests`. `callers` is a Scalar or a tuple of Scalars."""

    noun = "an example of a request"

    name: Annotated[str | None, Key(Text(), "What it shows, for reports.")] = None
    callers: Annotated[
        Any,
        Key(
            Alternatives(scalar=CALLER, items=Items(GROUP, least=1)),
            "Who asks: a user by e-mail address, a member of groups, developer (unless given) or anonymous.",
            "as",
        ),
    ] = None
    address: Annotated[Scalar | None, Key(ADDRESS, "The IP address from which they ask.", name="from")] = None
    method: Annotated[Method, Key(OneOf(METHODS), "GET unless given.")] = "GET"
    path: Annotated[
        Scalar,
        Key(Word("a path such as /data/companies?state=active"), "Path and query below the API's.", required=True),
    ]
    headers: Annotated[Named | None, Key(Table(Text()), "More headers.")] = None
    body: Annotated[Node | None, Key(Json(), "The JSON body.")] = None
    status: Annotated[int, Key(Integer(100, 599), "The status of the answer; 200 unless given.")] = 200
    response: Annotated[Node | None, Key(Json(), "What the answer holds, among other things.")] = None


@dataclass(frozen=True, kw_only=True)
class ExamplesDef(Definition):
    """A file of tests/."""

    noun = "a file of examples"

    data: Annotated[bool, Key(Boolean(), "Whether the records of data/ are loaded before the requests.")] = False
    address: Annotated[
        Scalar | None, Key(ADDRESS, "The IP address of requests that give none; 127.0.0.1 unless given.", name="from")
    ] = None
    permissions: Annotated[
        tuple[PermissionExampleDef, ...],
        Key(Items(Record(PermissionExampleDef)), "What groups may do with a record, and what not."),
    ] = ()
    requests: Annotated[
        tuple[RequestExampleDef, ...],
        Key(Items(Record(RequestExampleDef)), "Requests, sent in this order to a database of their own."),
    ] = ()


__all__ = ["METHODS", "CanDef", "ExamplesDef", "PermissionExampleDef", "RequestExampleDef"]
