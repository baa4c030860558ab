"""Values that point to something stored elsewhere: relationship, group, file; and id, the type of ids themselves.

A body says what it points to in one of several ways (`Ask`); who writes the record finds the target. The value is a
dict {id, label} (a file: {id, name}) with any copied fields beside them, which are left as they are here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, Final, Self

from bson import ObjectId

from engine.errors import InvalidValue
from engine.fields.base import Capability, FieldType, Key, Locale, Shape
from engine.fields.capabilities import GENERAL, REFERENCE_OPERATORS
from engine.fields.file_names import clean_file_name
from engine.fields.patterns import is_text

is_hex_id = re.compile("[0-9a-fA-F]{24}").fullmatch
"""A match where text has the form of an id."""

_LOWEST_ID: Final = ObjectId("0" * 24)


@dataclass(frozen=True)
class IdType(FieldType):
    """The id of a record, a nested item, a reference or a file; given by the engine, never named in definitions."""

    name: ClassVar[str] = "id"
    expected: ClassVar[str] = "an id of 24 hexadecimal digits"
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {Capability.EQUALS, Capability.NOT_EQUALS, Capability.SORT, Capability.FIRST_LAST}
    )
    lowest: ClassVar[object] = _LOWEST_ID
    stored_classes: ClassVar[tuple[type, ...]] = (ObjectId,)
    same_stored: ClassVar[bool] = False
    sample: ClassVar[object] = "57fd2d64e4b0b2f2a4f7a1c3"

    def parse_json(self, value: Any) -> Any:
        """24 hexadecimal digits, in small letters from here on."""
        if isinstance(value, str) and is_hex_id(value) is not None:
            return value.lower()
        raise self.refuse(value)

    def to_stored(self, value: Any) -> Any:
        """An ObjectId."""
        return ObjectId(value)

    def from_stored(self, stored: Any) -> Any:
        """Its hexadecimal digits."""
        return str(stored)

    def json_schema(self) -> dict[str, Any]:
        """24 hexadecimal digits."""
        return {"type": "string", "pattern": "^[0-9a-fA-F]{24}$"}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came inside a body; its name is cleaned."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Ask:
    """What a body says of the record it points to; exactly one of these is set.

    `id` is a hex id. `by` is a field's name (`label` or a lookup field) and the JSON value it must have. `text` is a
    bare text: an id where it has the form of one, else a label, else the value of a lookup field. `upload` is a new
    file.
    """

    id: str | None = None
    by: tuple[str, Any] | None = None
    text: str | None = None
    upload: Upload | None = None


class Home(StrEnum):
    """Where the targets of a reference are kept."""

    RECORDS = "records"
    GROUPS = "groups"
    FILES = "files"


@dataclass(frozen=True)
class ReferenceType(FieldType):
    """What references share."""

    shape: ClassVar[Shape] = Shape.REFERENCE
    query_part: ClassVar[str | None] = "label"
    lowest: ClassVar[object] = _LOWEST_ID
    stored_classes: ClassVar[tuple[type, ...]] = (dict,)
    stored_mark: ClassVar[tuple[str, type] | None] = ("id", ObjectId)
    same_stored: ClassVar[bool] = False
    home: ClassVar[Home]
    title: ClassVar[str] = "label"
    """The key beside the id that people read."""

    def parse_json(self, value: Any) -> Any:
        """An Ask: from an object, its id counts before its label, and that before one lookup field."""
        if is_text(value) and value:
            return Ask(text=value)
        if isinstance(value, dict):
            return self._parse_object(value)
        raise self.refuse(value)

    def _parse_object(self, value: dict[str, Any]) -> Ask:
        target = value.get("id")
        if target is not None:
            return Ask(id=self._parse_id(target, value))
        label = value.get(self.title)
        if label is not None:
            if is_text(label) and label:
                return Ask(by=(self.title, label))
            raise self.refuse(value)
        given = [(name, each) for name, each in value.items() if each is not None]
        if len(given) == 1 and is_text(given[0][0]) and _is_lookup_value(given[0][1]):
            return Ask(by=given[0])
        raise self.refuse(value)

    def _parse_id(self, target: Any, value: Any) -> str:
        """The id that is written in a value; text that no id looks like is the id of nothing."""
        if not is_text(target):
            raise self.refuse(value)
        if is_hex_id(target) is None:
            raise InvalidValue(f"There is nothing with this id. Expected {self.expected}", value, code="notFound")
        return str(target.lower())

    def fit(self, value: Any) -> Any:
        """The value of another reference as it is; anything else is asked for."""
        if isinstance(value, dict) and isinstance(value.get("id"), str) and self.title in value:
            return value
        return self.parse_json(value)

    def parse_text(self, text: str) -> Any:
        """What a bare filter compares: the label."""
        if is_text(text):
            return text
        raise self.refuse(text)

    def identify(self, text: str) -> str | None:
        """An id; other text can only be a label."""
        return text.lower() if is_hex_id(text) is not None else None

    def csv_in(self, text: str) -> Any:
        """An Ask for whatever the text names."""
        return self.parse_json(text)

    def csv_out(self, value: Any) -> str:
        """The label."""
        return str(value.get(self.title) or "")

    def plain_text(self, value: Any, display: Mapping[str, Any], locale: Locale) -> Any:
        """The label."""
        return str(value.get(self.title) or "")

    def to_stored(self, value: Any) -> Any:
        """The same with an ObjectId."""
        return {**value, "id": ObjectId(value["id"])}

    def from_stored(self, stored: Any) -> Any:
        """The same with a hex id."""
        return {**stored, "id": str(stored["id"])}

    def json_schema(self) -> dict[str, Any]:
        """Every written form."""
        text = {"type": "string", "minLength": 1}
        scalar = {"anyOf": [text, {"type": ["number", "boolean"]}]}
        by_id = {"type": "object", "required": ["id"], "properties": {"id": IdType().json_schema()}}
        unset = {"type": "null"}
        by_title = {
            "type": "object",
            "required": [self.title],
            "properties": {"id": unset, self.title: text},
        }
        by_lookup = {
            "type": "object",
            "properties": {"id": unset, self.title: unset},
            "additionalProperties": {"anyOf": [scalar, unset]},
            "minProperties": 1,
        }
        return {"anyOf": [text, by_id, by_title, by_lookup]}


def _is_lookup_value(value: Any) -> bool:
    return is_text(value) or isinstance(value, (bool, int, Decimal, float))


@dataclass(frozen=True)
class RelationshipType(ReferenceType):
    """A record of an entity, with its label and copies of some of its fields."""

    name: ClassVar[str] = "relationship"
    home: ClassVar[Home] = Home.RECORDS
    expected: ClassVar[str] = "a record: its id, its label, or the value of one of its lookup fields"
    capabilities: ClassVar[frozenset[Capability]] = GENERAL | REFERENCE_OPERATORS | {Capability.UNIQUE}
    keys: ClassVar[tuple[Key, ...]] = (
        Key("entity", {"type": "string", "minLength": 1}, "The entity whose records it points to."),
        Key(
            "where",
            {"type": "object"},
            "A filter map that the record must satisfy; $record.path reads the record being written.",
        ),
        Key(
            "copy",
            {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True},
            "Fields of the record that are kept here too.",
        ),
        Key(
            "onDelete",
            {"enum": ["none", "remove", "delete"]},
            "When the record is deleted: nothing, this value goes, or the record that holds it goes; none.",
        ),
        Key("syncLabel", {"type": "boolean"}, "Whether the label follows the record's; true."),
        Key("syncCopies", {"type": "boolean"}, "Whether copies follow the record's fields; true."),
    )
    sample: ClassVar[object] = {"id": "57fd2d64e4b0b2f2a4f7a1c3", "label": "Fivechat"}
    sample_options: ClassVar[Mapping[str, object]] = {"entity": "companies"}
    schema_gap: ClassVar[str | None] = (
        "Whether the record exists, and which fields are lookup fields, only the server knows."
    )


def group_id(name: str) -> str:
    """The id of a group: made of its name, so that it is the same in every process and database."""
    return hashlib.sha256(f"group:{name}".encode()).hexdigest()[:24]


@dataclass(frozen=True)
class GroupType(ReferenceType):
    """A group of permissions, which is a definition file and no record."""

    name: ClassVar[str] = "group"
    home: ClassVar[Home] = Home.GROUPS
    expected: ClassVar[str] = "a group: its id, its name or its label"
    capabilities: ClassVar[frozenset[Capability]] = GENERAL | REFERENCE_OPERATORS | {Capability.UNIQUE}
    keys: ClassVar[tuple[Key, ...]] = (
        Key(
            "groups",
            {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1, "uniqueItems": True},
            "The names of the groups that may be chosen; all.",
            lists="group",
        ),
    )
    sample: ClassVar[object] = {"id": group_id("readers"), "label": "Read-only user"}
    schema_gap: ClassVar[str | None] = "Whether the group exists and may be chosen is checked by the server only."

    groups: tuple[str, ...] = ()
    allowed: frozenset[str] = field(default=frozenset(), compare=False, repr=False)
    """The ids of `groups`."""
    names: frozenset[str] = field(default=frozenset(), compare=False, repr=False)
    """All groups of the app."""

    @classmethod
    def configure(cls, options: Mapping[str, Any]) -> Self:
        """Takes `groups`."""
        groups = tuple(options.get("groups", ()))
        return cls(groups, frozenset(map(group_id, groups)))

    def among(self, groups: Iterable[str]) -> Self:
        """Knows the app's groups by their names."""
        return replace(self, names=frozenset(groups))

    def identify(self, text: str) -> str | None:
        """An id, else the name of a group; other text can only be a label."""
        return super().identify(text) or (group_id(text) if text in self.names else None)

    def check(self, value: Any) -> None:
        """Whether the group is one of those that may be chosen; an Ask is checked when it has its answer."""
        if self.allowed and not isinstance(value, Ask) and value["id"] not in self.allowed:
            raise InvalidValue("Not a group that may be chosen here", value, rule="groups", limit=list(self.groups))


