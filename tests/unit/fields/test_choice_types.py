"""boolean, choice, dynamicChoice."""

import pytest

from engine.errors import InvalidValue
from engine.fields import FIELD_TYPES, BadOption, Locale
from engine.fields.choice import Option
from tests.every import every

STATES = {"pending": "Pending", "active": "Active", "archived": "Archived"}
LISTED = [
    {"name": "a", "label": "Alpha", "color": "success"},
    {"name": "b", "when": {"x": 1}},
    {"name": "c", "when": "x > 1"},
]


def kind(name, **options):
    return FIELD_TYPES[name].configure(options)


@every("value", [1, 0, "true", "false", None, [], {}, 1.0, "\ud800"])
def test_booleans_are_true_and_false_only(value):
    with pytest.raises(InvalidValue, match="Expected true or false"):
        kind("boolean").parse_json(value)


def test_unset_booleans_are_false():
    assert FIELD_TYPES["boolean"].empty is False
    assert kind("boolean").parse_json(True) is True
    assert kind("boolean").json_schema() == {"type": "boolean"}


@pytest.mark.parametrize("text", ["true", "1", "yes", "TRUE", "Yes"])
def test_true_in_csv(text):
    assert kind("boolean").csv_in(text) is True


@pytest.mark.parametrize("text", ["false", "0", "no", "FALSE", "No"])
def test_false_in_csv(text):
    assert kind("boolean").csv_in(text) is False


def test_queries_say_true_and_false():
    assert [kind("boolean").parse_text(text) for text in ("true", "false")] == [True, False]
    for text in ("TRUE", "yes", "1", "no", ""):
        with pytest.raises(InvalidValue):
            kind("boolean").parse_text(text)


@pytest.mark.parametrize("text", ["", "2", "y", "on", "True ", "nope"])
def test_other_words_are_no_booleans(text):
    with pytest.raises(InvalidValue):
        kind("boolean").csv_in(text)


@pytest.mark.parametrize(
    ("display", "yes", "no"),
    [
        ({}, "Yes", "No"),
        ({"representation": "checkBox"}, "Yes", "No"),
        ({"representation": "switcher"}, "Yes", "No"),
        ({"representation": "switcher", "labels": "onOff"}, "On", "Off"),
        ({"representation": "switcher", "labels": "yesNo"}, "Yes", "No"),
    ],
)
def test_booleans_in_plain_text(display, yes, no):
    boolean = kind("boolean")
    boolean.check_display(display)
    assert (boolean.plain_text(True, display, Locale()), boolean.plain_text(False, display, Locale())) == (yes, no)


def test_only_a_switcher_has_labels():
    with pytest.raises(BadOption):
        kind("boolean").check_display({"labels": "onOff"})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["a", "b"], (Option("a", "a"), Option("b", "b"))),
        (STATES, (Option("pending", "Pending"), Option("active", "Active"), Option("archived", "Archived"))),
        (LISTED, (Option("a", "Alpha", "success"), Option("b", "b", None, {"x": 1}), Option("c", "c", None, "x > 1"))),
        (["a", {"name": "b", "label": "B"}], (Option("a", "a"), Option("b", "B"))),
    ],
)
def test_three_ways_to_write_options(options, expected):
    assert kind("choice", options=options).options == expected


def test_conditions_are_kept_as_written():
    assert kind("choice", options=LISTED).conditions() == {"b": {"x": 1}, "c": "x > 1"}
    assert kind("choice", options=STATES).conditions() == {}


@every("value", ["x", "Active", "ACTIVE", " active", 1, True, None, ["active"], {"name": "active"}, "\ud800"])
def test_other_values_are_not_valid_choices(value):
    with pytest.raises(InvalidValue) as refused:
        kind("choice", options=STATES).parse_json(value)
    assert refused.value.code == "invalid"
    assert refused.value.message == "Not a valid choice"
    assert refused.value.info == {"rejectedValue": value, "rule": "options", "limit": ["pending", "active", "archived"]}


def test_choices_are_names():
    choice = kind("choice", options=STATES)
    assert choice.parse_json("active") == choice.parse_text("active") == choice.csv_out("active") == "active"
    assert choice.plain_text("active", {}, Locale()) == "Active"
    assert choice.json_schema() == {"enum": ["pending", "active", "archived"]}
    choice.check("active")


def test_options_that_are_gone_stay_readable():
    choice = kind("choice", options=STATES)
    assert choice.render("gone") == choice.plain_text("gone", {}, Locale()) == "gone"
    with pytest.raises(InvalidValue, match="Not a valid choice"):
        choice.check("gone")


def test_conditions_narrow_the_choice():
    choice = kind("choice", options=LISTED)
    choice.check_allowed("a", {"a", "b"})
    with pytest.raises(InvalidValue) as refused:
        choice.check_allowed("c", {"a", "b"})
    assert refused.value.limit == ["a", "b"]


