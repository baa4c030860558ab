"""The document as a whole: in go an app and its routes, out comes OpenAPI 3.1 with one operation for each route."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from engine.fields.json_text import encode_json
from engine.openapi.answers import Place
from engine.openapi.links import build_links
from engine.openapi.operations import BYTES, JSON, Described, describe
from engine.openapi.schemas import TEXT, Parts, Schema
from engine.routes import Permission, Route, Scope
from engine.schema import App

Json = dict[str, Any]

ANONYMOUS: Final = "anonymous"
_variables = re.compile(r"\{(\w+)\}").findall
_words = re.compile(r"[^A-Za-z0-9]+").split

_PROBLEM: Final[Schema] = {
    "type": "object",
    "required": ["field", "fieldLabel", "code", "message", "additionalInfo"],
    "properties": {
        "field": {"type": ["string", "null"]},
        "fieldLabel": {"type": ["string", "null"]},
        "code": TEXT,
        "message": TEXT,
        "additionalInfo": {"type": ["object", "null"]},
    },
}
_ERROR: Final[Schema] = {
    "type": "object",
    "required": ["code", "message", "requestId"],
    "properties": {
        "code": TEXT,
        "message": TEXT,
        "requestId": TEXT,
        "errors": {"type": "array", "items": _PROBLEM},
        "currentVersion": {"type": "integer"},
    },
}
_REFUSED: Final = {
    "description": "What is wrong",
    "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
}
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A name for this request, the same when it is sent again: for 24 hours the answer is that of the "
    "first time, and nothing is done twice",
    "schema": {"type": "string", "pattern": "^[!#-~][!-~]{0,254}$"},
}
_KEY_REFUSED: Final = {status: {"$ref": "#/components/responses/Refused"} for status in ("409", "422")}
"""The same request is being carried out; the key was sent with another body."""
_SCHEMES: Final = {
    "token": {"type": "apiKey", "in": "header", "name": "token"},
    "bearer": {"type": "http", "scheme": "bearer"},
}


def build_openapi(app: App, routes: Iterable[Route], base: str = "/api") -> Json:
    """JSON data; `base` is the path at which the app is served. `info.version` changes when what follows it does."""
    parts = Parts()
    parts.schemas["Error"] = _ERROR
    routes = tuple(routes)
    names = _names(routes)
    links_of = build_links(routes, names)
    paths: dict[str, Json] = {}
    for route, name in zip(routes, names, strict=True):
        operation = _operation(Place(app, route, parts), name)
        if links := links_of(route):
            operation["responses"]["200"]["links"] = links
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    body = {
        "security": [{"token": []}, {"bearer": []}],
        "tags": [{"name": entity.name, "description": entity.label} for entity in app.entities.values()],
        "paths": paths,
        "components": {
            "schemas": parts.schemas,
            "responses": {"Refused": _REFUSED},
            "securitySchemes": _SCHEMES,
        },
    }
    version = hashlib.sha256(encode_json(body).encode()).hexdigest()[:12]
    info = {"title": app.label, "version": version, **({"description": app.description} if app.description else {})}
    return {"openapi": "3.1.0", "info": info, "servers": [{"url": base or "/"}], **body}


def _names(routes: Iterable[Route]) -> list[str]:
    """An id for each operation; where two paths do the same, by their last words."""
    plain = [_name(route) for route in routes]
    counts = Counter(plain)
    return [
        name if counts[name] == 1 else f"{name}_{route.path.strip('/').replace('/', '_').translate(_BRACES)}"
        for name, route in zip(plain, routes, strict=True)
    ]


_BRACES: Final = str.maketrans("", "", "{}")


def _name(route: Route) -> str:
    parts = (route.operation.value, *_words(route.entity or ""), route.action or "")
    return "_".join(part for part in parts if part)


def _operation(place: Place, name: str) -> Json:
    route, described = place.route, describe(place.route)
    labels = {"entity": route.entity or "", "action": route.action or ""}
    if route.entity is not None:
        labels["entity"] = place.entity.label
        if route.action is not None:
            labels["action"] = place.entity.actions[route.action].label
    operation: Json = {
        "operationId": name,
        "summary": described.summary.format(**labels),
        "tags": [route.entity or "app"],
        "parameters": [*(_in_path(one) for one in _variables(route.path)), *described.query(place)],
        "responses": {
            "200": {"description": "Done", "content": {described.gives: _content(described, place)}},
            "default": {"$ref": "#/components/responses/Refused"},
        },
        "x-scope": route.scope.value,
    }
    if route.permission is not Permission.NONE:
        operation["x-permission"] = route.permission.value
    if route.once:
        operation["parameters"].append(_KEY)
        operation["responses"] |= _KEY_REFUSED
    if described.body is not None:
        body = {"content": {described.takes: {"schema": described.body(place)}}, "required": described.body_needed}
        operation["requestBody"] = body
    if route.scope is Scope.PUBLIC:
        operation["security"] = []
    elif ANONYMOUS in place.app.groups:
        operation["security"] = [{"token": []}, {"bearer": []}, {}]
    return operation


def _content(described: Described, place: Place) -> Json:
    """What is no JSON has no schema: any bytes."""
    return {} if described.gives == BYTES else {"schema": described.answer(place)}


def _in_path(name: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


__all__ = ["build_openapi"]
