"""New records: what is sent, defaults, calculated fields, labels, and every problem at once."""

from __future__ import annotations

from decimal import Decimal

import pytest
from bson import ObjectId

from engine.errors import BadRequest, ValidationErrors

NOW = 1_700_000_000_000


def test_a_record_has_system_fields_and_every_field_in_order(bench):
    things = bench(
        "fields: {name: {type: text}, tags: {type: text, many: true}, done: {type: boolean}}\nrecordLabel: name"
    )
    document = things.create({"done": True, "name": "Ada"}).document
    assert list(document) == ["_id", "version", "label", "name", "tags", "done"]
    assert (document["version"], document["label"], document["name"]) == (0, "Ada", "Ada")
    assert (document["tags"], document["done"]) == ([], True)
    assert isinstance(document["_id"], ObjectId)


def test_unset_values_are_null_empty_list_and_false(bench):
    things = bench("fields: {name: {type: text}, tags: {type: text, many: true}, done: {type: boolean}}")
    assert things.shown(things.create({}).document).items() >= {"name": None, "tags": [], "done": False}.items()


def test_empty_text_counts_as_missing(bench):
    things = bench("fields: {name: {type: text, required: true}, note: {type: text}}")
    assert things.create({"name": "a", "note": ""}).document["note"] is None
    assert things.problems({"name": ""}) == [("name", "required")]


def test_html_of_which_cleaning_leaves_nothing_counts_as_missing(bench):
    things = bench(
        "fields: {page: {type: html}, must: {type: html, required: true}, parts: {type: html, many: true},"
        " shown: {type: html, calculated: page}, all: {type: html, many: true, calculated: '[part for part in parts]'}}"
    )
    empty = "<script>x</script>"
    document = things.create({"must": "<p>a</p>", "page": empty, "parts": ["b"]}).document
    assert (document["page"], document["shown"]) == (None, None)
    body = {"page": "<p>a</p>", "must": empty, "parts": ["<p>b</p>", empty]}
    assert things.problems(body) == [("must", "required"), ("parts[1]", "invalid")]
    assert things.change(document, {"must": "<b></b>c", "page": empty})["page"] is None


def test_what_is_calculated_is_cleaned_too(bench):
    things = bench(
        "fields: {text: {type: text}, page: {type: html, calculated: text}, pages: {type: html, many: true,"
        " calculated: '[text, \"b\"]'}}"
    )
    record = things.create({"text": "<script>x</script>"}).record
    assert (record["page"], record["pages"]) == (None, ["b"])


def test_the_id_in_a_body_is_ignored_and_so_are_label_version_and_supplied_fields(bench):
    things = bench("fields: {name: {type: text}, made: {type: dateRecordCreated}, number: {type: autoIncrement}}")
    record = things.create({"id": "0" * 24, "label": "x", "version": 7, "made": 5, "number": 99}).record
    assert record["id"] != "0" * 24
    assert (record["version"], record["made"], record["number"]) == (0, NOW, 1)


@pytest.mark.parametrize("body", [[], "text", 5, None, True])
def test_a_body_that_is_no_object_is_a_bad_request(bench, body):
    with pytest.raises(BadRequest):
        bench("fields: {name: {type: text}}").create(body)


def test_all_problems_are_reported_in_field_order_and_unknown_names_after_them_in_body_order(bench):
    things = bench(
        "fields: {name: {type: text, required: true}, size: {type: integer, min: 0}, kind: {type: choice, options: [a, b]}}"
    )
    body = {"zeta": 1, "kind": "c", "size": -1, "alpha": 2}
    assert things.problems(body) == [
        ("name", "required"),
        ("size", "invalid"),
        ("kind", "invalid"),
        ("zeta", "invalidStructure"),
        ("alpha", "invalidStructure"),
    ]


def test_a_refused_value_says_what_was_rejected_and_by_which_rule(bench):
    things = bench("fields: {size: {type: integer, min: 3}}")
    with pytest.raises(ValidationErrors) as caught:
        things.create({"size": 2})
    problem = caught.value.problems[0]
    assert problem.info == {"rejectedValue": 2, "rule": "min", "limit": 3}
    assert problem.label == "Size"


