"""The OpenAPI document: with every route of the table in it and nothing else."""

import json
import re
from pathlib import Path

import pytest

from engine.compiler import compile_app
from engine.definitions import Sources, find_apps, read_sources
from engine.fields.json_text import encode_json
from engine.openapi.operations import DESCRIBED, LONGEST_SHARE
from engine.openapi.parameters import FLAGS
from server.runtime.files.reading import LONGEST_TTL
from server.runtime.parameters import ACTION_FLAGS, DELETE_FLAGS

ROOT = Path(__file__).parents[2]
APPS = [*find_apps(ROOT / "app_definitions"), *(file.parent for file in sorted((ROOT / "tests").rglob("app.yaml")))]
EVERYTHING = """
description: Holds a field of each kind that is told in a way of its own
recordLabel: name
fields:
  name:    {type: text, required: true, aliases: [title], description: What it is called}
  size:    {type: integer, required: true, default: 1}
  double:  {type: integer, calculated: size * 2}
  tags:    {type: text, many: true}
  rows:    {type: nested, many: true, fields: {city: {type: text}, deep: {type: nested, fields: {n: {type: decimal, min: 0.5}}}}}
  parent:  {type: relationship, entity: things, copy: [size]}
  picture: {type: file}
  group:   {type: group}
  tree:    {type: json, schema: {$ref: "#/$defs/node", $defs: {node: {properties: {next: {$ref: "#/$defs/node"}}}}}}
actions:
  act:  {parameters: {tree: {type: json, schema: {$ref: "#/$defs/a", $defs: {a: {type: string}}}}}, respond: "1"}
  many: {type: many, respond: "1"}
  all:  {type: global, respond: "1"}
"""
FILES = {
    "app.yaml": "name: crm\nlabel: CRM\n",
    "entities/things.yaml": EVERYTHING,
    "entities/a.b.yaml": EVERYTHING.replace("things", "a.b"),
}


@pytest.fixture(scope="module", params=[*APPS, "everything"], ids=lambda app: app if isinstance(app, str) else app.name)
def compiled(request):
    sources = Sources(".", FILES) if request.param == "everything" else read_sources(request.param)
    return compile_app(sources)


@pytest.fixture(scope="module")
def document(compiled):
    return json.loads(encode_json(compiled.openapi))


def operations(document):
    return {
        (method.upper(), path): told for path, methods in document["paths"].items() for method, told in methods.items()
    }


def test_every_route_is_in_it_and_nothing_else(compiled, document):
    assert set(operations(document)) == {(route.method, route.path) for route in compiled.routes}


def test_operations_have_ids_of_their_own_and_tell_all_variables_of_their_path(document):
    found = operations(document)
    assert len({told["operationId"] for told in found.values()}) == len(found)
    for (_, path), told in found.items():
        variables = {one["name"] for one in told["parameters"] if one["in"] == "path"}
        assert variables == set(re.findall(r"{(\w+)}", path))


def test_every_reference_leads_somewhere(document):
    def references(value):
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            for part in value.values():
                yield from references(part)
        elif isinstance(value, list):
            for part in value:
                yield from references(part)

    for reference in set(references(document)):
        place = document
        for name in reference.removeprefix("#/").split("/"):
            assert name in place, reference
            place = place[name]


def test_who_may_do_what_is_told(compiled, document):
    found = operations(document)
    for route in compiled.routes:
        told = found[route.method, route.path]
        assert told["x-scope"] == route.scope
        assert (told.get("security") == []) == (route.scope == "public")


def test_the_idempotency_key_is_told_where_it_is_heeded(compiled, document):
    found = operations(document)
    for route in compiled.routes:
        told = found[route.method, route.path]
        has_key = "Idempotency-Key" in {one["name"] for one in told["parameters"] if one["in"] == "header"}
        assert has_key == ({"409", "422"} <= told["responses"].keys()) == route.once


def test_every_operation_is_told_in_words(compiled):
    untold = {route.operation.value for route in compiled.routes} - DESCRIBED.keys()
    assert not untold, "give each its record in engine/openapi/operations.py"


def test_every_flag_is_told():
    assert {*ACTION_FLAGS, *DELETE_FLAGS} - FLAGS.keys() == {"_cascatdeOperations"}


def test_links_lead_to_operations_and_name_their_parameters(document):
    found = {told["operationId"]: told for told in operations(document).values()}
    linked = [link for told in found.values() for link in told["responses"]["200"].get("links", {}).values()]
    assert len(linked) > len(found) / 2
    for link in linked:
        assert link["parameters"].keys() <= {one["name"] for one in found[link["operationId"]]["parameters"]}


def test_links_are_told_to_last_as_long_as_they_may():
    assert LONGEST_SHARE == LONGEST_TTL


def test_the_version_follows_the_api():
    first = compile_app(Sources(".", FILES)).openapi["info"]["version"]
    other = {**FILES, "entities/things.yaml": EVERYTHING.replace("size:    {type: integer", "size:    {type: decimal")}
    assert compile_app(Sources(".", dict(FILES))).openapi["info"]["version"] == first
    assert compile_app(Sources(".", other)).openapi["info"]["version"] != first
