"""Sensitive values in texts and copies of records."""

import pytest

from engine.compiler import compile_app
from engine.definitions import Sources
from engine.records.masking import MASKED, mask_text, masked, sensitive_parameters, sensitive_paths, values_at

THINGS = """
fields:
  name:  {type: text}
  code:  {type: text, sensitive: true}
  codes: {type: text, many: true, sensitive: true}
  card:  {type: nested, fields: {pin: {type: text, sensitive: true}, bank: {type: text}}}
  cards: {type: nested, many: true, fields: {pin: {type: text, sensitive: true}}}
actions:
  pay:
    parameters: {pin: {type: text, sensitive: true}, note: {type: text}}
    steps:
      - log: {level: INFO, message: "{name} {code} {card.pin} {params.pin} {params.note} {upper(code)} {old.code}"}
      - log: {level: INFO, message: "{code[0]}{join(codes, '')}{len(card.pin)}"}
"""
RECORD = {
    "name": "n",
    "code": "S1",
    "codes": ["S2", "S3"],
    "card": {"pin": "S4", "bank": "b"},
    "cards": [{"pin": "S5"}, {"pin": None}],
}


@pytest.fixture(scope="module")
def entity():
    files = {"app.yaml": "name: crm\nlabel: CRM\n", "entities/things.yaml": THINGS}
    return compile_app(Sources(".", files)).app.entities["things"]


def test_a_copy_has_nothing_sensitive(entity):
    copy = masked(RECORD, sensitive_paths(entity))
    assert copy == {
        "name": "n",
        "code": MASKED,
        "codes": MASKED,
        "card": {"pin": MASKED, "bank": "b"},
        "cards": [{"pin": MASKED}, {"pin": None}],
    }
    assert RECORD["card"]["pin"] == "S4"


def test_all_values_are_found(entity):
    found = [value for path in sensitive_paths(entity) for value in values_at(RECORD, path)]
    assert sorted(found) == ["S1", "S2", "S3", "S4", "S5"]
    assert [path.name for path in sensitive_parameters(entity)] == ["pin"]
    assert not list(values_at(None, sensitive_paths(entity)[0]))


def test_texts_lose_longer_values_first():
    assert mask_text("abc and ab", ["ab", "abc", ""]) == f"{MASKED} and {MASKED}"
    assert mask_text("nothing", []) == "nothing"