@every(
    ("cell", "name"),
    [
        ("active", "active"),
        ("ACTIVE", "active"),
        ("Pending", "pending"),
        ("b", "b"),
        ("B", "b"),
        ("Two", "b"),
        ("two", "b"),
        ("A", "A"),
        ("a", "a"),
    ],
)
def test_cells_hold_names_or_labels(cell, name):
    listed = [
        *({"name": name, "label": label} for name, label in STATES.items()),
        {"name": "x", "label": "b"},
        {"name": "b", "label": "Two"},
        "a",
        "A",
    ]
    assert kind("choice", options=listed).csv_in(cell) == name


def test_the_first_of_two_equal_labels_counts():
    assert kind("choice", options={"a": "Same", "b": "Same"}).csv_in("SAME") == "a"


def test_unknown_cells_are_refused():
    with pytest.raises(InvalidValue, match="Not a valid choice"):
        kind("choice", options=STATES).csv_in("closed")


@pytest.mark.parametrize(
    "options", [{}, {"options": []}, {"options": {}}, {"options": ["a", "a"]}, {"options": ["a", {"name": "a"}]}]
)
def test_options_that_make_no_choice(options):
    with pytest.raises(BadOption) as refused:
        kind("choice", **options)
    assert refused.value.key == "options"


WHOLE = {"options": [{"label": "Alaska", "name": "AK"}, {"label": "Arizona", "name": "AZ"}], "selectedValue": "AK"}


def test_dynamic_choices():
    dynamic = kind("dynamicChoice")
    assert dynamic.parse_json(WHOLE) == dynamic.render(WHOLE) == WHOLE
    assert dynamic.parse_json("AZ") == {"options": [{"label": "AZ", "name": "AZ"}], "selectedValue": "AZ"}
    assert dynamic.plain_text(WHOLE, {}, Locale()) == "Alaska"
    assert dynamic.csv_out(WHOLE) == "AK"


def test_dynamic_choices_are_found_by_name_and_label():
    dynamic = kind("dynamicChoice")
    stored = dynamic.to_stored(WHOLE)
    assert stored == {**WHOLE, "search": ["AK", "Alaska"]}
    assert dynamic.query_value(WHOLE) == stored[dynamic.query_part]
    assert dynamic.from_stored(stored) == dynamic.render_stored(stored) == WHOLE
    assert dynamic.parse_text("Alaska") == "Alaska"


@every(
    "value",
    [
        5,
        None,
        [],
        {},
        "\ud800",
        {"options": [], "selectedValue": "AK"},
        {"options": "AK", "selectedValue": "AK"},
        {"options": [{"label": "Alaska", "name": "AK"}], "selectedValue": "AZ"},
        {"options": [{"label": "Alaska", "name": "AK"}], "selectedValue": None},
        {"options": [{"label": "Alaska", "name": "AK"}], "selectedValue": ["AK"]},
        {"options": [{"label": "Alaska", "name": "AK", "x": 1}], "selectedValue": "AK"},
        {"options": [{"label": "", "name": "AK"}], "selectedValue": "AK"},
        {"options": [{"label": 1, "name": "AK"}], "selectedValue": "AK"},
        {"options": [{"name": "AK"}], "selectedValue": "AK"},
        {"options": ["AK"], "selectedValue": "AK"},
        {"options": [{"label": "Alaska", "name": "AK"}], "selectedValue": "AK", "search": []},
        {"selectedValue": "AK"},
    ],
)
def test_what_is_no_dynamic_choice(value):
    with pytest.raises(InvalidValue, match="selectedValue"):
        kind("dynamicChoice").parse_json(value)


@pytest.mark.parametrize(
    "cell",
    [
        '{options:[{label:"Alaska",name:"AK"},{label:"Arizona",name:"AZ"}],selectedValue:"AK"}',
        '{"options": [{"label": "Alaska", "name": "AK"}, {"label":"Arizona", "name" : "AZ"}], "selectedValue": "AK"}',
        ' { options : [ { label : "Alaska" , name : "AK" } , { label:"Arizona",name:"AZ" } ] , selectedValue : "AK" }',
    ],
)
def test_whole_dynamic_choices_in_cells(cell):
    assert kind("dynamicChoice").csv_in(cell) == WHOLE


def test_texts_inside_cells_are_left_alone():
    cell = '{options:[{label:"a, name: \\"b\\"",name:"x"}],selectedValue:"x"}'
    assert kind("dynamicChoice").csv_in(cell)["options"][0]["label"] == 'a, name: "b"'


@pytest.mark.parametrize(
    "cell", ["{", "{}", "{options:NaN}", '{"a":' * 100_000, "{" + "9" * 10_000 + "}", '{options:[],selectedValue:"x"}']
)
def test_broken_cells(cell):
    with pytest.raises(InvalidValue):
        kind("dynamicChoice").csv_in(cell)
