"""color, rank, geoPoint, html, nested."""

from decimal import Decimal

import pytest

from engine.errors import InvalidValue
from engine.fields import FIELD_TYPES, Locale
from engine.fields.html import clean_html, visible_text
from engine.fields.special import RankType, rank_after, rank_before, rank_between
from tests.every import every


def kind(name):
    return FIELD_TYPES[name].configure({})


def test_colors_become_small():
    assert kind("color").parse_json("#F5A9a9") == kind("color").csv_in("#F5A9A9") == "#f5a9a9"
    assert kind("color").parse_text("F5A9A9") == kind("color").parse_text("#F5A9A9") == "#f5a9a9"


@every(
    "value", ["f5a9a9", "#f5a", "#f5a9a9ff", "#g5a9a9", "red", "#f5a9a9\n", "#٣٣٣٣٣٣", "#f5a9aK", 5, None, ["#f5a9a9"]]
)
def test_what_is_no_color(value):
    with pytest.raises(InvalidValue, match="#rrggbb"):
        kind("color").parse_json(value)


def test_a_cell_needs_the_whole_color():
    with pytest.raises(InvalidValue):
        kind("color").csv_in("f5a9a9")


@every("value", ["", "I", "a b", "a-b", "ä", "i" * 129, 5, None, ["i"], "a\n"])
def test_what_is_no_rank(value):
    with pytest.raises(InvalidValue, match="Expected a rank"):
        kind("rank").parse_json(value)


def test_ranks_of_new_records():
    assert RankType().supplied(0) == "iiiii00000"
    assert RankType().supplied(1) == "iiiij00000"
    ranks = [
        RankType().supplied(number)
        for number in (0, 1, 35, 36, 10**6, 29_000_000, 29_999_999, 30_000_000, 10**9, 2**62)
    ]
    assert ranks == sorted(set(ranks))


@pytest.mark.parametrize(
    ("first", "second", "middle"),
    [
        ("iiiii00000", "iiiij00000", "iiiiii"),
        ("a", "b", "ai"),
        ("a", "a1", "a0i"),
        ("", "", None),
        ("a", "a", None),
        ("b", "a", None),
        ("a", "a0", None),
    ],
)
def test_ranks_between(first, second, middle):
    if middle is None:
        with pytest.raises(InvalidValue):
            rank_between(first, second)
    else:
        assert rank_between(first, second) == middle


def test_ranks_before_and_after():
    assert rank_after("iiiii00000") == "iiiij00000"
    assert rank_before("iiiii00000") == "iiiih00000"
    assert rank_after("zzzzz") == "zzzzzi"
    assert rank_before("00001") == "00000i"
    for bad in ("", "A", 5):
        with pytest.raises(InvalidValue):
            rank_after(bad)
    with pytest.raises(InvalidValue, match="no room"):
        rank_before("000")
    with pytest.raises(InvalidValue):
        rank_after("z" * 128)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ({"latitude": Decimal("10.5"), "longitude": 12}, {"latitude": Decimal("10.5"), "longitude": 12}),
        ({"longitude": -180.0, "latitude": Decimal("-90.0")}, {"latitude": -90, "longitude": -180}),
        (
            {"latitude": 0.1, "longitude": Decimal("0.30000000000000000000001")},
            {"latitude": Decimal("0.1"), "longitude": Decimal("0.3")},
        ),
        ({"latitude": -0.0, "longitude": 180}, {"latitude": 0, "longitude": 180}),
    ],
)
def test_points(written, value):
    geo = kind("geoPoint")
    assert geo.parse_json(written) == value
    stored = geo.to_stored(value)
    assert stored == {"type": "Point", "coordinates": [float(value["longitude"]), float(value["latitude"])]}
    assert all(type(part) is float for part in stored["coordinates"])
    assert geo.from_stored(stored) == geo.render_stored(stored) == value


@every(
    "value",
    [
        {"latitude": 91, "longitude": 0},
        {"latitude": 0, "longitude": Decimal("-180.1")},
        {"latitude": "10", "longitude": 0},
        {"latitude": True, "longitude": 0},
        {"latitude": None, "longitude": 0},
        {"latitude": 0},
        {"latitude": 0, "longitude": 0, "x": 0},
        {"latitude": Decimal("NaN"), "longitude": 0},
        {"latitude": float("nan"), "longitude": 0},
        {"latitude": Decimal("sNaN"), "longitude": 0},
        {"latitude": 10**400, "longitude": 0},
        [10, 20],
        "(10,20)",
        5,
        None,
        {},
    ],
)
def test_what_is_no_point(value):
    with pytest.raises(InvalidValue, match="latitude from -90 to 90"):
        kind("geoPoint").parse_json(value)


