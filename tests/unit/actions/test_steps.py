"""What each kind of step makes of a record, and what it wants done elsewhere."""

from decimal import Decimal

import pytest

from engine.actions import STEPS, Call, Create, Delete, Log, Run, Update
from engine.definitions.model_actions import StepDef
from engine.errors import BadRequest, Failed, ValidationErrors
from engine.query import to_filter
from tests.every import every


def test_every_kind_of_step_has_a_key_and_every_key_a_kind():
    assert set(STEPS) == set(StepDef.exclusive[0])


@every(
    ("step", "path", "expected"),
    [
        ("set: {state: closed}", "state", "closed"),
        ("set: {name: '{name} of {place.city}'}", "name", "a of Rome"),
        ("set: {size: '=size + 1'}", "size", 6),
        ("set: {size: '=size + 1'}", "double", 12),
        ("set: {size: null}", "size", None),
        ("set: {price: '=size / 2'}", "price", Decimal("2.5")),
        ("set: {price: 1.5}", "price", Decimal("1.5")),
        ("set: {due: '=today()'}", "due", "2023-11-14"),
        ("set: {at: '=now()'}", "at", 1_700_000_000_001),
        ("set: {large: '=size * 1000000000000000000000'}", "large", 5 * 10**21),
        ("set: {tags: [p, '{name}']}", "tags", ["p", "a"]),
        ("set: {tags: []}", "tags", []),
        ("set: {name: '{{name}}'}", "name", "{name}"),
        ("append: {tags: z}", "tags", ["x", "y", "z"]),
        ("append: {tags: [z, '{name}']}", "tags", ["x", "y", "z", "a"]),
        ("append: {tags: '=null'}".replace("=null", "=None"), "tags", ["x", "y"]),
        ("remove: {tags: x}", "tags", ["y"]),
        ("remove: {tags: 'like(x)'}", "tags", ["y"]),
        ("remove: {tags: [x, y]}", "tags", []),
        ("remove: {tags: nothing}", "tags", ["x", "y"]),
        ("append: {place.codes: 7}", "place.codes", [7]),
        ("set: {place.city: Oslo}", "place.city", "Oslo"),
        ("set: {place.city: Oslo}", "place.zip", "1"),
        ("set: {place: {city: Oslo}}", "place.zip", "1"),
    ],
)
def test_one_step_on_the_record(steps, step, path, expected):
    value = steps(step).run().record
    for name in path.split("."):
        value = value[name]
    assert value == expected


def cities(record):
    return [(row["city"], row["count"]) for row in record["rows"]]


def test_items_of_lists_keep_their_ids_and_new_ones_get_some(steps):
    outcome = steps("append: {rows: {city: C, count: '=size'}}", "remove: {rows: {city: B}}").run()
    assert cities(outcome.record) == [("A", 1), ("A", 3), ("C", 5)]
    ids = [row["id"] for row in outcome.record["rows"]]
    assert ids[:2] == [outcome.before["rows"][0]["id"], outcome.before["rows"][2]["id"]]
    assert len(set(ids)) == 3
    assert [row["label"] for row in outcome.record["rows"]] == ["A", "A", "C"]


def test_items_that_were_just_added_can_be_removed(steps):
    bench = steps(
        "append: {rows: [{city: C}, {city: D}]}", "remove: {rows: {city: [A, C]}}", "append: {rows: {city: E}}"
    )
    assert cities(bench.run().record) == [("B", 2), ("D", None), ("E", None)]


def test_later_steps_see_earlier_ones(steps):
    bench = steps("set: {size: 7}", "set: {name: '{double}'}", "append: {tags: '{name}'}", "log: {message: '{tags}'}")
    outcome = bench.run()
    assert outcome.record["tags"] == ["x", "y", "14"]
    assert outcome.record["name"] == "14"
    (line,) = outcome.plan.effects
    assert "14" in line.message


def test_old_is_the_record_before_the_action(steps):
    assert steps("set: {size: 7}", "set: {name: '{old.size} {size}'}").run().record["name"] == "5 7"


def test_a_group_that_was_cleared_can_be_filled_again(steps):
    place = steps("set: {place: null}", "set: {place.city: Oslo}").run().record["place"]
    assert (place["city"], place["zip"]) == ("Oslo", None)


def test_setting_parts_of_a_group_adds_up(steps):
    place = steps("set: {place.zip: '2'}", "set: {place: {city: Oslo}}").run().record["place"]
    assert (place["city"], place["zip"]) == ("Oslo", "2")


def test_a_condition_decides_about_its_step(steps):
    bench = steps("{when: size > 4, set: {name: big}}", "{when: {size: less(5)}, set: {name: small}}")
    assert bench.run().record["name"] == "big"
    assert bench.run(size=1).record["name"] == "small"


