"""Runs one command that must not outlive its parent: mode, parent's pid and command in, the command's exit status out.

A script of its own, started as `python guardian.py MODE PID COMMAND…`, so that no Python code runs between fork and
exec in a parent that has threads. Mode `prctl` (Linux) lets the kernel kill the command when the parent's thread that
started it ends, however it ends. Mode `pipe` (elsewhere) keeps this process between the two: the parent holds the
write end of standard input, and the end of that pipe is the parent's end.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from types import FrameType
from typing import NoReturn

PR_SET_PDEATHSIG = 1


def become(parent: int, command: list[str]) -> NoReturn:
    """Turns this process into the command, bound to the life of `parent`."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:  # it ended before the kernel was asked to watch it
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


def accompany(command: list[str]) -> int:
    """Runs the command until it ends by itself, is told to, or standard input ends."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - the command is the parent's own

    def pass_on(number: int, _: FrameType | None) -> None:
        child.send_signal(number)

    def kill_at_end_of_input() -> None:
        sys.stdin.buffer.read()
        child.kill()

    signal.signal(signal.SIGTERM, pass_on)
    threading.Thread(target=kill_at_end_of_input, daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    mode, pid, *rest = sys.argv[1:]
    if mode == "prctl":
        become(int(pid), rest)
    sys.exit(accompany(rest))
