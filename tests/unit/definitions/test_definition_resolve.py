"""The resolved model: names become objects, defaults are filled in, durations are ms."""

from decimal import Decimal

import pytest

from engine.definitions import Sources, resolve_app, validate_sources
from engine.definitions.words import in_words
from engine.errors import DefinitionErrors
from engine.fields.base import Capability, Shape
from engine.schema import ActionKind, Audit, FieldRight, Operation, PasswordRules, Written
from tests.every import every

HOUR = 3_600_000


def app_of(**files):
    names = {name.replace("__", "/") + (".py" if name == "hooks" else ".yaml"): text for name, text in files.items()}
    return resolve_app(Sources("", {"app.yaml": "name: crm\n", **names}))


def entity_of(text, **files):
    return app_of(entities__things=text, **files).entities["things"]


def field_of(text):
    return entity_of(f"fields:\n  name: {{type: text, unique: true}}\n  it: {text}\n").by_name["it"]


@every(
    ("name", "label"),
    [
        ("numberOfEmployees", "Number of employees"),
        ("name", "Name"),
        ("param1", "Param 1"),
        ("addressLine2Extra", "Address line 2 extra"),
        ("taxID", "Tax ID"),
        ("isVIPCustomer", "Is VIP customer"),
        ("production.measure", "Production measure"),
        ("x", "X"),
    ],
)
def test_default_labels_are_names_in_words(name, label):
    assert in_words(name) == label


def test_an_app_has_its_settings():
    app = app_of(
        app="name: crm\nlabel: CRM\nforbidden: hide\ntimezone: Europe/Berlin\nlanguage: de\ncurrency: EUR\n"
        "session: {timeout: 1h 30m}\nqueues: {reports: {workers: 1}, light: {workers: 9}}\n"
    )
    assert (app.name, app.label, app.forbidden) == ("crm", "CRM", "hide")
    assert (app.timezone, app.language, app.currency) == ("Europe/Berlin", "de", "EUR")
    assert app.session_timeout == 1.5 * HOUR
    assert {queue.name: queue.workers for queue in app.queues.values()} == {
        "mix": 4,
        "light": 9,
        "heavy": 1,
        "reports": 1,
    }


def test_an_app_has_defaults():
    app = app_of()
    assert (app.label, app.forbidden, app.timezone, app.language, app.currency) == ("Crm", "tell", "UTC", "en", "USD")
    assert app.session_timeout == 8 * HOUR
    assert set(app.queues) == {"mix", "light", "heavy"}
    assert list(app.entities) == ["sys.users"]
    assert app.hooks is None


def test_a_schedule_names_what_it_runs():
    app = app_of(
        app="name: crm\nschedules:\n  nightly: {cron: '0 3 * * *', entity: things, action: clean, params: {days: 3},"
        " missed: run}\n",
        entities__things="fields: {a: {type: text}}\nactions:\n  clean:\n    type: global\n    run: clean\n"
        "    parameters: {days: {type: integer}}\n",
        hooks="async def clean(ctx): ...\n",
    )
    schedule = app.schedules[0]
    assert (schedule.name, schedule.cron, schedule.entity, schedule.action) == (
        "nightly",
        "0 3 * * *",
        "things",
        "clean",
    )
    assert (dict(schedule.params), schedule.missed) == ({"days": 3}, "run")
    assert "def clean" in app.hooks


def test_folders_are_dots_and_json_files_count():
    app = resolve_app(
        Sources("", {"app.json": '{"name": "crm"}', "entities/production/measure.json": '{"fields": {}}'})
    )
    assert list(app.entities) == ["production.measure", "sys.users"]
    assert app.entities["production.measure"].label == "Production measure"


