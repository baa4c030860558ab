"""Records as JSON Schema: in go entities, out come named parts for what is read, created and changed.

Every type says by itself what it takes. What it gives is among what it takes, because clients send back what they read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from engine.fields.base import Shape
from engine.schema import Action, Entity, Field

Schema = dict[str, Any]

ID: Final[Schema] = {"type": "string", "description": "24 hexadecimal digits"}
TEXT: Final[Schema] = {"type": "string"}
INSTANT: Final[Schema] = {"type": "integer", "description": "milliseconds since 1970"}
ANYTHING: Final[Schema] = {}
_LABEL: Final[Schema] = {"type": ["string", "null"], "readOnly": True}


class Parts:
    """The named schemas of one document; each is built when it is first asked for."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}

    def refer(self, name: str, build: Callable[[], Schema]) -> Schema:
        """A reference to the part of that name."""
        if name not in self.schemas:
            self.schemas[name] = {}  # its place, so that parts stand in the order in which they are met
            self.schemas[name] = build()
        return {"$ref": f"#/components/schemas/{name}"}

    # parts of one entity; no name of an entity holds a dash

    def record(self, entity: Entity) -> Schema:
        """A record as it is read. Rights and `_fields` leave fields out, `_format=plainText` makes texts of them."""
        native = self.refer(entity.name, lambda: self._record(entity))
        texts = self.refer(f"{entity.name}-text", lambda: _as_text(entity))
        return {"anyOf": [native, texts]}

    def native(self, entity: Entity) -> Schema:
        """A record as writes answer it."""
        return self.refer(entity.name, lambda: self._record(entity))

    def page(self, entity: Entity) -> Schema:
        """One page of records."""
        return self.refer(f"{entity.name}-page", lambda: page_of(self.record(entity)))

    def creation(self, entity: Entity) -> Schema:
        """The body of a POST."""
        return self.refer(f"{entity.name}-create", lambda: self._body(entity.name, entity.fields, new=True))

    def change(self, entity: Entity) -> Schema:
        """The body of a PUT: what is not sent stays as it is."""
        return self.refer(f"{entity.name}-update", lambda: self._body(entity.name, entity.fields, new=False))

    def parameters(self, entity: Entity, action: Action) -> Schema:
        """The body of an action."""
        name = f"{entity.name}-{action.name}-parameters"
        return self.refer(name, lambda: self._given(name, action.parameters, new=True))

    def _record(self, entity: Entity) -> Schema:
        system = {"id": ID, "version": {"type": "integer", "minimum": 0}, "label": _LABEL}
        fields = {item.name: self._read(entity.name, item) for item in entity.fields}
        return _object(system | fields, required=list(system), title=entity.label)

    def _body(self, home: str, fields: tuple[Field, ...], *, new: bool) -> Schema:
        version = ANYTHING if new else {"type": ["integer", "null"], "minimum": 0}
        ignored = {"id": ANYTHING, "label": ANYTHING, "version": version}
        return self._given(home, fields, new=new, also=ignored)

    def _given(
        self, home: str, fields: Iterable[Field], *, new: bool, also: Mapping[str, Schema] | None = None
    ) -> Schema:
        properties = dict(also or {})
        required = []
        for item in fields:
            if not item.writable:
                properties[item.name] = {"readOnly": True}
                continue
            needed = item.required is True and item.default is None and item.default_expression is None
            properties[item.name] = self._write(home, item, needed=needed)
            properties |= {alias: {"deprecated": True} for alias in item.aliases}
            if new and needed:
                required.append(item.name)
        return _object(properties, required=required)

    # one field

    def _read(self, home: str, item: Field) -> Schema:
        value = _READ[item.type.shape](self, home, item)
        whole = {"type": "array", "items": value} if item.many else _or_null(value)
        told = {"title": item.label, "description": item.description}
        marks = {} if item.writable else {"readOnly": True}
        return {name: text for name, text in told.items() if text} | marks | whole

    def _write(self, home: str, item: Field, *, needed: bool) -> Schema:
        """A needed field takes nothing empty."""
        value = _WRITE[item.type.shape](self, home, item)
        whole: Schema = {"type": "array", "items": _filled(value)} if item.many else value
        whole = _filled(whole) if needed else _or_null(whole)
        told = {"title": item.label, "description": item.description}
        return {name: text for name, text in told.items() if text} | whole

    def _scalar(self, home: str, item: Field) -> Schema:
        schema = item.type.json_schema()
        if not _refers(schema):
            return schema
        name = f"{home}-{item.path}"  # an author's own schema, which refers to parts of itself
        return self.refer(name, lambda: _moved(schema, f"#/components/schemas/{name}"))

    def _nested_read(self, home: str, item: Field) -> Schema:
        inner = {one.name: self._read(home, one) for one in item.fields}
        return _object({"id": ID, "label": _LABEL} | inner, required=["id"])

    def _nested_write(self, home: str, item: Field) -> Schema:
        return self._given(home, item.fields, new=False, also={"id": {"type": ["string", "null"]}, "label": ANYTHING})

    def _reference_read(self, home: str, item: Field) -> Schema:
        """`_relationshipsToFetch` puts whole records there, so that more may stand in it."""
        return {"type": "object", "required": ["id"], "properties": {"id": ID}}


