"""What the parser refuses, where, and what it says to write instead."""

from __future__ import annotations

import dataclasses

import pytest

from engine.errors import ExpressionError
from engine.expressions import parse_expression
from engine.expressions.syntax import Arithmetic, Literal, Logic, Node
from tests.every import every
from tests.unit.expressions.expression_samples import evaluate

REFUSED = [
    ("", 0, "empty", None),
    ("  \n ", 0, "empty", None),
    ("name +", 5, "not an expression", None),
    ("name name", 0, "not an expression", None),
    ("a = 1", 0, "not an expression", None),
    ("(name", 0, '"(" is not closed', None),
    ("name)", 4, '")" closes nothing', None),
    ("1) + (2", 1, '")" closes nothing', None),
    ("[name)", 5, '")" closes nothing', None),
    ("name + 'abc", 7, "not closed", None),
    ("'abc\n'", 0, "not closed", None),
    ("name # why", 5, "comment", None),
    ("name + ñ", 7, "quotes only", "ASCII"),
    ("na\0me", 2, "U+0000", None),
    ("'na\0me'", 3, "U+0000", None),
    ("'\ud800'", 1, "U+D800", None),
    (r"'\ud800'", 0, "surrogate", None),
    ("_name", 0, '"_name"', "begin with a letter"),
    ("record._name", 0, '"_name"', "begin with a letter"),
    ("[_x for _x in tags]", 8, '"_x"', "begin with a letter"),
    ("a__b", 0, '"a__b"', "begin with a letter"),
    ("(1, 2)", 0, "round brackets", "[a, b]"),
    ("name, state", 0, "round brackets", "[a, b]"),
    ("{1, 2}", 0, "set", "[a, b]"),
    ("{'a': 1}", 0, "record", "respond"),
    ("1 + {'a': 1}", 4, "record", "respond"),
    ("{a: 1 for a in tags}", 0, "braces", "for"),
    ("{a for a in tags}", 0, "braces", "for"),
    ("(a for a in tags)", 0, "round brackets", "[... for"),
    ("f'{name}'", 0, "f-string", "template"),
    ("lambda: 1", 0, "function of its own", None),
    ("(a := 1)", 1, "assignment", None),
    ("tags[0:1]", 5, "slice", "index one item"),
    ("[*tags]", 1, "star", None),
    ("len(*tags)", 4, "star", None),
    ("await name", 0, "await", None),
    ("(yield name)", 1, "yield", None),
    ("(yield from name)", 1, "yield", None),
    ("2 ** 3", 0, "**", "product"),
    ("1 + 2 ** 3", 4, "**", "product"),
    ("number @ number", 0, "@", None),
    ("1 << 3", 0, "<<", None),
    ("1 >> 3", 0, ">>", None),
    ("1 | 2", 0, "|", "or"),
    ("1 & 2", 0, "&", "and"),
    ("1 ^ 2", 0, "^", None),
    ("~1", 0, "~", "not"),
    ("+name", 0, "sign +", "leave it out"),
    ("...", 0, "ellipsis", None),
    ("b'a'", 0, "bytes", None),
    ("1j", 0, "complex", None),
    ("1e9999", 0, "out of range", None),
    ("340282366920938463463374607431768211456", 0, "127 bits", None),
    ("name.upper()", 0, "functions of the language", "write upper(...)"),
    ("name.lenn()", 0, "functions of the language", 'did you mean "len"?'),
    ("'a'.join(tags)", 0, "functions of the language", "write join(...)"),
    ("tags[0]()", 0, "functions of the language", None),
    ("len(tags)(1)", 0, "functions of the language", None),
    ("lenn(name)", 0, 'function "lenn"', 'did you mean "len"?'),
    ("print(name)", 0, 'function "print"', None),
    ("__import__('os')", 0, '"__import__"', "begin with a letter"),
    ("round(number, digits=2)", 0, "named arguments", None),
    ("len()", 0, "1 argument, not 0", None),
    ("number + len(name, name)", 9, "1 argument, not 2", None),
    ("min()", 0, "at least 1 argument", None),
    ("'a'.b", 0, "below a literal", None),
    ("'a'.upper", 0, "below a literal", "write upper(...)"),
    ("name is 'a'", 8, "Only None", "write =="),
    ("name is not state", 12, "Only None", "write !="),
    ("[x for x, y in tags]", 0, "one plain variable", None),
    ("[x async for x in tags]", 0, None, None),
    ("[x for x in tags for y in tags]", 0, "one for", "into another"),
    ("[[[1 for c in tags] for b in tags] for a in tags]", 2, "2 deep", None),
    ("[1 for a in [1 for b in [1 for c in tags]]]", 24, "2 deep", None),
    (".".join(["a"] * 17), 0, "16 names", None),
    ("(" * 33 + "1" + ")" * 33, 32, "32 deep", None),
    ("-" * 40 + "name", 32, "32 deep", None),
    ("name" + " " * 2000, 2000, "2,000 characters", None),
    ("1+" * 501 + "1", None, "500 parts", None),
    ("-" * 1999 + "1", None, None, None),
    ("not " * 499 + "1", None, None, None),
]


@every(("text", "offset", "message", "hint"), REFUSED)
def test_refused(text, offset, message, hint):
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    if offset is not None:
        assert caught.value.offset == offset
    assert (message or "").lower() in caught.value.message.lower()
    assert (hint or "") in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("{**record}", 0, "literal texts"),
        ("{name: 1}", 1, "literal texts"),
        ("{1: 1}", 1, "literal texts"),
        ("{'a': 1, 'a': 2}", 9, "two entries"),
        ("{1, 2}", 0, "set"),
        ("{a: 1 for a in tags}", 0, "braces"),
    ],
)
def test_refused_in_records(text, offset, message):
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text, allow_records=True)
    assert caught.value.offset == offset
    assert message in caught.value.message


def test_chains_of_one_rank_make_one_part():
    assert parse_expression("1 + number - 3 + 4").tree == Arithmetic(
        0, Literal(0, 1), (("+", parse_expression("    number").tree), ("-", Literal(13, 3)), ("+", Literal(17, 4)))
    )
    long_text = "+".join(["name"] * 200)
    assert evaluate(long_text) == "Acme" * 200
    assert evaluate(" or ".join(["other"] * 199 + ["name"])) == "Acme"


def test_children_are_all_the_nodes_that_a_node_is_made_of():
    text = "{'a': -[a][0].b if not c and c < 1 else [x.d + len(e) for x in f if x], 'g': None}"
    todo: list[Node] = list(parse_expression(text, allow_records=True).trees)
    seen: set[type] = set()
    while todo:
        node = todo.pop()
        seen.add(type(node))
        values = [getattr(node, field.name) for field in dataclasses.fields(node)]
        assert sorted(map(repr, node.children)) == sorted(map(repr, _nodes(values)))
        todo += node.children
    assert {kind.__name__ for kind in seen} == {kind.__name__ for kind in Node.__subclasses__()}


def _nodes(value):
    if isinstance(value, Node):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _nodes(item)


def test_conditions_of_a_comprehension_are_one_conjunction():
    tree = parse_expression("[x for x in tags if x if name]").tree
    assert isinstance(tree.condition, Logic)
    assert tree.condition.every


def test_a_longer_body_costs_more_steps():
    short, long = parse_expression("[x for x in tags]").tree, parse_expression("[x + x * x + x + 1 for x in tags]").tree
    assert short.weight == 1
    assert long.weight > 1


def test_parsing_does_not_warn(recwarn):
    parse_expression(r"matches(name, '\d+') or 1 is None or 1if name else 2")
    assert not recwarn.list