def test_fields_carry_every_general_key():
    field = field_of(
        "{type: text, label: It, description: What, required: name == 'a', unique: true, index: true,"
        " sensitive: true, aliases: [old], maxLength: 5, default: abc, lookup: true,"
        " read: {name: a}, write: false, validations: [{check: len(value) > 1, code: short, message: Longer}]}"
    )
    assert (field.label, field.description, field.path) == ("It", "What", "it")
    assert field.required == Written("name == 'a'", field.required.at)
    assert field.read.value == {"name": "a"}
    assert field.write is False
    assert (field.unique, field.index, field.sensitive, field.lookup, field.many) == (True, True, True, True, False)
    assert (field.aliases, field.default, field.type.max_length) == (("old",), "abc", 5)
    check = field.validations[0]
    assert (check.check.value, check.code, check.message, check.path) == ("len(value) > 1", "short", "Longer", None)


def test_access_is_read_and_write():
    field = field_of("{type: text, access: {name: a}}")
    assert field.read.value == field.write.value == {"name": "a"}
    assert field_of("{type: text, access: false}").read is False
    open_field = field_of("{type: text}")
    assert (open_field.read, open_field.write, open_field.required) == (True, True, False)


def test_false_is_not_forgotten_beside_access():
    assert field_of("{type: text, read: false, write: true}").read is False


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{type: integer, default: 5}", 5),
        ("{type: decimal, default: 1.50}", Decimal("1.50")),
        ("{type: text, many: true, default: [a, b]}", ["a", "b"]),
        ("{type: boolean, default: true}", True),
        ("{type: text}", None),
    ],
)
def test_defaults_are_in_value_form(text, value):
    assert field_of(text).default == value


def test_calculations_are_expressions_templates_or_aggregates():
    assert field_of("{type: text, calculated: '{name}!'}").calculated.value == "{name}!"
    assert field_of("{type: text, defaultExpression: name}").default_expression.value == "name"
    text = "{entity: things, where: {name: $record.name}, operation: sum, field: x}"
    entity = entity_of(
        "fields:\n  name: {type: text}\n  x: {type: integer}\n"
        f"  it: {{type: integer, calculated: {{aggregate: {text}}}}}\n"
    )
    rule = entity.by_name["it"].aggregate
    assert (rule.entity, rule.operation, rule.path, rule.where.value) == (
        "things",
        Operation.SUM,
        "x",
        {"name": "$record.name"},
    )
    assert not entity.by_name["it"].writable


def test_system_fields_stand_on_every_entity_and_group():
    entity = entity_of("fields:\n  rows: {type: nested, many: true, fields: {city: {type: text}}}\n")
    assert [field.name for field in entity.system_fields] == ["id", "version", "label"]
    rows = entity.by_name["rows"]
    assert rows.type.shape is Shape.NESTED
    assert [field.path for field in rows.fields] == ["rows.city"]
    assert [field.path for field in rows.system_fields] == ["rows.id", "rows.label"]
    assert entity.field_at("rows.label").name == "rows.label"
    assert entity.field_at("id").storage == "_id"
    assert all(field.write is False for field in (*entity.system_fields, *rows.system_fields))


def test_references_have_parts_and_copies_without_the_rules_of_their_own_entity():
    app = app_of(
        entities__companies="fields:\n  name: {type: text, required: true, unique: true, default: x}\n"
        "  kind: {type: choice, options: [a, b], aliases: [sort]}\n"
        "  group: {type: nested, fields: {city: {type: text}}}\n",
        entities__people="fields:\n  company: {type: relationship, entity: companies, copy: [name, sort, group],"
        " where: {kind: a}, onDelete: remove, syncLabel: false, syncCopies: false}\n",
    )
    company = app.entities["people"].by_name["company"]
    assert [field.path for field in company.fields] == [
        "company.id",
        "company.label",
        "company.name",
        "company.kind",
        "company.group",
    ]
    assert app.entities["people"].field_at("company.group.city").storage == "company.group.city"
    name = company.by_name["name"]
    assert (name.required, name.unique, name.default, name.write) == (False, False, None, False)
    reference = company.reference
    assert (reference.entity, reference.copy, reference.on_delete) == ("companies", ("name", "sort", "group"), "remove")
    assert (reference.sync_label, reference.sync_copies, reference.where.value) == (False, False, {"kind": "a"})
    assert app.target(company) is app.entities["companies"]


