"""An entity's fields, made of the plainest types, and short ways to evaluate against them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from engine.expressions import Names, Scope, compile_expression, compile_template, parse_expression, parse_template
from engine.fields.base import FieldType, Shape
from engine.schema import Action, ActionKind, Entity, Field, rebase

NOW = 1_709_251_200_000  # 2024-03-01T00:00:00Z


@dataclass(frozen=True)
class Plain(FieldType):
    """A type whose values are text or numbers."""

    def json_schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, {"type": ["number", "boolean"]}, {"enum": ["a", 1]}]}


@dataclass(frozen=True)
class Open(FieldType):
    """A type whose values may be objects."""

    def json_schema(self) -> dict[str, Any]:
        return {"oneOf": [{"enum": ["none", {"deep": 1}]}, {"type": ["null", "object"]}]}


@dataclass(frozen=True)
class Nested(FieldType):
    shape: ClassVar[Shape] = Shape.NESTED


@dataclass(frozen=True)
class Link(FieldType):
    shape: ClassVar[Shape] = Shape.REFERENCE


def plain(name: str, **options: Any) -> Field:
    return Field(name, name, name, Plain(), **options)


def group(name: str, *fields: Field, many: bool = False) -> Field:
    system = (plain("id"), plain("label"))
    return rebase(Field(name, name, name, Nested(), many=many, fields=fields, system_fields=system), "")


FIELDS = (
    plain("name", aliases=("formerName",)),
    plain("lastName"),
    plain("state"),
    plain("notes"),
    plain("number"),
    plain("other"),
    plain("start"),
    plain("tags", many=True),
    Field("data", "data", "data", Open()),
    group("address", plain("city", aliases=("town",)), plain("zipCode")),
    group("addresses", plain("state"), plain("number"), group("rooms", plain("size"), many=True), many=True),
    rebase(Field("company", "company", "company", Link(), fields=(plain("id"), plain("label"), plain("type"))), ""),
)
SYSTEM = (plain("id"), plain("version"), plain("label"))
ENTITY = Entity("companies", "Companies", FIELDS, system_fields=SYSTEM)
PARAMETERS = (plain("limit"), plain("reason"))
ACTION = Action("close", "Close", parameters=PARAMETERS)
GLOBAL_ACTION = Action("sweep", "Sweep", kind=ActionKind.GLOBAL, parameters=PARAMETERS)
NAMES = Names.of_action(ENTITY, ACTION)

RECORD: Mapping[str, Any] = MappingProxyType(
    {
        "id": "57fd2d65e4b0ca322a12d11f",
        "version": 3,
        "label": "Acme",
        "name": "Acme",
        "lastName": None,
        "state": "active",
        "notes": "",
        "number": 5,
        "other": None,
        "start": "2024-02-28",
        "tags": ["b", "a"],
        "data": {"a": {"b": [1, 2]}},
        "address": {"id": "1" * 24, "label": "Home", "city": "Reno", "zipCode": None},
        "addresses": [
            {"id": "2" * 24, "label": "One", "state": "NV", "number": 2, "rooms": [{"size": 1}, {"size": 2}]},
            {"id": "3" * 24, "label": "Two", "state": None, "number": 3, "rooms": []},
            {"id": "4" * 24, "label": "Three", "state": "CA", "number": None, "rooms": [{"size": 3}]},
        ],
        "company": {"id": "5" * 24, "label": "Mother", "type": "c"},
    }
)


def scope(item: Mapping[str, Any] | None = None, **more: Any) -> Scope:
    return Scope({**RECORD, **(item or {})}, RECORD, **{"now": NOW, **more})


def evaluate(text: str, item: Mapping[str, Any] | None = None, names: Names = NAMES, **more: Any) -> Any:
    return compile_expression(parse_expression(text), names)(scope(item, **more))


def fill(text: str, item: Mapping[str, Any] | None = None, names: Names = NAMES, **more: Any) -> str:
    return compile_template(parse_template(text), names)(scope(item, **more))
