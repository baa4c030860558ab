"""Explanations: the verdict is that of the rights themselves, and the rule behind it is named with its place."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from engine.compiler import CompiledApp, build_app
from engine.definitions import Sources, resolve_app
from engine.errors import BadRequest
from engine.permissions import Case, Explainer, Verdict
from engine.permissions.asked import OPERATIONS, prefixes
from engine.query import Clock
from engine.records import Moment
from tests.every import every

NOW = 1_700_000_000_000
CLOCK = Clock(NOW, "UTC")
ALLOWED, DENIED, DEPENDS = Verdict.ALLOWED, Verdict.DENIED, Verdict.DEPENDS
THINGS = """
recordLabel: "{name} {secret}"
fields:
  name:   {type: text}
  owner:  {type: text}
  state:  {type: choice, options: [open, shut]}
  secret: {type: text}
  size:   {type: integer, read: "state == 'open'", write: user.permissions.developer}
  total:  {type: integer, calculated: size + 1}
  other:  {type: relationship, entity: places}
  inner:
    type: nested
    fields: {seen: {type: text}, hush: {type: text}}
  rows:
    type: nested
    many: true
    fields: {seen: {type: text, read: "seen == 'x'"}}
actions:
  open: {steps: [{set: {state: open}}]}
  tidy: {type: global, respond: "1"}
