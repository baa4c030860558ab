"""`castwork explain` as a user runs it: verdicts, places, exit codes; nothing but definitions is needed."""

import json

import pytest
from typer.testing import CliRunner

from server.cli import app as program

FILES = {
    "app.yaml": "name: shop\n",
    "entities/lamps.yaml": """recordLabel: "{name}"
fields:
  name:  {type: text}
  state: {type: choice, options: [draft, sold], default: draft}
  cost:  {type: money}
  owner: {type: relationship, entity: sys.users}
actions: {sell: {steps: [{set: {state: sold}}]}}
""",
    "groups/sellers.yaml": """label: Sellers
entities:
  lamps:
    read: always
    update: {state: draft}
    updateTo: {state: sold}
    fields: {cost: none}
    actions: {sell: {owner.id: $user.id}}
""",
    "groups/guests.yaml": "entities: {lamps: {read: {state: sold}}}\n",
    "ann.json": '{"id": "65a000000000000000000001", "groups": [{"group": "Sellers"}]}',
    "dev.json": '{"permissions": {"developer": true}}',
    "mine.json": '{"name": "A", "state": "draft", "owner": {"id": "65a000000000000000000001"}}',
    "sold.json": '{"state": "sold"}',
    "renamed.json": '{"name": "B", "cost": 3}',
    "broken.json": '{"nam": "A", "state": "gone"}',
}


@pytest.fixture
def shop(tmp_path):
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return tmp_path


def explain(shop, *words, entity="lamps"):
    options = [str(shop / word) if word.endswith(".json") else word for word in words]
    return CliRunner().invoke(program, ["explain", str(shop), "--entity", entity, *options])


@pytest.mark.parametrize(
    ("words", "code", "place"),
    [
        (("--groups", "sellers", "--op", "read"), 0, "groups/sellers.yaml:4:5"),
        (("--groups", "guests", "--op", "read"), 1, "groups/guests.yaml:1:20"),
        (("--groups", "guests", "--op", "read", "--record", "sold.json"), 0, "groups/guests.yaml:1:20"),
        (("--groups", "guests,sellers", "--op", "update", "--record", "mine.json"), 0, "groups/sellers.yaml:5:5"),
        (("--groups", "sellers", "--op", "update", "--record", "sold.json"), 1, "groups/sellers.yaml:5:5"),
        (
            ("--groups", "sellers", "--op", "update", "--record", "mine.json", "--becomes", "sold.json"),
            0,
            "groups/sellers.yaml:6:5",
        ),
        (
            ("--groups", "sellers", "--op", "update", "--record", "mine.json", "--becomes", "renamed.json"),
            1,
            "groups/sellers.yaml:6:5",
        ),
        (("--groups", "sellers", "--op", "field.cost"), 1, "groups/sellers.yaml:7:20"),
        (("--groups", "sellers", "--op", "field.name", "--record", "mine.json"), 0, "groups/sellers.yaml:5:5"),
        (("--groups", "sellers", "--op", "action.sell", "--record", "mine.json"), 1, "groups/sellers.yaml:8:15"),
        (("--user", "ann.json", "--op", "action.sell", "--record", "mine.json"), 0, "groups/sellers.yaml:8:15"),
        (("--user", "dev.json", "--op", "delete"), 0, "developers pass"),
    ],
)  # fmt: skip
def test_the_answer_is_the_exit_code_and_names_the_rule(shop, words, code, place):
    done = explain(shop, *words)
    assert (done.exit_code, done.stderr) == (code, "")
    assert any(place in line for line in done.stdout.splitlines() if line.endswith(("<", "groups")))


def test_json_holds_every_rule_with_its_place(shop):
    done = explain(shop, "--groups", "sellers", "--op", "update", "--record", "sold.json", "--format", "json")
    found = json.loads(done.stdout)
    assert found["verdict"] == "denied"
    (rule,) = found["decidedBy"]
    assert (rule["group"], rule["rule"], rule["says"]) == ("sellers", "update", {"state": "draft"})
    assert (rule["file"], rule["line"], rule["column"]) == ("groups/sellers.yaml", 5, 5)
    assert [one["rule"] for one in found["groups"][0]["rules"]] == ["read", "update"]


def test_without_an_operation_everything_is_told(shop):
    done = explain(shop, "--groups", "guests", "--format", "json")
    found = json.loads(done.stdout)
    assert done.exit_code == 0
    assert found["operations"]["read"]["verdict"] == "depends"
    assert found["actions"]["sell"]["verdict"] == "denied"
    assert found["fields"]["cost"]["right"] == "depends"
    lines = [line.split() for line in explain(shop, "--groups", "sellers").stdout.splitlines()]
    assert ["field.cost", "none", "fields.cost", "(read):", "never", "groups/sellers.yaml:7:20"] in lines


@pytest.mark.parametrize(
    ("words", "entity", "told"),
    [
        (("--groups", "seller", "--op", "read"), "lamps", 'no group seller; did you mean "sellers"?'),
        (("--groups", "sellers", "--op", "raed"), "lamps", 'no operation raed; did you mean "read"?'),
        (("--groups", "sellers", "--op", "read"), "lamp", 'no entity lamp; did you mean "lamps"?'),
        (("--groups", "sellers", "--op", "action.sel"), "lamps", 'no action sel; did you mean "sell"?'),
        (("--groups", "sellers", "--op", "field.costs"), "lamps", 'no field costs; did you mean "cost"?'),
        (("--groups", "sellers", "--record", "broken.json"), "lamps", 'no field named nam; did you mean "name"?'),
        (("--groups", "sellers", "--record", "nowhere.json"), "lamps", "nowhere.json cannot be read"),
        ((), "lamps", "Give --groups, or --user"),
    ],
)
def test_what_cannot_be_answered_says_why(shop, words, entity, told):
    done = explain(shop, *words, entity=entity)
    assert done.exit_code == 2
    assert told in done.stderr


def test_broken_definitions_and_missing_apps_cannot_be_explained(shop):
    (shop / "groups/guests.yaml").write_text("entities: {lamp: {}}\n")
    done = explain(shop, "--groups", "sellers", "--op", "read")
    assert done.exit_code == 2
    assert "R301" in done.stderr
    assert explain(shop / "nothing", "--groups", "sellers").exit_code == 2
