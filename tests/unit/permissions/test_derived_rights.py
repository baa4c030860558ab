"""Hiding spreads to what is made of the hidden: labels, calculated fields, references; and stops where a group says so."""

from __future__ import annotations

from typing import Any

import pytest

from engine.compiler import CompiledApp, build_app
from engine.definitions import Sources, resolve_app
from engine.errors import Forbidden
from engine.permissions import Access
from engine.query import Clock, parse_query, plan_list

CLOCK = Clock(1_700_000_000_000, "UTC")
COMPANIES = """
recordLabel: "{title}"
fields:
  name:   {type: text}
  secret: {type: text}
  state:  {type: choice, options: [open, shut]}
  title:  {type: text, calculated: "{name} {secret}"}
  length: {type: integer, calculated: len(title)}
  plain:  {type: text, calculated: lower(name)}
  open:   {type: text}
"""
CONTACTS = """
recordLabel: "{name} of {company}"
fields:
  name:    {type: text}
  company: {type: relationship, entity: companies, copy: [secret, open]}
  jobs:
    type: nested
    many: true
    recordLabel: "{at.label}"
    fields: {at: {type: relationship, entity: companies}}
"""


def compiled(**groups: str) -> CompiledApp:
    files = {"app.yaml": "name: shop", "entities/companies.yaml": COMPANIES, "entities/contacts.yaml": CONTACTS}
    files.update({f"groups/{name}.yaml": f"entities: {rights}" for name, rights in groups.items()})
    return build_app(resolve_app(Sources("shop", files)))


def access(app: CompiledApp, entity: str, *groups: str, user: dict[str, Any] | None = None) -> Access:
    return app.rights.access(frozenset(groups), entity).bound(user, CLOCK)


def test_what_is_calculated_from_a_hidden_field_is_hidden_and_so_on():
    rights = access(compiled(sales="{companies: {read: always, fields: {secret: none}}}"), "companies", "sales")
    assert rights.hidden == {"secret", "title", "length", "label"}
    assert not rights.hides("plain")


def test_a_right_on_the_very_field_shows_it_although_its_sources_are_hidden():
    app = compiled(sales="{companies: {read: always, fields: {secret: none, length: readOnly}}}")
    rights = access(app, "companies", "sales")
    assert rights.hidden == {"secret", "title", "label"}


def test_the_label_and_the_copies_in_a_reference_are_hidden_where_their_sources_are():
    app = compiled(sales="{companies: {read: always, fields: {secret: none}}, contacts: {read: always}}")
    rights = access(app, "contacts", "sales")
    assert rights.hidden == {"company.label", "company.secret", "jobs.at.label", "jobs.label", "label"}
    assert not rights.hides("company")
    assert not rights.hides("company.open")
    assert not rights.hides("company.id")


def test_a_group_can_show_what_a_record_keeps_of_another_one():
    app = compiled(
        sales="""{companies: {read: always, fields: {secret: none}},
                  contacts: {read: always, fields: {company.label: readOnly, company.secret: readOnly}}}"""
    )
    assert access(app, "contacts", "sales").hidden == {"jobs.at.label", "jobs.label"}


def test_a_right_on_the_whole_reference_is_no_word_on_what_is_hidden_elsewhere():
    app = compiled(
        sales="{companies: {read: always, fields: {secret: none}}, contacts: {read: always, fields: {company: readOnly}}}"
    )
    assert access(app, "contacts", "sales").hides("company.secret")


def test_what_is_seen_on_some_records_only_is_not_shown_where_it_is_kept_in_other_records():
    app = compiled(
        sales="{companies: {read: always, fields: {secret: {read: {state: open}}}}, contacts: {read: always}}"
    )
    assert "label" in access(app, "companies", "sales").masked
    assert access(app, "contacts", "sales").hides("company.secret")


def test_a_closed_entity_says_nothing_about_what_other_records_keep_of_it():
    app = compiled(sales="{contacts: {read: always}}")
    assert not access(app, "contacts", "sales").hidden


