"""Filters written as maps."""

from decimal import Decimal
from urllib.parse import parse_qsl

import pytest

from engine.errors import BadRequest
from engine.query import (
    AllOf,
    AnyOf,
    Compare,
    Native,
    Reference,
    Source,
    Within,
    parse_filter_map,
    parse_query,
)
from tests.every import every

USER_ID = Reference(Source.USER, ("id",))


@every(
    ("written", "syntax"),
    [
        ({}, AllOf()),
        ({"a": "x"}, Compare("a", "equals", ("x",))),
        ({"a": "x,y"}, Compare("a", "equals", ("x", "y"))),
        ({"a": ["x,y", "greater(1)"]}, Compare("a", "equals", ("x,y", "greater(1)"))),
        ({"a": 5}, Compare("a", "equals", (Native(5),))),
        ({"a": 1.5}, Compare("a", "equals", (Native(Decimal("1.5")),))),
        ({"a": True}, Compare("a", "equals", (Native(True),))),
        ({"a": None}, Compare("a", "equals", ("",))),
        ({"a": [1, None, "x"]}, Compare("a", "equals", (Native(1), "", "x"))),
        ({"a": "greater(100)"}, Compare("a", "greater", ("100",))),
        ({"a": "x", "b.c": "y"}, AllOf((Compare("a", "equals", ("x",)), Compare("b.c", "equals", ("y",))))),
        (
            {"_or": {"a": "x", "_and": {"b": "y", "c": "z"}}},
            AnyOf(
                (
                    Compare("a", "equals", ("x",)),
                    AllOf((Compare("b", "equals", ("y",)), Compare("c", "equals", ("z",)))),
                )
            ),
        ),
        (
            {"_or": [{"a": "x"}, {"a": "y", "b": "z"}]},
            AnyOf(
                (
                    Compare("a", "equals", ("x",)),
                    AllOf((Compare("a", "equals", ("y",)), Compare("b", "equals", ("z",)))),
                )
            ),
        ),
        ({"a": {"b": "x"}}, Within("a", Compare("b", "equals", ("x",)))),
        ({"a": 'equals({"b": 1})'}, Within("a", Compare("b", "equals", (Native(1),)))),
        ({"a": "$user.id"}, Compare("a", "equals", (USER_ID,))),
        ({"a": ["$user.id", "x"]}, Compare("a", "equals", (USER_ID, "x"))),
        ({"a": "notEquals($user.id,x)"}, Compare("a", "notEquals", (USER_ID, "x"))),
        ({"a": "greater($record.b.c)"}, Compare("a", "greater", (Reference(Source.RECORD, ("b", "c")),))),
        ({"a": "currentUserField(id)"}, Compare("a", "equals", (USER_ID,))),
        ({"a": '"$user.id"'}, Compare("a", "equals", ("$user.id",))),
        ({"a": "$user"}, Compare("a", "equals", ("$user",))),
        ({"a": "$user."}, Compare("a", "equals", ("$user.",))),
        ({"a": "$user.__class__"}, Compare("a", "equals", ("$user.__class__",))),
    ],
)
def test_maps_are_read(written, syntax):
    assert parse_filter_map(written) == syntax


@pytest.mark.parametrize("written", [{"a": "$user.id"}, {"a": ["$record.x"]}, {"a": "equals($user.id)"}])
def test_clients_cannot_refer_to_the_user_or_the_record(written):
    (argument,) = parse_filter_map(written, references=False).arguments
    assert isinstance(argument, str)
    assert argument.startswith("$")


def test_clients_cannot_use_current_user_field():
    with pytest.raises(BadRequest, match="a: currentUserField works in definitions only"):
        parse_filter_map({"a": "currentUserField(id)"}, references=False)


@every(
    ("written", "words"),
    [
        ({"_or": {}}, "_or needs at least one condition"),
        ({"_and": []}, "_and needs at least one condition"),
        ({"_or": "x"}, "_or takes a map"),
        ({"_or": ["x"]}, "_or takes a map"),
        ({"_xor": {"a": 1}}, 'no _xor; did you mean "_or"'),
        ({"_size": 5}, "no _size"),
        ({"a": []}, "a: a list of values may not be empty"),
        ({"a": {}}, "a: a map of inner values may not be empty"),
        ({"a": [[1]]}, "a: a value is text, .* not a list"),
        ({"a": [{"b": 1}]}, "a: a value is text, .* not a map"),
        ({"a": object()}, "a: a value is text"),
        ({"a": "greater(1,2)"}, "^a: .*greater takes one value"),
        ({"a": "currentUserField(a b)"}, "a: currentUserField takes the path"),
        ({1: "x"}, "not by 1"),
    ],
)
def test_bad_maps_are_refused(written, words):
    with pytest.raises(BadRequest, match=words):
        parse_filter_map(written)


def test_maps_are_limited_like_queries():
    deep = {"a": 1}
    for _ in range(15):
        deep = {"_or": deep}
    assert parse_filter_map(deep)
    with pytest.raises(BadRequest, match="16 levels"):
        parse_filter_map({"_or": deep})
    with pytest.raises(BadRequest, match="1000 values"):
        parse_filter_map({"a": ["x"] * 1_001})
    with pytest.raises(BadRequest, match="200 conditions"):
        parse_filter_map({f"a{number}": 1 for number in range(201)})


@pytest.mark.parametrize(
    ("written", "query"),
    [
        ({"a": "x,y", "b": "less(2)"}, "a=x,y&b=less(2)"),
        ({"a": '"x, y"'}, 'a="x, y"'),
        ({"a": ["x", "y"]}, "a=x,y"),
        ({"a": None}, "a="),
    ],
)
def test_a_map_and_a_query_string_say_the_same(written, query):
    assert parse_filter_map(written) == parse_query(parse_qsl(query, keep_blank_values=True)).filter
