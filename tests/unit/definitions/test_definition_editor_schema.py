"""The editors' schema agrees with the loader: what one takes the other takes, made from one set of tables."""

from decimal import Decimal
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from engine.definitions import Sources, read_sources
from engine.definitions.editor_schema import SCHEMAS, build_editor_schema, project_names
from engine.definitions.text import load_text
from engine.fields import FIELD_TYPES
from tests.every import every
from tests.unit.definitions.broken_apps import every_broken_app

ROOT = Path(__file__).parents[3]
SHAPE = {"S111", "S112", "S113", "S114", "S115", "P600"}
"""Problems of a file's keys and values alone, which a schema can see."""
BEYOND = {"contradiction-aggregate": "S112", "unknown-parameter": "S112"}
"""Keys that are needed because of what another key or file says."""
VALIDATORS = {kind: Draft202012Validator(build_editor_schema(kind)) for kind in SCHEMAS}


def kind_of(name):
    return {"entities": "entity", "groups": "group", "tests": "test"}.get(name.split("/")[0], "app")


def plain(data):
    if isinstance(data, Decimal):
        return float(data)
    if isinstance(data, dict):
        return {key: plain(value) for key, value in data.items()}
    return [plain(item) for item in data] if isinstance(data, list) else data


def faults(name, text, validators=VALIDATORS):
    node, _ = load_text(name, text)
    return [error.message for error in validators[kind_of(name)].iter_errors(plain(node.data))]


def readable(files):
    for name, text in files.items():
        if name.endswith((".yaml", ".json")) and load_text(name, text)[0] is not None:
            yield name, text


@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_schema_is_a_schema(kind):
    Draft202012Validator.check_schema(VALIDATORS[kind].schema)
    assert VALIDATORS[kind].schema["$schema"].endswith("2020-12/schema")


@every_broken_app
def test_a_file_fits_the_schema_if_and_only_if_the_loader_takes_its_shape(app):
    for name, text in readable(app.files):
        codes = {item.code for item in app.checked.diagnostics if item.at.file == name and item.severity == "error"}
        if codes & SHAPE - {BEYOND.get(app.name)}:
            assert faults(name, text), name
        if not codes:
            assert faults(name, text) == [], name


@pytest.mark.parametrize(
    "folder", [ROOT / "app_definitions" / "crm", ROOT / "server" / "starter"], ids=lambda p: p.name
)
def test_sample_apps_fit_their_schemas(folder):
    sources = read_sources(folder)
    with_names = project_names([sources])
    narrow = {kind: Draft202012Validator(build_editor_schema(kind, with_names)) for kind in SCHEMAS}
    for name, text in readable(sources.files):
        assert faults(name, text) == []
        assert faults(name, text, narrow) == []


@every(
    ("name", "text"),
    [
        ("entities/a.yaml", "lable: A"),
        ("entities/a.yaml", "fields: {name: {type: txt}}"),
        ("entities/a.yaml", "fields: {name: {label: Name}}"),
        ("entities/a.yaml", "fields: {name: {type: text, min: 3}}"),
        ("entities/a.yaml", "fields: {name: {type: integer, min: three}}"),
        ("entities/a.yaml", "fields: {name: {type: choice}}"),
        ("entities/a.yaml", "fields: {name: {type: choice, options: []}}"),
        ("entities/a.yaml", "fields: {name: {type: nested, fields: {a: {type: nested}}}}"),
        ("entities/a.yaml", "fields: {name: {type: boolean, unique: true}}"),
        ("entities/a.yaml", "fields: {name: {type: date, display: {labels: onOff}}}"),
        ("entities/a.yaml", "fields: {name: {type: text, required: 3}}"),
        ("entities/a.yaml", "actions: {go: {steps: [{set: {a: 1}, log: {message: x}}]}}"),
        ("entities/a.yaml", "actions: {go: {steps: [{when: a}]}}"),
        ("entities/a.yaml", "listeners: {go: {run: x}}"),
        ("groups/a.yaml", "entities: {companies: {read: true}}"),
        ("groups/a.yaml", "security: {sessionTimeout: 5}"),
        ("tests/a.yaml", "permissions: [{as: sales, on: things, can: {}}]"),
        ("tests/a.yaml", "permissions: [{as: sales, on: things, can: {fields: {size: hidden}}}]"),
        ("tests/a.yaml", "requests: [{path: /data/things, status: 99}]"),
        ("app.yaml", "label: A"),
        ("app.yaml", "name: a\nqueues: {x: {workers: 0}}"),
    ],
)
def test_broken_files_do_not_fit(name, text):
    assert faults(name, text)


