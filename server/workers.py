"""Several serving processes on one socket: in goes the command of one, out come as many as wanted, kept alive."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence

from engine.errors import CastworkError

logger = logging.getLogger(__name__)

EARLY = 5.0
"""A worker that ends by itself within this many seconds could not start."""
PAUSE = 1.0
"""Seconds before a dead worker is replaced."""


class WorkersFailed(CastworkError):
    """A worker could not start; what it wrote on standard error says why."""


class Workers:
    """The serving processes of a parent that answers no requests itself.

    Each holds one end of a pipe on its standard input, and stops when the parent is gone, however it went. `on_end`
    gets the id of each that ended.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        listener: socket.socket,
        on_end: Callable[[int], None],
    ) -> None:
        self._command = command
        self._environment = environment
        self._listener = listener
        self._on_end = on_end
        self._alive: set[Process] = set()
        self._stopping = asyncio.Event()

    async def run(self, count: int, grace: float) -> None:
        """Keeps `count` workers alive until SIGTERM or SIGINT, then gives them `grace` seconds to end; raises
        WorkersFailed when one cannot start.
        """
        loop = asyncio.get_running_loop()
        for sig in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sig, self._stopping.set)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(count):
                    group.create_task(self._keep_one())
                await self._stopping.wait()
                self._listener.close()
                self._signal(signal.SIGTERM)
                loop.call_later(grace, self._signal, signal.SIGKILL)
        except* WorkersFailed as failures:
            raise failures.exceptions[0] from None
        finally:
            self._signal(signal.SIGKILL)

    async def _keep_one(self) -> None:
        while not self._stopping.is_set():
            started = time.monotonic()
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, pass_fds=(self._listener.fileno(),), env=self._environment
            )
            self._alive.add(process)
            if self._stopping.is_set():
                process.terminate()
            code = await process.wait()
            self._alive.discard(process)
            self._on_end(process.pid)
            if self._stopping.is_set():
                return
            if time.monotonic() - started < EARLY and code > 0:
                raise WorkersFailed(f"A worker could not start: it ended with exit code {code}")
            logger.error("The worker %d ended with exit code %d; another one takes its place", process.pid, code)
            await asyncio.sleep(PAUSE)

    def _signal(self, sig: int) -> None:
        for process in self._alive:
            with contextlib.suppress(ProcessLookupError):  # it ended a moment ago
                process.send_signal(sig)


__all__ = ["Workers", "WorkersFailed"]