def test_a_refused_value_is_told_as_it_was_sent(bench):
    things = bench(
        """
fields:
  big:   {type: bigNumber, min: "1.5", decimals: 2}
  price: {type: money, max: 10}
  size:  {type: integer, max: 4, aliases: [width]}
  state: {type: choice, options: [a, b]}
  tags:  {type: text, many: true, maxLength: 2}
  lines: {type: nested, many: true, fields: {price: {type: decimal, max: 1}}}
  lock:  {type: integer, max: 1, write: {size: 1}, defaultExpression: 3 + 4}
  twice: {type: bigNumber, max: 3, calculated: size * 2}
  data:  {type: json, schema: {type: object, properties: {a: {type: integer, maximum: 3}}}}
  who:   {type: relationship, entity: things}
  team:  {type: group, groups: [sales]}
""",
        **{"groups/sales.yaml": "label: Sales\nentities: {}", "groups/desk.yaml": "label: Desk\nentities: {}"},
    )
    body = {
        "big": "1.4449",
        "price": "1e1000",
        "width": Decimal("5.0"),
        "state": "c",
        "tags": ["ab", "abc"],
        "lines": [{"price": "0.1"}, {"price": "1.50"}],
        "lock": 9,
        "data": {"a": 4},
        "who": "Nobody",
        "team": "Desk",
    }
    with pytest.raises(ValidationErrors) as caught:
        things.create(body)
    assert [(problem.field, problem.info) for problem in caught.value.problems] == [
        ("big", {"rejectedValue": "1.4449", "rule": "min", "limit": "1.5"}),
        ("price", {"rejectedValue": "1e1000"}),
        ("size", {"rejectedValue": Decimal("5.0"), "rule": "max", "limit": 4}),
        ("state", {"rejectedValue": "c", "rule": "options", "limit": ["a", "b"]}),
        ("tags[1]", {"rejectedValue": "abc", "rule": "maxLength", "limit": 2}),
        ("lines[1].price", {"rejectedValue": "1.50", "rule": "max", "limit": 1}),
        ("lock", {"rejectedValue": 7, "rule": "max", "limit": 1}),
        ("twice", {"rejectedValue": "10", "rule": "max", "limit": "3"}),
        ("data", {"rejectedValue": {"a": 4}, "rule": "schema", "limit": {"maximum": 3}}),
        ("who", {"rejectedValue": "Nobody"}),
        ("team", {"rejectedValue": "Desk", "rule": "groups", "limit": ["sales"]}),
    ]


def test_an_unknown_name_comes_with_the_nearest_known_one(bench):
    with pytest.raises(ValidationErrors) as caught:
        bench("fields: {firstName: {type: text}}").create({"fistName": "Ada"})
    assert 'did you mean "firstName"?' in caught.value.problems[0].message


def test_of_very_many_unknown_names_only_the_first_come_with_the_nearest_known_one(bench):
    things = bench("fields: {firstName: {type: text}}")
    with pytest.raises(ValidationErrors) as caught:
        things.create({f"firstName{index}": "x" for index in range(5_000)})
    hinted = ["did you mean" in problem.message for problem in caught.value.problems]
    assert len(hinted) == 5_000
    assert hinted == sorted(hinted, reverse=True)
    assert 1 <= sum(hinted) <= 100


def test_a_default_stands_for_an_absent_key_and_not_for_a_null(bench):
    things = bench("fields: {state: {type: choice, options: [a, b], default: a}}")
    assert things.create({}).document["state"] == "a"
    assert things.create({"state": None}).document["state"] is None
    assert things.create({"state": "b"}).document["state"] == "b"


def test_a_default_satisfies_required(bench):
    things = bench("fields: {state: {type: text, default: new, required: true}}")
    assert things.create({}).document["state"] == "new"


def test_a_default_expression_sees_what_was_sent(bench):
    things = bench("fields: {price: {type: integer}, total: {type: integer, defaultExpression: price * 2}}")
    assert things.create({"price": 4}).document["total"] == 8
    assert things.create({"price": 4, "total": 5}).document["total"] == 5


def test_calculated_fields_follow_each_other_whatever_their_order(bench):
    things = bench(
        """
recordLabel: "{c}!"
fields:
  c: {type: integer, calculated: b + 1}
  b: {type: integer, calculated: a + 1}
  a: {type: integer}
"""
    )
    document = things.create({"a": 1, "b": 100}).document
    assert (document["b"], document["c"], document["label"]) == (2, 3, "3!")


def test_a_calculation_that_fails_is_a_problem_of_its_field(bench):
    things = bench("fields: {a: {type: text}, b: {type: integer, calculated: 1 if a < 5 else 0}}")
    assert things.problems({"a": "twelve"}) == [("b", "invalid")]


