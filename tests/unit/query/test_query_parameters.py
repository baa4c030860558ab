"""Name-value pairs to a ListQuery, before any schema is looked at."""

import pytest

from engine.errors import BadRequest
from engine.query import (
    PARAMETERS,
    AllOf,
    AnyOf,
    Compare,
    Format,
    ListQuery,
    SortItem,
    TextSearch,
    Within,
    parse_expression,
    parse_query,
)
from tests.every import every


def test_nothing_asks_for_the_first_page_of_everything():
    assert parse_query([]) == ListQuery()


def test_filters_are_joined_and_keep_their_order():
    query = parse_query([("a", "1"), ("b", "x,y"), ("a", "less(9)"), ("_query", "filter('c','2')")])
    assert query.filter == AllOf(
        (
            Compare("a", "equals", ("1",)),
            Compare("b", "equals", ("x", "y")),
            Compare("a", "less", ("9",)),
            Compare("c", "equals", ("2",), 0),
        )
    )


@every(
    ("pairs", "attributes"),
    [
        ([("_size", "7")], {"size": 7}),
        ([("_size", "0")], {"size": 0}),
        ([("_offset", "7")], {"offset": 7}),
        ([("_offset", "0" * 24)], {"offset": "0" * 24}),
        ([("_offset", "57FD2D64E4B0B2F2A4F7A1C3")], {"offset": "57fd2d64e4b0b2f2a4f7a1c3"}),
        ([("_sortField", "a")], {"sort": (SortItem("a", True),)}),
        ([("_sortField", "a,-b.c"), ("_sortType", "asc")], {"sort": (SortItem("a", False), SortItem("b.c", True))}),
        ([("_sortType", "asc")], {"sort": (), "descending": False}),
        ([("_fields", "a,b.c")], {"fields": ("a", "b.c")}),
        ([("_fields", "")], {"fields": None}),
        ([("_relationshipsToFetch", "a,b")], {"relationships": ("a", "b")}),
        ([("_format", "plainText")], {"format": Format.PLAIN_TEXT}),
        ([("_format", "plainText"), ("_formatForUser", "a@b.c")], {"format_for_user": "a@b.c"}),
        ([("_indexedFilter", "i"), ("_indexedFilterQuery", '"a b" c')], {"search": TextSearch("i", '"a b" c')}),
        ([("_total", "false")], {"total": False}),
        ([("_explain", "true")], {"explain": True}),
    ],
)
def test_parameters_are_read(pairs, attributes):
    query = parse_query(pairs)
    assert {name: getattr(query, name) for name in attributes} == attributes
    assert query.given == tuple(name for name, _ in pairs)
    assert query.filter is None


@every("name", [name for name in PARAMETERS if name != "_query"])
def test_every_parameter_may_be_given_once(name):
    with pytest.raises(BadRequest, match=f"{name} may be given only once"):
        parse_query([(name, "1"), (name, "1")])


def test_expressions_are_joined_as_filters_are():
    pairs = [("_query", "filter('a','1')"), ("b", "2"), ("_query", "or(filter('c','3'),filter('d','4'))")]
    b, a, either = parse_query(pairs).filter.parts
    assert (a.path, b.path, [one.path for one in either.parts]) == ("a", "b", ["c", "d"])


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("_siz", "_size"), ("_sortfield", "_sortField"), ("_Query", "_query"), ("_fileds", "_fields"), ("_x", None)],
)
def test_unknown_parameters_are_refused_with_the_nearest_one(name, nearest):
    with pytest.raises(BadRequest) as caught:
        parse_query([(name, "1")])
    assert name in caught.value.message
    assert (f'did you mean "{nearest}"' in caught.value.message) == (nearest is not None)


def test_the_nearest_one_may_be_a_flag_of_the_operation():
    with pytest.raises(BadRequest, match='no parameter _asinc; did you mean "_async"'):
        parse_query([("_asinc", "true")], ["_async"])


