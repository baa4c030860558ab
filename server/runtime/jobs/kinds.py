"""What jobs do: one record for each kind of job."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.jobs import JobType
from server.runtime.jobs.context import JobContext

Results = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class JobKind:
    """One kind of job.

    `run` does the work and gives the job's `results`, None where all is said by the results of single items. It may be
    called again for a job that was cut off, and then goes on from the context's checkpoint. A RequestError ends the job
    for good, any other error has it tried again.
    """

    type: JobType
    run: Callable[[JobContext], Awaitable[Results | None]]
    stoppable: bool = True
    queue: str = "mix"


JobKinds = Mapping[str, JobKind]
"""By type."""


def table_of(*kinds: JobKind) -> JobKinds:
    """The kinds by their types."""
    return {kind.type.value: kind for kind in kinds}


__all__ = ["JobKind", "JobKinds", "Results", "table_of"]
