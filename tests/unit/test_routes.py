"""The route table: complete, unambiguous, and every route says what it asks for."""

from collections import Counter

import pytest

from engine.definitions import Sources, resolve_app
from engine.routes import SHAPES, OpenDoors, Operation, Permission, Scope, Shape, build_route_table, validate_shapes
from engine.schema import Action, ActionKind, App, Entity
from tests.every import every


def app_with(*names: str) -> App:
    return App("crm", "CRM", entities={name: Entity(name, name, ()) for name in names})


SECOND_SPELLINGS = {"/status/job/{id}/logs", "/data/{entity}/history", "/data/{entity}/{id}/history"}


def test_every_operation_has_one_shape():
    served = [shape.operation for shape in SHAPES if shape.path not in SECOND_SPELLINGS]
    assert Counter(served) == dict.fromkeys(Operation, 1)


def test_method_and_path_name_one_operation():
    assert max(Counter((shape.method, shape.path) for shape in SHAPES).values()) == 1


def test_an_entity_gets_its_own_routes():
    routes = build_route_table(app_with("companies", "production.measure"))
    found = {(route.method, route.path): route.operation for route in routes if route.entity == "production.measure"}
    assert found == {
        ("GET", "/data/production.measure"): Operation.LIST,
        ("POST", "/data/production.measure"): Operation.CREATE,
        ("DELETE", "/data/production.measure"): Operation.DELETE_BY_QUERY,
        ("PUT", "/data/production.measure/aggregate"): Operation.AGGREGATE,
        ("PUT", "/data/production.measure/export"): Operation.EXPORT,
        ("POST", "/data/production.measure/import"): Operation.IMPORT,
        ("GET", "/data/production.measure/auditLogs"): Operation.ENTITY_TRAIL,
        ("GET", "/data/production.measure/history"): Operation.ENTITY_TRAIL,
        ("PUT", "/data/production.measure/{id}/revert"): Operation.REVERT,
        ("GET", "/data/production.measure/{id}/_access"): Operation.EXPLAIN_RIGHTS,
        ("GET", "/data/production.measure/{id}/files/{file}"): Operation.READ_RECORD_FILE,
        ("GET", "/data/production.measure/{id}/auditLogs"): Operation.RECORD_TRAIL,
        ("GET", "/data/production.measure/{id}/history"): Operation.RECORD_TRAIL,
        ("GET", "/data/production.measure/{id}"): Operation.READ,
        ("PUT", "/data/production.measure/{id}"): Operation.UPDATE,
        ("DELETE", "/data/production.measure/{id}"): Operation.DELETE,
    }


def test_an_app_without_entities_still_tells_its_health():
    routes = build_route_table(app_with())
    assert {route.path for route in routes if route.scope is Scope.PUBLIC} >= {"/healthz", "/readyz"}
    assert {route.entity for route in routes} == {None}


def test_the_table_grows_by_the_same_number_of_routes_for_each_entity():
    sizes = [len(build_route_table(app_with(*names))) for names in ([], ["a"], ["a", "b"])]
    assert sizes[2] - sizes[1] == sizes[1] - sizes[0] > 0


def test_every_route_is_guarded():
    assert list(validate_shapes(SHAPES)) == []


def test_only_these_routes_ask_nobody_who_they_are():
    routes = build_route_table(app_with("companies", "sys.users"))
    assert {route.path for route in routes if route.scope is Scope.PUBLIC} == {
        "/auth/login",
        "/auth/password",
        "/files/shared/{id}",
        "/healthz",
        "/readyz",
    }


def test_users_are_served_as_all_records_are_and_their_actions_as_all_actions_are():
    routes = build_route_table(
        resolve_app(Sources("crm", {"app.yaml": "name: crm\n", "entities/companies.yaml": "label: A\n"}))
    )
    of_companies, of_users = (
        {(route.method, route.path.replace(name, "")): route for route in routes if route.entity == name}
        for name in ("companies", "sys.users")
    )
    for place, route in of_companies.items():
        assert (route.operation, route.permission) == (of_users[place].operation, of_users[place].permission)
    own = [of_users[place] for place in of_users.keys() - of_companies.keys()]
    assert {(route.operation, route.action) for route in own} == {
        (operation, action)
        for operation in (Operation.ACT, Operation.ACT_BY_QUERY)
        for action in ("activate", "deactivate", "unblock", "resetPassword")
    }
    assert {route.permission for route in own} == {Permission.ACTION}