"""
PLACES = 'recordLabel: "{town}"\nfields: {town: {type: text}}\n'
GROUPS = {
    "all": "read: always\n    create: always\n    update: always\n    delete: always\n    auditLogs: always\n    import: true\n    export: true",
    "looker": "read: {state: open}\n    export: true",
    "owner": "read: {owner: $user.name}\n    update: {owner: $user.name}\n    create: always\n    actions: {open: {state: shut}, tidy: never}",
    "mover": "read: always\n    update: {state: open}\n    updateTo: {state: shut}\n    fields: {name: readOnly, inner: none, inner.seen: readWrite}",
    "blind": "read: always\n    update: always\n    delete: {state: shut}\n    fields:\n      secret: none\n      owner: {read: {state: open}, write: never}",
    "stuck": "read: always\n    update: always\n    updateTo: never",
}


def make(extra: str = "", **groups: str) -> tuple[CompiledApp, Explainer]:
    files = {"app.yaml": "name: shop\n", "entities/places.yaml": PLACES, "entities/things.yaml": THINGS}
    for name, rights in (groups or GROUPS).items():
        files[f"groups/{name}.yaml"] = f"entities:\n  things:\n    {rights}\n{extra}"
    app = build_app(resolve_app(Sources("shop", dict(sorted(files.items())))))
    return app, Explainer(app.app, app.rights)


@pytest.fixture(scope="module")
def shop() -> tuple[CompiledApp, Explainer]:
    return make()


def record(app: CompiledApp, **values: Any) -> dict[str, Any]:
    return app.entities["things"].rules.sample(values, Moment(NOW))


def case(
    app: CompiledApp, user: dict[str, Any] | None = None, becomes: dict[str, Any] | None = None, **values: Any
) -> Case:
    old = record(app, **values)
    if becomes is None:
        return Case(CLOCK, user, old)
    new, changed = app.entities["things"].rules.preview_change(old, becomes, Moment(NOW))
    return Case(CLOCK, user, old, new, changed)


def rules(found: Any) -> list[tuple[str | None, str, int]]:
    return [(rule.group, rule.key, rule.at.line) for rule in found.decided_by]


ADA = {"name": "ada", "permissions": {"developer": False}}
RECORDS: list[dict[str, Any]] = [
    {"owner": "ada", "state": "open", "name": "n", "secret": "s"},
    {"owner": "ada", "state": "shut"},
    {"owner": "bob", "state": "open"},
    {"owner": "bob", "state": "shut", "inner": {"seen": "x", "hush": "y"}},
    {},
]
SETS = [frozenset(chosen) for size in (1, 2) for chosen in combinations(GROUPS, size)] + [frozenset(GROUPS)]
PATHS = ("name", "owner", "secret", "size", "total", "label", "other", "inner.seen", "inner.hush", "rows.seen")


@every("groups", SETS, ids=lambda groups: "+".join(sorted(groups)))
def test_verdicts_are_those_of_the_rights_that_the_server_asks(shop, groups):
    app, explainer = shop
    access = app.rights.access(groups, "things").bound(ADA, CLOCK)
    for values in RECORDS:
        asked = case(app, ADA, **values)
        old = asked.record
        expected = {
            "read": access.allows_read(old),
            "create": access.allows_create(old),
            "update": access.allows_change_of(old),
            "delete": access.allows_delete(old),
            "auditLogs": access.allows_audit(old),
            "import": access.imports,
            "export": access.exports,
            "action.open": access.allows_action("open", old),
            "action.tidy": access.may_act("tidy"),
        }
        for operation, allowed in expected.items():
            found = explainer.explain(sorted(groups), "things", operation, asked)
            assert found.verdict is (ALLOWED if allowed else DENIED), (operation, values)
            assert found.decided_by
            assert (found.verdict is ALLOWED) == any(one.verdict is ALLOWED for one in found.groups)
        for path in PATHS:
            found = explainer.explain_field(sorted(groups), "things", path, asked)
            if not any(rule.group is None for rule in (*found.read.others, *found.write.others)):
                shown = access.allows_read(old) and access.shows(path, old)
                masks = [access.updating.allows(above, old) for above in prefixes(path)]
                writes = shown and access.allows_change_of(old) and all(masks)
                assert found.right == ("readWrite" if writes else "readOnly" if shown else "none"), path
            assert found.read.decided_by
            assert found.write.decided_by


@every("groups", SETS, ids=lambda groups: "+".join(sorted(groups)))
def test_changes_are_judged_as_by_a_write(shop, groups):
    app, explainer = shop
    access = app.rights.access(groups, "things").bound(ADA, CLOCK)
    rights = app.entities["things"].rules.rights
    for values in RECORDS:
        for body in ({"state": "shut"}, {"name": "new"}, {"owner": "bob", "state": "shut"}, {"secret": "t"}, {}):
            asked = case(app, ADA, body, **values)
            dropped = [path for path in asked.changed if not access.updating.allows(path, asked.record)]
            try:
                rights.check_change_of(asked.record, access)
                rights.check_change(asked.record, asked.becomes, asked.changed, access)
                allowed = not dropped
            except Exception:
                allowed = False
            found = explainer.explain(sorted(groups), "things", "update", asked)
            assert found.verdict is (ALLOWED if allowed else DENIED), (values, body)


def test_the_deciding_rule_is_named_with_its_place(shop):
    app, explainer = shop
    denied = explainer.explain(["mover"], "things", "update", case(app, ADA, state="shut"))
    assert rules(denied) == [("mover", "update", 4)]
    assert denied.decided_by[0].says == {"state": "open"}
    assert str(denied.decided_by[0].at) == "groups/mover.yaml:4:5"
    becoming = explainer.explain(["mover"], "things", "update", case(app, ADA, {"state": "open"}, state="open"))
    assert rules(becoming) == [("mover", "updateTo", 5)]
    allowed = explainer.explain(["looker", "blind"], "things", "delete", case(app, ADA, state="shut"))
    assert allowed.verdict is ALLOWED
    assert rules(allowed) == [("blind", "delete", 5)]


def test_every_group_of_a_denied_union_says_why(shop):
    app, explainer = shop
    denied = explainer.explain(["looker", "owner"], "things", "read", case(app, ADA, owner="bob", state="shut"))
    assert rules(denied) == [("looker", "read", 3), ("owner", "read", 3)]


def test_reading_stands_in_the_way_of_all_that_builds_on_it(shop):
    app, explainer = shop
    for operation in ("update", "auditLogs", "action.open"):
        denied = explainer.explain(["owner"], "things", operation, case(app, ADA, owner="bob", state="shut"))
        assert ("owner", "read", 3) in rules(denied)


def test_what_was_not_given_is_a_default_at_the_entity(shop):
    app, explainer = shop
    (rule,) = explainer.explain(["looker"], "things", "delete", case(app, ADA, state="open")).decided_by
    assert (rule.key, rule.says, rule.written, rule.at.line) == ("delete", "never", False, 2)
    (rule,) = explainer.explain(["mover"], "things", "action.open", case(app, ADA)).decided_by
    assert (rule.key, rule.says, rule.written) == ("actions.open", "always", False)


def test_a_group_that_does_not_name_the_entity_says_so(shop):
    _, explainer = shop
    denied = explainer.explain(["mover"], "places", "read", Case(CLOCK, ADA))
    assert denied.verdict is DENIED
    assert [(rule.key, rule.written, str(rule.at)) for rule in denied.decided_by] == [
        ("read", False, "groups/mover.yaml:1:1")
    ]


def test_conditions_depend_on_the_record_or_on_who_asks(shop):
    app, explainer = shop
    assert explainer.explain(["looker"], "things", "read", Case(CLOCK)).verdict is DEPENDS
    assert explainer.explain(["all"], "things", "read", Case(CLOCK)).verdict is ALLOWED
    assert explainer.explain(["owner"], "things", "read", case(app, None, owner="ada")).verdict is DEPENDS
    assert explainer.explain(["owner"], "things", "read", Case(CLOCK, {})).verdict is DENIED
    assert explainer.explain(["owner", "all"], "things", "read", Case(CLOCK)).verdict is ALLOWED
    assert explainer.explain_field(["blind"], "things", "owner", Case(CLOCK, ADA)).right == "depends"


def test_rights_on_fields_name_the_rule_of_the_group_around_them(shop):
    app, explainer = shop
    asked = case(app, ADA, state="open")
    hidden = explainer.explain_field(["mover"], "things", "inner.hush", asked)
    assert hidden.right == "none"
    assert [(rule.key, rule.part) for rule in hidden.read.decided_by] == [("fields.inner", "read")]
    name = explainer.explain_field(["mover"], "things", "name", asked)
    assert name.right == "readOnly"
    assert [(rule.key, rule.part) for rule in name.write.decided_by] == [("fields.name", "write")]


def test_conditions_on_fields_are_asked_of_the_record(shop):
    app, explainer = shop
    assert explainer.explain_field(["blind"], "things", "owner", case(app, ADA, state="open")).right == "readOnly"
    shut = explainer.explain_field(["blind"], "things", "owner", case(app, ADA, state="shut"))
    assert shut.right == "none"
    assert [(rule.key, rule.says) for rule in shut.read.decided_by] == [("fields.owner", {"state": "open"})]


def test_what_is_made_of_a_hidden_field_names_that_field(shop):
    app, explainer = shop
    label = explainer.explain_field(["blind"], "things", "label", case(app, ADA, state="open"))
    assert label.right == "none"
    (rule,) = label.read.decided_by
    assert (rule.key, rule.about) == ("fields.secret", "things.secret")


def test_what_is_hidden_in_another_entity_is_hidden_in_what_was_copied():
    files = {
        "app.yaml": "name: shop\n",
        "entities/places.yaml": PLACES,
        "entities/things.yaml": THINGS,
        "groups/a.yaml": "entities:\n  things: {read: always}\n  places: {read: always, fields: {town: none}}\n",
    }
    app = build_app(resolve_app(Sources("shop", files)))
    found = Explainer(app.app, app.rights).explain_field(["a"], "things", "other.label", case(app, ADA))
    assert found.right == "none"
    assert {(rule.entity, rule.key) for rule in found.read.decided_by} == {("places", "fields.town")}


def test_conditions_in_a_definition_hold_for_everyone(shop):
    app, explainer = shop
    developer = {**ADA, "permissions": {"developer": True}}
    for groups in (None, ["all"]):
        assert explainer.explain_field(groups, "things", "size", case(app, ADA, state="open")).right == "readOnly"
        assert (
            explainer.explain_field(groups, "things", "size", case(app, developer, state="open")).right == "readWrite"
        )
        shut = explainer.explain_field(groups, "things", "size", case(app, developer, state="shut"))
        assert shut.right == "none"
        assert [(rule.group, rule.says, rule.at.file) for rule in shut.read.decided_by] == [
            (None, "state == 'open'", "entities/things.yaml")
        ]
    assert explainer.explain_field(["all"], "things", "size", case(app, None, state="open")).right == "depends"
    assert explainer.explain_field(["all"], "things", "rows.seen", case(app, ADA)).right == "depends"


def test_calculated_fields_are_kept_by_the_server(shop):
    app, explainer = shop
    found = explainer.explain_field(["all"], "things", "total", case(app, ADA, state="open"))
    assert found.right == "readOnly"
    assert [rule.says for rule in found.write.decided_by] == ["kept by the server"]


def test_a_closed_api_closes_everything():
    app, explainer = make("api: {data: false}\n", all=GROUPS["all"])
    found = explainer.explain(["all"], "things", "read", case(app, ADA))
    assert found.verdict is DENIED
    assert [(rule.group, rule.key, rule.says, rule.at.line) for rule in found.decided_by] == [
        ("all", "api.data", False, 10)
    ]
    assert explainer.explain_field(["all"], "things", "name", case(app, ADA)).right == "none"


def test_developers_pass_all_rights(shop):
    app, explainer = shop
    for operation in (*OPERATIONS, "action.open"):
        found = explainer.explain(None, "things", operation, case(app, ADA))
        assert found.developer
        assert found.verdict is ALLOWED


def test_everything_at_once(shop):
    app, explainer = shop
    rights = explainer.explain_all(["mover"], "things", case(app, ADA, state="open"))
    assert list(rights.operations) == list(OPERATIONS)
    assert list(rights.actions) == ["open", "tidy"]
    assert {"id", "label", "inner.hush", "other.label", "rows.seen"} <= set(rights.fields)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda one: one.explain(["all"], "thinks", "read", Case(CLOCK)), 'no entity thinks; did you mean "things"'),
        (lambda one: one.explain(["all"], "things", "raed", Case(CLOCK)), 'no operation raed; did you mean "read"'),
        (lambda one: one.explain(["all"], "things", "action.opne", Case(CLOCK)), 'no action opne; did you mean "open"'),
        (lambda one: one.explain(["all"], "places", "action.x", Case(CLOCK)), "no action x; there are none"),
        (lambda one: one.explain_field(["all"], "things", "inner.hus", Case(CLOCK)), 'did you mean "inner.hush"'),
        (lambda one: one.check_groups(["al"]), 'no group al; did you mean "all"'),
    ],
)
def test_unknown_names_are_told_with_the_nearest_known(shop, ask, message):
    with pytest.raises(BadRequest, match=message.replace("?", r"\?")):
        ask(shop[1])
