"""Records: bodies to drafts, drafts to writes, stored documents to views; pure, compiled once per entity."""

from engine.records.changes import Change, Creation, Moment, RecordRules
from engine.records.draft import Draft
from engine.records.forms import Record
from engine.records.references import Lookup, Relationship, build_relationships, plan_lookups
from engine.records.view import View, Views

__all__ = [
    "Change",
    "Creation",
    "Draft",
    "Lookup",
    "Moment",
    "Record",
    "RecordRules",
    "Relationship",
    "View",
    "Views",
    "build_relationships",
    "plan_lookups",
]
