"""Cells: what might be run is guarded, and comes back as it was."""

from __future__ import annotations

from engine.records.csv_text import from_cell, to_cell
from tests.every import every


@every("text", ["=1+1", "+1 555", "-x", "@SUM(A1)", "\t=1", "\r=1", "\0=1", "＝1", "-1+cmd|' /C calc'!A0"])
def test_what_begins_like_a_formula_carries_an_apostrophe(text: str) -> None:
    assert to_cell(text) == "'" + text
    assert from_cell("'" + text) == text


@every("text", ["-5", "-0.25", "5", "Acme", "'tis", "a=b", "", "(22,30)"])
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert to_cell(text) == text
    assert from_cell(text) == text
