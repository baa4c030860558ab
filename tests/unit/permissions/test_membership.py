import pytest
from bson import ObjectId

from engine.fields.reference import group_id
from engine.permissions.addresses import parse_address
from engine.permissions.membership import Memberships
from engine.schema import App, Group, PasswordRules
from tests.every import every

HOUR = 3_600_000
APP = App(
    "crm",
    "CRM",
    session_timeout=8 * HOUR,
    groups={
        "sales": Group(
            "sales",
            "Sales people",
            session_timeout=HOUR,
            max_login_attempts=5,
            allowed_ips=("10.0.0.0/8",),
            password=PasswordRules(min_length=10),
        ),
        "office": Group("office", "Office", session_timeout=2 * HOUR, allowed_ips=("192.0.2.1",), max_login_attempts=3),
        "readers": Group("readers", "Readers", impersonate=True),
    },
)


def member(*names, primary=None):
    return Memberships(APP).of(
        {"primary": name == primary, "group": {"id": ObjectId(group_id(name)), "label": name}} for name in names
    )


def test_the_shortest_session_of_the_groups_counts_else_the_apps():
    assert member("sales", "office").session_timeout == HOUR
    assert member("office", "readers").session_timeout == 2 * HOUR
    assert member("readers").session_timeout == 8 * HOUR
    assert member().session_timeout == 8 * HOUR


def test_password_rules_and_attempts_are_those_of_the_primary_group():
    both = member("sales", "office", primary="office")
    assert (both.max_login_attempts, both.password.min_length) == (3, 6)
    assert member("sales", "office", primary="sales").password.min_length == 10
    assert member("sales").max_login_attempts is None


def test_one_group_that_may_impersonate_is_enough():
    assert member("sales", "readers").impersonate
    assert not member("sales").impersonate


@every(
    ("groups", "address", "admitted"),
    [
        (["sales"], "10.1.1.1", True),
        (["sales"], "192.0.2.1", False),
        (["sales", "office"], "192.0.2.1", True),
        (["sales", "readers"], "192.0.2.1", False),
        (["readers"], "192.0.2.1", True),
        ([], "192.0.2.1", True),
        (["sales"], "nowhere", False),
        (["readers"], "nowhere", True),
    ],
)
def test_allowed_addresses_are_united_over_the_groups_that_list_any(groups, address, admitted):
    assert member(*groups).admits(parse_address(address)) is admitted


def test_groups_that_are_gone_give_nothing():
    assert member("gone", "sales").groups == ("sales",)
    assert member("gone", primary="gone").max_login_attempts is None


@pytest.mark.parametrize(
    "written", ["sales", "Sales people", group_id("sales"), {"id": group_id("sales")}, {"label": "Sales people"}]
)
def test_the_rules_for_a_new_user_follow_the_primary_group_however_it_is_written(written):
    body = [{"group": "readers"}, {"primary": True, "group": written}]
    assert Memberships(APP).rules_for(body).min_length == 10


@pytest.mark.parametrize(
    "written", [None, [], "sales", [{"group": "sales"}], [{"primary": True}], [{"primary": 1}], [1]]
)
def test_a_body_without_primary_group_asks_for_no_rules(written):
    assert Memberships(APP).rules_for(written) is None


@every(
    ("written", "names"),
    [
        ([{"group": "sales"}, {"group": "Office"}], ("sales", "office")),
        ([{"group": {"id": group_id("sales")}}, {"group": {"label": "Office", "id": None}}], ("sales", "office")),
        ([{"group": group_id("readers")}, {"group": "readers"}], ("readers",)),
        ([{"group": "gone"}, {"group": 5}, {"group": None}, {}, 5, {"group": {"id": "x"}}], ()),
        (None, ()),
        ("sales", ()),
        ({"group": "sales"}, ()),
    ],
)
def test_groups_are_known_by_name_label_and_id_each_once(written, names):
    assert Memberships(APP).named(written) == names
