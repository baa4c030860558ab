"""The text of one value: commas, quotes, operators and their arguments."""

import pytest

from engine.errors import BadRequest
from engine.query import OPERATORS, parse_value
from engine.query.values import Piece, Value
from tests.every import every


def plain(*texts):
    return Value("equals", tuple(map(Piece, texts)))


@every(
    ("text", "value"),
    [
        ("a", plain("a")),
        ("", plain("")),
        (" a ", plain(" a ")),
        ("a,b", plain("a", "b")),
        ("a,,b", plain("a", "", "b")),
        (",", plain("", "")),
        ("Acme(US)", plain("Acme(US)")),
        ("greater", plain("greater")),
        ("greater(5", plain("greater(5")),
        ("greater(5)x", plain("greater(5)x")),
        ("Greater(5)", plain("Greater(5)")),
        ("shout(5)", plain("shout(5)")),
        (" greater(5)", plain(" greater(5)")),
        ('5" disk', plain('5" disk')),
        ('"a, b"', Value("equals", (Piece("a, b", True),))),
        ('"a","b"', Value("equals", (Piece("a", True), Piece("b", True)))),
        ('a,"b,c",d', Value("equals", (Piece("a"), Piece("b,c", True), Piece("d")))),
        ('""', Value("equals", (Piece("", True),))),
        ('"say ""hi"""', Value("equals", (Piece('say "hi"', True),))),
        ('"like(x)"', Value("equals", (Piece("like(x)", True),))),
        ("equals(a,b)", plain("a", "b")),
        ("equals(a(b))", plain("a(b)")),
        ("notEquals(a)", Value("notEquals", (Piece("a"),))),
        ("between(1,5)", Value("between", (Piece("1"), Piece("5")))),
        ('between("a,b",c)', Value("between", (Piece("a,b", True), Piece("c")))),
        ("empty()", Value("empty", ())),
        ("like(a b)", Value("like", (Piece("a b"),))),
        ("like(/a,b{1,2}/)", Value("like", (Piece("/a,b{1,2}/"),))),
        ('like("a, b/")', Value("like", (Piece("a, b/", True),))),
        ('like(/"a"/)', Value("like", (Piece('/"a"/'),))),
        ("near(1,2,3,4)", Value("near", tuple(map(Piece, "1234")))),
        ('equals({"a": 1})', Value("equals", (), {"a": 1})),
        ('{"a": 1, "b": [2]}', Value("equals", (Piece('{"a": 1, "b": [2]}'),), {"a": 1, "b": [2]})),
        ("{a},{b}", plain("{a}", "{b}")),
        ('equals("{a}")', Value("equals", (Piece("{a}", True),))),
    ],
)
def test_text_is_read(text, value):
    assert parse_value(text) == value


@every(
    ("text", "words"),
    [
        ('"a', "not closed"),
        ('a,"b', "character 3"),
        ('"a"b', "comma must follow"),
        ('equals("a)', "not closed"),
        ("like(a,b)", "double quotes"),
        ("equals({)", None),
        ("equals({})x", None),
        ('equals({"a":1,"a":2})', "twice"),
        ('equals({"a":Infinity})', "not JSON"),
        ("equals({a:1})", "JSON object"),
        ("equals(" + '{"a":' * 3000 + "}" * 3000 + ")", "at most 200"),
    ],
)
def test_text_is_refused(text, words):
    if words is None:
        assert parse_value(text).operator == "equals"
        return
    with pytest.raises(BadRequest, match=words):
        parse_value(text)


def counts(operator):
    """Numbers of arguments about the edges of what an operator takes."""
    edges = {operator.least - 1, operator.least, operator.most, operator.most + 1}
    return sorted(count for count in edges if 0 <= count <= 1_001)


@every(("operator", "count"), [(operator, count) for operator in OPERATORS.values() for count in counts(operator)])
def test_arity_is_checked_for_every_operator(operator, count):
    text = f"{operator.name}({','.join(['1'] * count)})"
    if operator.least <= count <= operator.most:
        assert len(parse_value(text).arguments) == count
    else:
        with pytest.raises(BadRequest, match=f"{operator.name} takes .*, not {count or 'none'}"):
            parse_value(text)
