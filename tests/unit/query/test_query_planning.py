"""Filters against a schema: what each field takes, and what is refused."""

from dataclasses import replace
from decimal import Decimal

import pytest
from bson.datetime_ms import DatetimeMS

from engine.errors import BadRequest, Forbidden
from engine.fields import FIELD_TYPES
from engine.query import (
    ALWAYS,
    OPERATORS,
    AllOf,
    AnyOf,
    Compare,
    FieldSet,
    all_of,
    any_of,
    negate,
    parse_filter_map,
    parse_query,
    plan_filter,
    plan_list,
    to_filter,
    to_predicate,
)
from tests.every import every
from tests.unit.query.query_samples import CLOCK, EVERYTHING, THINGS, Rights, entity_of

SEVEN = {"equals", "notEquals", "empty", "notEmpty", "greater", "greaterOrEquals", "less", "lessOrEquals", "between"}
TEXT = {*SEVEN, "like"}
CHOICE = {"equals", "notEquals", "empty", "notEmpty"}
SUPPORT = {
    **dict.fromkeys(("text", "longText", "maskedText", "url", "html", "email", "phone", "qr", "rank"), TEXT),
    **dict.fromkeys(("integer", "autoIncrement", "decimal", "money", "percentage", "bigNumber", "duration"), SEVEN),
    **dict.fromkeys(("date", "dateYearMonth", "dateMonthDay", "dateTime", "dateTimeNoTimezone", "time"), SEVEN),
    **dict.fromkeys(("dateRecordCreated", "dateRecordModified"), SEVEN),
    **dict.fromkeys(("choice", "color"), CHOICE),
    **dict.fromkeys(("relationship", "group", "file", "dynamicChoice"), CHOICE | {"like"}),
    "boolean": {"equals", "notEquals"},
    "nested": {"equals", "empty", "notEmpty"},
    "geoPoint": {"near"},
    "json": {"empty", "notEmpty"},
}
"""The operators of each type, from the reference."""


def test_the_table_of_operators_is_complete():
    assert SUPPORT.keys() == FIELD_TYPES.keys()


def item_of(kind):
    """A field of the type, configured with the type's sample options."""
    base = THINGS.by_name["name"]
    return replace(base, type=FIELD_TYPES[kind].configure(FIELD_TYPES[kind].sample_options), aliases=())


@every("operator", [name for name in OPERATORS if name != "currentUserField"])
@every("kind", FIELD_TYPES)
def test_every_type_takes_its_operators_and_no_others(kind, operator):
    fields = FieldSet({"name": item_of(kind)})
    arguments = {"between": ("1", "2"), "near": ("1", "2"), "empty": (), "notEmpty": ()}.get(operator, ("1",))
    asked = Compare("name", operator, arguments)
    try:
        plan_filter(fields, asked)
        message = ""
    except BadRequest as error:
        message = error.message
    assert ("is not supported; " in message) == (operator not in SUPPORT[kind])
    assert not message or message.startswith(f"name: {operator}")


def plan(filter_map, access=None, clock=CLOCK):
    return plan_filter(THINGS, parse_filter_map(filter_map), access, clock)


def sent(filter_map, access=None):
    return to_filter(plan(filter_map, access))


def test_values_are_parsed_by_the_type():
    assert sent({"phone": "702-845-9380"}) == {"phone": "7028459380"}
    assert sent({"size": Decimal("5.0")}) == {"size": 5}
    assert sent({"seen": 5}) == {"seen": DatetimeMS(5)}
    assert sent({"title": "a"}) == {"name": "a"}


@every(
    ("written", "words"),
    [
        ({"size": "x"}, "^size: equals: Expected a whole number, not 'x'"),
        ({"size": True}, "^size: equals: Expected a whole number, not true"),
        ({"size": Decimal("1.5")}, r"^size: equals: Expected a whole number, not 1\.5$"),
        ({"name": 5}, "^name: equals: Expected text, not 5"),
        ({"active": 1}, "^active: equals"),
        ({"size": 2**63}, "^size: equals"),
        ({"size": float("nan")}, "^size: equals"),
        ({"size": float("inf")}, "^size: equals"),
        ({"owner": 5}, "^owner: equals"),
        ({"page": 5}, "^page: equals"),
        ({"contact": 5}, "^contact: equals"),
        ({"name": {"a": 1}}, 'field "name" has no inner fields'),
        ({"name": "\ud800"}, "^name: equals"),
        ({"name": "like(\ud800)"}, "^name: like"),
        ({"name": "like($user.x)"}, "^name: like: text is needed"),
        ({"place": "near($user.x,1)"}, "^place: near: plain numbers are needed"),
        ({"size": "greater()"}, "greater takes one value, not none"),
        ({"name": 'greater("")'}, "^name: greater needs a value"),
        ({"size": ["", "x"]}, "^size: equals"),
        ({"addresses": {"zip": "x"}}, "^addresses.zip: equals"),
        ({"draft": "x"}, '"draft" is not stored'),
        ({"x" * 5000: "x"}, "There is no field"),
        ({"a." * 3000 + "a": "x"}, "There is no field"),
        ({"$where": "1"}, "There is no field"),
        ({"addresses.$.city": "1"}, "There is no field"),
        ({"addresses.0.city": "1"}, "There is no field"),
        ({"_id": "1"}, "A filter has no _id"),
    ],
)
def test_what_does_not_fit_is_refused(written, words):
    with pytest.raises(BadRequest, match=words) as caught:
        plan(written)
    assert len(caught.value.message) < 400


