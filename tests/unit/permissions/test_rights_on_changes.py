"""Which group lets a change pass; conditions on fields of new records; what problems tell of what is not seen."""

from __future__ import annotations

from typing import Any

import pytest

from engine.compiler import CompiledApp, build_app
from engine.definitions import Sources, resolve_app
from engine.errors import FieldProblem, Forbidden, ValidationErrors
from engine.permissions import FULL_ACCESS, Access
from engine.query import Clock
from engine.records import Moment

NOW = 1_700_000_000_000
THINGS = """
fields:
  owner:  {type: text}
  state:  {type: text, default: open}
  notes:  {type: text}
  secret: {type: text, maxLength: 5}
  kind:
    type: choice
    options: [{name: plain}, {name: special, when: "state == 'open'"}]
  parts:
    type: nested
    many: true
    fields: {price: {type: integer}, name: {type: text}}
"""
RULES = (
    THINGS
    + '  limit: {type: integer}\nvalidations: [{check: "limit is None or limit < 5", field: limit, message: Too much}]\n'
)


def compiled(entity: str = THINGS, **groups: str) -> CompiledApp:
    files = {"app.yaml": "name: shop", "entities/things.yaml": entity}
    files.update({f"groups/{name}.yaml": f"entities: {{things: {rights}}}" for name, rights in groups.items()})
    return build_app(resolve_app(Sources("shop", files)))


def access(app: CompiledApp, *groups: str) -> Access:
    return app.rights.access(frozenset(groups), "things").bound(None, Clock(NOW, "UTC"))


def write(app: CompiledApp, rights: Access, body: dict[str, Any], old: dict[str, Any] | None = None) -> Any:
    rules = app.entities["things"].rules
    draft = rules.parse(body, rights, new=old is None)
    if old is None:
        return rules.plan_create(draft, Moment(NOW), rights, {})
    return rules.plan_update(old, draft, Moment(NOW), rights)


def stored(app: CompiledApp, **values: Any) -> dict[str, Any]:
    return write(app, FULL_ACCESS, values).document


OWN = "{read: always, update: {owner: ada}}"
NOTES = "{read: always, update: always, fields: {owner: readOnly, secret: readOnly, parts: readOnly}}"


def test_one_group_does_not_lend_its_end_of_a_change_to_the_fields_of_another():
    app = compiled(own=OWN, notes=NOTES)
    rights = access(app, "own", "notes")
    mine, hers = stored(app, owner="ada"), stored(app, owner="bob")
    assert write(app, rights, {"secret": "x"}, mine).values["secret"] == "x"
    assert write(app, rights, {"notes": "x"}, hers).values["notes"] == "x"
    assert write(app, rights, {"owner": "ada"}, hers).values is None
    with pytest.raises(Forbidden):
        write(app, rights, {"owner": "bob"}, mine)
    with pytest.raises(Forbidden):
        write(app, rights, {"owner": "bob", "notes": "x"}, mine)


def test_what_stays_as_it_is_needs_no_group_for_it():
    app = compiled(own="{read: always, update: {state: open}}", shut=NOTES)
    rights = access(app, "own", "shut")
    before = stored(app, owner="ada", state="open", parts=[{"price": 1, "name": "a"}])
    part = str(before["parts"][0]["id"])
    body = {"owner": "ada", "parts": [{"id": part, "price": 1}], "state": "shut"}
    assert write(app, rights, body, before).values["state"] == "shut"
    with pytest.raises(Forbidden):
        write(app, rights, {**body, "parts": [{"id": part, "price": 2}]}, before)
    with pytest.raises(Forbidden):
        write(app, rights, {**body, "parts": []}, before)


def test_a_field_of_a_new_record_is_asked_of_the_record_that_comes_of_it():
    app = compiled(
        sales="""{read: always, create: always,
                  fields: {state: {write: {notes: ja}}, secret: {write: {state: shut}}}}"""
    )
    rights = access(app, "sales")
    assert write(app, rights, {"state": "shut", "secret": "x", "notes": "ja"}).document["secret"] == "x"
    made = write(app, rights, {"state": "shut", "secret": "x", "notes": "no"}).document
    assert (made["state"], made["secret"]) == ("open", None)


def test_a_field_that_is_left_out_brings_no_problem_of_the_record_with_it():
    app = compiled(
        'fields: {a: {type: text}, b: {type: integer}, c: {type: integer, calculated: "round(1, b)"}}',
        sales="{read: always, create: always, fields: {b: {write: {a: ja}}}}",
    )
    assert write(app, access(app, "sales"), {"a": "no", "b": 1_000_000}).document["b"] is None
    with pytest.raises(ValidationErrors):
        write(app, access(app, "sales"), {"a": "ja", "b": 1_000_000})


def test_a_field_cannot_be_changed_where_it_is_not_seen():
    app = compiled(sales="{read: always, update: always, fields: {secret: {read: {state: open}, write: always}}}")
    rights = access(app, "sales")
    assert write(app, rights, {"secret": "x"}, stored(app, state="open")).values["secret"] == "x"
    assert write(app, rights, {"secret": "x"}, stored(app, state="shut")).values is None


def problems(app: CompiledApp, rights: Access, body: dict[str, Any], old: dict[str, Any] | None) -> list[FieldProblem]:
    with pytest.raises(ValidationErrors) as caught:
        write(app, rights, body, old)
    return list(caught.value.problems)


def test_problems_do_not_tell_of_fields_that_are_hidden():
    app = compiled(sales="{read: always, update: always, fields: {kind: none}}")
    old = stored(app, kind="special")
    (found,) = problems(app, access(app, "sales"), {"state": "shut"}, old)
    assert (found.field, found.label, found.info) == (None, None, None)
    assert "special" not in found.message
    assert "kind" not in found.message
    (told,) = problems(app, FULL_ACCESS, {"state": "shut"}, old)
    assert (told.field, told.info) == ("kind", {"rejectedValue": "special"})


def test_problems_do_not_tell_of_fields_that_are_not_seen_on_the_record():
    app = compiled(RULES, sales="{read: always, update: always, fields: {limit: {read: {state: open}}}}")
    rights = access(app, "sales")
    document = {**stored(app, state="shut", limit=1), "limit": 7}
    (found,) = problems(app, rights, {"notes": "x"}, document)
    assert (found.field, found.info) == (None, None)
    (found,) = problems(app, rights, {"notes": "x"}, {**document, "state": "open"})
    assert found.field == "limit"


def test_problems_of_what_was_sent_are_told_in_full():
    app = compiled(
        sales="{read: {state: open}, create: always, fields: {secret: {read: {state: open}, write: always}}}"
    )
    (found,) = problems(app, access(app, "sales"), {"state": "shut", "secret": "too long"}, None)
    assert (found.field, found.info["rejectedValue"]) == ("secret", "too long")


def test_a_group_that_lets_nothing_become_of_a_record_lends_no_rights_on_its_fields():
    app = compiled(
        own="{read: always, update: always, fields: {secret: readOnly}}",
        stuck="{read: always, update: always, updateTo: never}",
    )
    rights = access(app, "own", "stuck")
    assert write(app, rights, {"notes": "x"}, stored(app)).values["notes"] == "x"
    assert write(app, rights, {"secret": "x"}, stored(app)).values is None
