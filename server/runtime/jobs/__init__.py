"""Background jobs: what can be done in one, who does it, and what clients see of it."""

from __future__ import annotations

from server.runtime.jobs.backlog import Backlog, read_backlogs
from server.runtime.jobs.deletion import DELETE_RECORDS, delete_ids_later, delete_query_later
from server.runtime.jobs.enqueue import enqueue
from server.runtime.jobs.execution import EXECUTE_ACTION, act_on_ids_later, act_on_query_later
from server.runtime.jobs.export import EXPORT_RECORDS, EXPORT_USERS, export_later
from server.runtime.jobs.imports import IMPORT_RECORDS, IMPORT_USERS, UNDO_IMPORT, import_later, undo_later
from server.runtime.jobs.kinds import JobKind, JobKinds, table_of
from server.runtime.jobs.listening import EXECUTE_LISTENER
from server.runtime.jobs.reading import do_command, list_jobs, list_logs, show_job
from server.runtime.jobs.refactoring import SYSTEM_REFACTORING, keep_shapes
from server.runtime.jobs.stored import prepare_jobs
from server.runtime.jobs.timing import Timing
from server.runtime.jobs.worker import Worker

JOB_KINDS: JobKinds = table_of(
    DELETE_RECORDS,
    EXECUTE_ACTION,
    EXECUTE_LISTENER,
    EXPORT_RECORDS,
    EXPORT_USERS,
    IMPORT_RECORDS,
    IMPORT_USERS,
    SYSTEM_REFACTORING,
    UNDO_IMPORT,
)
"""Every kind of job that this server runs."""

__all__ = [
    "JOB_KINDS",
    "Backlog",
    "JobKind",
    "JobKinds",
    "Timing",
    "Worker",
    "act_on_ids_later",
    "act_on_query_later",
    "delete_ids_later",
    "delete_query_later",
    "do_command",
    "enqueue",
    "export_later",
    "import_later",
    "keep_shapes",
    "list_jobs",
    "list_logs",
    "prepare_jobs",
    "read_backlogs",
    "show_job",
    "table_of",
    "undo_later",
]
