"""Rights of groups: rows, changes, fields and labels; united over groups; joined to queries and writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine.compiler import CompiledApp, build_app
from engine.definitions import Sources, resolve_app
from engine.errors import Forbidden, NotFound, ValidationErrors
from engine.permissions import FULL_ACCESS, NO_ACCESS, Access
from engine.query import ALWAYS, NEVER, Clock, parse_query, plan_list, to_find
from engine.records import Frame, Moment
from tests.every import every

NOW = 1_700_000_000_000
CLOCK = Clock(NOW, "UTC")
THINGS = """
recordLabel: "{name} {secret}"
fields:
  name:   {type: text}
  owner:  {type: text}
  state:  {type: choice, options: [open, shut]}
  secret: {type: text}
  rating: {type: integer}
  inner:
    type: nested
    many: true
    recordLabel: "{hush}"
    fields: {seen: {type: text}, hush: {type: text}}
"""


@pytest.fixture
def app() -> Callable[..., CompiledApp]:
    def make(settings: str = "", **groups: str) -> CompiledApp:
        files = {"app.yaml": f"name: shop\n{settings}", "entities/things.yaml": THINGS}
        files.update({f"groups/{name}.yaml": f"entities: {{things: {rights}}}" for name, rights in groups.items()})
        return build_app(resolve_app(Sources("shop", files)))

    return make


def access(compiled: CompiledApp, *groups: str, user: dict[str, Any] | None = None) -> Access:
    return compiled.rights.access(frozenset(groups), "things").bound(user, CLOCK)


def write(compiled: CompiledApp, rights: Access, body: dict[str, Any], old: dict[str, Any] | None = None) -> Any:
    rules = compiled.entities["things"].rules
    draft = rules.parse(body, rights, new=old is None)
    if old is None:
        return rules.plan_create(draft, Moment(NOW), rights, {})
    return rules.plan_update(old, draft, Moment(NOW), rights)


def stored(compiled: CompiledApp, **values: Any) -> dict[str, Any]:
    return write(compiled, FULL_ACCESS, values).document


def find(compiled: CompiledApp, rights: Access, *pairs: tuple[str, str]) -> dict[str, Any]:
    return to_find(plan_list(compiled.app.entities["things"], parse_query(pairs), rights, CLOCK)).filter


def test_an_entity_that_no_group_names_is_closed(app):
    compiled = app(sales="{read: always}")
    assert access(compiled) is NO_ACCESS
    assert not access(compiled, "unknown").may("read")
    assert access(compiled, "sales").may("read")
    assert not access(compiled, "sales").may("create")


def test_the_row_filter_joins_every_query(app):
    rights = access(app(sales="{read: {state: open}}"), "sales")
    assert find(app(), rights) == {"state": "open"}
    assert find(app(), rights, ("name", "Ada")) == {"name": "Ada", "state": "open"}


def test_rows_of_several_groups_are_united(app):
    compiled = app(one="{read: {state: open}}", two="{read: {owner: $user.name}}", all="{read: always}")
    rights = access(compiled, "one", "two", user={"name": "Ada"})
    assert find(compiled, rights) == {"$or": [{"state": "open"}, {"owner": "Ada"}]}
    assert access(compiled, "one", "all").row_filter is None


def test_a_condition_on_a_user_who_lacks_the_value_matches_nothing(app):
    compiled = app(sales="{read: {owner: $user.name}}")
    assert access(compiled, "sales", user={}).read == NEVER
    assert access(compiled, "sales", user=None).read == NEVER


def test_reading_comes_before_all_but_creating(app):
    compiled = app(sales="{read: {state: open}, create: always, update: always, delete: always, auditLogs: always}")
    rights = access(compiled, "sales")
    shut = compiled.entities["things"].rules.load(stored(compiled, state="shut"))
    assert rights.create == ALWAYS
    assert not rights.allows_delete(shut)
    assert not rights.allows_change_of(shut)
    assert not rights.allows_audit(shut)


def test_a_change_must_be_allowed_on_the_record_as_it_was_and_as_it_becomes(app):
    compiled = app(sales="{read: always, update: {owner: Ada}}")
    rights = access(compiled, "sales")
    mine = stored(compiled, owner="Ada", name="x")
    assert write(compiled, rights, {"name": "y"}, mine).values["name"] == "y"
    with pytest.raises(Forbidden):
        write(compiled, rights, {"owner": "Bob"}, mine)
    with pytest.raises(Forbidden):
        write(compiled, rights, {"owner": "Ada"}, stored(compiled, owner="Bob"))


def test_update_to_replaces_what_the_record_may_become(app):
    compiled = app(sales="{read: always, update: {state: open}, updateTo: {state: [open, shut]}}")
    rights = access(compiled, "sales")
    opened = stored(compiled, state="open")
    assert write(compiled, rights, {"state": "shut"}, opened).values["state"] == "shut"
    with pytest.raises(Forbidden):
        write(compiled, rights, {"state": "open"}, stored(compiled, state="shut"))


def test_one_group_must_allow_both_ends_of_a_change(app):
    compiled = app(one="{read: always, update: {owner: Ada}}", two="{read: always, update: {owner: Bob}}")
    rights = access(compiled, "one", "two")
    with pytest.raises(Forbidden):
        write(compiled, rights, {"owner": "Bob"}, stored(compiled, owner="Ada"))


def test_creating_is_asked_of_the_record_that_would_be(app):
    compiled = app(sales="{read: always, create: {state: open}}")
    rights = access(compiled, "sales")
    assert write(compiled, rights, {"state": "open"}).document["state"] == "open"
    with pytest.raises(Forbidden):
        write(compiled, rights, {"state": "shut"})


@every(
    "pairs",
    [
        [("secret", "x")],
        [("secret", "like(x)")],
        [("_sortField", "secret")],
        [("_fields", "secret")],
        [("_query", "or(filter('secret','x'),filter('name','y'))")],
        [("inner.hush", "x")],
        [("_fields", "inner.hush")],
        [("label", "x")],
        [("_sortField", "label")],
    ],
)
def test_a_hidden_field_cannot_be_asked_for(app, pairs):
    compiled = app(sales="{read: always, fields: {secret: none, inner.hush: none}}")
    with pytest.raises(Forbidden):
        find(compiled, access(compiled, "sales"), *pairs)


def test_a_hidden_field_is_not_shown_and_neither_is_a_label_made_of_it(app):
    compiled = app(sales="{read: always, fields: {secret: none, inner.hush: none}}")
    rights = access(compiled, "sales")
    document = stored(compiled, name="Ada", secret="canary", inner=[{"seen": "yes", "hush": "canary"}])
    shown = compiled.entities["things"].views.get(Frame(hidden=rights.hidden)).render(document, Moment(NOW).scope)
    assert "canary" not in str(shown)
    assert shown["label"] == shown["id"]
    assert shown["inner"][0] == {"id": shown["inner"][0]["id"], "label": "Inner", "seen": "yes"}


def test_a_hidden_field_in_a_body_is_as_good_as_unknown_and_a_read_only_one_is_dropped(app):
    compiled = app(sales="{read: always, create: always, update: always, fields: {secret: none, rating: readOnly}}")
    rights = access(compiled, "sales")
    with pytest.raises(ValidationErrors) as caught:
        write(compiled, rights, {"secret": "x"})
    assert [problem.code for problem in caught.value.problems] == ["invalidStructure"]
    assert write(compiled, rights, {"rating": 5, "name": "x"}).document["rating"] is None
    assert write(compiled, rights, {"rating": 5}, stored(compiled, rating=1)).values is None


def test_clearing_a_group_leaves_what_may_not_be_written(app):
    compiled = build_app(
        resolve_app(
            Sources(
                "shop",
                {
                    "app.yaml": "name: shop",
                    "entities/things.yaml": "fields: {box: {type: nested, fields: {a: {type: text}, b: {type: text}}}}",
                    "groups/sales.yaml": "entities: {things: {read: always, update: always, fields: {box.b: readOnly}}}",
                },
            )
        )
    )
    document = stored(compiled, box={"a": "1", "b": "2"})
    record = write(compiled, access(compiled, "sales"), {"box": None}, document).record
    assert (record["box"]["a"], record["box"]["b"]) == (None, "2")


def test_a_field_seen_on_some_records_is_shown_and_found_on_those_only(app):
    compiled = app(sales="{read: always, fields: {secret: {read: {state: open}, write: never}}}")
    rights = access(compiled, "sales")
    views = compiled.entities["things"].views
    opened = stored(compiled, state="open", secret="canary")
    shut = stored(compiled, state="shut", secret="canary")
    frame = Frame(hidden=rights.hidden)
    assert views.get(frame).render(opened, Moment(NOW).scope, rights.masks)["secret"] == "canary"
    assert "canary" not in str(views.get(frame).render(shut, Moment(NOW).scope, rights.masks))
    assert find(compiled, rights, ("secret", "canary")) == {"secret": "canary", "state": "open"}
    assert find(compiled, rights, ("secret", "notEquals(x)")) == {"secret": {"$ne": "x"}, "state": "open"}
    with pytest.raises(Forbidden):
        find(compiled, rights, ("_sortField", "secret"))


def test_a_field_that_one_group_shows_on_its_rows_is_masked_on_the_others(app):
    compiled = app(one="{read: always, fields: {secret: none}}", two="{read: {owner: Ada}}")
    rights = access(compiled, "one", "two")
    view = compiled.entities["things"].views.get(Frame(hidden=rights.hidden))
    hers = view.render(stored(compiled, owner="Ada", secret="canary"), Moment(NOW).scope, rights.masks)
    his = view.render(stored(compiled, owner="Bob", secret="canary"), Moment(NOW).scope, rights.masks)
    assert hers["secret"] == "canary"
    assert "canary" not in str(his)


def test_writing_a_field_can_depend_on_the_record_as_it_was(app):
    compiled = app(
        sales="{read: always, create: always, update: always, fields: {rating: {read: always, write: {state: open}}}}"
    )
    rights = access(compiled, "sales")
    assert write(compiled, rights, {"rating": 5}, stored(compiled, state="open")).values["rating"] == 5
    assert write(compiled, rights, {"rating": 5}, stored(compiled, state="shut")).values is None
    assert (
        write(compiled, rights, {"rating": 5, "state": "open"}, stored(compiled, state="shut")).record["rating"] is None
    )
    assert write(compiled, rights, {"rating": 5, "state": "open"}).document["rating"] == 5
    assert write(compiled, rights, {"rating": 5, "state": "shut"}).document["rating"] is None


def test_actions_follow_the_right_to_update_unless_said_otherwise(app):
    entity = THINGS + "actions: {close: {steps: [{set: {state: shut}}]}, note: {steps: [{set: {name: x}}]}}\n"
    files = {
        "app.yaml": "name: shop",
        "entities/things.yaml": entity,
        "groups/one.yaml": "entities: {things: {read: always, update: always, actions: {close: {state: open}}}}",
        "groups/two.yaml": "entities: {things: {read: always}}",
    }
    compiled = build_app(resolve_app(Sources("shop", files)))
    rules = compiled.entities["things"].rules
    rights = access(compiled, "one")
    assert rights.allows_action("note", rules.load(stored(compiled)))
    assert rights.allows_action("close", rules.load(stored(compiled, state="open")))
    assert not rights.allows_action("close", rules.load(stored(compiled, state="shut")))
    assert not access(compiled, "two").may("action")


@pytest.mark.parametrize(("settings", "error"), [("", Forbidden), ("forbidden: hide", NotFound)])
def test_a_record_that_may_not_be_read_is_refused_as_the_app_says(app, settings, error):
    compiled = app(settings, sales="{read: {owner: Ada}, update: always, delete: always}")
    rights = access(compiled, "sales")
    rules = compiled.entities["things"].rules
    foreign = stored(compiled, owner="Bob")
    with pytest.raises(error):
        rules.rights.check_read(rules.load(foreign), rights)
    with pytest.raises(error):
        write(compiled, rights, {"name": "x"}, foreign)
    with pytest.raises(error):
        rules.rights.check_delete(rules.load(foreign), rights)


def test_hidden_records_are_refused_in_the_words_of_missing_ones(app):
    compiled = app("forbidden: hide", sales="{read: {owner: Ada}}")
    rules = compiled.entities["things"].rules
    foreign = rules.load(stored(compiled, owner="Bob"))
    with pytest.raises(NotFound) as caught:
        rules.rights.check_read(foreign, access(compiled, "sales"))
    assert caught.value.message == rules.rights.missing(foreign["id"]).message
