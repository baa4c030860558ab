"""A job as it is stored and as the rest of the product knows it: in goes a document, out comes a frozen Job, and back.

Instants are ms since the epoch, stored as integers; `expires` alone is a BSON date, because MongoDB removes documents
by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from enum import StrEnum
from typing import Any

from bson import ObjectId
from bson.datetime_ms import DatetimeMS

Document = dict[str, Any]

RETENTION = 30 * 86_400_000
"""How long ended jobs, their results and logs are kept, in ms."""

NORMAL, LOW = "normal", "low"


class Status(StrEnum):
    """What clients see of a job's state."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    FINISHED = "FINISHED"
    CANCELED = "CANCELED"


class State(StrEnum):
    """Where a job stands: its status, and who has to act next."""

    FRESH = "fresh"  # waits for its first worker
    RETRYING = "retrying"  # waits to be tried again
    LOOSE = "loose"  # has begun and waits for a worker to go on
    WORKING = "working"  # a worker has it
    SPLIT = "split"  # has done its own part and waits for its children
    STOPPING = "stopping"  # a worker has it and shall stop
    STOPPED_FRESH = "stoppedFresh"
    STOPPED = "stopped"
    STOPPED_SPLIT = "stoppedSplit"
    FINISHED = "finished"
    CANCELED = "canceled"

    @property
    def status(self) -> Status:
        """What clients see."""
        return _STATUS[self]

    @property
    def ready(self) -> bool:
        """Whether a worker may take the job."""
        return self in _READY

    @property
    def held(self) -> bool:
        """Whether a worker has the job."""
        return self in _HELD

    @property
    def ended(self) -> bool:
        """Whether nothing will ever happen to the job again."""
        return self in _ENDED


_STATUS: Mapping[State, Status] = {
    State.FRESH: Status.PENDING,
    State.RETRYING: Status.PENDING,
    State.LOOSE: Status.RUNNING,
    State.WORKING: Status.RUNNING,
    State.SPLIT: Status.RUNNING,
    State.STOPPING: Status.STOPPING,
    State.STOPPED_FRESH: Status.STOPPED,
    State.STOPPED: Status.STOPPED,
    State.STOPPED_SPLIT: Status.STOPPED,
    State.FINISHED: Status.FINISHED,
    State.CANCELED: Status.CANCELED,
}
_READY = frozenset({State.FRESH, State.RETRYING, State.LOOSE})
_HELD = frozenset({State.WORKING, State.STOPPING})
_ENDED = frozenset({State.FINISHED, State.CANCELED})


@dataclass(frozen=True, slots=True)
class JobLink:
    """Another job, as one shows it."""

    id: ObjectId
    label: str


@dataclass(frozen=True, slots=True)
class Starter:
    """Who started a job: the user and whoever impersonated them, or the engine itself, or a caller without a name."""

    user: str | None = None
    name: str | None = None
    admin: str | None = None
    admin_email: str | None = None
    groups: tuple[str, ...] = ()
    """Those whose rights a caller without a name had."""
    engine: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One job. Field names here and in the document are related by FIELDS."""

    id: ObjectId
    type: str
    label: str
    queue: str
    state: State
    create_date: int
    starter: Starter = Starter()
    low_priority: bool = False
    stoppable: bool = True
    parent: JobLink | None = None
    root: JobLink | None = None
    data: Mapping[str, Any] | None = None
    """What clients are told of the job's parameters; the keys depend on its type."""
    payload: Mapping[str, Any] | None = None
    """The job's parameters themselves."""
    request: str | None = None
    """The id of the request that it began with."""

    fence: int = 0
    """Grows whenever the job changes hands; every write of a worker asks for the number that it was given."""
    failures: int = 0
    """How often in a row the job failed without having got any further."""
    not_before: int = 0
    """When a job that is to be tried again may be taken."""
    worker: str | None = None
    slot: str | None = None
    """The place in its queue that the job takes up on the worker's machine; no two jobs share one."""
    session: Mapping[str, Any] | None = None
    """The worker's session with the database, by which others can undo what it left unfinished."""

    start_date: int | None = None
    end_date: int | None = None
    has_errors: bool = False
    error: str | None = None
    progress: int = 0
    records_count: int = 0
    records_processed: int = 0
    children_count: int = 0
    children_processed: int = 0
    checkpoint: Any = None
    """From where the job goes on; its form is the job kind's own affair."""
    underway: str | None = None
    """The item whose effect may have happened without having been noted; only where there are no transactions."""
    results: Mapping[str, Any] | None = None
    entries: int = 0
    """How many results of single items are kept in a collection of their own, and their bytes."""
    entry_bytes: int = 0

    @property
    def lane(self) -> str | None:
        """Where the job waits: jobs of one lane are taken in the order in which they were created."""
        return lane_of(self.queue, low_priority=self.low_priority) if self.state.ready else None

    @property
    def turn(self) -> str | None:
        """The lane and who waits in it."""
        return f"{self.lane}/{self.starter.user or ''}" if self.state.ready else None


