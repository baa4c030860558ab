"""Plans of lists, of single reads and of selections."""

import pytest

from engine.errors import BadRequest, Forbidden
from engine.query import (
    Format,
    parse_filter_map,
    parse_query,
    plan_filter,
    plan_list,
    plan_read,
    plan_selection,
    to_filter,
    to_find,
)
from tests.every import every
from tests.unit.query.query_samples import CLOCK, EVERYTHING, THINGS, Rights

ID = "57fd2d64e4b0b2f2a4f7a1c3"


def plan(*pairs, access=EVERYTHING):
    return plan_list(THINGS, parse_query(pairs), access, CLOCK)


@every(
    ("pairs", "offset"),
    [
        ([], ID),
        ([("_offset", ID)], ID),
        ([("_offset", "40")], ID),
        ([("_sortType", "asc")], ID),
        ([("_sortField", "id,name")], ID),
        ([("_sortField", "name")], 3),
        ([("_sortField", "name"), ("_offset", "40")], 43),
        ([("place", "near(1,2)")], 3),
        ([("place", "near(1,2)"), ("_sortField", "id")], ID),
    ],
)
def test_the_next_offset_fits_the_order(pairs, offset):
    assert plan(*pairs).next_offset(3, ID) == offset


def test_the_count_knows_nothing_of_pages():
    find = to_find(plan(("name", "a"), ("_offset", ID), ("_size", "5")))
    assert find.count_filter == {"name": "a"}
    assert list(find.filter) == ["_id", "name"]
    assert to_find(plan(("name", "a"), ("_offset", "9"))).filter == {"name": "a"}


@pytest.mark.parametrize(
    ("fields", "shown", "projection"),
    [
        ("name", {"name"}, {"name", "label", "version"}),
        ("title", {"name"}, {"name", "label", "version"}),
        ("id,version,label", set(), {"label", "version"}),
        ("draft", {"draft"}, {"draft", "label", "version"}),
        ("addresses,addresses.city", {"addresses", "addresses.city"}, {"addresses", "label", "version"}),
    ],
)
def test_fields_are_chosen(fields, shown, projection):
    found = plan(("_fields", fields))
    assert found.shown == shown
    assert set(to_find(found).projection) == projection
    assert set(to_find(found).projection.values()) == {1}


def test_output_is_carried_along():
    found = plan(
        ("_format", "plainText"),
        ("_formatForUser", "a@b.c"),
        ("_relationshipsToFetch", "owner,friends"),
        ("_explain", "true"),
    )
    assert (found.output.format, found.output.format_for_user, found.explain) == (Format.PLAIN_TEXT, "a@b.c", True)
    assert [path.name for path in found.relationships] == ["owner", "friends"]
    assert (found.shown, found.projection, to_find(found).projection) == (None, None, None)


def test_words_are_searched_with_the_index():
    find = to_find(plan(("name", "a"), ("_indexedFilter", "words"), ("_indexedFilterQuery", '"a b" $c')))
    assert find.filter == find.count_filter == {"name": "a", "$text": {"$search": '"a b" $c'}}


@pytest.mark.parametrize("fields", [",".join(["name"] * 201)])
def test_fields_are_limited(fields):
    with pytest.raises(BadRequest, match="at most 200"):
        plan(("_fields", fields))


def test_sort_fields_are_limited():
    names = "name,notes,size,price,active,state,seen,day,phone"
    with pytest.raises(BadRequest, match="at most 8"):
        plan(("_sortField", names))
    assert len(plan(("_sortField", names.rpartition(",")[0])).sort) == 9


# One record


def test_reading_one_record_takes_what_shapes_the_answer():
    output = plan_read(THINGS, parse_query([("_fields", "name"), ("_format", "plainText")]), EVERYTHING)
    assert (output.shown, output.format) == ({"name"}, Format.PLAIN_TEXT)
    assert plan_read(THINGS, parse_query([]), EVERYTHING).projection is None
    with pytest.raises(Forbidden):
        plan_read(THINGS, parse_query([("_fields", "name")]), Rights(hidden=frozenset({"name"})))


@pytest.mark.parametrize("pair", [("name", "a"), ("_query", "filter('name','a')"), ("_size", "1"), ("_total", "false")])
def test_reading_one_record_takes_nothing_else(pair):
    with pytest.raises(BadRequest, match=r"^Reading one record"):
        plan_read(THINGS, parse_query([pair]), EVERYTHING)


# Selections


def test_selections_join_the_row_filter():
    rights = Rights(row_filter=plan_filter(THINGS, parse_filter_map({"size": 5})))
    query = parse_query([("name", "a"), ("_query", "filter('state','new')")])
    found = plan_selection(THINGS, query, rights, CLOCK, everything=False)
    assert to_filter(found) == {"name": "a", "state": "new", "size": 5}
    assert to_filter(plan_selection(THINGS, parse_query([]), rights, CLOCK, everything=True)) == {"size": 5}
    assert to_filter(plan_selection(THINGS, parse_query([]), EVERYTHING, CLOCK, everything=True)) == {}


def test_a_forgotten_filter_is_noticed():
    with pytest.raises(BadRequest, match="_all=true"):
        plan_selection(THINGS, parse_query([]), EVERYTHING, CLOCK, everything=False)


def test_selections_take_no_pages():
    with pytest.raises(BadRequest, match="_size"):
        plan_selection(THINGS, parse_query([("name", "a"), ("_size", "1")]), EVERYTHING, CLOCK, everything=False)


# Data


@pytest.mark.parametrize("value", ["$ne", "$where", "{$gt: 1}", "a\x00b", "__proto__", "function(){}", "$user.id"])
def test_text_of_clients_stays_text(value):
    quoted = '"' + value + '"'
    for text in (quoted, f"notEquals({quoted})", f"greater({quoted})", f"like({quoted})"):
        assert operators_of(to_find(plan(("name", text))).filter) <= {"$ne", "$gt", "$regex"}
    assert to_find(plan(("name", value))).filter == {"name": value}
    assert to_filter(plan_filter(THINGS, parse_filter_map({"name": [value]}, references=False))) == {"name": value}


def operators_of(data):
    if isinstance(data, dict):
        return {key for key in data if key.startswith("$")}.union(*map(operators_of, data.values()))
    return set().union(*map(operators_of, data)) if isinstance(data, list) else set()
