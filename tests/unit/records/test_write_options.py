"""Writes that leave out a step: each option has its own effect and no other."""

import pytest

from engine.errors import ValidationErrors
from engine.permissions import FULL_ACCESS
from engine.records import Moment
from engine.records.options import MARK, WriteOptions
from tests.unit.records.conftest import ALL_KNOWING

NOW = 1_700_000_000_000
FIELDS = """recordLabel: "{name}!"
fields:
  name: {type: text, required: true, maxLength: 5}
  size: {type: integer, max: 10, default: 3}
  double: {type: integer, calculated: size * 2}
  stage: {type: text, defaultExpression: "upper('new')"}
  locked: {type: text, write: "name == 'open'"}
  tags: {type: integer, many: true}
  owner: {type: relationship, entity: things, where: {name: boss}}
"""


@pytest.fixture
def things(bench):
    return bench(FIELDS).compiled.entities["things"]


def draft_of(things, body, *, new, targets=(), **options):
    draft = things.rules.parse(body, FULL_ACCESS, new=new, options=WriteOptions(**options))
    for choice, lookup in things.references.plan_lookups(draft, ALL_KNOWING):
        choice.answer(lookup, targets, draft)
    return draft


def create(things, body, targets=(), **options):
    draft = draft_of(things, body, new=True, targets=targets, **options)
    return things.rules.plan_create(draft, Moment(NOW), FULL_ACCESS, {}), draft


def problems(things, body, targets=(), **options):
    with pytest.raises(ValidationErrors) as caught:
        create(things, body, targets, **options)
    return [(problem.field, problem.code) for problem in caught.value.problems]


def test_usual_writes_do_everything(things):
    made, _ = create(things, {"name": "a"})
    assert (made.record["size"], made.record["double"], made.record["stage"], made.record["label"]) == (
        3,
        6,
        "NEW",
        "a!",
    )
    assert MARK not in made.document


def test_without_calculation_only_labels_are_computed(things):
    made, _ = create(things, {"name": "a", "size": 4}, calculate=False)
    assert (made.record["double"], made.record["label"]) == (None, "a!")
    old, _ = create(things, {"name": "a", "size": 4})
    draft = draft_of(things, {"name": "b", "size": 5}, new=False, calculate=False)
    change = things.rules.plan_update(old.document, draft, Moment(NOW), FULL_ACCESS)
    assert (change.record["double"], change.record["label"]) == (8, "b!")


def test_without_defaults_what_was_not_sent_stays_unset(things):
    made, _ = create(things, {"name": "a"}, defaults=False)
    assert (made.record["size"], made.record["stage"]) == (None, None)


def test_without_validation_rules_are_passed_over_and_types_are_not(things):
    made, _ = create(things, {"name": "too long a name", "size": 99}, validate=False)
    assert (made.record["name"], made.record["size"]) == ("too long a name", 99)
    assert create(things, {}, validate=False)[0].record["name"] is None
    assert problems(things, {"size": "many", "owner": "nobody"}, validate=False) == [
        ("size", "invalid"),
        ("owner", "notFound"),
    ]


def test_without_conditions_fields_of_the_definition_are_open(things):
    assert create(things, {"name": "shut", "locked": "x"})[0].record["locked"] is None
    assert create(things, {"name": "shut", "locked": "x"}, conditions=False)[0].record["locked"] == "x"


def test_a_write_that_nothing_refuses_keeps_what_can_be_stored_and_tells_the_rest(things):
    body = {"size": 99, "tags": [1, "two", 3], "owner": "nobody", "stage": ["x"]}
    made, _ = create(things, body, refuse=False)
    record = made.record
    assert (record["size"], record["tags"], record["owner"], record["stage"]) == (99, [1, 3], None, "NEW")
    assert [(problem.field, problem.code) for problem in made.tolerated] == [
        ("name", "required"),
        ("size", "invalid"),
        ("stage", "invalid"),
        ("tags[1]", "invalid"),
        ("owner", "notFound"),
    ]
    assert problems(things, {"nonsense": 1}, refuse=False) == [("name", "required"), ("nonsense", "invalidStructure")]


def test_a_mark_stands_in_what_was_written_and_only_there(things):
    made, _ = create(things, {"name": "a"}, mark="job/1")
    assert made.document[MARK] == "job/1"
    same = draft_of(things, {"name": "a"}, new=False, mark="job/2")
    assert things.rules.plan_update(made.document, same, Moment(NOW), FULL_ACCESS).values is None
    other = draft_of(things, {"name": "b"}, new=False, mark="job/2")
    assert things.rules.plan_update(made.document, other, Moment(NOW), FULL_ACCESS).values[MARK] == "job/2"