def test_an_action_has_routes_of_its_own_by_what_it_runs_on():
    actions = {kind.value: Action(kind.value, kind.value, kind) for kind in ActionKind}
    app = App("crm", "CRM", entities={"companies": Entity("companies", "Companies", (), actions=actions)})
    routes = [route for route in build_route_table(app) if route.action]
    assert {(route.method, route.path): route.operation for route in routes} == {
        ("PUT", "/data/companies/{id}/one"): Operation.ACT,
        ("PUT", "/data/companies/{id}/many"): Operation.ACT,
        ("PUT", "/data/companies/one"): Operation.ACT_BY_QUERY,
        ("PUT", "/data/companies/many"): Operation.ACT_BY_QUERY,
        ("PUT", "/data/companies/global"): Operation.ACT_BY_QUERY,
    }
    assert {(route.action, route.permission) for route in routes} == {(name, Permission.ACTION) for name in actions}


def test_rights_follow_what_a_route_does():
    wanted = {
        Operation.LIST: Permission.READ,
        Operation.AGGREGATE: Permission.READ,
        Operation.EXPORT: Permission.EXPORT,
        Operation.IMPORT: Permission.IMPORT,
        Operation.READ: Permission.READ,
        Operation.CREATE: Permission.CREATE,
        Operation.UPDATE: Permission.UPDATE,
        Operation.DELETE: Permission.DELETE,
        Operation.DELETE_BY_QUERY: Permission.DELETE,
        Operation.ENTITY_TRAIL: Permission.AUDIT_LOGS,
        Operation.RECORD_TRAIL: Permission.AUDIT_LOGS,
        Operation.REVERT: Permission.UPDATE,
        Operation.EXPLAIN_RIGHTS: Permission.NONE,
        Operation.READ_RECORD_FILE: Permission.READ,
    }
    routes = build_route_table(app_with("companies"))
    assert {route.operation: route.permission for route in routes if route.entity} == wanted


def shape(path, permission=Permission.NONE, scope=Scope.OWN, method="GET", **more):
    return Shape(Operation.READ, method, path, permission, scope, **more)


FAULTY = {
    "no right on an entity": (shape("/data/{entity}", scope=Scope.DATA), "asks for no right on it"),
    "a scope without rights": (shape("/data/{entity}", Permission.READ, Scope.OWN), "scope own does not ask"),
    "a public entity": (shape("/data/{entity}/open", Permission.READ, Scope.PUBLIC), "scope public does not ask"),
    "among records, about none": (shape("/data/all", scope=Scope.DATA), "is about no entity"),
    "a right on nothing": (shape("/all", Permission.READ, Scope.DATA), "the right read on no entity"),
    "an action like a record": (
        shape("/data/{entity}/{action}", Permission.UPDATE, Scope.DATA, kinds=frozenset(ActionKind)),
        "actions ask for action",
    ),
    "a record like an action": (shape("/data/{entity}", Permission.ACTION, Scope.DATA), "nothing else does"),
    "an action of no kind": (shape("/data/{entity}/{action}", Permission.ACTION, Scope.DATA), "kinds of actions"),
    "nothing said": (shape("/me", None, None), "no permission or no scope"),
}


@every("fault", FAULTY)
def test_a_route_that_nobody_would_guard_is_no_route(fault):
    faulty, told = FAULTY[fault]
    with pytest.raises(OpenDoors) as caught:
        build_route_table(app_with("companies", "sys.users"), (*SHAPES, faulty))
    assert len(caught.value.faults) == 1
    assert f"{faulty.method} {faulty.path} " in str(caught.value)
    assert told in str(caught.value)


def test_a_path_asks_who_calls_for_all_of_its_methods_or_for_none():
    shapes = (shape("/me"), shape("/me", scope=Scope.PUBLIC, method="PUT"))
    with pytest.raises(OpenDoors, match="PUT /me asks nobody who they are"):
        build_route_table(app_with(), shapes)


def test_bodies_bring_files_where_records_or_parameters_point_to_them():
    entities = {
        "plain": "fields: {name: {type: text}}\n",
        "deep": "fields: {parts: {type: nested, many: true, fields: {photo: {type: file}}}}\n",
        "acting": "fields: {name: {type: text}}\nactions: {stamp: {type: one, parameters: {scan: {type: file}}, steps: []}}\n",
    }
    files = {"app.yaml": "name: shop\n", **{f"entities/{name}.yaml": text for name, text in entities.items()}}
    routes = build_route_table(resolve_app(Sources("shop", files)))
    assert {route.entity for route in routes if route.brings_files} == {"deep", "acting"}