def test_a_calculated_value_that_its_type_refuses_is_a_problem_of_its_field(bench):
    things = bench("fields: {a: {type: text}, b: {type: integer, calculated: a}}")
    assert things.problems({"a": "twelve"}) == [("b", "invalid")]


def test_a_record_without_label_rule_is_labelled_by_its_id(bench):
    record = bench("fields: {name: {type: text}}").create({}).record
    assert record["label"] == record["id"]


def test_conditional_required_looks_at_the_whole_record(bench):
    things = bench("fields: {reason: {type: text, required: {state: closed}}, state: {type: text}}")
    assert things.problems({"state": "closed"}) == [("reason", "required")]
    assert things.create({"state": "open"}).document["reason"] is None


def test_record_validations_are_asked_when_the_fields_they_read_are_right(bench):
    things = bench(
        """
fields: {low: {type: integer}, high: {type: integer}}
validations:
  - {check: low <= high, field: high, code: tooLow, message: High must not be below low}
"""
    )
    assert things.problems({"low": 5, "high": 4}) == [("high", "tooLow")]
    assert things.problems({"low": "x", "high": 4}) == [("low", "invalid")]


def test_problems_of_record_validations_stand_where_their_fields_do(bench):
    things = bench("""
fields:
  title: {type: text}
  lines: {type: nested, many: true, fields: {size: {type: integer, max: 9}}}
  kind:  {type: text, pattern: '[a-z]+'}
  spare: {type: text}
validations:
  - {check: "spare is None", message: No spare}
  - {check: "title != 'bad'", field: title, message: Bad title}
  - {check: "spare is None", field: lines.size, message: No spare beside lines}
""")
    body = {"spare": "x", "kind": "5", "lines": [{"size": 8}, {"size": 10}], "title": "bad", "other": 1}
    assert things.problems(body) == [
        ("title", "invalid"),
        ("lines[1].size", "invalid"),
        ("lines.size", "invalid"),
        ("kind", "invalid"),
        (None, "invalid"),
        ("other", "invalidStructure"),
    ]


def test_a_check_that_evaluates_to_null_passes(bench):
    things = bench(
        "fields: {low: {type: integer}}\nvalidations: [{check: 'low * 2 if low else None', code: x, message: y}]"
    )
    assert things.create({}).document["low"] is None


def test_validations_per_value_name_the_item(bench):
    things = bench(
        """
fields:
  tags: {type: text, many: true, validations: [{check: len(value) > 2, code: short, message: Too short}]}
"""
    )
    assert things.problems({"tags": ["long", "no", "fine", "x"]}) == [("tags[1]", "short"), ("tags[3]", "short")]


def test_many_fields_take_lists_only_and_name_the_wrong_item(bench):
    things = bench("fields: {sizes: {type: integer, many: true}}")
    assert things.create({"sizes": [1, 2]}).document["sizes"] == [1, 2]
    assert things.create({"sizes": None}).document["sizes"] == []
    assert things.problems({"sizes": 5}) == [("sizes", "invalid")]
    assert things.problems({"sizes": [1, "x", None]}) == [("sizes[1]", "invalid"), ("sizes[2]", "invalid")]


def test_a_transient_field_is_in_the_answer_and_not_stored(bench):
    things = bench("fields: {name: {type: text}, secret: {type: text, transient: true}}")
    creation = things.create({"name": "a", "secret": "b"})
    assert "secret" not in creation.document
    assert things.shown(creation.answer, transient=True)["secret"] == "b"


def test_an_alias_is_accepted_and_two_names_must_agree(bench):
    things = bench("fields: {latency: {type: integer, aliases: [generationTime]}}")
    assert things.create({"generationTime": 4}).document["latency"] == 4
    assert things.create({"generationTime": 4, "latency": 4}).document["latency"] == 4
    assert things.problems({"generationTime": 4, "latency": 5}) == [("latency", "invalid")]


def test_a_choice_with_a_condition_is_open_only_where_it_holds(bench):
    things = bench(
        """
fields:
  paid: {type: boolean}
  state: {type: choice, options: [{name: open}, {name: shipped, when: {paid: true}}]}
"""
    )
    assert things.create({"paid": True, "state": "shipped"}).document["state"] == "shipped"
    assert things.problems({"state": "shipped"}) == [("state", "invalid")]
