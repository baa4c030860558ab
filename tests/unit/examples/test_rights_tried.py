"""Examples of permissions: what fails says which rule it was, and rules that nothing was seen of are told."""

import pytest

from engine.compiler import compile_app
from engine.definitions import Sources
from engine.definitions.examples import load_examples
from engine.examples.rights import Trials

NOW = 1_700_000_000_000
FILES = {
    "app.yaml": "name: shop\n",
    "entities/lamps.yaml": """recordLabel: "{name}"
fields:
  name:  {type: text}
  state: {type: choice, options: [draft, sold], default: draft}
  cost:  {type: money}
  owner: {type: relationship, entity: sys.users}
  total: {type: integer, calculated: len(name)}
actions: {sell: {steps: [{set: {state: sold}}]}}
""",
    "groups/sellers.yaml": """entities:
  lamps:
    read: always
    create: {total: 3}
    update: {state: draft}
    updateTo: {state: sold}
    delete: never
    export: true
    fields: {cost: none, name: readOnly, owner: {read: always, write: {state: draft}}}
    actions: {sell: {owner.id: $user.id}}
""",
    "groups/guests.yaml": "entities: {lamps: {read: {state: sold}}}\n",
}
MINE = "user: {id: 65a000000000000000000001}, record: {name: abc, owner: {id: 65a000000000000000000001}}"


def tried(*lines):
    text = "permissions:\n" + "".join(f"  - {line}\n" for line in lines)
    sources = Sources("", {**FILES, "tests/a.yaml": text})
    trials = Trials(compile_app(sources), NOW)
    (file,) = load_examples(sources)
    return [trials.run(example) for example in file.permissions], trials.coverage


def failures(*lines):
    return [(str(one.at), one.message) for outcome in tried(*lines)[0] for one in outcome.failures]


@pytest.mark.parametrize(
    "line",
    [
        "{as: sellers, on: lamps, record: {name: abc}, can: {read: true, create: true, update: true, delete: false}}",
        "{as: sellers, on: lamps, record: {name: ab}, can: {create: false, export: true, import: false}}",
        "{as: sellers, on: lamps, record: {state: sold}, can: {update: false, fields: {cost: none, name: readOnly, owner: readOnly}}}",
        "{as: sellers, on: lamps, record: {}, becomes: {state: sold}, can: {update: true}}",
        "{as: sellers, on: lamps, record: {}, becomes: {name: x, state: sold}, can: {update: false}}",
        "{as: sellers, on: lamps, record: {}, can: {fields: {owner: readWrite, total: readOnly, id: readOnly}}}",
        f"{{as: sellers, on: lamps, {MINE}, can: {{actions: {{sell: true}}}}}}",
        "{as: sellers, on: lamps, record: {name: x}, can: {actions: {sell: false}}}",
        "{as: guests, on: lamps, record: {}, can: {read: false, fields: {name: none}}}",
        "{as: [guests, sellers], on: lamps, record: {}, can: {read: true}}",
        "{as: sellers, on: lamps, can: {read: true, delete: false}}",
        "{as: guests, on: lamps, becomes: {name: x}, can: {update: false}}",
    ],
)
def test_what_is_so_passes(line):
    assert failures(line) == []


def test_what_is_not_so_names_the_rule_and_its_place():
    assert failures("{as: sellers, on: lamps, record: {state: sold}, can: {read: false, update: true}}") == [
        ("tests/a.yaml:2:59", "read is allowed by groups/sellers.yaml:3:5 read: always"),
        ("tests/a.yaml:2:72", "update is denied by groups/sellers.yaml:5:5 update: {state: draft}"),
    ]
    assert failures("{as: guests, on: lamps, record: {}, can: {delete: true}}") == [
        (
            "tests/a.yaml:2:47",
            "delete is denied by groups/guests.yaml:1:20 read: {state: sold}; "
            "groups/guests.yaml:1:12 delete: never, as nothing is said",
        )
    ]
    assert failures("{as: sellers, on: lamps, record: {}, can: {fields: {cost: readOnly}}}") == [
        ("tests/a.yaml:2:57", "field.cost is none by groups/sellers.yaml:9:20 fields.cost (read): never")
    ]


def test_what_depends_on_a_record_asks_for_one():
    ((_, message),) = failures("{as: guests, on: lamps, can: {read: true}}")
    assert message == (
        "read depends on values of the record or the user: give what groups/guests.yaml:1:20 read: {state: sold} asks for"
    )


def test_rules_are_covered_when_they_were_seen_to_do_what_they_can():
    _, coverage = tried("{as: guests, on: lamps, record: {}, can: {read: false}}")
    missing = {(rule.group, rule.key): (rule.missing, rule.at.line) for rule in coverage.missing()}
    assert coverage.rules == 11
    assert missing == {
        ("guests", "read"): (("allow",), 1),
        ("sellers", "read"): (("allow",), 3),
        ("sellers", "create"): (("allow", "refuse"), 4),
        ("sellers", "update"): (("allow", "refuse"), 5),
        ("sellers", "updateTo"): (("allow", "refuse"), 6),
        ("sellers", "delete"): (("refuse",), 7),
        ("sellers", "export"): (("allow",), 8),
        ("sellers", "fields.cost"): (("refuse read",), 9),
        ("sellers", "fields.name"): (("allow read", "refuse write"), 9),
        ("sellers", "fields.owner"): (("allow read", "allow write", "refuse write"), 9),
        ("sellers", "actions.sell"): (("allow", "refuse"), 10),
    }


def test_examples_of_both_outcomes_cover_everything():
    _, coverage = tried(
        f"{{as: sellers, on: lamps, {MINE}, becomes: {{state: sold}}, can: {{read: true, create: true, update: true, delete: false, export: true, fields: {{cost: none, name: readOnly, owner: readWrite}}, actions: {{sell: true}}}}}}",
        "{as: sellers, on: lamps, record: {state: sold, name: x}, can: {create: false, update: false, fields: {owner: readOnly}, actions: {sell: false}}}",
        "{as: sellers, on: lamps, record: {}, becomes: {state: null}, can: {update: false}}",
        "{as: guests, on: lamps, record: {}, can: {read: false}}",
        "{as: guests, on: lamps, record: {state: sold}, can: {read: true}}",
    )
    assert coverage.missing() == ()


def test_a_refusal_that_another_rule_brings_about_covers_nothing():
    _, coverage = tried("{as: [guests, sellers], on: lamps, record: {state: draft}, can: {read: true}}")
    assert ("guests", "read") in {(rule.group, rule.key) for rule in coverage.missing()}
