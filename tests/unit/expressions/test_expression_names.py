"""What an expression may name at each place, and what it then reads."""

from __future__ import annotations

import pytest

from engine.errors import ExpressionError
from engine.expressions import (
    ROOTS,
    Names,
    Scope,
    check_names,
    compile_expression,
    field_paths,
    parse_expression,
    parse_template,
)
from tests.every import every
from tests.unit.expressions.expression_samples import ACTION, ENTITY, GLOBAL_ACTION, RECORD, evaluate, plain, scope

RECORD_NAMES = Names.of_entity(ENTITY)
GROUP_NAMES = RECORD_NAMES.of_group(ENTITY.by_name["addresses"])
ROOM_NAMES = GROUP_NAMES.of_group(ENTITY.by_name["addresses"].by_name["rooms"])
ACTION_NAMES = Names.of_action(ENTITY, ACTION)
GLOBAL_NAMES = Names.of_action(ENTITY, GLOBAL_ACTION)
VALUE_NAMES = RECORD_NAMES.with_value(ENTITY.by_name["addresses"])
LABEL_NAMES = Names.of_entity(ENTITY, old=False, user=False)


@every(
    ("names", "text"),
    [
        (RECORD_NAMES, "id + version + label + name + formerName + address.town + company.type + record.state"),
        (RECORD_NAMES, "old.addresses.state == user.any.thing.at.all"),
        (RECORD_NAMES, "data.any.thing + data['x'].y"),
        (RECORD_NAMES, "addresses[0].rooms[1].size + addresses.rooms.size"),
        (RECORD_NAMES, "[a.rooms.size for a in addresses if a.label]"),
        (RECORD_NAMES, "[[r.size for r in a.rooms] for a in record.addresses]"),
        (GROUP_NAMES, "state + number + id + label + parent.name + record.name + parent.address.city + rooms.size"),
        (ROOM_NAMES, "size + parent.state + record.addresses.rooms.size"),
        (ACTION_NAMES, "params.limit + params.reason + name"),
        (GLOBAL_NAMES, "params.limit + user.name"),
        (VALUE_NAMES, "value.state + name"),
    ],
)
def test_known(names, text):
    assert check_names(parse_expression(text), names) == []


@every(
    ("names", "text", "message", "hint"),
    [
        (RECORD_NAMES, "nmae", 'no field "nmae"', 'did you mean "name"?'),
        (RECORD_NAMES, "recrod.name", 'no field "recrod"', 'did you mean "record"?'),
        (RECORD_NAMES, "address.cty", 'no field "cty" in "address"', 'did you mean "city"?'),
        (RECORD_NAMES, "record.nmae", 'no field "nmae"', 'did you mean "name"?'),
        (RECORD_NAMES, "old.addresses.sate", 'no field "sate" in "addresses"', 'did you mean "state"?'),
        (RECORD_NAMES, "name.length", 'no field "length" in "name"', None),
        (RECORD_NAMES, "id.x", 'no field "x" in "id"', None),
        (RECORD_NAMES, "xyzzy", 'no field "xyzzy"', None),
        (RECORD_NAMES, "true", 'no field "true"', "write True"),
        (RECORD_NAMES, "name == null", 'no field "null"', "write None"),
        (RECORD_NAMES, "parent.name", '"parent"', None),
        (RECORD_NAMES, "params.limit", '"params"', None),
        (RECORD_NAMES, "value", '"value"', None),
        (RECORD_NAMES, "len", 'no field "len"', None),
        (RECORD_NAMES, "addresses[0].stat", 'no field "stat"', 'did you mean "state"?'),
        (RECORD_NAMES, "[a.stat for a in addresses]", 'no field "stat"', 'did you mean "state"?'),
        (RECORD_NAMES, "[1 for a in addresses if a.stat]", 'no field "stat"', 'did you mean "state"?'),
        (RECORD_NAMES, "[a for a in adresses]", 'no field "adresses"', 'did you mean "addresses"?'),
        (RECORD_NAMES, "[a for a in tags] + a", 'no field "a"', None),
        (RECORD_NAMES, "tags[nmber]", 'no field "nmber"', 'did you mean "number"?'),
        (GROUP_NAMES, "name", 'no field "name"', "write parent.name"),
        (GROUP_NAMES, "parent.state2", 'no field "state2"', 'did you mean "state"?'),
        (ACTION_NAMES, "params.limits", 'no field "limits"', 'did you mean "limit"?'),
        (GLOBAL_NAMES, "name", 'no field "name"', None),
        (GLOBAL_NAMES, "old.name", '"old"', None),
        (VALUE_NAMES, "value.stat", 'no field "stat"', 'did you mean "state"?'),
        (LABEL_NAMES, "user.name", '"user"', None),
        (LABEL_NAMES, "old.name", '"old"', None),
    ],
)
def test_unknown(names, text, message, hint):
    found = check_names(parse_expression(text), names)
    assert len(found) == 1
    assert message in found[0].message
    assert found[0].hint == hint
    with pytest.raises(ExpressionError) as caught:
        compile_expression(parse_expression(text), names)
    assert caught.value.message == found[0].message


