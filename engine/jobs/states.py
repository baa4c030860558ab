"""The state machine of a job as one table: in go a job and a command, out come the transition or a refusal.

A state is finer than the status that clients see: it also says who has to act next. What a transition writes is in
`engine.jobs.changes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from engine.errors import BadRequest
from engine.jobs.job import Job, State, Status


class Command(StrEnum):
    """What can be done to a job. The first group is for those who run jobs, the second for clients."""

    CLAIM = "claim"  # a worker takes it
    FINISH = "finish"  # its worker is done with it, well or not
    RETRY = "retry"  # its worker met an error that may pass
    HAND_BACK = "handBack"  # its worker is being shut down
    LOSE = "lose"  # its worker has not been heard of for too long
    ACKNOWLEDGE = "acknowledge"  # its worker stopped as asked
    SPLIT = "split"  # its worker is done, children of it are not
    JOIN = "join"  # its last child has ended

    STOP = "stop"
    FORCE_STOP = "forceStop"
    CANCEL = "cancel"
    RESUME = "resume"


CLIENT_COMMANDS: tuple[Command, ...] = (Command.STOP, Command.FORCE_STOP, Command.CANCEL, Command.RESUME)
"""What clients may ask for."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One way from one state to another."""

    command: Command
    source: State
    target: State

    @property
    def fences(self) -> bool:
        """Whether the job changes hands, so that whoever held it before may write nothing any more."""
        return not (self.source.held and self.target.held)


def _row(command: Command, target: State, *sources: State) -> tuple[Transition, ...]:
    return tuple(Transition(command, source, target) for source in sources)


_ROWS: tuple[Transition, ...] = (
    *_row(Command.CLAIM, State.WORKING, State.FRESH, State.RETRYING, State.LOOSE),
    *_row(Command.FINISH, State.FINISHED, State.WORKING, State.STOPPING),
    *_row(Command.RETRY, State.RETRYING, State.WORKING),
    *_row(Command.RETRY, State.STOPPED, State.STOPPING),
    *_row(Command.HAND_BACK, State.LOOSE, State.WORKING),
    *_row(Command.HAND_BACK, State.STOPPED, State.STOPPING),
    *_row(Command.LOSE, State.LOOSE, State.WORKING),
    *_row(Command.LOSE, State.STOPPED, State.STOPPING),
    *_row(Command.ACKNOWLEDGE, State.STOPPED, State.STOPPING),
    *_row(Command.SPLIT, State.SPLIT, State.WORKING),
    *_row(Command.SPLIT, State.STOPPED_SPLIT, State.STOPPING),
    *_row(Command.JOIN, State.FINISHED, State.SPLIT),
    *_row(Command.STOP, State.STOPPED_FRESH, State.FRESH),
    *_row(Command.STOP, State.STOPPED, State.RETRYING, State.LOOSE),
    *_row(Command.STOP, State.STOPPED_SPLIT, State.SPLIT),
    *_row(Command.STOP, State.STOPPING, State.WORKING),
    *_row(Command.FORCE_STOP, State.STOPPED, State.STOPPING),
    *_row(Command.CANCEL, State.CANCELED, State.STOPPED_FRESH, State.STOPPED, State.STOPPED_SPLIT),
    *_row(Command.RESUME, State.FRESH, State.STOPPED_FRESH),
    *_row(Command.RESUME, State.LOOSE, State.STOPPED),
    *_row(Command.RESUME, State.SPLIT, State.STOPPED_SPLIT),
)

TRANSITIONS: Mapping[tuple[Command, State], Transition] = MappingProxyType(
    {(row.command, row.source): row for row in _ROWS}
)
"""Every transition there is."""

_PARTICIPLES = {
    Command.STOP: "stopped",
    Command.FORCE_STOP: "stopped by force",
    Command.CANCEL: "canceled",
    Command.RESUME: "resumed",
}


def find_transition(command: Command, job: Job) -> Transition | None:
    """What the command does to the job in its present state; None: nothing."""
    return TRANSITIONS.get((command, job.state))


def plan_command(command: Command, job: Job) -> Transition:
    """What a client's command does to a job; raises BadRequest with the reason why it does nothing."""
    done = _PARTICIPLES[command]
    if job.parent is not None:
        root = job.root or job.parent
        raise BadRequest(f"Only whole jobs can be {done}, and this one is part of the job {root.id}")
    transition = find_transition(command, job)
    if transition is None:
        statuses = dict.fromkeys(row.source.status for row in _ROWS if row.command is command)
        raise BadRequest(f"Only jobs that are {' or '.join(statuses)} can be {done}; this one is {job.state.status}")
    if not job.stoppable and transition.source.held:
        raise BadRequest(f"Jobs of the type {job.type} cannot be {done} once they run")
    return transition


def plan_child_command(command: Command, job: Job) -> Transition | None:
    """What a command that a client gave to the root job does to one of its parts; None: nothing."""
    transition = find_transition(command, job)
    return None if transition is not None and transition.source.held and not job.stoppable else transition


__all__ = [
    "CLIENT_COMMANDS",
    "TRANSITIONS",
    "Command",
    "State",
    "Status",
    "Transition",
    "find_transition",
    "plan_child_command",
    "plan_command",
]
