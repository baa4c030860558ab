"""What a worker notes of its progress: in go a job and a note, out come the job afterwards and its write.

A note is written together with the effects that it tells of, and only while the worker still holds the job. It is thus
the fence of those effects, and the reason why no item is done twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from bson import Decimal128

from engine.fields.base import MISSING
from engine.jobs.job import FIELDS, Document, Job, to_values

MOST_ENTRIES = 1_000
"""Results of single items that a job keeps."""
MOST_ENTRY_BYTES = 4 * 1024 * 1024
"""Their size together; items beyond it keep their status only."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one item: `error` says why nothing did, `response` is what the work gave (MISSING: nothing)."""

    key: str
    response: Any = MISSING
    error: str | None = None

    def render(self, *, whole: bool = True) -> dict[str, Any]:
        """The entry as clients see it; not `whole` leaves the response out."""
        if self.error is not None:
            return {"status": "error", "errorMessage": self.error}
        answer = {"status": "ok"}
        return answer | {"response": self.response} if whole and self.response is not MISSING else answer


@dataclass(frozen=True, slots=True)
class Note:
    """What was done since the last note. MISSING leaves the checkpoint as it was."""

    checkpoint: Any = MISSING
    processed: int = 0
    standing: int | None = None
    """How many items are processed so far in work that a later run begins anew; such work does not advance the job."""
    has_errors: bool = False
    entries: int = 0
    entry_bytes: int = 0
    underway: str | None = None
    records_count: int | None = None
    progress: int | None = None

    @property
    def advances(self) -> bool:
        """Whether the job got further."""
        return self.checkpoint is not MISSING or self.processed > 0


def apply_note(job: Job, note: Note) -> Job:
    """The job after the note."""
    return replace(job, **_noted(job, note))


def to_note_filter(job: Job) -> Document:
    """Selects the job as long as it is in the hands of the worker that it was in."""
    return {"_id": job.id, FIELDS["fence"]: job.fence}


def to_note_change(job: Job, note: Note) -> Document:
    """The update that makes the job what `apply_note` says."""
    noted = _noted(job, note)
    return {"$set": to_values(replace(job, **noted), noted)}


def _noted(job: Job, note: Note) -> dict[str, Any]:
    noted: dict[str, Any] = {"underway": note.underway}
    if note.advances:
        noted["failures"] = 0
    if note.checkpoint is not MISSING:
        noted["checkpoint"] = note.checkpoint
    if note.processed:
        noted["records_processed"] = job.records_processed + note.processed
    if note.standing is not None:
        noted["records_processed"] = note.standing
    if note.records_count is not None:
        noted["records_count"] = note.records_count
    if note.has_errors:
        noted["has_errors"] = True
    if note.entries:
        noted |= {"entries": job.entries + note.entries, "entry_bytes": job.entry_bytes + note.entry_bytes}
    total = noted.get("records_count", job.records_count)
    if note.progress is not None:
        noted["progress"] = max(0, min(100, note.progress))
    elif total and "records_processed" in noted:
        noted["progress"] = min(99, noted["records_processed"] * 100 // total)
    return noted


def to_storable(value: Any) -> Any:
    """JSON data as BSON holds it: fractions as Decimal128, mappings and sequences as dicts and lists."""
    if isinstance(value, Decimal):
        return Decimal128(value)
    if isinstance(value, dict | MappingProxyType):
        return {name: to_storable(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [to_storable(part) for part in value]
    return value


__all__ = [
    "MOST_ENTRIES",
    "MOST_ENTRY_BYTES",
    "Entry",
    "Note",
    "apply_note",
    "to_note_change",
    "to_note_filter",
    "to_storable",
]
