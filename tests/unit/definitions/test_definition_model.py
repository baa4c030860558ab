"""The tables of keys: an app that uses every key there is, and what the tables say about themselves."""

import pytest

from engine.definitions import Sources, validate_sources
from engine.definitions.definition import Definition
from engine.definitions.model import AppDef, EntityDef, GroupDef
from engine.definitions.model_actions import ActionDef
from engine.definitions.nodes import List, Map
from engine.definitions.text import load_text
from engine.fields import FIELD_TYPES
from tests.every import every

FILES = {
    "app.yaml": """
name: shop
label: Shop
description: Sells things
forbidden: tell
timezone: UTC
language: en
currency: USD
session: {timeout: 8h}
queues: {reports: {workers: 1}}
schedules:
  nightly: {cron: '0 3 * * 1-5', entity: things, action: tidy, params: {days: 1}, missed: skip}
""",
    "entities/base.yaml": """
abstract: true
queries: {scan: warn}
fields: {name: {type: text, required: true}}
""",
    "entities/things.yaml": """
label: Things
description: What is sold
extends: base
abstract: false
recordLabel: "{name}"
auditLogs: {created: true, changed: true, deleted: true, actions: true, ignore: [size], onDelete: keep, keep: 60d}
queries: {scan: allow}
fields:
  code: {type: text, label: Code, description: What, required: true, unique: true, index: true, sensitive: false,
         default: ab, aliases: [key], lookup: true, read: true, write: true,
         validations: [{check: len(value) > 1, code: short, message: Longer}]}
  size: {type: integer, many: false, access: true, display: {showThousandsSeparator: true}}
  doubled: {type: integer, calculated: size * 2}
  given: {type: text, defaultExpression: name, transient: true}
  rows: {type: nested, many: true, recordLabel: city, fields: {city: {type: text}}}
  other: {type: relationship, entity: things, where: {size: greater(1)}, copy: [name], onDelete: none, syncLabel: true,
          syncCopies: true}
  total: {type: integer, calculated: {aggregate: {entity: things, where: {name: $record.name}, operation: sum,
          field: size}}}
indexes:
  - [name, size]
  - {name: words, type: text, fields: [name], unique: false}
validations:
  - {check: size != 3, field: size, code: three, message: Not three}
actions:
  all:
    label: All
    type: one
    precondition: {size: 1}
    parameters: {size: {type: integer}}
    validations: [{check: params.size > 1, field: size, code: a, message: b}]
    steps:
      - {when: size > 1, set: {size: "=size + 1"}}
      - append: {rows: {city: "{name}"}}
      - remove: {rows: {city: x}}
      - create: {entity: things, values: {name: x}}
      - update: {entity: things, where: {name: x}, set: {name: y}}
      - delete: {entity: things, where: {name: y}}
      - action: {name: small, params: {word: "{name}"}}
      - call: {method: POST, url: "https://example.org/{id}", json: {a: "=size"}, timeout: 5s}
      - log: {level: INFO, message: "{name}"}
      - fail: {code: nope, message: "{name}"}
    respond: "{'size': size}"
    background: true
    queue: reports
    saveLinked: true
  small: {parameters: {word: {type: text}}, respond: params.word}
  tidy: {type: global, parameters: {days: {type: integer}}, run: tidy}
listeners:
  steps: {on: [created, changed, deleted, action.all, conditionMet], from: [user, script, system], when: {size: 1},
          background: true, queue: light, steps: [{log: {message: x}}]}
  run: {on: [created], run: tidy}
""",
    "groups/sales.yaml": """
label: Sales
description: Sellers
entities:
  things:
    read: always
    create: {name: a}
    update: always
    updateTo: {name: b}
    delete: never
    auditLogs: always
    import: true
    export: true
    fields: {size: {read: always, write: never}}
    actions: {all: always}
api: {data: true, readFiles: true, uploadFiles: true, jobs: true}
security:
  allowedIps: [10.0.0.0/8]
  maxLoginAttempts: 5
  sessionTimeout: 30m
  password: {minLength: 10, upper: true, lower: true, digit: true, symbol: false}
impersonate: false
""",
    "hooks.py": "async def tidy(ctx): ...\n",
    "tests/things.yaml": """
data: true
from: 10.0.0.7
permissions:
  - name: All of it
    as: [sales]
    user: {firstName: Ada}
    on: things
    record: {name: b, code: abc}
    becomes: {name: a}
    can: {read: true, create: false, update: true, delete: false, auditLogs: true, import: true, export: true,
          fields: {size: readOnly}, actions: {all: true}}
requests:
  - {name: Make one, as: sales, from: 10.0.0.8, method: POST, path: /data/things, headers: {X-Request-ID: one},
     body: {name: a}, status: 200, response: {id: "{id}"}}
""",
}

MODELS = [model for model in Definition.__subclasses__() if model.__module__.startswith("engine.definitions")]


def every_key(node):
    if isinstance(node, Map):
        for name, inner in node.values.items():
            yield name
            yield from every_key(inner)
    elif isinstance(node, List):
        for inner in node.items:
            yield from every_key(inner)


def test_an_app_may_use_every_key():
    checked = validate_sources(Sources("", FILES))
    assert [str(item.at) + item.message for item in checked.diagnostics] == []


@every("model", MODELS, ids=lambda model: model.__name__)
def test_the_app_with_every_key_has_them_all(model):
    used = {
        key for name, text in FILES.items() if name.endswith(".yaml") for key in every_key(load_text(name, text)[0])
    }
    assert set(model.table()) <= used


@every("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_is_described(model):
    assert model.noun
    assert model.table()
    for key in model.table().values():
        assert key.description.endswith((".", "…"))
        assert key.takes.expected
    for keys in model.exclusive:
        assert keys <= set(model.table())


@pytest.mark.parametrize(
    ("model", "attribute", "key"),
    [(EntityDef, "audit_logs", "auditLogs"), (GroupDef, "entities", "entities"), (AppDef, "name", "name")],
)
def test_keys_are_attributes_in_camel_case(model, attribute, key):
    assert model.table()[key].attribute == attribute


def test_a_definition_tells_where_its_keys_stand():
    node, _ = load_text("a.yaml", "label: A\nrun: f\n")
    action = ActionDef(node=node, at=node.at)
    assert (action.key_at("run").line, action.value_at("run").column) == (2, 6)
    assert action.key_at("steps") == action.value_at("steps") == node.at
    assert action.given("run")
    assert not action.given("steps")


def test_types_with_inner_fields_or_a_target_say_so_in_their_keys():
    assert [name for name, kind in FIELD_TYPES.items() if any(key.name == "fields" for key in kind.keys)] == ["nested"]
    assert [name for name, kind in FIELD_TYPES.items() if any(key.name == "entity" for key in kind.keys)] == [
        "relationship"
    ]
