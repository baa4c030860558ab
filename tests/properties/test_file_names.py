"""Names and parts of files, whatever clients send."""

import unicodedata
from urllib.parse import unquote

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import RangeNotSatisfiable
from engine.fields.file_names import MOST_LETTERS, clean_file_name
from server.http.downloads import attachment, parse_range


@settings(deadline=None)
@given(st.text(max_size=400))
def test_a_clean_name_is_safe_and_stays_as_it_is(written):
    name = clean_file_name(written)
    assert 0 < len(name) <= MOST_LETTERS
    assert not set(name) & set("/\\\0\r\n")
    assert not any(unicodedata.category(letter) in ("Cc", "Cf", "Cs") for letter in name)
    assert clean_file_name(name) == name


@settings(deadline=None)
@given(st.text(alphabet="bytes=-0123456789, ", max_size=40), st.integers(0, 1000))
def test_a_part_lies_inside_the_file(text, size):
    try:
        part = parse_range(text, size)
    except RangeNotSatisfiable:
        return
    assert part is None or 0 <= part.start < part.end <= size


@settings(deadline=None)
@given(st.text(max_size=400))
def test_any_name_gives_one_line_of_ascii_that_says_the_name(name):
    header = attachment(name)
    assert header.isascii()
    assert header.isprintable()
    plain, _, extended = header.partition("; filename*=UTF-8''")
    assert plain.count('"') in (0, 2)
    if extended:
        assert unquote(extended) == clean_file_name(name)
        assert not set(extended) & set(" ;\"'\\,")
    else:
        assert plain == f"attachment; filename={clean_file_name(name)}"