@every(
    "pairs",
    [
        [("_size", "")],
        [("_size", "1.0")],
        [("_size", "٣")],
        [("_size", "1" * 5000)],
        [("_offset", "")],
        [("_offset", "-1")],
        [("_offset", "2147483648")],
        [("_offset", "0" * 23)],
        [("_sortField", "")],
        [("_sortField", "a,")],
        [("_sortType", "ASC")],
        [("_fields", "a,,b")],
        [("_relationshipsToFetch", "")],
        [("_format", "")],
        [("_formatForUser", "a@b.c")],
        [("_format", "native"), ("_formatForUser", "a@b.c")],
        [("_format", "plainText"), ("_formatForUser", "")],
        [("_indexedFilter", "a")],
        [("_indexedFilterQuery", "a")],
        [("_indexedFilter", "a"), ("_indexedFilterQuery", "")],
        [("_total", "yes")],
        [("_explain", "")],
        [("", "a")],
    ],
)
def test_bad_parameters_are_refused_by_name(pairs):
    with pytest.raises(BadRequest) as caught:
        parse_query(pairs)
    assert not pairs[0][0] or any(name in caught.value.message for name, _ in pairs)


# _query


def test_expressions_nest():
    assert parse_expression("or(filter('a','1'),and(filter('b','x,y'),filter('c','less(2)')))") == AnyOf(
        (
            Compare("a", "equals", ("1",), 3),
            AllOf((Compare("b", "equals", ("x", "y"), 23), Compare("c", "less", ("2",), 41))),
        )
    )


def test_expressions_take_spaces_quotes_and_groups():
    assert parse_expression(" or ( filter( 'a' , 'it''s' ) ) ") == AnyOf((Compare("a", "equals", ("it's",), 6),))
    assert parse_expression("filter('a','equals({\"b\":1})')").path == "a"
    assert isinstance(parse_expression("filter('a','equals({\"b\":1})')"), Within)


@every(
    ("text", "at"),
    [
        ("", 1),
        ("or", 3),
        ("or()", 4),
        ("or(filter('a','1'),)", 20),
        ("or(filter('a','1')", 19),
        ("filter('a')", 11),
        ("filter('a','1','2')", 15),
        ("filter(\"a\",'1')", 8),
        ("filter('a,'1')", 12),
        ("filter('a','1)", 12),
        ("filter('a','\"1')", 12),
        ("filter('a','1') filter('a','1')", 17),
        ("not(filter('a','1'))", 1),
        ("a=1", 1),
        ("filter('a','greater(1,2)')", 12),
        ("\u0661(filter('a','1'))", 1),
    ],
)
def test_errors_in_expressions_say_where(text, at):
    with pytest.raises(BadRequest, match=rf"^_query: .*\(at character {at}\)$"):
        parse_expression(text)


# Limits


def nested(depth):
    return "or(" * depth + "filter('a','1')" + ")" * depth


def test_depth_is_limited():
    assert parse_query([("_query", nested(15))]).filter is not None
    with pytest.raises(BadRequest, match="at most 16 levels"):
        parse_query([("_query", nested(16))])
    with pytest.raises(BadRequest, match="at most 16 levels"):
        parse_query([("_query", nested(100_000))])


def test_conditions_are_limited_over_all_parts_of_a_query():
    many = [("a", "1")] * 150
    assert parse_query([*many, ("_query", "or(" + ",".join(["filter('a','1')"] * 49) + ")")]).filter is not None
    with pytest.raises(BadRequest, match="at most 200 conditions"):
        parse_query([*many, ("_query", "or(" + ",".join(["filter('a','1')"] * 50) + ")")])


def test_values_are_limited_over_all_parts_of_a_query():
    assert parse_query([("a", ",".join("1" * 600)), ("b", ",".join("1" * 400))]).filter is not None
    with pytest.raises(BadRequest, match="at most 1000 values"):
        parse_query([("a", ",".join("1" * 600)), ("b", ",".join("1" * 401))])
