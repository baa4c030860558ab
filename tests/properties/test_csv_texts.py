"""CSV: every text comes back, no cell begins like a formula, and rows do not depend on how a file comes."""

import csv
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.records.csv_reading import CsvReader
from engine.records.csv_text import from_cell, to_cell


@settings(deadline=None)
@given(st.text(alphabet="'=+-@\t\r\0＝a1. ", max_size=8) | st.text())
def test_every_text_comes_back(text: str) -> None:
    assert from_cell(to_cell(text)) == text


@settings(deadline=None)
@given(st.text(alphabet="'=+-@\t\ra1. ", max_size=8))
def test_no_cell_begins_like_a_formula_unless_it_is_a_number(text: str) -> None:
    cell = to_cell(text)
    assert not cell or cell[0] not in "=+-@\t\r" or float(cell) < 1


TEXTS = st.text(alphabet='",;\n\r a\tü1', max_size=6)


def cells(data, size):
    """The cells of a file that comes in pieces of a size."""
    reader = CsvReader(None)
    rows = [row for start in range(0, len(data), size) for row in reader.feed(data[start : start + size])]
    return [row.cells for row in (*rows, *reader.end())]


@settings(deadline=None)
@given(
    st.lists(st.lists(TEXTS, min_size=1, max_size=4), max_size=6),
    st.integers(1, 40),
    st.sampled_from(["\r\n", "\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_rows_do_not_depend_on_the_pieces_in_which_a_file_comes(rows, size, ending, encoding):
    file = io.StringIO()
    csv.writer(file, lineterminator=ending, quoting=csv.QUOTE_ALL).writerows([["one", "two"], *rows])
    assert cells(file.getvalue().encode(encoding), size) == [["one", "two"], *rows]