def lane_of(queue: str, *, low_priority: bool) -> str:
    """The lane of a queue."""
    return f"{queue}/{LOW if low_priority else NORMAL}"


FIELDS: Mapping[str, str] = {
    "id": "_id",
    "type": "type",
    "label": "label",
    "queue": "queue",
    "state": "state",
    "create_date": "createDate",
    "starter": "starter",
    "low_priority": "lowPriority",
    "stoppable": "stoppable",
    "parent": "parentJob",
    "root": "rootJob",
    "data": "data",
    "payload": "payload",
    "request": "request",
    "fence": "fence",
    "failures": "failures",
    "not_before": "notBefore",
    "worker": "worker",
    "slot": "slot",
    "session": "session",
    "start_date": "startDate",
    "end_date": "endDate",
    "has_errors": "hasErrors",
    "error": "error",
    "progress": "progress",
    "records_count": "recordsCount",
    "records_processed": "recordsProcessed",
    "children_count": "childrenJobsCount",
    "children_processed": "childrenJobsProcessed",
    "checkpoint": "checkpoint",
    "underway": "underway",
    "results": "results",
    "entries": "entries",
    "entry_bytes": "entryBytes",
}
"""Attributes of a Job and what they are called in its document, and in JSON as far as clients see them."""

STATUS, LANE, TURN, EXPIRES = "status", "lane", "turn", "expires"
"""What a document holds besides, made from the rest so that it can be searched."""


def to_document(job: Job) -> Document:
    """The whole document of a new job."""
    return to_values(job, FIELDS) | to_searched(job)


def to_values(job: Job, names: Iterable[str]) -> Document:
    """Some attributes of a job as its document holds them."""
    return {FIELDS[name]: _to_stored(getattr(job, name)) for name in names}


def to_searched(job: Job) -> Document:
    """What the document holds of the job's state besides the state itself."""
    expires = None if job.end_date is None else DatetimeMS(job.end_date + RETENTION)
    return {STATUS: job.state.status.value, LANE: job.lane, TURN: job.turn, EXPIRES: expires}


def load_job(document: Mapping[str, Any]) -> Job:
    """The job that a document holds; what a projection left out has its default."""
    values = {name: document[stored] for name, stored in FIELDS.items() if stored in document}
    values["state"] = State(values["state"])
    for name in ("parent", "root"):
        if values.get(name):
            values[name] = JobLink(**values[name])
    if "starter" in values:
        values["starter"] = Starter(**values["starter"] | {"groups": tuple(values["starter"]["groups"])})
    return Job(**values)


def _to_stored(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {name: list(part) if isinstance(part, tuple) else part for name, part in asdict(value).items()}
    return value


__all__ = [
    "EXPIRES",
    "FIELDS",
    "LANE",
    "RETENTION",
    "STATUS",
    "TURN",
    "Document",
    "Job",
    "JobLink",
    "Starter",
    "State",
    "Status",
    "lane_of",
    "load_job",
    "to_document",
    "to_searched",
    "to_values",
]
