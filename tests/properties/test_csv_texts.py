"""Cells of CSV: every text comes back, and none begins like a formula."""

from hypothesis import given, settings
from hypothesis import strategies as st

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