def test_messages_offer_the_nearest_name():
    with pytest.raises(BadRequest, match='There is no field "contct"; did you mean "contact"'):
        plan({"contct.email": "x"})
    with pytest.raises(BadRequest, match='There is no field "emial" in "contact"; did you mean "email"'):
        plan({"contact.emial": "x"})
    with pytest.raises(BadRequest, match='There is no field "labl"; did you mean "label"'):
        plan({"labl": "x"})


def test_transient_fields_may_be_asked_of_a_record_at_hand():
    condition = plan_filter(THINGS, parse_filter_map({"draft": "x"}), transient=True)
    assert to_predicate(condition)({"draft": "x"})


# Sensitive fields


@pytest.mark.parametrize("written", [{"secret": "a"}, {"secret": ["a", "b"]}, {"secret": "equals(a)"}])
def test_sensitive_text_is_found_by_exact_text(written):
    assert "secret" in sent(written)


@every(
    "written",
    [
        {"secret": "notEquals(a)"},
        {"secret": "like(a)"},
        {"secret": "greater(a)"},
        {"secret": "empty()"},
        {"secret": "notEmpty()"},
        {"secret": None},
        {"secret": ["a", None]},
        {"pin": 5},
        {"pin": "between(1,5)"},
    ],
)
def test_sensitive_fields_take_nothing_else(written):
    with pytest.raises(BadRequest, match="sensitive"):
        plan(written)


# Rights


@every(
    "written",
    [
        {"name": "x"},
        {"title": "x"},
        {"name": "empty()"},
        {"_or": {"size": 1, "name": "x"}},
        {"contact.email": "x"},
        {"contact": {"email": "x"}},
        {"addresses": {"city": "x"}},
        {"addresses.city": "empty()"},
        {"addresses": "empty()"},
        {"addresses.lines": {"n": 1}},
        {"owner": "Bob"},
        {"owner": "empty()"},
        {"owner.label": "Bob"},
        {"owner.size": 1},
    ],
)
def test_hidden_fields_cannot_be_asked_for(written):
    hidden = Rights(hidden=frozenset({"name", "contact.email", "addresses", "owner.label", "owner.size"}))
    assert plan(written, EVERYTHING)
    with pytest.raises(Forbidden, match="no right to read"):
        plan(written, hidden)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("_sortField", "name"),
        ("_sortField", "size,-title"),
        ("_sortField", "owner"),
        ("_fields", "size,name"),
        ("_fields", "contact.email"),
        ("_relationshipsToFetch", "friends"),
        ("_query", "or(filter('size','1'),filter('name','x'))"),
    ],
)
def test_hidden_fields_cannot_be_used_anywhere(parameter, value):
    hidden = Rights(hidden=frozenset({"name", "contact", "owner.label", "friends"}))
    query = parse_query([(parameter, value)])
    assert plan_list(THINGS, query, EVERYTHING, CLOCK)
    with pytest.raises(Forbidden, match="no right to read"):
        plan_list(THINGS, query, hidden, CLOCK)


def test_a_text_index_over_a_hidden_field_cannot_be_searched():
    query = parse_query([("_indexedFilter", "words"), ("_indexedFilterQuery", "a b")])
    assert plan_list(THINGS, query, EVERYTHING, CLOCK).search == query.search
    for rights in (Rights(hidden=frozenset({"notes"})), Rights(guards={"notes": plan({"size": 1})})):
        with pytest.raises(Forbidden, match="notes"):
            plan_list(THINGS, query, rights, CLOCK)


def test_other_indexes_and_sensitive_ones_cannot_be_searched():
    with pytest.raises(BadRequest, match="no text index"):
        plan_list(THINGS, parse_query([("_indexedFilter", "sizes"), ("_indexedFilterQuery", "a")]), EVERYTHING, CLOCK)
    entity = entity_of("""
label: Things
fields: {pin: {type: text, sensitive: true}}
indexes: [{name: pins, type: text, fields: [pin]}]
""")
    with pytest.raises(BadRequest, match="sensitive"):
        plan_list(entity, parse_query([("_indexedFilter", "pins"), ("_indexedFilterQuery", "a")]), EVERYTHING, CLOCK)


def test_the_row_filter_joins_every_list():
    rights = Rights(row_filter=plan({"size": "greater(5)"}))
    pairs = [("name", "a"), ("_offset", "0" * 24)]
    found = plan_list(THINGS, parse_query(pairs), rights, CLOCK)
    assert to_filter(found.condition) == {"name": "a", "size": {"$gt": 5}}
    assert plan_list(THINGS, parse_query([]), rights, CLOCK).condition == rights.row_filter


