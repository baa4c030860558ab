"""Explanations as JSON: verdicts by name, and every rule with the place where it stands."""

import json

from engine.compiler import build_app
from engine.definitions import Sources, resolve_app
from engine.permissions import Case, Explainer
from engine.permissions.explain_view import render_rights
from engine.query import Clock

APP = {
    "app.yaml": "name: shop\n",
    "entities/things.yaml": "fields:\n  name: {type: text}\n  code: {type: text}\nactions: {go: {respond: name}}\n",
    "groups/sales.yaml": "entities:\n  things:\n    read: always\n    update: {name: a}\n    fields: {code: readOnly}\n",
}


def test_rights_are_told_whole_and_as_plain_data():
    app = build_app(resolve_app(Sources("shop", APP)))
    told = render_rights(Explainer(app.app, app.rights).explain_all(["sales"], "things", Case(Clock(0, "UTC"))))
    assert json.loads(json.dumps(told)) == told
    assert {
        name: one["verdict"] for name, one in told["operations"].items() if name in ("read", "update", "delete")
    } == {
        "read": "allowed",
        "update": "depends",
        "delete": "denied",
    }
    assert set(told["actions"]) == {"go"}
    assert told["fields"]["code"]["right"] == "readOnly"
    (rule,) = told["operations"]["read"]["decidedBy"]
    assert (rule["group"], rule["entity"], rule["rule"], rule["part"]) == ("sales", "things", "read", None)
    assert (rule["file"], rule["line"], rule["column"]) == ("groups/sales.yaml", 3, 5)
    assert rule["verdict"] == "allowed"
