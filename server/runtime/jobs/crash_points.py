"""Named places at which the process kills itself, so that tests can prove what survives a crash there.

CASTWORK_CRASH_POINT names the place and, after a colon, at which passing of it the process ends (1 unless given):
`afterWrite:250`. Without the variable every place is passed.
"""

from __future__ import annotations

import os
import signal
from enum import StrEnum

VARIABLE = "CASTWORK_CRASH_POINT"


class CrashPoint(StrEnum):
    """The places, in the order in which one item of a job passes them."""

    BEFORE_WRITE = "beforeWrite"
    AFTER_WRITE = "afterWrite"  # the item's effect is written, but not yet that it is
    AFTER_CHECKPOINT = "afterCheckpoint"
    BEFORE_FINISH = "beforeFinish"


class _Fuse:
    def __init__(self, text: str) -> None:
        name, _, count = text.partition(":")
        self.name = name
        self.left = int(count or 1)


_FUSE = _Fuse(os.environ.get(VARIABLE, ""))


def pass_point(point: CrashPoint) -> None:
    """Ends the process without any warning if the variable says so."""
    if point != _FUSE.name:
        return
    _FUSE.left -= 1
    if _FUSE.left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


__all__ = ["VARIABLE", "CrashPoint", "pass_point"]