def test_fields_seen_on_some_records_bring_their_condition_along():
    guard = plan({"state": "open"})
    rights = Rights(guards={"name": guard, "owner.label": guard, "contact.email": guard, "addresses.city": guard})
    assert sent({"name": "a", "size": 1}, rights) == {"name": "a", "state": "open", "size": 1}
    assert sent({"name": "notEquals(a)"}, rights) == {"name": {"$ne": "a"}, "state": "open"}
    assert sent({"owner": "Bob"}, rights) == {"owner.label": "Bob", "state": "open"}
    assert sent({"_or": {"name": "a", "size": 1}}, rights) == {"$or": [{"name": "a", "state": "open"}, {"size": 1}]}
    assert sent({"addresses": {"city": "a", "zip": 1}}, rights) == {
        "addresses": {"$elemMatch": {"city": "a", "zip": 1}},
        "state": "open",
    }
    assert sent({"contact": "empty()"}, rights)["state"] == "open"
    with pytest.raises(Forbidden, match="name"):
        plan_list(THINGS, parse_query([("_sortField", "name")]), rights, CLOCK)


def test_a_group_is_empty_as_far_as_the_caller_sees_it():
    hidden = Rights(hidden=frozenset({"contact.email", "contact.on"}))
    assert sent({"contact": "empty()"}, hidden) == {"contact.phones": {"$in": [None, "", []]}}
    assert sent({"contact": None}, hidden) == {"contact.phones": {"$in": [None, "", []]}}


def test_fields_with_a_condition_of_their_own_are_not_searched_by_clients():
    entity = entity_of("label: Things\nfields: {state: {type: text}, inner: {type: text, read: {state: open}}}")
    asked = parse_filter_map({"inner": "x"})
    assert to_filter(plan_filter(entity, asked)) == {"inner": "x"}
    with pytest.raises(Forbidden, match="some records only"):
        plan_filter(entity, asked, EVERYTHING)
    with pytest.raises(Forbidden, match="some records only"):
        plan_list(entity, parse_query([("_sortField", "inner")]), EVERYTHING, CLOCK)
    shown = plan_list(entity, parse_query([("_fields", "inner")]), EVERYTHING, CLOCK)
    assert (shown.shown, shown.projection) == ({"inner"}, None)


# Putting conditions together


def test_conditions_join_flat():
    one, other = plan({"size": 1}), plan({"name": "a"})
    assert all_of([]) == ALWAYS
    assert to_filter(all_of([one, ALWAYS, all_of([other])])) == {"size": 1, "name": "a"}
    assert to_filter(all_of([one, negate(ALWAYS)])) == {"_id": {"$in": []}}
    assert to_filter(any_of([])) == {"_id": {"$in": []}}
    assert to_filter(any_of([one, any_of([other])])) == {"$or": [{"size": 1}, {"name": "a"}]}
    assert any_of([one, ALWAYS]) == ALWAYS
    assert any_of([one, negate(ALWAYS)]) == one
    assert to_filter(ALWAYS) == {}


@every(
    "written",
    [
        {"size": 1},
        {"size": 1, "name": "a"},
        {"_or": {"size": 1, "name": "a"}},
        {"addresses": {"city": "a"}},
        {"addresses.city": "empty()"},
        {"name": "like(/a)"},
        {"size": "greater(0)"},
        {"size": "between(1,2)"},
        {"scores": "between(1,2)"},
        {"place": "near(1,2)"},
        {"contact.email": "empty()"},
        {},
    ],
)
def test_the_opposite_selects_the_rest(written):
    condition = plan(written)
    records = [
        {},
        {"size": 1},
        {"name": "a"},
        {"size": 1, "name": "a"},
        {"addresses": [{"city": "a"}]},
        {"addresses": [{"city": None}]},
        {"scores": [1], "place": {"latitude": 1, "longitude": 2}},
    ]
    holds, opposite = to_predicate(condition), to_predicate(negate(condition))
    assert [holds(record) for record in records] == [not opposite(record) for record in records]
    assert negate(negate(condition)) == condition


def test_conditions_of_one_field_share_an_object_where_they_can():
    both = AllOf(
        (Compare("size", "greater", ("1",)), Compare("size", "less", ("9",)), Compare("size", "equals", ("5",)))
    )
    assert to_filter(plan_filter(THINGS, both)) == {"size": {"$gt": 1, "$lt": 9, "$eq": 5}}
    twice = AllOf((Compare("size", "greater", ("1",)), Compare("size", "greater", ("2",))))
    assert to_filter(plan_filter(THINGS, twice)) == {"size": {"$gt": 1}, "$and": [{"size": {"$gt": 2}}]}
    same = AllOf((Compare("size", "equals", ("1",)), Compare("size", "equals", ("1",))))
    assert to_filter(plan_filter(THINGS, same)) == {"size": 1}
    inside = AnyOf((same, twice))
    joined = AllOf((inside, Compare("name", "equals", ("a",)), inside, AnyOf((both, same))))
    assert to_filter(plan_filter(THINGS, joined)).keys() == {"$or", "name", "$and"}