def test_copies_of_references_bring_their_own_copies():
    app = app_of(
        entities__a="fields:\n  b: {type: relationship, entity: b, copy: [c]}\n",
        entities__b="fields:\n  c: {type: relationship, entity: c, copy: [name]}\n",
        entities__c="fields:\n  name: {type: text}\n  boss: {type: relationship, entity: c, copy: [name]}\n",
    )
    assert app.entities["a"].field_at("b.c.name").name == "b.c.name"
    assert app.entities["c"].field_at("boss.name").name == "boss.name"


def test_users_of_the_system_can_be_pointed_to():
    app = app_of(entities__things="fields:\n  owner: {type: relationship, entity: sys.users, copy: [email]}\n")
    assert app.entities["things"].field_at("owner.email").field.type.name == "email"
    assert app.entities["sys.users"].lookups == (app.entities["sys.users"].by_name["email"],)


@pytest.mark.parametrize(
    ("text", "audit"),
    [
        ("", Audit()),
        ("auditLogs: false\n", Audit()),
        ("auditLogs: true\n", Audit(True, True, True, True)),
        (
            "auditLogs: {changed: false, ignore: [a], onDelete: erase, keep: 60d}\n",
            Audit(True, False, True, True, ("a",), "erase", 60 * 24 * HOUR),
        ),
    ],
)
def test_audit_settings(text, audit):
    assert entity_of(f"fields: {{a: {{type: text}}}}\n{text}").audit == audit


def test_indexes_have_a_short_form():
    entity = entity_of(
        "fields: {a: {type: text}, b: {type: integer}, c: {type: nested, fields: {d: {type: text}}}}\n"
        "indexes:\n  - [a, -b, c.d]\n  - {name: words, type: text, fields: [a]}\n  - {fields: [b], unique: true}\n"
    )
    assert [(index.name, index.fields, index.kind, index.unique) for index in entity.indexes] == [
        ("a_b_c_d", ("a", "-b", "c.d"), "normal", False),
        ("words", ("a",), "text", False),
        ("b", ("b",), "normal", True),
    ]


def test_actions_have_defaults_and_every_key():
    entity = entity_of(
        "fields: {a: {type: text}}\n"
        "actions:\n"
        "  plain: {respond: a}\n"
        "  full:\n"
        "    label: Full\n    type: one\n    precondition: {a: x}\n    background: true\n    queue: heavy\n"
        "    saveLinked: true\n"
        "    parameters: {a: {type: text, required: true}, many: {type: integer, many: true}}\n"
        "    validations: [{check: len(params.a) > 1, field: a, message: Longer}]\n"
        "    steps:\n"
        "      - set: {a: '{params.a}'}\n        when: params.a != a\n"
        "      - call: {url: 'https://example.org/{id}'}\n"
        "      - action: {name: plain}\n"
        "    respond: \"{'x': [a]}\"\n"
    )
    plain = entity.actions["plain"]
    assert (plain.label, plain.kind, plain.queue, plain.background, plain.save_linked) == (
        "Plain",
        ActionKind.ONE,
        "mix",
        False,
        False,
    )
    full = entity.actions["full"]
    assert (full.label, full.precondition.value, full.background, full.queue, full.save_linked) == (
        "Full",
        {"a": "x"},
        True,
        "heavy",
        True,
    )
    assert [(field.name, field.many) for field in full.parameters] == [("a", False), ("many", True)]
    assert full.validations[0].path == "a"
    assert full.validations[0].code == "invalid"
    assert [(step.kind, step.argument.value) for step in full.steps] == [
        ("set", {"a": "{params.a}"}),
        ("call", {"method": "GET", "url": "https://example.org/{id}", "json": None, "timeout": 10_000}),
        ("action", {"name": "plain", "params": None}),
    ]
    assert full.steps[0].when.value == "params.a != a"
    assert full.respond.value == "{'x': [a]}"


