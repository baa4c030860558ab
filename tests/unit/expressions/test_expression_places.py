"""Where the names of an expression stand in its text, and which fields they are."""

from engine.expressions import Names, parse_computed, parse_expression, parse_template
from engine.expressions.names import resolve_names
from engine.expressions.syntax import Member, Read
from tests.every import every


def entity():
    from engine.definitions import Sources, resolve_app

    text = """
fields:
  name: {type: text}
  size: {type: integer}
  rows: {type: nested, many: true, fields: {city: {type: text}, size: {type: integer, aliases: [length]}}}
"""
    return resolve_app(Sources("", {"app.yaml": "name: a\n", "entities/things.yaml": text})).entities["things"]


NAMES = Names.of_entity(entity())


def named(source):
    """Each name of the text that stands for a field: its place, as written, and the field's path."""
    return sorted(
        (node.places[number], node.path[number], field.path)
        for node, found in resolve_names(source, NAMES).fields.items()
        for number, field in found
    )


@every(
    ("text", "expected"),
    [
        ("name", [(0, "name", "name")]),
        ("record.name == name", [(7, "name", "name"), (15, "name", "name")]),
        ("rows.city", [(0, "rows", "rows"), (5, "city", "rows.city")]),
        ("( rows ) . city", [(2, "rows", "rows"), (11, "city", "rows.city")]),
        ("rows[0].city", [(0, "rows", "rows"), (8, "city", "rows.city")]),
        ("(rows)[ size ].length", [(1, "rows", "rows"), (8, "size", "size"), (15, "length", "rows.size")]),
        ("[a.city for a in rows if a.size > size]", [
            (3, "city", "rows.city"),
            (17, "rows", "rows"),
            (27, "size", "rows.size"),
            (34, "size", "size"),
        ]),
        ("[name for name in rows]", [(18, "rows", "rows")]),
        ("'name' + old.name", [(13, "name", "name")]),
        ("'ä' +\n  name", [(8, "name", "name")]),
        ("user.name", []),
    ],
)  # fmt: skip
def test_names_are_found_where_they_stand(text, expected):
    source = parse_expression(text)
    assert named(source) == expected
    for place, name, _ in expected:
        assert text[place:].startswith(name)


def test_places_count_from_the_start_of_templates_and_marked_expressions():
    assert named(parse_template("Dear {name}, {rows[0].city}")) == [
        (6, "name", "name"),
        (14, "rows", "rows"),
        (22, "city", "rows.city"),
    ]
    assert named(parse_computed("= size + 1")) == [(2, "size", "size")]


def test_every_path_knows_its_places():
    source = parse_expression("a.b + [x.c for x in d.e][0].f")
    nodes = [source.tree]
    while nodes:
        node = nodes.pop()
        nodes += node.children
        if isinstance(node, Read | Member):
            assert [source.text[place : place + 1] for place in node.places] == list(node.path)
