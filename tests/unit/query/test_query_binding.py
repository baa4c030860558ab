"""Values that only a request brings: the user's, the record's, and relative times."""

from engine.query import NEVER, Clock, bind, is_bound, parse_filter_map, plan_filter, to_filter, to_predicate
from tests.every import every
from tests.unit.query.query_samples import CLOCK, THINGS

ID = "57fd2d64e4b0b2f2a4f7a1c3"
OTHER = "57fd2d64e4b0b2f2a4f7a1c4"


def plan(written):
    return plan_filter(THINGS, parse_filter_map(written))


@every(
    ("written", "user", "expected"),
    [
        ({"name": "$user.x"}, {"x": "a"}, {"name": "a"}),
        ({"name": "$user.x.y"}, {"x": {"y": "a"}}, {"name": "a"}),
        ({"name": "$user.x.y"}, {"x": [{"y": "a"}, {"y": ["b"]}, {}, None]}, {"name": {"$in": ["a", "b"]}}),
        ({"name": ["$user.x", "z"]}, {"x": "a"}, {"name": {"$in": ["a", "z"]}}),
        ({"name": ["$user.x", "z"]}, {}, {"name": "z"}),
        ({"name": ["$user.x", None]}, {}, {"name": {"$in": [None, ""]}}),
        ({"name": "$user.x"}, {"x": 5}, {"name": "5"}),
        ({"name": "notEquals($user.x)"}, {"x": "a"}, {"name": {"$ne": "a"}}),
        ({"name": "notEquals($user.x)"}, {"x": ["a", "b"]}, {"name": {"$nin": ["a", "b"]}}),
        ({"size": "greater($user.x)"}, {"x": 5}, {"size": {"$gt": 5}}),
        ({"size": "between($user.x,9)"}, {"x": 5}, {"size": {"$gte": 5, "$lte": 9}}),
        ({"owner": "$user.x"}, {"x": "Bob"}, {"owner.label": "Bob"}),
        ({"contact": {"email": "$user.x"}}, {"x": "a"}, {"contact.email": "a"}),
        ({"addresses": {"city": "$user.x"}}, {"x": "a"}, {"addresses": {"$elemMatch": {"city": "a"}}}),
        ({"_or": {"name": "$user.x", "size": 1}}, {}, {"size": 1}),
        ({"active": "$user.x"}, {"x": False}, {"active": {"$in": [False, None]}}),
        ({"page": "$user.x"}, {"x": "a"}, {"page.text": "a"}),
    ],
)
def test_values_are_filled_in(written, user, expected):
    condition = plan(written)
    assert not is_bound(condition)
    bound = bind(condition, user=user)
    assert is_bound(bound)
    assert to_filter(bound) == expected


@every(
    ("written", "user"),
    [
        ({"name": "$user.x"}, None),
        ({"name": "$user.x"}, {}),
        ({"name": "$user.x"}, {"x": None}),
        ({"name": "$user.x"}, {"x": ""}),
        ({"name": "$user.x"}, {"x": []}),
        ({"name": "$user.x"}, {"x": [None]}),
        ({"name": "$user.x.y"}, {"x": "text"}),
        ({"name": "$record.x"}, {"x": "a"}),
        ({"name": "notEquals($user.x)"}, {}),
        ({"name": "notEquals($user.x,a)"}, {}),
        ({"name": "notEquals($user.x,$user.y)"}, {"x": ["a", "b"]}),
        ({"size": "$user.x"}, {"x": "no number"}),
        ({"size": "greater($user.x)"}, {}),
        ({"size": "greater($user.x)"}, {"x": [1, 2]}),
        ({"size": "between($user.x,$user.y)"}, {"x": [1, 2]}),
        ({"owner.id": "$user.x"}, {"x": "no id"}),
        ({"owner": "$user.x"}, {"x": {"id": "no id"}}),
        ({"owner": "$user.x"}, {"x": {"name": "no reference"}}),
        ({"size": "$user.x"}, {"x": {"id": ID}}),
        ({"name": "a", "size": "$user.x"}, {}),
        ({"addresses": {"city": "$user.x"}}, {}),
        ({"page": "$user.x"}, {"x": 5}),
    ],
)
def test_what_is_missing_or_of_no_use_matches_nothing(written, user):
    assert bind(plan(written), user=user) == NEVER


def test_references_are_compared_by_id():
    mine = {"company": {"id": ID, "label": "Acme"}}
    owned = {"owner": {"id": ID, "label": "renamed"}}
    alike = {"owner": {"id": OTHER, "label": "Acme"}}
    holds = to_predicate(bind(plan({"owner": "$user.company"}), user=mine))
    assert (holds(owned), holds(alike), holds({})) == (True, False, False)
    others = to_predicate(bind(plan({"owner": "notEquals($user.company)"}), user=mine))
    assert (others(owned), others(alike), others({})) == (False, True, True)
    mixed = to_predicate(bind(plan({"friends": ["$user.company", "Bob"]}), user=mine))
    assert mixed({"friends": [{"id": OTHER, "label": "Bob"}]})
    assert mixed({"friends": [{"id": ID, "label": "x"}]})
    assert not mixed({"friends": [alike["owner"]]})


def test_unbound_conditions_select_nothing():
    for written in ({"name": "$user.x"}, {"name": "notEquals($user.x)"}, {"seen": "less(now)"}):
        assert to_filter(plan(written)) == {"_id": {"$in": []}}
        assert not to_predicate(plan(written))({"name": "a", "seen": 0})


def test_relative_times_wait_for_a_clock():
    condition = plan({"seen": "greater(yesterday)"})
    assert not is_bound(condition)
    assert bind(condition) == NEVER
    early, late = (bind(condition, clock=Clock(now)) for now in (CLOCK.now, CLOCK.now + 86_400_000))
    moment = {"seen": CLOCK.now}
    assert (to_predicate(early)(moment), to_predicate(late)(moment)) == (True, False)
    assert bind(plan({"seen": "last 90000 years"}), clock=CLOCK) == NEVER


def test_record_values_are_read_in_value_form():
    condition = plan({"size": "less($record.size)", "addresses.city": "$record.addresses.city"})
    bound = bind(condition, record={"size": 5, "addresses": [{"city": "a"}, {"city": "b"}]})
    assert to_filter(bound) == {"size": {"$lt": 5}, "addresses.city": {"$in": ["a", "b"]}}
