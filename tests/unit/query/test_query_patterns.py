"""What `like` looks for, and which regular expressions get through."""

import re
import time

import pytest
import re2

from engine.errors import BadRequest
from engine.query.chars import complement, fold, overlap, single, to_class, union
from engine.query.effort import MOST_TEXT
from engine.query.patterns import MOST_PATTERN, Kind, LikeText, build_pattern, parse_like
from tests.every import every


@every(
    ("written", "kind", "text"),
    [
        ("a", Kind.CONTAINS, "a"),
        ("/a", Kind.STARTS, "a"),
        ("a/", Kind.ENDS, "a"),
        ("/a/", Kind.REGEX, "a"),
        ("/", Kind.CONTAINS, "/"),
        ("a/b", Kind.CONTAINS, "a/b"),
        ("\\/a", Kind.CONTAINS, "/a"),
        ("a\\/", Kind.CONTAINS, "a/"),
        ("\\/a\\/", Kind.CONTAINS, "/a/"),
        ("/a\\/", Kind.STARTS, "a/"),
        ("\\/a/", Kind.ENDS, "/a"),
        ("/a\\/b/", Kind.REGEX, "a\\/b"),
        ("/a\\\\/", Kind.REGEX, "a\\\\"),
        ("///", Kind.REGEX, "/"),
        (" a ", Kind.CONTAINS, " a "),
    ],
)
def test_slashes_say_where(written, kind, text):
    assert parse_like(written) == LikeText(kind, text)


@pytest.mark.parametrize("written", ["", "//"])
def test_nothing_is_refused(written):
    with pytest.raises(BadRequest, match="some text to look for"):
        parse_like(written)


@pytest.mark.parametrize("form", ["{}", "/{}", "{}/", "/{}/"])
def test_length_is_limited(form):
    assert parse_like(form.format("a" * MOST_PATTERN))
    with pytest.raises(BadRequest, match="at most 256 characters"):
        parse_like(form.format("a" * (MOST_PATTERN + 1)))


def found(written, texts):
    """The texts that a pattern matches in RE2, where a backtracking engine agrees."""
    like = parse_like(written)
    pattern = build_pattern(like.kind, like.text)
    matches = [text for text in texts if pattern.matches(text)]
    assert [text for text in texts if re.search(pattern.portable, text)] == matches
    return matches


TEXTS = [
    "",
    "a",
    "A",
    "b",
    "ab",
    "ba",
    "a\n",
    "\na",
    "a\nb",
    "xay",
    "é",
    "É",
    "i",
    "\u0130",
    "\u0131",
    "k",
    "\u212a",
    ".",
]


@every(
    ("written", "expected"),
    [
        ("a", ["a", "A", "ab", "ba", "a\n", "\na", "a\nb", "xay"]),
        ("/a", ["a", "A", "ab", "a\n", "a\nb"]),
        ("a/", ["a", "A", "ba", "\na"]),
        ("é", ["é", "É"]),
        ("i", ["i"]),
        ("K", ["k", "\u212a"]),
        (".", ["."]),
        ("/./", [text for text in TEXTS if text]),
        ("/^a$/", ["a"]),
        ("/(?m)^a$/", ["a", "a\n", "\na", "a\nb"]),
        ("/(?i)^A$/", ["a", "A"]),
        ("/(?i:A)b/", ["ab"]),
        ("/a.b/", []),
        ("/(?s)a.b/", ["a\nb"]),
        ("/a[^x]b/", ["a\nb"]),
        ("/^[^a-z]$/", ["A", "é", "É", "\u0130", "\u0131", "\u212a", "."]),
        ("/^\\w$/", ["a", "A", "b", "i", "k"]),
        ("/^\\W$/", ["é", "É", "\u0130", "\u0131", "\u212a", "."]),
        ("/\\bb/", ["b", "ba", "a\nb"]),
        ("/a\\Bb/", ["ab"]),
        ("/\\s/", ["a\n", "\na", "a\nb"]),
        ("/^(a|b)+$/", ["a", "b", "ab", "ba"]),
        ("/^[ab]{2}$/", ["ab", "ba"]),
        ("/x.*y/", ["xay"]),
        ("/^(?:ab|ba)$/", ["ab", "ba"]),
        ("/\\x{e9}|\\xc9/", ["é", "É"]),
        ("/\\./", ["."]),
        ("/[.]/", ["."]),
        ("/^a??b$/", ["b", "ab"]),
        ("/a{,1}/", []),
        ("/^$/", [""]),
        ("/\\A\\z/", [""]),
    ],
)
def test_the_same_text_is_found_everywhere(written, expected):
    assert found(written, TEXTS) == expected