@dataclass(frozen=True)
class FileType(ReferenceType):
    """A stored file: pointed to by id, or sent along as {name, contentType, content} with content in base64."""

    name: ClassVar[str] = "file"
    home: ClassVar[Home] = Home.FILES
    expected: ClassVar[str] = "a file: its id, or {name, contentType, content} with content in base64"
    capabilities: ClassVar[frozenset[Capability]] = (GENERAL | REFERENCE_OPERATORS) - {
        Capability.DEFAULT,
        Capability.INDEX,
        Capability.CALCULATED,
        Capability.IMPORT,
    }
    query_part: ClassVar[str | None] = "name"
    title: ClassVar[str] = "name"
    sample: ClassVar[object] = {"id": "5886f2a1e4b0b2f2a4f7a1d9", "name": "logo.png (41.5kB)"}
    schema_gap: ClassVar[str | None] = (
        "Whether the file exists, and whether content is base64, is checked by the server only."
    )

    def parse_json(self, value: Any) -> Any:
        """An Ask with an id or with an upload."""
        if isinstance(value, str):
            return Ask(id=self._parse_id(value, value))
        if isinstance(value, dict):
            target = value.get("id")
            if target is not None:
                return Ask(id=self._parse_id(target, value))
            if "content" in value:
                return Ask(upload=self._upload(value))
        raise self.refuse(value)

    def _upload(self, value: dict[str, Any]) -> Upload:
        name, content_type, content = value.get("name"), value.get("contentType"), value["content"]
        if not (is_text(content_type) and content_type):
            raise InvalidValue("Content type is required when uploading a file and must be a string", content_type)
        if not (is_text(name) and name):
            raise InvalidValue("A name is required when uploading a file and must be a string", name)
        if not isinstance(content, str):
            raise InvalidValue("Expected the file's content in base64", None)
        try:
            return Upload(clean_file_name(name), content_type, base64.b64decode(content, validate=True))
        except (ValueError, binascii.Error):
            raise InvalidValue("Expected the file's content in base64", None) from None

    def json_schema(self) -> dict[str, Any]:
        """An id, an object with an id, or an upload."""
        text = {"type": "string", "minLength": 1}
        by_id = {"type": "object", "required": ["id"], "properties": {"id": IdType().json_schema()}}
        upload = {
            "type": "object",
            "required": ["name", "contentType", "content"],
            "properties": {
                "id": {"type": "null"},
                "name": text,
                "contentType": text,
                "content": {"type": "string", "contentEncoding": "base64"},
            },
        }
        return {"anyOf": [IdType().json_schema(), by_id, upload]}


def points_to_file(kind: FieldType) -> bool:
    """Whether values of the type point to stored files."""
    return isinstance(kind, ReferenceType) and kind.home is Home.FILES


TYPES: tuple[type[FieldType], ...] = (RelationshipType, GroupType, FileType)