def test_several_groups_show_together_what_each_shows_a_part_of():
    app = compiled(
        one="{companies: {read: always, fields: {secret: none}}, contacts: {read: always}}",
        two="{companies: {read: always, fields: {name: none}}}",
    )
    assert not access(app, "companies", "one", "two").hidden
    assert not access(app, "contacts", "one", "two").hidden


@pytest.mark.parametrize(
    "pairs",
    [
        [("company", "x")],
        [("company.label", "like(/x)")],
        [("company.secret", "x")],
        [("_sortField", "company")],
        [("_fields", "company.secret")],
        [("jobs.at", "x")],
        [("label", "x")],
    ],
)
def test_nothing_can_be_asked_by_what_is_hidden_so(pairs):
    app = compiled(sales="{companies: {read: always, fields: {secret: none}}, contacts: {read: always}}")
    with pytest.raises(Forbidden):
        plan_list(app.app.entities["contacts"], parse_query(pairs), access(app, "contacts", "sales"), CLOCK)


def test_references_in_a_circle_are_shown_unless_something_in_it_is_hidden():
    entities = {
        name: f'recordLabel: "{{name}} {{other}}"\nfields: {{name: {{type: text}}, '
        f"other: {{type: relationship, entity: {other}, copy: [name]}}}}"
        for name, other in (("hens", "eggs"), ("eggs", "hens"))
    }
    files = {"app.yaml": "name: shop"} | {f"entities/{name}.yaml": text for name, text in entities.items()}
    files["groups/all.yaml"] = "entities: {hens: {read: always}, eggs: {read: always, fields: {name: readOnly}}}"
    files["groups/some.yaml"] = "entities: {hens: {read: always}, eggs: {read: always, fields: {name: none}}}"
    app = build_app(resolve_app(Sources("shop", files)))
    assert not access(app, "hens", "all").hidden
    assert access(app, "hens", "some").hidden == {"other.name", "other.label", "label"}
    assert access(app, "eggs", "some").hidden == {"name", "other.label", "label"}


REPORTS = """
recordLabel: "{total}"
fields:
  region: {type: text}
  total:  {type: integer, calculated: {aggregate: {entity: deals, where: {region: $record.region, state: open},
           operation: sum, field: amount}}}
  parts:  {type: integer, calculated: {aggregate: {entity: deals, where: {rows: {_or: [{kind: a}, {kind: b}]}}}}}
"""
DEALS = """
fields:
  region: {type: text}
  state:  {type: text}
  amount: {type: integer}
  rows:   {type: nested, many: true, fields: {kind: {type: text}}}
"""


@pytest.mark.parametrize(
    ("hidden", "gone"),
    [
        ("amount", {"total", "label"}),
        ("state", {"total", "label"}),
        ("region", {"total", "label"}),
        ("rows.kind", {"parts"}),
        ("rows", {"parts"}),
    ],
)
def test_what_is_counted_over_hidden_fields_is_hidden(hidden, gone):
    files = {
        "app.yaml": "name: shop",
        "entities/reports.yaml": REPORTS,
        "entities/deals.yaml": DEALS,
        "groups/sales.yaml": f"entities: {{reports: {{read: always}}, deals: {{read: always, fields: {{{hidden}: none}}}}}}",
    }
    rights = access(build_app(resolve_app(Sources("shop", files))), "reports", "sales")
    assert {name for name in ("region", "total", "parts", "label") if rights.hides(name)} == gone


def test_the_label_of_a_group_is_made_of_what_it_names():
    app = compiled(sales="{contacts: {read: always}, companies: {read: always, fields: {name: none}}}")
    rights = access(app, "contacts", "sales")
    assert {
        path for path in ("label", "jobs.label", "jobs.at.label", "company.label", "company.open") if rights.hides(path)
    } == {
        "label",
        "jobs.label",
        "jobs.at.label",
        "company.label",
    }
