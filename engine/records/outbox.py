"""Intents: what must still follow a write, kept in the written document itself until it is done.

An intent is BSON data, {id, kind, …}; ids grow with time. Whoever applies one may do so twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from bson import ObjectId

Intent = dict[str, Any]

OUTBOX: Final = "_outbox"
"""The key of a document's intents; the key is gone when nothing is left to do."""
REVISION: Final = "_revision"
"""How often the engine itself changed what a document keeps of others. Clients never see it: their `version` counts
changes of the record, this one keeps writes apart that change no version."""
FIRST_ID: Final = ObjectId("0" * 24)
PENDING: Final[Mapping[str, Any]] = {f"{OUTBOX}.id": {"$gt": FIRST_ID}}
"""Finds the documents with intents, through a sparse index."""
OUTBOX_INDEX: Final = ("cw_outbox", ((f"{OUTBOX}.id", 1),))
"""Its name and keys."""
DEEPEST: Final = 8
"""How far one write may reach: a label that changes a label that changes a label …"""


class Kind(StrEnum):
    """What an intent asks for."""

    PUSH = "push"  # the record's label or copied fields changed: bring those who keep them up to date
    CHECK = "check"  # the record points to others: see that what it keeps of them is still so
    COUNT = "count"  # records that are calculated over this one are concerned: `anchors` by aggregate field
    RECOUNT = "recount"  # the record's own aggregate fields are to be calculated anew
    AUDIT = "audit"  # tell of the write in the audit trail: `row`
    REMOVED = "removed"  # the record is gone: do what the relationships to it say


def make_intent(kind: Kind, **data: Any) -> Intent:
    """A new intent."""
    return {"id": ObjectId(), "kind": kind.value, **data}


def distinct(intents: Sequence[Intent]) -> list[Intent]:
    """Those that ask for different things, in order: all are worked out by the state of the present, so what several
    writes ask for is done once."""
    found: list[Intent] = []
    asked: list[Intent] = []
    for intent in intents:
        ask = {name: value for name, value in intent.items() if name != "id"}
        if ask not in asked:
            asked.append(ask)
            found.append(intent)
    return found


def with_intents(document: dict[str, Any], intents: Sequence[Intent]) -> dict[str, Any]:
    """A new document with its intents in it."""
    return {**document, OUTBOX: list(intents)} if intents else document


def pushing(change: dict[str, Any], intents: Sequence[Intent]) -> dict[str, Any]:
    """An update (`{"$set": …}`) that also adds intents to the document."""
    return {**change, "$push": {OUTBOX: {"$each": list(intents)}}} if intents else change


def taking(intents: Sequence[Intent]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a document must look like to be left without any intent, given all that were read, and the update.

    Intents are added behind the others, so the number and the last one tell that none was added since.
    """
    last = len(intents) - 1
    return {OUTBOX: {"$size": len(intents)}, f"{OUTBOX}.{last}.id": intents[last]["id"]}, {"$unset": {OUTBOX: ""}}


def pulling(intents: Sequence[Intent]) -> dict[str, Any]:
    """The update that takes out only these."""
    return {"$pull": {OUTBOX: {"id": {"$in": [one["id"] for one in intents]}}}}


__all__ = [
    "DEEPEST",
    "FIRST_ID",
    "OUTBOX",
    "OUTBOX_INDEX",
    "PENDING",
    "REVISION",
    "Intent",
    "Kind",
    "distinct",
    "make_intent",
    "pulling",
    "pushing",
    "taking",
    "with_intents",
]
