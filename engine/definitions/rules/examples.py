"""Laws about examples: they name what is there, hold values that fields take, and ask what the app answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from engine.definitions.codes.code import problem
from engine.definitions.codes.examples import NO_ROUTE, NOT_CAPTURED
from engine.definitions.codes.files import MISSING_KEY
from engine.definitions.codes.names import ABSTRACT_ENTITY, UNKNOWN_ACTION, UNKNOWN_ENTITY, UNKNOWN_GROUP
from engine.definitions.codes.work import BAD_NETWORK, BAD_VALUE
from engine.definitions.examples import ANONYMOUS, DEVELOPER
from engine.definitions.model_examples import PermissionExampleDef, RequestExampleDef
from engine.definitions.nodes import List, Map, Node, Scalar
from engine.definitions.options import node_at
from engine.definitions.placeholders import ABSENT, ANY, names_in, placeholder
from engine.definitions.rules.context import Context, entries, suggest, text_of
from engine.definitions.rules.references import USERS, unknown_field, unknown_user_field
from engine.definitions.takes import Named
from engine.errors import Diagnostic, Position, did_you_mean
from engine.fields.reference import is_hex_id
from engine.permissions import OPEN_MASK
from engine.permissions.addresses import parse_address
from engine.records.draft import ROOT_SYSTEM, ContainerParser, parse_record
from engine.routes import Route, build_route_table
from engine.schema import Entity

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_INDEX = re.compile(r"\[\d+\]")


def examples_name_what_is_there(context: Context) -> Iterator[Diagnostic]:
    """Examples are about entities of the app, their fields and actions, and members of its groups."""
    for example in _permissions(context):
        yield from _groups(context, example.callers, ())
        entity = context.resolved.app.entities.get(text_of(example.on))
        if entity is None:
            yield _unknown_entity(context, example.on)
        elif not context.unsure(entity.name):
            yield from _parts(context, example, entity)
    for request in _requests(context):
        if isinstance(request.callers, Scalar) and "@" not in text_of(request.callers):
            yield from _groups(context, request.callers, (DEVELOPER, ANONYMOUS))
        elif isinstance(request.callers, tuple):
            yield from _groups(context, request.callers, ())


def _groups(context: Context, callers: Scalar | tuple[Scalar, ...], others: Iterable[str]) -> Iterator[Diagnostic]:
    known = (*context.written.groups, *others)
    for name in (callers,) if isinstance(callers, Scalar) else callers:
        if text_of(name) not in known:
            yield problem(UNKNOWN_GROUP, name.at, f'there is no group "{text_of(name)}"', suggest(text_of(name), known))


def _unknown_entity(context: Context, name: Scalar) -> Diagnostic:
    if text_of(name) in context.resolved.definitions:
        message = f'"{text_of(name)}" is abstract: it has no records'
        return problem(ABSTRACT_ENTITY, name.at, message, "name an entity that extends it")
    known = context.resolved.app.entities
    return problem(UNKNOWN_ENTITY, name.at, f'there is no entity "{text_of(name)}"', suggest(text_of(name), known))


def _parts(context: Context, example: PermissionExampleDef, entity: Entity) -> Iterator[Diagnostic]:
    for path in entries(example.can.fields):
        assert example.can.fields is not None
        yield from unknown_field(context, entity, example.can.fields.node.key_at(path), path)
    for name in entries(example.can.actions):
        assert example.can.actions is not None
        if name not in entity.actions:
            at, hint = example.can.actions.node.key_at(name), suggest(name, entity.actions)
            yield problem(UNKNOWN_ACTION, at, f'{entity.name} has no action "{name}"', hint)
    for name in entries(example.user):
        assert example.user is not None
        if name not in ROOT_SYSTEM:
            yield from unknown_user_field(context, name, example.user.node.key_at(name))


def examples_hold_values(context: Context) -> Iterator[Diagnostic]:
    """The records of examples have fields of their entity, with values that these take."""
    users = context.resolved.entities[USERS]
    for example in _permissions(context):
        entity = context.resolved.app.entities.get(text_of(example.on))
        if entity is not None and not context.unsure(entity.name):
            yield from _values(context, entity, example.record, new=True)
            yield from _values(context, entity, example.becomes, new=False)
        found = _values(context, users, example.user, new=True)
        yield from (item for item in found if item.code == BAD_VALUE.code)


def _values(context: Context, entity: Entity, values: Named | None, *, new: bool) -> Iterator[Diagnostic]:
    if values is None or any(context.is_broken(path.field) for path in entity.all_paths()):
        return
    draft = parse_record(ContainerParser(entity.fields, ROOT_SYSTEM), values.node.data, OPEN_MASK, new=new)
    for unknown in draft.unknown:
        path = str(unknown.field)
        yield from unknown_field(context, entity, _key_at(values.node, path), _INDEX.sub("", path))
    for where, fault in draft.problems.items():
        at = node_at(values.node, _steps(where)).at
        yield problem(BAD_VALUE, at, f'"{where}": {fault.message}', "write a value that a request could send")


def _steps(path: str) -> list[str | int]:
    return [int(index) if index else name for name, index in _STEP.findall(path)]


def _key_at(root: Map, path: str) -> Position:
    """Where the last key of a path stands."""
    *above, last = _steps(path)
    holder = node_at(root, above)
    return holder.key_at(str(last)) if isinstance(holder, Map) else holder.at


def examples_ask_something(context: Context) -> Iterator[Diagnostic]:
    """An example says at least one thing that can be done, or that cannot."""
    for example in _permissions(context):
        if not example.can.node.keys and not example.can.node.refused:
            hint = f"write one of {', '.join(example.can.table())}"
            yield problem(MISSING_KEY, example.can.node.at, '"can" says nothing', hint)


def callers_come_from_addresses(context: Context) -> Iterator[Diagnostic]:
    """`from` is an IP address."""
    files = context.written.examples.values()
    for written in (*(file.address for file in files), *(request.address for request in _requests(context))):
        if written is not None and parse_address(text_of(written)) is None:
            message = f'"{text_of(written)}" is not an IP address'
            yield problem(BAD_NETWORK, written.at, message, "write an address such as 10.0.0.7")


def requests_are_answered(context: Context) -> Iterator[Diagnostic]:
    """The app has the paths and methods that are asked, unless the example expects that it has not."""
    requests = [request for request in _requests(context) if request.status != 404]
    if not requests or any(context.unsure(name) for name in context.resolved.app.entities):
        return
    routes = build_route_table(context.resolved.app)
    for request in requests:
        path = text_of(request.path).partition("?")[0]
        found = {route.method for route in routes if _leads_to(route, path)}
        if not found:
            message = f"the app has no path {path}"
            yield problem(NO_ROUTE, request.path.at, message, _nearest_path(context, path))
        elif request.status != 405 and ("GET" if request.method == "HEAD" else request.method) not in found:
            message = f"{path} does not take {request.method}"
            yield problem(NO_ROUTE, request.value_at("method"), message, f"it takes {', '.join(sorted(found))}")


def _leads_to(route: Route, path: str) -> bool:
    asked, own = path.rstrip("/").split("/"), route.path.split("/")
    return len(asked) == len(own) and all(
        mine == one or (mine.startswith("{") and _may_be_id(one)) for mine, one in zip(own, asked, strict=True)
    )


def _may_be_id(text: str) -> bool:
    """Nothing but letters is a name that somebody mistyped, unless it is an id by chance."""
    return text != "" and (not text.isalpha() or is_hex_id(text) is not None)


def _nearest_path(context: Context, path: str) -> str:
    """The name in the path that is most likely the wrong one."""
    parts = path.strip("/").split("/")
    entities = context.resolved.app.entities
    if len(parts) > 1 and parts[0] == "data":
        if parts[1] not in entities:
            return suggest(parts[1], entities)
        return suggest(parts[-1], entities[parts[1]].actions)
    return "paths begin below the API's, as in /data/companies; castwork routes lists them all"


def placeholders_are_captured(context: Context) -> Iterator[Diagnostic]:
    """A placeholder stands for what an earlier answer of the file brings."""
    for file in context.written.examples.values():
        captured: set[str] = set()
        for request in file.requests:
            headers = [] if request.headers is None else list(request.headers.node.values.values())
            for node in (request.path, request.body, *headers):
                yield from _unknown_places(node, captured)
            yield from _of_answer(request.response, captured)


def _unknown_places(node: Node | None, captured: set[str]) -> Iterator[Diagnostic]:
    for scalar in _texts(node):
        for offset, name in names_in(scalar.value):
            if name not in captured:
                yield _not_captured(scalar, offset, name, captured)


def _of_answer(node: Node | None, captured: set[str]) -> Iterator[Diagnostic]:
    """What an answer captures is known to all that follows it, in the same answer too."""
    for scalar in _texts(node):
        whole = placeholder(scalar.value)
        if whole is None:
            yield from _unknown_places(scalar, captured)
        elif whole not in (ANY, ABSENT):
            captured.add(whole)


def _not_captured(scalar: Scalar, offset: int, name: str, captured: set[str]) -> Diagnostic:
    if name in (ANY, ABSENT):
        message, hint = f"{{{name}}} stands for nothing here", "write a value; it is meant for whole values of answers"
    else:
        message = f"no earlier answer brings {{{name}}}"
        hint = did_you_mean(name, captured) or f'capture it in an earlier answer: response: {{id: "{{{name}}}"}}'
    return problem(NOT_CAPTURED, scalar.position_of(offset), message, hint)


def _texts(node: Node | None) -> Iterator[Any]:
    """The scalars that hold text, in order."""
    if isinstance(node, Map):
        for inner in node.values.values():
            yield from _texts(inner)
    elif isinstance(node, List):
        for inner in node.items:
            yield from _texts(inner)
    elif isinstance(node, Scalar) and isinstance(node.value, str):
        yield node


def _permissions(context: Context) -> Iterator[PermissionExampleDef]:
    for file in context.written.examples.values():
        yield from file.permissions


def _requests(context: Context) -> Iterator[RequestExampleDef]:
    for file in context.written.examples.values():
        yield from file.requests