_Build = Callable[[Parts, str, Field], Schema]
_READ: Mapping[Shape, _Build] = {
    Shape.SCALAR: Parts._scalar,
    Shape.NESTED: Parts._nested_read,
    Shape.REFERENCE: Parts._reference_read,
}
_WRITE: Mapping[Shape, _Build] = {
    Shape.SCALAR: Parts._scalar,
    Shape.NESTED: Parts._nested_write,
    Shape.REFERENCE: Parts._scalar,
}


def page_of(item: Schema) -> Schema:
    """The envelope of a list."""
    properties: Schema = {
        "total": {"type": "integer", "minimum": 0},
        "offset": {"type": ["string", "integer"], "description": "what to send as _offset for the next page"},
        "cursor": {"type": "string"},
        "items": {"type": "array", "items": item},
    }
    return _object(properties, required=["items"])


def _as_text(entity: Entity) -> Schema:
    properties: dict[str, Schema] = dict.fromkeys(
        ("id", "version", "label", *(item.name for item in entity.fields)), ANYTHING
    )
    return _object(properties, required=["id"], title=f"{entity.label}, as people read them")


def _object(properties: Mapping[str, Schema], *, required: list[str], title: str | None = None) -> Schema:
    schema: Schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    if required:
        schema["required"] = required
    return schema if title is None else {"title": title, **schema}


def _filled(schema: Schema) -> Schema:
    least = {"string": {"minLength": 1}, "array": {"minItems": 1}}.get(str(schema.get("type")), {})
    return {**least, **schema}


def _or_null(schema: Schema) -> Schema:
    kind = schema.get("type")
    if isinstance(kind, str) and "enum" not in schema and "const" not in schema:
        return schema | {"type": [kind, "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def _refers(schema: Any) -> bool:
    if isinstance(schema, Mapping):
        return isinstance(schema.get("$ref"), str) or any(map(_refers, schema.values()))
    return isinstance(schema, list) and any(map(_refers, schema))


def _moved(schema: Any, home: str) -> Any:
    """The same schema where its references to itself begin at another place."""
    if isinstance(schema, Mapping):
        return {name: home + part[1:] if _is_own(name, part) else _moved(part, home) for name, part in schema.items()}
    return [_moved(part, home) for part in schema] if isinstance(schema, list) else schema


def _is_own(name: str, part: Any) -> bool:
    return name == "$ref" and isinstance(part, str) and part.startswith("#")


__all__ = ["ANYTHING", "ID", "INSTANT", "TEXT", "Parts", "Schema", "page_of"]
