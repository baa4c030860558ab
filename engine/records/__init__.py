"""Records: bodies to drafts, drafts to writes, stored documents to views; pure, compiled once per entity."""

from engine.records.changes import Change, Creation, Moment, RecordRules, Write
from engine.records.draft import Draft
from engine.records.duplicates import duplicate_problem, held_values
from engine.records.forms import Record
from engine.records.references import FILES, Lookup, References
from engine.records.view import Frame, View, Views

__all__ = [
    "FILES",
    "Change",
    "Creation",
    "Draft",
    "Frame",
    "Lookup",
    "Moment",
    "Record",
    "RecordRules",
    "References",
    "View",
    "Views",
    "Write",
    "duplicate_problem",
    "held_values",
]