def test_listeners_have_defaults():
    entity = entity_of(
        "fields: {a: {type: text}}\nlisteners:\n"
        "  one: {on: [created, action.go], run: f}\n"
        "  two: {on: [conditionMet], from: [system], when: {a: x}, background: true, queue: light,\n"
        "    steps: [{set: {a: y}}]}\n"
        "actions: {go: {respond: a}}\n",
        hooks="async def f(ctx): ...\n",
    )
    one, two = entity.listeners
    assert (one.name, one.on, one.origins, one.queue, one.background, one.run.value) == (
        "one",
        ("created", "action.go"),
        {"user", "script"},
        "mix",
        False,
        "f",
    )
    assert (two.origins, two.when.value, two.background, two.queue) == ({"system"}, {"a": "x"}, True, "light")
    assert [step.kind for step in two.steps] == ["set"]


def test_children_take_over_and_override_by_name():
    app = app_of(
        entities__base="abstract: true\nrecordLabel: '{name}'\nauditLogs: true\nqueries: {scan: refuse}\n"
        "fields: {name: {type: text}, size: {type: integer}}\n"
        "validations: [{check: size != 1}]\n"
        "indexes: [[name]]\n"
        "actions: {go: {respond: name}, stop: {respond: size}}\n"
        "listeners: {l: {on: [created], steps: [{log: {message: base}}]}}\n",
        entities__middle="extends: base\nabstract: true\nfields: {extra: {type: text}}\n",
        entities__things="extends: middle\nfields: {size: {type: decimal}, own: {type: text}}\n"
        "validations: [{check: size != 2}]\n"
        "indexes: [[own], {name: name, fields: [name, size]}]\n"
        "actions: {stop: {label: Halt, respond: own}}\n",
    )
    assert "base" not in app.entities
    assert "middle" not in app.entities
    things = app.entities["things"]
    assert [(field.name, field.type.name) for field in things.fields] == [
        ("name", "text"),
        ("size", "decimal"),
        ("extra", "text"),
        ("own", "text"),
    ]
    assert things.record_label.value == "{name}"
    assert things.audit.on
    assert things.scan == "refuse"
    assert [check.check.value for check in things.validations] == ["size != 1", "size != 2"]
    assert [(index.name, index.fields) for index in things.indexes] == [("own", ("own",)), ("name", ("name", "size"))]
    assert [(action.name, action.label) for action in things.actions.values()] == [("go", "Go"), ("stop", "Halt")]
    assert [listener.name for listener in things.listeners] == ["l"]


GROUP = """
label: Sales
description: Sellers
entities:
  things:
    read: always
    create: {name: a}
    update: {name: [a, b]}
    updateTo: {name: c}
    delete: never
    auditLogs: always
    import: true
    fields:
      size: none
      name: readOnly
      rows: readOnly
      rows.city: {write: {name: a}}
      rows.zip: parent
      company: none
    actions: {go: {name: a}, halt: never}
api: {jobs: false}
security: {allowedIps: [10.0.0.0/8, '::1'], maxLoginAttempts: 5, sessionTimeout: 30m,
  password: {minLength: 10, upper: true}}
impersonate: true
"""

THINGS = """
fields:
  name: {type: text}
  size: {type: integer, aliases: [length]}
  rows:
    type: nested
    many: true
    fields: {city: {type: text}, zip: {type: text}, deep: {type: nested, fields: {x: {type: text}}}}
  company: {type: relationship, entity: things, copy: [size]}
actions: {go: {respond: name}, halt: {respond: name}, other: {respond: name}}
"""


