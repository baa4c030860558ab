"""A written group in, a resolved one out: rights with their defaults, rights on fields for every path below them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from engine.definitions.model import ApiDef, EntityRightsDef, FieldRightDef, GroupDef, PasswordDef, SecurityDef
from engine.definitions.nodes import Map
from engine.definitions.words import in_words
from engine.errors import Position
from engine.schema import Entity, EntityRights, FieldRight, Group, PasswordRules, Right, Written

_FORMS: Mapping[str, tuple[Right, Right]] = {
    "readWrite": ("always", "always"),
    "readOnly": ("always", "never"),
    "none": ("never", "never"),
}


def resolve_group(name: str, definition: GroupDef, entities: Mapping[str, Entity]) -> Group:
    """The group; rights on unknown entities, fields and actions are left out (laws tell them)."""
    security = definition.security
    rights = {} if definition.entities is None else definition.entities.entries
    return Group(
        name=name,
        label=definition.label or in_words(name),
        description=definition.description,
        entities=MappingProxyType(
            {entity: _rights(written, entities[entity]) for entity, written in rights.items() if entity in entities}
        ),
        api=MappingProxyType(_api(definition.api)),
        allowed_ips=() if security is None else tuple(network.value for network in security.allowed_ips),
        max_login_attempts=None if security is None else security.max_login_attempts,
        session_timeout=None if security is None else security.session_timeout,
        password=_password(security),
        impersonate=definition.impersonate,
        at=definition.at,
        places=MappingProxyType(_switches(definition.api)),
    )


def _switches(definition: ApiDef | None) -> dict[str, Position]:
    given = {} if definition is None else definition.node.keys
    return {f"api.{name}": key.at for name, key in given.items()}


def _api(definition: ApiDef | None) -> dict[str, bool]:
    return {
        name: True if definition is None else getattr(definition, key.attribute) for name, key in ApiDef.table().items()
    }


def _password(security: SecurityDef | None) -> PasswordRules:
    rules = security.password if security is not None else None
    if not isinstance(rules, PasswordDef):
        return PasswordRules()
    return PasswordRules(rules.min_length, rules.upper, rules.lower, rules.digit, rules.symbol)


def _rights(definition: EntityRightsDef, entity: Entity) -> EntityRights:
    update = _right(definition.update)
    granted: dict[str, Right] = dict.fromkeys(entity.actions, "never" if update == "never" else "always")
    if definition.actions is not None:
        written = definition.actions.entries
        granted.update((name, _right(right)) for name, right in written.items() if name in entity.actions)
    return EntityRights(
        read=_right(definition.read),
        create=_right(definition.create),
        update=update,
        update_to=None if definition.update_to is None else _right(definition.update_to),
        delete=_right(definition.delete),
        audit_logs=_right(definition.audit_logs),
        imports=definition.imports,
        exports=definition.exports,
        fields=MappingProxyType(_field_rights(definition, entity)),
        actions=MappingProxyType(granted),
        at=definition.at,
        places=MappingProxyType(_places(definition)),
    )


def _places(definition: EntityRightsDef) -> dict[str, Position]:
    places = {name: key.at for name, key in definition.node.keys.items()}
    if definition.actions is not None:
        places.update((f"actions.{name}", key.at) for name, key in definition.actions.node.keys.items())
    return places


def _right(written: Any) -> Right:
    if isinstance(written, Map):
        return Written(written.data, written.at)
    return "always" if written == "always" else "never"


def _field_rights(definition: EntityRightsDef, entity: Entity) -> dict[str, FieldRight]:
    """Rights by present dotted path; what lies below a path has its right unless it has one of its own."""
    if definition.fields is None:
        return {}
    given: dict[str, FieldRight | None] = {}
    for path, written in definition.fields.entries.items():
        found = entity.field_at(path)
        if found is not None:
            given[found.name] = _field_right(written, definition, path, found.name)
    rights: dict[str, FieldRight] = {}
    for place in entity.all_paths():
        right = given.get(place.name)
        above = place.name.rpartition(".")[0]
        if right is None and above in rights:
            right = rights[above]
        if right is not None:
            rights[place.name] = right
    return rights


def _field_right(written: Any, definition: EntityRightsDef, path: str, present: str) -> FieldRight | None:
    """The right, or None for `parent`: the right of what encloses the field. `present` is the path by present names."""
    assert definition.fields is not None
    at = definition.fields.node.values[path].at
    if isinstance(written, FieldRightDef):
        return FieldRight(_right(written.read), _right(written.write), at, present)
    if written == "parent":
        return None
    read, write = _FORMS[written]
    return FieldRight(read, write, at, present)