def test_all_unknown_names_are_told_with_their_places():
    text = "nmae + 1 + address.cty if stat else [x.y for x in tgs]"
    found = check_names(parse_expression(text), RECORD_NAMES)
    assert [(error.offset, text[error.offset :].split()[0]) for error in found] == [
        (0, "nmae"),
        (11, "address.cty"),
        (26, "stat"),
        (50, "tgs]"),
    ]


def test_a_declared_field_hides_a_root():
    fields = {"user": plain("user"), "params": plain("params")}
    names = Names(fields, fields)
    read = compile_expression(parse_expression("user + params"), names)
    assert read(Scope({"user": "a", "params": "b"}, {}, now=0, user={"name": "x"})) == "ab"
    assert check_names(parse_expression("user.name"), names)


def test_a_comprehension_variable_hides_a_field_and_a_root():
    assert evaluate(
        "[name + user for name in ['a'] for user in ['b']]".replace(" for user in ['b']", ""), user="u"
    ) == ["au"]
    assert evaluate("[user for user in tags]") == ["b", "a"]


@every(
    ("names", "text", "paths"),
    [
        (RECORD_NAMES, "formerName + address.town", {"name", "address.city"}),
        (RECORD_NAMES, "record.name + old.state + user.name", {"name"}),
        (
            RECORD_NAMES,
            "[a.state for a in addresses if a.number]",
            {"addresses", "addresses.state", "addresses.number"},
        ),
        (RECORD_NAMES, "addresses[number].rooms.size", {"number", "addresses", "addresses.rooms.size"}),
        (RECORD_NAMES, "data.deep.down + company.label + id", {"data", "company.label", "id"}),
        (
            GROUP_NAMES,
            "state + parent.name + record.number + label",
            {"addresses.state", "name", "number", "addresses.label"},
        ),
        (ROOM_NAMES, "size + parent.state", {"addresses.rooms.size", "addresses.state"}),
        (VALUE_NAMES, "value.state", set()),
        (ACTION_NAMES, "params.limit", set()),
        (RECORD_NAMES, "1 + 1", set()),
    ],
)
def test_the_record_fields_that_are_read(names, text, paths):
    assert field_paths(parse_expression(text), names) == paths


def test_the_fields_that_a_template_reads():
    template = parse_template("{formerName}: {[a.state for a in addresses]}")
    assert field_paths(template, RECORD_NAMES) == {"name", "addresses", "addresses.state"}
    assert check_names(parse_template("{nmae}"), RECORD_NAMES)[0].offset == 1


def test_paths_as_written_and_where_they_stand():
    expression = parse_expression("formerName + address.city + [x.a for x in tags][0] + record.name + formerName")
    assert expression.paths == {("formerName",), ("address", "city"), ("tags",), ("record", "name")}
    assert expression.offsets[("formerName",)] == (0, 67)
    assert expression.offsets[("address", "city")] == (13,)
    for path, offsets in expression.offsets.items():
        for offset in offsets:
            assert expression.text[offset:].startswith(".".join(path))


def test_offsets_count_characters_on_every_line_and_after_any_letter():
    text = "'äöü😀' + name +\n  '😀' + address.city +\r\n'ß' + tags[0] + \n state"
    expression = parse_expression(text)
    for path, offsets in expression.offsets.items():
        assert [text[offset:].startswith(".".join(path)) for offset in offsets] == [True]
    assert set(expression.paths) == {("name",), ("address", "city"), ("tags",), ("state",)}


def test_names_inside_a_group_see_the_item_and_what_encloses_it():
    item = RECORD["addresses"][0]
    inner = scope().within(item, RECORD)
    read = compile_expression(
        parse_expression("[state, parent.name, record.number, old, params.limit]"),
        ACTION_NAMES.of_group(ENTITY.by_name["addresses"]),
    )
    inner.params = {"limit": 3}
    assert read(inner) == ["NV", "Acme", 5, None, 3]


def test_the_value_under_validation():
    names = RECORD_NAMES.with_value(ENTITY.by_name["tags"])
    check = compile_expression(parse_expression("value != name"), names)
    assert check(scope().of_value("Acme")) is False
    assert check(scope().of_value("b")) is True
    assert compile_expression(parse_expression("value"), names)(scope()) is None


def test_every_root_is_explained():
    assert set(ROOTS) == {"record", "old", "user", "params", "parent", "value"}
    assert all(root.doc and root.name == name for name, root in ROOTS.items())
    assert evaluate("[record.name, old, user, params.limit]", params={}) == ["Acme", None, None, None]