@every(
    ("pattern", "words"),
    [
        ("(", "is refused: missing"),
        ("[" * 200, "is refused"),
        ("a**", "bad repetition"),
        ("x{1001}", "repetition size"),
        ("(?=a)", "is refused"),
        ("(?<=a)", "is refused"),
        ("\\1", "is refused"),
        ("\ud800", "is refused"),
        ("\\pL", "uses \\\\p"),
        ("\\p{Greek}", "uses \\\\p"),
        ("[[:alpha:]]", "named class"),
        ("\\Qa.b\\E", "uses \\\\Q"),
        ("\\C", "uses \\\\C"),
        ("\\07", "uses \\\\0"),
        ("(?U)a+", "the flag U"),
        ("^*a", "repetition of an anchor"),
        ("(?i)*a", "refused|repetition"),
        ("\\x{d800}", "surrogate"),
        ("[\\x{d800}-\\x{dfff}]", "surrogate"),
        ("[^\\x00-\\x{10ffff}]", "without any character"),
    ],
)
def test_what_engines_read_differently_is_refused(pattern, words):
    with pytest.raises(BadRequest, match=words):
        build_pattern(Kind.REGEX, pattern)


@every(
    "pattern",
    [
        "x(a+)+y",
        "x(a*)*y",
        "(.*a){25}",
        "x(?:x*)*y",
        "x(a|aa)+y",
        "x(a|b?)*y",
        "a.*b.*c",
        "^.*a.*b.*c",
        "x(a?){30}a",
        "xa?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?y",
        "x" + "(ab|ab)" * 19 + "y",
        "x[ab]{0,500}[bc]{0,500}[ab]{0,500}y",
        "xa*a*a*y",
        "^\\w*\\w*\\w*$",
    ],
)
def test_what_could_take_forever_is_refused(pattern):
    assert re2.compile(pattern)
    with pytest.raises(BadRequest, match="could take"):
        build_pattern(Kind.REGEX, pattern)


@every(
    "pattern",
    ["(a+)+$", "^(a+)+", "a.*b", "^.*a.*b", "\\d+-\\d+", "^\\d+-\\d+$", "(ab)+c", "(foo|bar) (baz|qux)", "^a?b?c?d?$"],
)
def test_bounded_patterns_pass(pattern):
    assert build_pattern(Kind.REGEX, pattern)


@every("pattern", ["a.*b", "^.*a.*b$", "[ab]{0,3}a[ab]*[ab]{3,12}$", "(?:b|\\w)[ab]{0,3}a\\w+$"])
@every("text", ["a" * MOST_TEXT, "ab" * (MOST_TEXT // 2), "a" * 1_000_000])
def test_the_worst_text_takes_a_bounded_time(pattern, text):
    portable = re.compile(build_pattern(Kind.REGEX, pattern).portable)
    started = time.process_time()
    portable.search(text)
    assert time.process_time() - started < 2


def test_growing_work_meets_short_text_only():
    pattern = build_pattern(Kind.REGEX, "a.*b")
    short, long = "a" + "x" * (MOST_TEXT - 2) + "b", "a" + "x" * (MOST_TEXT - 1) + "b"
    assert (pattern.matches(short), pattern.matches(long)) == (True, False)
    assert (bool(re.search(pattern.portable, short)), bool(re.search(pattern.portable, long))) == (True, False)
    assert build_pattern(Kind.REGEX, "b$").matches(long)


def test_patterns_hold_no_nul_and_no_letter_case_flag():
    pattern = build_pattern(Kind.CONTAINS, "\x00a\x85")
    assert pattern.portable == "\\x00[Aa]\\x85"


# Sets of characters


def test_sets_of_characters():
    assert union([(5, 9), (1, 2), (3, 4), (8, 12)]) == ((1, 12),)
    assert union([(0xD700, 0xE100)]) == ((0xD700, 0xD7FF), (0xE000, 0xE100))
    assert union([(0xD800, 0xDFFF)]) == ()
    assert complement(complement(((65, 90),))) == ((65, 90),)
    assert complement(()) == ((0, 0xD7FF), (0xE000, 0x10FFFF))
    assert overlap(((1, 5), (9, 9)), ((6, 8), (9, 10)))
    assert not overlap(((1, 5), (9, 9)), ((6, 8), (10, 10)))


@pytest.mark.parametrize(
    ("ranges", "text"),
    [
        (single("a"), "a"),
        (single("."), "\\."),
        (single("\n"), "\\x0a"),
        (((97, 98),), "[ab]"),
        (((97, 99),), "[a-c]"),
        (((45, 45), (93, 94)), "[\\-\\]\\^]"),
        (complement(single("\n")), "[^\\x0a]"),
    ],
)
def test_sets_are_written(ranges, text):
    assert to_class(ranges) == text


@every("char", "aAkKsSßµåéσǆİıﬅΐ\u212a\u017f1.ﬀ漢")
def test_letter_case_is_that_of_re2(char):
    options = re2.Options()
    options.case_sensitive = False
    ignoring_case = re2.compile(re2.escape(char), options)
    related = {char, char.lower(), char.upper(), *"kKsS\u212a\u017fßẞµμΜåÅ\u212bσςΣǆǅǄiIİıﬅﬆ\u0390\u1fd3"}
    expected = {one for one in related if len(one) == 1 and ignoring_case.fullmatch(one)}
    assert {chr(code) for low, high in fold(single(char)) for code in range(low, high + 1)} == expected
