"""Reading a query takes time in proportion to its length, whatever it is made of."""

import time
from contextlib import suppress

import pytest

from engine.errors import BadRequest
from engine.query import parse_expression, parse_filter_map, parse_query, parse_value
from engine.query.patterns import parse_like

SIZES = (20_000, 40_000)
FORMS = {
    "letters": (parse_value, lambda size: "a" * size),
    "commas": (parse_value, lambda size: "," * size),
    "quotes": (parse_value, lambda size: '"' * size),
    "quoted parts": (parse_value, lambda size: '"a",' * (size // 4)),
    "doubled quotes": (parse_value, lambda size: '"' + '""' * (size // 2) + '"'),
    "brackets": (parse_value, lambda size: "equals(" + "(" * size + ")"),
    "operators": (parse_value, lambda size: "like(" * (size // 5)),
    "braces": (parse_value, lambda size: "equals({" + "{" * size + "})"),
    "json": (parse_value, lambda size: 'equals({"a":"' + "x" * size + '"})'),
    "slashes": (parse_like, lambda size: "/" * size),
    "backslashes": (parse_like, lambda size: "\\" * size + "/"),
    "nested or": (parse_expression, lambda size: "or(" * (size // 3)),
    "spaces": (parse_expression, lambda size: " " * size),
    "words": (parse_expression, lambda size: "o" * size),
    "filters": (parse_expression, lambda size: "or(" + "filter('a','b')," * (size // 16)),
    "single quotes": (parse_expression, lambda size: "filter('" + "''" * (size // 2)),
    "pairs": (parse_query, lambda size: [("a", "b")] * (size // 10)),
    "names": (parse_query, lambda size: [("_" + "a" * size, "b")]),
    "sort fields": (parse_query, lambda size: [("_sortField", "a," * (size // 2) + "a")]),
    "numbers": (parse_query, lambda size: [("_size", "1" * size)]),
    "lists": (parse_filter_map, lambda size: {"a": ["b"] * size}),
    "maps": (parse_filter_map, lambda size: {str(number): "b" for number in range(size // 10)}),
}


def duration(parse, value):
    """The best of some runs, in seconds of the processor."""
    best = float("inf")
    for _ in range(7):
        started = time.process_time()
        with suppress(BadRequest):
            parse(value)
        best = min(best, time.process_time() - started)
    return best


@pytest.mark.parametrize("form", FORMS)
def test_twice_the_text_takes_about_twice_the_time(form):
    parse, make = FORMS[form]
    small, large = (make(size) for size in SIZES)
    ratios = []
    for _ in range(5):
        ratios.append(duration(parse, large) / max(duration(parse, small), 2e-5))
        if ratios[-1] < 2.5:
            return
    pytest.fail(f"doubling the text took {min(ratios):.1f} times as long")
