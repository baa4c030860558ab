"""What changes of definitions ask for, and what becomes of values on their way from each type to each other."""

from __future__ import annotations

from decimal import Decimal

import bson
import pytest
from bson import Decimal128, ObjectId

from engine.compiler import build_app
from engine.definitions import Sources, resolve_app
from engine.fields import FIELD_TYPES, Capability, Shape
from engine.records import Moment
from engine.records.draft import INVALID
from engine.records.refactoring import Refactoring
from engine.records.shapes import differences, digest_of, shapes_of
from tests.unit.records import test_other_shapes as others
from tests.unit.records.conftest import NOW

KEY = ObjectId("1" * 24)
things = others.things


def entity_of(fields):
    files = {"app.yaml": "name: shop\n", "entities/people.yaml": "fields: {name: {type: text}}"}
    return build_app(resolve_app(Sources("s", {**files, "entities/things.yaml": fields}))).entities["things"].entity


def shapes(fields):
    return shapes_of(entity_of(fields).fields)


def told(before, after):
    return [str(one) for one in differences(entity_of(after), shapes(before))]


def test_types_multiplicity_and_targets_are_what_records_are_converted_for():
    assert told("fields: {a: {type: text}}", "fields: {a: {type: integer}}") == ["a (text → integer)"]
    assert told("fields: {a: {type: text}}", "fields: {a: {type: text, many: true}}") == ["a (text → many text)"]
    nested = "fields: {g: {type: nested, fields: {a: {type: %s}}}}"
    assert told(nested % "text", nested % "date") == ["g.a (text → date)"]
    relation = "fields: {a: {type: relationship, entity: %s}}"
    assert told(relation % "people", relation % "things") == ["a (relationship to people → relationship to things)"]


def test_what_is_new_or_newly_required_is_filled_where_there_is_something_to_fill_it_with():
    assert told("fields: {a: {type: text}}", "fields: {a: {type: text}, b: {type: text}}") == []
    given = ["default: x", "defaultExpression: a", "calculated: a"]
    for one in given:
        assert told("fields: {a: {type: text}}", f"fields: {{a: {{type: text}}, b: {{type: text, {one}}}}}") == [
            "b (new → filled)"
        ]
    assert told("fields: {a: {type: text}}", "fields: {a: {type: text}, n: {type: autoIncrement}}")
    required = "fields: {a: {type: text, default: x%s}}"
    assert told(required % "", required % ", required: true") == ["a (may be empty → filled)"]
    assert told("fields: {a: {type: text}}", "fields: {a: {type: text, required: true}}") == []


def test_what_does_not_touch_stored_values_is_no_difference():
    before = "fields: {a: {type: text, maxLength: 9}, b: {type: choice, options: [x]}, c: {type: integer}}"
    after = "fields: {c: {type: integer, min: 3, label: C}, a: {type: text}, b: {type: choice, options: [x, y]}}"
    assert told(before, after) == []
    assert digest_of(shapes("fields: {a: {type: text}, b: {type: date}}")) == digest_of(
        shapes("fields: {b: {type: date}, a: {type: text}}")
    )


def brought(before, after, **stored):
    """The values of a document under the new definition."""
    entity = entity_of(after)
    refactoring = Refactoring(entity, [shapes(before)])
    return finished(refactoring, {"_id": KEY, "version": 0, "label": "x", **stored})


def finished(refactoring, document, numbers=None):
    pending = refactoring.begin(document)
    for asked in pending.draft.asks:
        asked.holder[asked.key] = INVALID  # nothing is there to be found
    given = numbers or {item.name: 1 for item in pending.numbered}
    edited = dict(document)
    refactoring.finish(pending, given, Moment(NOW))(edited)
    return edited


@pytest.mark.parametrize(
    ("before", "stored", "after", "wanted"),
    [
        ("type: text", "42", "type: integer", 42),
        ("type: text", "42.5", "type: integer", None),
        ("type: text", "5.5", "type: decimal", Decimal128("5.5")),
        ("type: text", "yes", "type: boolean", True),
        ("type: text", "Alpha", "type: choice, options: {a: Alpha}", "a"),
        ("type: text", "nope", "type: choice, options: {a: Alpha}", None),
        ("type: text", "2020-01-02", "type: date", "2020-01-02"),
        ("type: text", "soon", "type: date", None),
        ("type: integer", 7, "type: text", "7"),
        ("type: integer", 7, "type: decimal", Decimal128("7")),
        ("type: boolean", True, "type: text", "true"),
        ("type: decimal", Decimal128("5.0"), "type: integer", 5),
        ("type: decimal", Decimal128("5.5"), "type: integer", None),
        ("type: percentage", Decimal128("0.5"), "type: decimal", Decimal128("0.5")),
        ("type: decimal", Decimal128("0.5"), "type: percentage", Decimal128("0.5")),
        ("type: duration", 60_000, "type: integer", 60_000),
        ("type: phone", "17028459380", "type: text", "1-702-845-9380"),
        ("type: phone", "hello", "type: text", "hello"),  # written as a text already
        ("type: maskedText, mask: 999-aaa", "862SKB", "type: text", "862-SKB"),
        ("type: relationship, entity: people", {"id": KEY, "label": "Ada"}, "type: text", "Ada"),
        ("type: html", {"html": "<p>x</p>", "text": "x"}, "type: text", "<p>x</p>"),
        ("type: text", "<p>x</p>", "type: html", {"html": "<p>x</p>", "text": "x"}),
        ("type: text", "x", "type: text, many: true", ["x"]),
        ("type: text, many: true", ["p", "q"], "type: text", "p"),
        ("type: text, many: true", ["1", "x", "3"], "type: integer, many: true", [1, 3]),
        ("type: text, many: true", [], "type: integer", None),
        ("type: text", 9, "type: integer", 9),  # written as a number already
    ],
)
def test_old_values_are_read_by_the_new_type(before, stored, after, wanted):
    found = brought(f"fields: {{a: {{{before}}}}}", f"fields: {{a: {{{after}}}}}", a=stored)["a"]
    assert (found, type(found)) == (wanted, type(wanted))