def test_references_are_set_by_what_people_write(steps):
    plan = steps("set: {owner: Ann}", "append: {friends: {id: '" + "1" * 24 + "'}}").run().plan
    assert plan.patch == {"owner": "Ann", "friends": [{"id": "1" * 24}]}


def test_what_a_field_refuses_is_left_for_the_write(steps):
    bench = steps("set: {size: '=name'}")
    created = bench.record()
    action = bench.things.behaviour.actions["act"]
    planning = action.plan(created.record, action.parameters.parse({}), __import__("engine.records").records.Moment(1))
    with pytest.raises(StopIteration) as end:
        next(planning)
    assert end.value.value.patch == {"size": "a"}


def test_effects_elsewhere(steps):
    bench = steps(
        "create: {entity: people, values: {name: '{name}!', age: '=size', home.city: '{place.city}'}}",
        "update: {entity: people, where: {name: $record.name, age: greater(3)}, set: {age: '=size * 2'}}",
        "delete: {entity: people, where: {age: $record.size}}",
        "log: {level: WARN, message: 'done with {name}'}",
    )
    create, update, delete, log = bench.run().plan.effects
    assert create == Create("people", {"name": "a!", "age": 5, "home": {"city": "Rome"}})
    assert isinstance(update, Update)
    assert (update.entity, update.body, to_filter(update.condition)) == (
        "people",
        {"age": 10},
        {"name": "a", "age": {"$gt": 3}},
    )
    assert isinstance(delete, Delete)
    assert to_filter(delete.condition) == {"age": 5}
    assert log == Log("WARN", "done with a")


def test_values_of_the_record_never_become_operators(steps):
    bench = steps("delete: {entity: people, where: {name: $record.name}}")
    (delete,) = bench.run(name="like(x)").plan.effects
    assert to_filter(delete.condition) == {"name": "like(x)"}


def test_calls_are_made_in_their_place(steps):
    bench = steps(
        "call: {url: 'https://example.com/{name}'}",
        "set: {size: 9}",
        "call: {method: POST, url: 'https://example.com', json: {n: '=size', all: ['{name}', 1]}, timeout: 2s}",
    )
    outcome = bench.run()
    assert outcome.calls == [
        Call("GET", "https://example.com/a", None, 10_000),
        Call("POST", "https://example.com", {"n": 9, "all": ["a", 1]}, 2_000),
    ]
    assert outcome.plan.called


def test_fail_ends_with_the_code_of_the_author(steps):
    bench = steps("{when: size > 4, fail: {code: tooBig, message: '{name} is too big'}}", "set: {name: b}")
    with pytest.raises(Failed) as caught:
        bench.run()
    assert (caught.value.code, caught.value.message, caught.value.status) == ("tooBig", "a is too big", 400)
    assert bench.run(size=1).record["name"] == "b"


def test_an_expression_that_fails_is_told_by_name(steps):
    with pytest.raises(BadRequest, match=r"^act could not be carried out: \+ cannot be applied"):
        steps("set: {size: '=size + name'}").run()


ACTIONS = """
inner:
  precondition: {state: open}
  parameters: {by: {type: integer, required: true, max: 10}, who: {type: relationship, entity: people}}
  steps:
    - set: {size: '=size + params.by'}
    - log: {message: 'inner {params.by}'}
outer:
  parameters: {n: {type: integer, default: 2}}
  steps:
    - set: {name: b}
    - action: {name: inner, params: {by: '=params.n'}}
    - set: {name: '{name} {size} {params.n}'}
running:
  parameters: {n: {type: integer}}
  run: work
"""
HOOKS = "async def work(ctx):\n    return 1\n"


@pytest.fixture
def nested(workbench, monkeypatch):
    from engine.definitions import Sources

    real = Sources.__init__

    def with_hooks(self, root, files, problems=()):
        real(self, root, {**files, "hooks.py": HOOKS}, problems)

    monkeypatch.setattr(Sources, "__init__", with_hooks)
    return workbench(ACTIONS)


def test_an_action_inside_another_is_one_change(nested):
    outcome = nested.run("outer")
    assert (outcome.record["size"], outcome.record["name"], outcome.record["version"]) == (7, "b 7 2", 1)
    assert outcome.plan.effects == (Log("INFO", "inner 2"),)
    assert outcome.plan.performed == ("inner", "outer")


def test_an_inner_action_keeps_its_rules(nested):
    with pytest.raises(BadRequest, match="Inner cannot be done"):
        nested.run("outer", state="closed")
    with pytest.raises(ValidationErrors) as caught:
        nested.run("outer", params={"n": 11})
    assert caught.value.problems[0].field == "by"


def test_a_function_is_run_with_its_parameters(nested):
    assert nested.run("running", params={"n": 3}).plan.effects == (Run("work", {"n": 3}, "running"),)
