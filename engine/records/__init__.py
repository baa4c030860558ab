"""Records: bodies to drafts, drafts to writes, stored documents to views; pure, compiled once per entity."""

from engine.records.changes import Change, Creation, Moment, RecordRules, Write
from engine.records.draft import Draft
from engine.records.duplicates import duplicate_problem, held_values
from engine.records.files import FILES
from engine.records.forms import Record
from engine.records.lookups import Asker, Lookup, Uploader
from engine.records.references import References
from engine.records.view import Frame, View, Views

__all__ = [
    "FILES",
    "Asker",
    "Change",
    "Creation",
    "Draft",
    "Frame",
    "Lookup",
    "Moment",
    "Record",
    "RecordRules",
    "References",
    "Uploader",
    "View",
    "Views",
    "Write",
    "duplicate_problem",
    "held_values",
]
