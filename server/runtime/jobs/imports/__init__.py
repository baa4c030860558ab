"""Imports as background jobs: the job itself, what its rows write, and the way back."""

from __future__ import annotations

from server.runtime.jobs.imports.job import IMPORT_RECORDS, IMPORT_USERS, import_later
from server.runtime.jobs.imports.undo import UNDO_IMPORT, undo_later

__all__ = ["IMPORT_RECORDS", "IMPORT_USERS", "UNDO_IMPORT", "import_later", "undo_later"]