def test_keys_carry_words_for_people():
    fields = VALIDATORS["entity"].schema["$defs"]["field"]
    assert all(key["description"] for key in fields["properties"].values())
    for name in FIELD_TYPES:
        own = VALIDATORS["entity"].schema["$defs"][f"{name}Field"]
        assert own["description"].startswith("Takes ")


APP = {
    "app.yaml": "name: shop\nqueues: {reports: {workers: 1}}\n",
    "entities/base.yaml": "abstract: true\nfields: {code: {type: text}}\n",
    "entities/things.yaml": "extends: base\nfields: {size: {type: integer}}\nactions: {grow: {steps: [{set: {size: 1}}]}}\n",
    "groups/sales.yaml": "label: Sales\n",
    "hooks.py": "async def tidy(ctx): ...\ndef two(a, b): ...\n",
}


def narrow(kind):
    return {kind: Draft202012Validator(build_editor_schema(kind, project_names([Sources("", APP)])))}


@every(
    ("name", "text", "fits"),
    [
        ("entities/a.yaml", "fields: {to: {type: relationship, entity: things}}", True),
        ("entities/a.yaml", "fields: {to: {type: relationship, entity: thinks}}", False),
        ("entities/a.yaml", "fields: {to: {type: group, groups: [sales]}}", True),
        ("entities/a.yaml", "fields: {to: {type: group, groups: [sale]}}", False),
        ("entities/a.yaml", "extends: base\nactions: {go: {run: tidy, queue: reports}}", True),
        ("entities/a.yaml", "actions: {go: {run: two}}", False),
        ("entities/a.yaml", "actions: {go: {run: tidy, queue: report}}", False),
        ("entities/a.yaml", "fields: {new: {type: text}}\nindexes: [[new, code]]", True),
        ("groups/a.yaml", "entities: {things: {read: {new: 1}, actions: {grow: always}}}", True),
        ("groups/a.yaml", "entities: {thinks: {read: always}}", False),
        ("groups/a.yaml", "entities: {things: {actions: {grown: always}}}", False),
        ("tests/a.yaml", "permissions: [{as: sales, on: things, can: {actions: {grow: true}}}]", True),
        ("tests/a.yaml", "permissions: [{as: sales, on: things, can: {actions: {grown: true}}}]", False),
        ("tests/a.yaml", "permissions: [{as: [sale], on: things, can: {read: true}}]", False),
        ("tests/a.yaml", "permissions: [{as: sales, on: thinks, can: {read: true}}]", False),
        ("tests/a.yaml", "requests: [{as: ann@example.com, path: /data/things}]", True),
    ],
)
def test_a_project_offers_its_names(name, text, fits):
    assert (faults(name, text, narrow(kind_of(name))) == []) == fits


def test_names_of_fields_are_offered_and_new_ones_taken():
    index = narrow("entity")["entity"].schema["$defs"]["entity"]["properties"]["indexes"]["items"]["anyOf"][0]
    offered = index["items"]["anyOf"][0]["enum"]
    assert {"code", "size", "id", "label"} <= set(offered)


def test_a_broken_project_still_gives_its_names():
    files = {**APP, "entities/things.yaml": "fields: {size: {type: int}, name: {type: text}}\nlable: x\n"}
    names = project_names([Sources("", files)]).known
    assert {"size", "name"} <= set(names["field"])
