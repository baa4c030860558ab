"""Cells: what might be run is guarded, and every text comes back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.records.csv_text import from_cell, to_cell
from tests.every import every


@every("text", ["=1+1", "+1 555", "-x", "@SUM(A1)", "\t=1", "\r=1", "\0=1", "＝1", "-1+cmd|' /C calc'!A0"])
def test_what_begins_like_a_formula_carries_an_apostrophe(text: str) -> None:
    assert to_cell(text) == "'" + text


@every("text", ["-5", "-0.25", "5", "Acme", "'tis", "a=b", "", "(22,30)"])
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert to_cell(text) == text
    assert from_cell(text) == text


@given(st.text(alphabet="'=+-@\t\r\0＝a1. ", max_size=8) | st.text())
def test_every_text_comes_back(text: str) -> None:
    assert from_cell(to_cell(text)) == text


@given(st.text(alphabet="'=+-@\t\ra1. ", max_size=8))
def test_no_cell_begins_like_a_formula_unless_it_is_a_number(text: str) -> None:
    cell = to_cell(text)
    assert not cell or cell[0] not in "=+-@\t\r" or float(cell) < 1