def test_groups_have_every_right():
    group = app_of(entities__things=THINGS, groups__sales=GROUP).groups["sales"]
    assert (group.label, group.description, group.impersonate) == ("Sales", "Sellers", True)
    assert dict(group.api) == {"data": True, "readFiles": True, "uploadFiles": True, "jobs": False}
    assert (group.allowed_ips, group.max_login_attempts, group.session_timeout) == (("10.0.0.0/8", "::1"), 5, HOUR // 2)
    assert group.password == PasswordRules(min_length=10, upper=True)
    rights = group.entities["things"]
    assert (rights.read, rights.delete, rights.audit_logs, rights.imports, rights.exports) == (
        "always",
        "never",
        "always",
        True,
        False,
    )
    assert (rights.create.value, rights.update.value, rights.update_to.value) == (
        {"name": "a"},
        {"name": ["a", "b"]},
        {"name": "c"},
    )


def test_actions_are_granted_with_update():
    rights = app_of(entities__things=THINGS, groups__sales=GROUP).groups["sales"].entities["things"]
    assert (rights.actions["go"].value, rights.actions["halt"], rights.actions["other"]) == (
        {"name": "a"},
        "never",
        "always",
    )
    text = "entities:\n  things: {read: always, actions: {go: always}}\n"
    rights = app_of(entities__things=THINGS, groups__sales=text).groups["sales"].entities["things"]
    assert dict(rights.actions) == {"go": "always", "halt": "never", "other": "never"}


def test_field_rights_hold_for_everything_below():
    rights = app_of(entities__things=THINGS, groups__sales=GROUP).groups["sales"].entities["things"].fields
    forms = {path: (right.read, right.write) for path, right in rights.items() if path != "rows.city"}
    read_only, none = ("always", "never"), ("never", "never")
    assert forms == {
        "name": read_only,
        "size": none,
        "rows": read_only,
        "rows.id": read_only,
        "rows.label": read_only,
        "rows.zip": read_only,
        "rows.deep": read_only,
        "rows.deep.id": read_only,
        "rows.deep.label": read_only,
        "rows.deep.x": read_only,
        "company": none,
        "company.id": none,
        "company.label": none,
        "company.size": none,
    }
    city = rights["rows.city"]
    assert isinstance(city, FieldRight)
    assert (city.read, city.write.value) == ("always", {"name": "a"})


def test_field_rights_are_kept_under_present_names():
    text = "entities:\n  things: {read: always, fields: {length: none}}\n"
    rights = app_of(entities__things=THINGS, groups__sales=text).groups["sales"].entities["things"].fields
    assert set(rights) == {"size"}


def test_a_group_may_be_empty():
    group = app_of(groups__readers="label: Readers\n").groups["readers"]
    assert (dict(group.entities), group.password, group.allowed_ips) == ({}, PasswordRules(), ())
    assert all(group.api.values())


def test_errors_stop_and_warnings_do_not():
    with pytest.raises(DefinitionErrors) as caught:
        app_of(entities__things="fields: {a: {type: txt}}\n")
    assert [item.code for item in caught.value.diagnostics] == ["R300"]
    warned = validate_sources(
        Sources(
            "",
            {
                "app.yaml": "name: crm\n",
                "entities/things.yaml": THINGS,
                "groups/g.yaml": "entities: {things: {update: always}}\n",
            },
        )
    )
    assert [item.severity for item in warned.diagnostics] == ["warning"]
    assert warned.ok


def test_the_stand_in_for_broken_types_can_do_everything():
    checked = validate_sources(
        Sources("", {"app.yaml": "name: crm\n", "entities/things.yaml": "fields: {a: {type: txt}}\n"})
    )
    kind = checked.app.entities["things"].by_name["a"].type
    assert kind.capabilities == frozenset(Capability)
    assert kind.parse_json({"any": "thing"}) == {"any": "thing"}