def test_points_in_csv():
    geo = kind("geoPoint")
    assert (
        geo.csv_in("(22,30)")
        == geo.csv_in(" 22 , 30 ")
        == geo.parse_text("(22.0,30)")
        == {"latitude": 22, "longitude": 30}
    )
    assert geo.csv_out({"latitude": Decimal("10.5"), "longitude": 12}) == "(10.5,12)"
    assert geo.plain_text({"latitude": 22, "longitude": 30}, {}, Locale()) == "(22,30)"
    for cell in ("", "22", "(22,30", "22,30)", "(91,0)", "(a,b)", "(22;30)", "(22,30,40)", "(--1,0)", "(1e999,0)"):
        if cell in ("(22,30", "22,30)"):
            continue
        with pytest.raises(InvalidValue):
            geo.csv_in(cell)


@every(
    ("written", "cleaned", "text"),
    [
        ("<p>x</p>", "<p>x</p>", "x"),
        ("plain", "plain", "plain"),
        ("<p>x</p><script>alert(1)</script>", "<p>x</p>", "x"),
        ('<b onclick="x()">y</b>', "<b>y</b>", "y"),
        ('<span style="color:red" class="a">x</span>', '<span class="a">x</span>', "x"),
        ('<a href="javascript:alert(1)">x</a>', "<a>x</a>", "x"),
        ('<a href="https://x.com" title="t" target="_blank">x</a>', '<a href="https://x.com" title="t">x</a>', "x"),
        ('<a href="mailto:a@b.com">x</a>', '<a href="mailto:a@b.com">x</a>', "x"),
        ('<img src="ftp://x/y.png" alt="a">', '<img alt="a">', ""),
        ('<img src="http://x/y.png" onerror="x">', '<img src="http://x/y.png">', ""),
        ("<iframe src='http://x'></iframe><form><input></form>", "", ""),
        (
            "<h1>one</h1><ul><li>two</li><li>three</li></ul>",
            "<h1>one</h1><ul><li>two</li><li>three</li></ul>",
            "one two three",
        ),
        ("two<b>gether</b>", "two<b>gether</b>", "twogether"),
        ("a<br>b", "a<br>b", "a b"),
        ("a &lt;b&gt; &amp; c", "a &lt;b&gt; &amp; c", "a <b> & c"),
        ('<a title="x>y">z</a>', '<a title="x&gt;y">z</a>', "z"),
        ("<!-- note -->x", "x", "x"),
        ("<td>loose</td>", "loose", "loose"),
    ],
)
def test_html_is_cleaned(written, cleaned, text):
    html = kind("html")
    assert html.parse_json(written) == html.csv_in(written) == cleaned == clean_html(cleaned)
    assert html.to_stored(cleaned) == {"html": cleaned, "text": text}
    assert html.query_value(cleaned) == html.plain_text(cleaned, {}, Locale()) == visible_text(cleaned) == text
    assert (
        html.from_stored({"html": cleaned, "text": text})
        == html.render_stored({"html": cleaned, "text": text})
        == cleaned
    )


def test_html_that_never_settles_becomes_text():
    assert kind("html").parse_json("<pre>" + "\n" * 30 + "a &lt; b</pre>") == "a &lt; b"


@pytest.mark.parametrize("value", [5, True, None, [], {}, "\ud800"])
def test_what_is_no_html(value):
    with pytest.raises(InvalidValue, match="Expected HTML"):
        kind("html").parse_json(value)


def test_html_queries_are_plain():
    assert kind("html").parse_text("a < b") == "a < b"
    with pytest.raises(InvalidValue):
        kind("html").parse_text("\ud800")


def test_nested_groups_are_objects():
    nested = kind("nested")
    assert (
        nested.parse_json({"a": 1})
        == nested.parse_text('{"a": 1}')
        == nested.plain_text({"a": 1}, {}, Locale())
        == {"a": 1}
    )
    assert nested.csv_out({"a": Decimal("1.50")}) == '{"a":1.50}'
    assert nested.json_schema() == {"type": "object"}
    for text in ("", "x", "[1]", "5", "[" * 100_000, "\ud800", "{'a': 1}"):
        with pytest.raises(InvalidValue):
            nested.parse_text(text)
    with pytest.raises(InvalidValue):
        nested.parse_json([{}])
