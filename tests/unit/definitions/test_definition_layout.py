"""The house's layout of definition files by example: what changes, what stays, what is left alone."""

import re

import pytest

from engine.definitions.format import CannotFormat, format_text, takes_of_file
from tests.every import every


def laid_out(text, name="entities/a.yaml"):
    done = format_text(name, text)
    assert format_text(name, done) == done
    return done


def test_keys_stand_in_the_order_of_the_tables():
    text = "fields: {a: {required: true, type: text, label: A}}\nlabel: X\nrecordLabel: a\n"
    assert laid_out(text) == "label: X\nrecordLabel: a\nfields: {a: {type: text, label: A, required: true}}\n"


def test_fields_actions_and_options_keep_the_authors_order():
    text = (
        "fields:\n  z: {type: choice, options: {q: Q, b: B}}\n  a: {type: text}\n"
        "actions:\n  y: {run: f}\n  b: {run: f}\n"
    )
    assert laid_out(text) == text


def test_inner_fields_come_last():
    text = "fields:\n  a:\n    type: nested\n    fields:\n      b: {type: text}\n    label: A\n    many: true\n"
    assert laid_out(text) == (
        "fields:\n  a:\n    type: nested\n    label: A\n    many: true\n    fields:\n      b: {type: text}\n"
    )


def test_fields_on_one_line_are_aligned_up_to_a_blank_line():
    text = (
        "fields:\n  a:   {type: text}\n  # why\n  long: {type: text}\n\n  bc: {type: text}\n"
        "  group:\n    type: nested\n    fields:\n      x: {type: text}\n  d: {type: text}\n"
    )
    assert laid_out(text) == (
        "fields:\n  a:    {type: text}\n  # why\n  long: {type: text}\n\n  bc: {type: text}\n"
        "  group:\n    type: nested\n    fields:\n      x: {type: text}\n  d: {type: text}\n"
    )


def test_rights_are_not_aligned():
    text = "entities:\n  a:\n    read: always\n    create: {x: 1}\n    delete: {x: 2}\n"
    assert laid_out(text, "groups/g.yaml") == text


def test_a_short_field_goes_on_one_line():
    text = "fields:\n  a:\n    type: text\n    description: 'it is: {x}'\n    required: true\n"
    assert laid_out(text) == "fields:\n  a: {type: text, description: 'it is: {x}', required: true}\n"


@every(
    "inner",
    [
        "    type: text  # why\n    label: A\n",
        "    type: text\n    # why\n    label: A\n",
        "    type: text\n\n    label: A\n",
        "    type: text\n    label: a, b\n",
        "    type: text\n    label: [\n",
        f"    type: text\n    label: {'x' * 90}\n",
        "    type: text\n    description: |\n      a\n",
        "    type: choice\n    options:\n      - a\n",
    ],
)
def test_other_fields_stay_blocks(inner):
    text = f"fields:\n  a:\n{inner}"
    if "[\n" not in text:
        assert laid_out(text) == text


def test_levels_are_two_spaces_deep():
    text = "fields:\n    a:\n        type: choice\n        options:\n        - x\n        -   name: y\n            label: Y\n"
    assert laid_out(text) == (
        "fields:\n  a:\n    type: choice\n    options:\n      - x\n      - name: y\n        label: Y\n"
    )


def test_brackets_have_no_spaces_at_their_ends():
    assert laid_out("indexes: [[ a,b ],[c] , ]\nfields: { }\n") == "fields: {}\nindexes: [[a, b], [c]]\n"


def test_values_over_several_lines_keep_their_breaks_and_move_with_their_start():
    text = 'validations:\n    - {message: "No",\n       field: a, check: a == 1}\n'
    assert laid_out(text) == 'validations:\n  - {check: a == 1,\n     field: a, message: "No"}\n'
    text = "fields:\n    a: {\n        required: true,\n        type: text\n    }\n"
    assert laid_out(text) == "fields:\n  a: {\n      type: text,\n      required: true\n  }\n"


def test_brackets_with_comments_inside_keep_their_order():
    text = "indexes:\n  - {\n    name: x,  # why\n    fields: [ a ]\n    }\n"
    assert laid_out(text) == text


def test_texts_keep_every_character():
    text = (
        "label: >-\n    folded\n    text\n\n      deeper\ndescription: |2\n    two more\nfields: {}\nrecordLabel: 'a\n"
        "  b'\n"
    )
    assert laid_out(text) == (
        "label: >-\n  folded\n  text\n\n    deeper\ndescription: |2\n    two more\nrecordLabel: 'a\n  b'\nfields: {}\n"
    )


def test_kept_line_breaks_of_a_text_stay():
    text = "description: |+\n  text\n\n\nfields: {}\n"
    assert laid_out(text) == text


def test_comments_move_with_what_they_stand_before_or_behind():
    text = (
        "# the file\n\n# fields\nfields:  # all\n    # first\n    a: {type: text}  # a\n    # was: b\n# the label\n"
        "label: X  # x\n# the end\n"
    )
    assert laid_out(text) == (
        "# the file\n\n# fields\n# the label\nlabel: X  # x\nfields:  # all\n  # first\n  a: {type: text}  # a\n"
        "  # was: b\n# the end\n"
    )


def test_blank_lines_stay_between_the_parts():
    assert laid_out("fields: {}\n\n\nlabel: X\n") == "label: X\n\n\nfields: {}\n"
    assert laid_out("label: X\n\n\n\n") == "label: X\n"


def test_line_breaks_and_spaces_at_ends_become_plain():
    assert laid_out("label: X   \r\nfields: {}\r\n") == "label: X\nfields: {}\n"
    assert laid_out("---\nlabel: X") == "label: X\n"


def test_json_is_put_in_order_where_it_stands():
    text = '{\n  "label": "A",\n  "fields": {"a": {"required": true,"type": "text"}}\n}\n'
    assert laid_out(text, "entities/a.json") == text.replace(
        '"required": true,"type": "text"', '"type": "text", "required": true'
    )


def test_pairs_of_surrogates_are_left_alone():
    with pytest.raises(CannotFormat, match="it holds escapes that only JSON knows"):
        format_text("entities/a.json", '{"fields": {}, "label": "\\ud83d\\ude00"}')


def test_anchors_of_values_stay():
    text = "fields:\n  a: &x {type: text}\n  b: *x\n"
    assert laid_out(text) == text


@every(
    ("text", "reason"),
    [
        ("label: [", "castwork validate tells"),
        ("fields: {a: {type: text}}\nfields: {}", "castwork validate tells"),
        ("fields: &x\n  a: {type: text}", "the anchor in line 1"),
        ("label:\n  # why\n  A", "the comment in line 1 stands between a key and its value"),
        ("indexes:\n  -  # why\n    - a", "the comment in line 2 stands between a dash"),
        ("? label\n: A\n? |\n  fields\n: {}", "line 3 has an unusual form"),
        ("description: |+\n  text\n\n\nlabel: A\n", "too unusual to be changed safely"),
        ("label: A\n...\n", "stands where only comments are expected"),
        ("~", "it is no map"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_left_alone_with_a_reason(text, reason):
    with pytest.raises(CannotFormat, match=f"^left as it is: .*{re.escape(reason)}"):
        format_text("entities/a.yaml", text)


def test_only_definitions_are_laid_out():
    assert takes_of_file("tests/a.yaml") is None
    with pytest.raises(CannotFormat) as refused:
        format_text("tests/a.yaml", "a: 1\n")
    assert refused.value.broken
