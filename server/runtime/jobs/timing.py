"""How fast the job engine reacts and how long it waits; all in seconds but for what says otherwise."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """`lease` is how long a worker may be silent before its jobs are given to others."""

    lease: float = 30.0
    first_poll: float = 0.05
    """A worker that found no job looks again after this, then after twice as long, up to `longest_poll`."""
    longest_poll: float = 1.0
    check: float = 1.0
    """How often a worker looks whether its jobs shall stop."""
    first_retry: int = 1_000
    """The pause before a failed job is tried again for the first time, in ms."""
    batch_time: float = 1.0
    """How long the items of one transaction may take together; one item takes as long as it takes."""

    @property
    def beat(self) -> float:
        """How often a worker says that it lives."""
        return self.lease / 3

    @property
    def watch(self) -> float:
        """How often a worker looks after its jobs and itself."""
        return min(self.check, self.beat)


__all__ = ["Timing"]
