from bson import Int64, ObjectId

from engine.definitions import Sources, resolve_app
from engine.indexes import IndexPlan, plan_indexes

NO_ID = ObjectId("0" * 24)
APP = "name: shop\nlabel: Shop\n"


def plans_of(things, **others):
    """Plans by name of the entity `things`, given the YAML of its fields and further keys."""
    texts = {"app.yaml": APP, "entities/things.yaml": things}
    texts |= {f"entities/{name}.yaml": text for name, text in others.items()}
    plans = plan_indexes(resolve_app(Sources("shop", texts)))
    found = {plan.name: plan for plan in plans if plan.collection == "things"}
    assert len(found) == len([plan for plan in plans if plan.collection == "things"]), "names are unique"
    return found


def test_nothing_asked_is_nothing_planned():
    assert plans_of("fields: {name: {type: text}}") == {}


def test_a_unique_field_ignores_empties():
    plans = plans_of("fields: {name: {type: text, unique: true}, size: {type: integer, unique: true}}")
    assert plans == {
        "cw_unique_name": IndexPlan("things", "cw_unique_name", (("name", 1),), True, {"name": {"$gte": ""}}),
        "cw_unique_size": IndexPlan(
            "things", "cw_unique_size", (("size", 1),), True, {"size": {"$gte": Int64(-(2**63))}}
        ),
    }


def test_an_indexed_field_has_a_plain_index():
    assert plans_of("fields: {name: {type: text, index: true}}") == {
        "cw_field_name": IndexPlan("things", "cw_field_name", (("name", 1),))
    }


def test_a_unique_field_needs_no_second_index():
    assert list(plans_of("fields: {name: {type: text, unique: true, index: true}}")) == ["cw_unique_name"]


def test_fields_of_groups_are_indexed_by_path():
    plans = plans_of(
        """
fields:
  contact: {type: nested, fields: {email: {type: email, unique: true}}}
  addresses: {type: nested, many: true, fields: {city: {type: text, index: true}}}
"""
    )
    assert {name: plan.keys for name, plan in plans.items()} == {
        "cw_unique_contact.email": (("contact.email", 1),),
        "cw_field_addresses.city": (("addresses.city", 1),),
    }


COMPANIES = "fields: {name: {type: text, unique: true}, code: {type: text, unique: true, index: true}}"


def test_a_relationship_is_always_indexed_by_id_and_copies_are_not_unique():
    plans = plans_of(
        "fields: {company: {type: relationship, entity: companies, copy: [code]}}",
        companies=COMPANIES,
    )
    assert plans == {"cw_field_company.id": IndexPlan("things", "cw_field_company.id", (("company.id", 1),))}


def test_an_indexed_relationship_is_found_by_label_too():
    plans = plans_of(
        "fields: {company: {type: relationship, entity: companies, index: true}}",
        companies=COMPANIES,
    )
    assert sorted(plans) == ["cw_field_company.id", "cw_field_company.label"]


def test_a_unique_relationship_is_unique_by_id():
    plans = plans_of(
        "fields: {company: {type: relationship, entity: companies, unique: true}}",
        companies=COMPANIES,
    )
    assert plans == {
        "cw_unique_company.id": IndexPlan(
            "things", "cw_unique_company.id", (("company.id", 1),), True, {"company.id": {"$gte": NO_ID}}
        )
    }


def test_relationships_inside_groups_are_indexed_too():
    plans = plans_of(
        """
fields:
  owners: {type: nested, many: true, fields: {company: {type: relationship, entity: companies}}}
""",
        companies=COMPANIES,
    )
    assert [plan.keys for plan in plans.values()] == [(("owners.company.id", 1),)]


def test_places_can_be_sorted_by_distance():
    assert plans_of("fields: {at: {type: geoPoint}}") == {
        "cw_place_at": IndexPlan("things", "cw_place_at", (("at", "2dsphere"),))
    }


def test_html_is_indexed_by_its_visible_text():
    assert [plan.keys for plan in plans_of("fields: {body: {type: html, index: true}}").values()] == [
        (("body.text", 1),)
    ]


def test_transient_fields_are_not_indexed():
    assert plans_of("fields: {seen: {type: nested, transient: true, fields: {at: {type: geoPoint}}}}") == {}


def test_authors_indexes_keep_order_direction_and_name():
    plans = plans_of(
        """
fields:
  state: {type: choice, options: [a, b]}
  size: {type: integer}
  company: {type: relationship, entity: companies}
indexes:
  - {name: bySize, fields: [state, -size]}
  - {name: byCompany, fields: [company, id]}
""",
        companies=COMPANIES,
    )
    assert plans["cw_index_bySize"].keys == (("state", 1), ("size", -1))
    assert plans["cw_index_byCompany"].keys == (("company.label", 1), ("_id", 1))
    assert not plans["cw_index_bySize"].unique
    assert plans["cw_index_bySize"].partial is None


def test_authors_unique_indexes_bind_where_every_field_has_a_value():
    plans = plans_of(
        """
fields:
  number: {type: integer}
  company: {type: relationship, entity: companies}
indexes:
  - {name: numberOfCompany, fields: [company, number], unique: true}
""",
        companies=COMPANIES,
    )
    assert plans["cw_index_numberOfCompany"] == IndexPlan(
        "things",
        "cw_index_numberOfCompany",
        (("company.id", 1), ("number", 1)),
        True,
        {"company.id": {"$gte": NO_ID}, "number": {"$gte": Int64(-(2**63))}},
    )


def test_text_indexes_name_their_texts():
    plans = plans_of(
        """
fields: {name: {type: text}, notes: {type: longText}}
indexes:
  - {name: search, type: text, fields: [name, notes]}
"""
    )
    assert plans["cw_index_search"] == IndexPlan("things", "cw_index_search", (("name", "text"), ("notes", "text")))


def test_entities_come_in_order_and_keep_to_themselves():
    texts = {
        "app.yaml": APP,
        "entities/a.yaml": "fields: {name: {type: text, unique: true}}",
        "entities/b.yaml": "fields: {name: {type: text, unique: true}}",
    }
    plans = plan_indexes(resolve_app(Sources("shop", texts)))
    own = [(plan.collection, plan.name) for plan in plans if plan.collection in {"a", "b"}]
    assert own == [("a", "cw_unique_name"), ("b", "cw_unique_name")]