def test_groups_keep_what_is_in_them():
    before = "fields: {g: {type: nested, fields: {a: {type: text}, b: {type: text}}}}"
    after = "fields: {g: {type: nested, many: true, fields: {a: {type: integer}, c: {type: text, default: d}}}}"
    group = {"id": KEY, "label": "G", "a": "5", "b": "x"}
    (found,) = brought(before, after, g=group)["g"]
    assert (found["id"], found["a"], found["c"]) == (KEY, 5, "d")


def test_values_of_several_former_shapes_are_told_apart():
    now = "fields: {a: {type: boolean}}"
    former = [shapes("fields: {a: {type: integer}}"), shapes("fields: {a: {type: text}}")]
    refactoring = Refactoring(entity_of(now), former)
    base = {"_id": KEY, "version": 0, "label": "x"}
    assert [finished(refactoring, {**base, "a": stored})["a"] for stored in (1, "yes", True, "x")] == [
        True,
        True,
        True,
        False,
    ]


def test_what_one_former_shape_lacks_is_filled_although_another_has_it():
    former = [shapes("fields: {t: {type: text}, a: {type: text}}"), shapes("fields: {t: {type: text}}")]
    refactoring = Refactoring(entity_of("fields: {t: {type: text}, a: {type: integer, default: 3}}"), former)
    base = {"_id": KEY, "version": 0, "label": "x", "t": "x"}
    assert [finished(refactoring, each)["a"] for each in (base, {**base, "a": "7"})] == [3, 7]


def test_a_default_does_not_take_the_place_of_a_value():
    before, after = "fields: {a: {type: text}}", "fields: {a: {type: text}, b: {type: boolean, default: true}}"
    assert brought(before, after)["b"] is True
    assert brought(before, after, b=False)["b"] is False


FORMER = {
    f"{kind.name}{' many' if many else ''}": (kind, many)
    for kind in FIELD_TYPES.values()
    for many in (False, True)
    if not many or Capability.MANY in kind.capabilities
}


@pytest.mark.parametrize(("kind", "many"), FORMER.values(), ids=FORMER)
def test_every_type_becomes_every_other(things, kind, many):
    entity = things.entity.entity
    fields = f"fields: {{a: {others.definition(kind, many)}}}".replace("True", "true").replace("'", '"')
    shape = shapes(fields)["a"]
    left = [others.stored_sample(kind)] * 2 if many else others.stored_sample(kind)
    former = dict.fromkeys(others.TOP, shape)
    below = dict.fromkeys(others.BELOW, shape)
    group = {**shapes("fields: {g: {type: nested, fields: {a: {type: text}}}}")["g"], "fields": below}
    former |= {"group": group, "groups": {**group, "many": True}}
    document = others.document(left)
    edited = finished(Refactoring(entity, [former]), document)
    again = bson.decode(bson.encode(edited), others.CODEC)
    for item in entity.fields:
        check(item, again[item.name])
    assert things.entity.rules.load(again)["name"] == "n"
    same = f"{kind.name}{'Many' if many else 'One'}"
    assert again[same] == document[same]


def check(item, stored):
    """What is stored is as the definition has it, outright."""
    if stored is None:
        assert not item.many
        return
    for one in stored if item.many else [stored]:
        assert item.type.is_stored(one), (item.path, one)
        if item.type.shape is Shape.NESTED:
            for inner in item.fields:
                check(inner, one[inner.name])


def test_numbers_are_asked_for_where_there_are_none():
    before, after = "fields: {a: {type: text}}", "fields: {a: {type: text}, n: {type: autoIncrement}}"
    refactoring = Refactoring(entity_of(after), [shapes(before)])
    base = {"_id": KEY, "version": 0, "label": "x", "a": "x"}
    assert finished(refactoring, base, {"n": 7})["n"] == 7
    assert refactoring.begin({**base, "n": 3}).numbered == ()
    assert Decimal(finished(refactoring, {**base, "n": 3})["n"]) == 3
