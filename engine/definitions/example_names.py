"""An app's examples in: the places in tests/*.yaml that name a field, in records, rights, requests and answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from engine.definitions.mentions import Mention, in_record, of_path
from engine.definitions.nodes import List, Map, Node, Scalar
from engine.definitions.rules.context import Context
from engine.schema import Entity

FOLDER = "tests/"

_PATH = re.compile(r"/?(?:api/)?data/(?P<entity>[A-Za-z0-9.]+)(?P<rest>(?:/[^/?]+)*)/?(?:\?(?P<query>.*))?")
_PAIR = re.compile(r"([^=&]+)=([^&]*)")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.]*")
_LISTS = frozenset({"_fields", "_sortField"})
"""Parameters whose values are paths of fields."""


def example_mentions(context: Context) -> Iterator[Mention]:
    """Every mention of a field in the examples."""
    for name, tree in context.written.trees.items():
        if name.startswith(FOLDER) and isinstance(tree, Map):
            for item in _items(tree.values.get("permissions")):
                yield from _of_permission(context, item)
            for item in _items(tree.values.get("requests")):
                yield from _of_request(context, item)


def _items(node: Node | None) -> Iterator[Map]:
    for item in node.items if isinstance(node, List) else ():
        if isinstance(item, Map):
            yield item


def _of_permission(context: Context, item: Map) -> Iterator[Mention]:
    on = item.values.get("on")
    entity = context.resolved.entities.get(str(on.data)) if on is not None else None
    if entity is None:
        return
    for key in ("record", "becomes"):
        record = item.values.get(key)
        if isinstance(record, Map):
            yield from in_record(context, record, entity.by_name)
    can = item.values.get("can")
    fields = can.values.get("fields") if isinstance(can, Map) else None
    for path, key_scalar in fields.keys.items() if isinstance(fields, Map) else ():
        yield from of_path(key_scalar, path, entity)


def _of_request(context: Context, item: Map) -> Iterator[Mention]:
    path = item.values.get("path")
    found = _PATH.fullmatch(str(path.data)) if isinstance(path, Scalar) else None
    entity = context.resolved.entities.get(found["entity"]) if found is not None else None
    if found is None or entity is None or not isinstance(path, Scalar):
        return
    if found["query"]:
        yield from _of_query(path, found.start("query"), found["query"], entity)
    is_action = found["rest"].count("/") > 1 or found["rest"].lstrip("/") in entity.actions
    body = item.values.get("body")
    if isinstance(body, Map) and not is_action:
        yield from in_record(context, body, entity.by_name)
    yield from _of_answer(context, item.values.get("response"), entity)


def _of_query(path: Scalar, start: int, query: str, entity: Entity) -> Iterator[Mention]:
    for pair in _PAIR.finditer(query):
        name, value = pair[1], pair[2]
        if name in _LISTS and unquote(value) == value:
            for listed in _NAME.finditer(value):
                yield from of_path(path, listed[0], entity, start + pair.start(2) + listed.start())
        else:
            yield from of_path(path, name, entity, start + pair.start(1))


def _of_answer(context: Context, node: Node | None, entity: Entity) -> Iterator[Mention]:
    """A record, a page of records, or problems that name fields."""
    for record in _items(node):
        yield from in_record(context, record, entity.by_name)
    if isinstance(node, Map):
        yield from in_record(context, node, entity.by_name)
        for record in _items(node.values.get("items")):
            yield from in_record(context, record, entity.by_name)
        for fault in _items(node.values.get("errors")):
            field = fault.values.get("field")
            if isinstance(field, Scalar) and isinstance(field.value, str) and "[" not in field.value:
                yield from of_path(field, field.value, entity)


__all__ = ["example_mentions"]
