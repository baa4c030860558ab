"""The three forms of a condition, as functions of a scope."""

import pytest

from engine.errors import ExpressionError
from engine.expressions import Names, Scope
from engine.expressions.filter import compile_condition
from engine.schema import Written
from tests.every import every
from tests.unit.query.query_samples import CLOCK, THINGS

NAMES = Names.of_entity(THINGS)


def scope(item, record=None, **more):
    return Scope(item, item if record is None else record, now=CLOCK.now, timezone=CLOCK.timezone, **more)


@pytest.mark.parametrize("value", [True, False])
def test_a_boolean_is_itself(value):
    assert compile_condition(value, NAMES)(scope({})) is value
    assert compile_condition(Written(value), NAMES)(scope({})) is value


@every(
    ("written", "item", "expected"),
    [
        ({"name": "a", "size": "greater(1)"}, {"name": "a", "size": 2}, True),
        ({"name": "a", "size": "greater(1)"}, {"name": "a", "size": None}, False),
        ({"draft": "x"}, {"draft": "x"}, True),
        ("name == 'a'", {"name": "a"}, True),
        ("size > 1", {"size": None}, False),
        ("size", {"size": None}, False),
        ("size", {"size": 0}, False),
        ("size", {"size": 3}, True),
    ],
)
def test_maps_and_expressions_look_at_the_item(written, item, expected):
    assert compile_condition(Written(written), NAMES)(scope(item)) is expected
    assert compile_condition(written, NAMES)(scope(item)) is expected


def test_a_map_is_filled_from_the_scope():
    condition = compile_condition({"name": "$user.name", "size": "less($record.size)", "seen": "less(now)"}, NAMES)
    item = {"name": "a", "size": 1, "seen": 5}
    assert condition(scope(item, {"size": 2}, user={"name": "a"}))
    assert not condition(scope(item, {"size": 2}, user={"name": "b"}))
    assert not condition(scope(item, {"size": 1}, user={"name": "a"}))
    assert not condition(scope(item, {"size": 2}, user=None))
    assert not condition(scope({**item, "seen": CLOCK.now}, {"size": 2}, user={"name": "a"}))


def test_inside_a_group_names_are_those_of_its_items():
    inner = NAMES.of_group(THINGS.by_name["addresses"])
    condition = compile_condition({"city": "$record.name", "lines.n": 1}, inner)
    assert condition(scope({"city": "Rome", "lines": [{"n": 1}]}, {"name": "Rome"}))
    assert not condition(scope({"city": "Rome", "lines": [{"n": 2}]}, {"name": "Rome"}))


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({"nam": "a"}, 'no field "nam"; did you mean "name"'),
        ({"size": "like(a)"}, "size: like is not supported"),
        ({"size": "x"}, "size: equals"),
        ("nam == 'a'", "nam"),
        ("name ==", "not an expression"),
        (5, "true, false, a filter map or an expression"),
        (None, "true, false, a filter map or an expression"),
    ],
)
def test_mistakes_are_found_when_compiled(written, words):
    with pytest.raises(ExpressionError, match=words):
        compile_condition(Written(written), NAMES)
