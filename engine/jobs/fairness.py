"""Whose job comes next: in go the jobs that wait in a queue and those that run, out comes the job to take.

Jobs are taken in the order in which they were created, except that one user's jobs take up no more than half of a
queue's places while others wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from engine.jobs.job import Job


def share_of(places: int) -> int:
    """How many of a queue's places one user's jobs may take up while others wait."""
    return max(1, places // 2)


def within_share(waiting: Iterable[Job], running: Mapping[str, int], places: int) -> list[Job]:
    """The waiting jobs that may be taken although others wait; jobs of no user always may.

    `running` counts the running jobs of the queue by user.
    """
    share = share_of(places)
    return [job for job in waiting if job.starter.user is None or running.get(job.starter.user, 0) < share]


def may_take_low_priority(busy: int, places: int) -> bool:
    """Whether a low-priority job may start while no other waits: one place stays free for what may come, if there are
    several."""
    return busy < max(1, places - 1)


def pick(jobs: Sequence[Job], rivals: int, spread: float) -> Job:
    """One of the first jobs, drawn by lot so that several workers do not all reach for the same one.

    `spread` is from 0 to 1; `rivals` is how many workers there are.
    """
    return jobs[min(int(spread * max(1, rivals)), len(jobs) - 1)]


__all__ = ["may_take_low_priority", "pick", "share_of", "within_share"]
