"""Runs the embedded database: a data directory in, the URI of a database process that is kept alive out.

The database is a program of its own, never imported: `secantusd-rs` where it is on PATH, else `secantusd-py` of the
extra `embedded`. It listens on the loopback interface only, has no accounts, and dies with the process that started it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import re
import shutil
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Self

from server.store.errors import DatabaseNotInstalled, DatabaseNotStarted, DataInUse

log = logging.getLogger("castwork.database")

HOST = "127.0.0.1"
GUARDIAN = Path(__file__).with_name("guardian.py")
GUARDIAN_MODE = "prctl" if sys.platform == "linux" else "pipe"
LISTENING = re.compile(rb"listening on [\d.]+:(\d+)")
PANIC = b"WT_PANIC"
"""What it says when a write failed in a way that leaves it of no use, for want of room on the disk; it lives on."""

HANDOVER_SECONDS = 5.0
"""How long a start waits for the database of an owner that was just killed to let go of the files."""
FIRST_PAUSE, LONGEST_PAUSE, STABLE_SECONDS = 0.1, 5.0, 30.0
"""Pauses between restarts double from the first to the longest; a database that ran longer than this starts over."""


class EmbeddedDatabase:
    """One data directory and the database process that serves it.

    `start` answers the URI, which stays the same over restarts. Must be started from a thread that lives as long as the
    database is wanted (the main thread), because the operating system binds the two together.
    """

    def __init__(self, data: Path, *, start_seconds: float = 60.0, stop_seconds: float = 10.0) -> None:
        self.data = data.absolute()
        self.restarts = 0
        self._start_seconds = start_seconds
        self._stop_seconds = stop_seconds
        self._lock: int | None = None
        self._port = 0
        self._process: Process | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._last_words: deque[str] = deque(maxlen=12)

    @property
    def uri(self) -> str:
        """Where the database listens; of use after `start`."""
        return f"mongodb://{HOST}:{self._port}/?directConnection=true"

    @property
    def pid(self) -> int | None:
        """The database process, None while there is none."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> str:
        """Takes the data directory and starts the database; raises DatabaseNotStarted and its subclasses."""
        executable = _find_executable()
        self._lock = _take_lock(self.data)
        try:
            await self._start_patiently(executable)
        except BaseException:
            await self.stop()
            raise
        _write_owner(self._lock, self.uri)
        self._watcher = asyncio.create_task(self._keep_alive(executable))
        log.info("The embedded database serves %s at %s (process %s)", self.data, self.uri, self.pid)
        return self.uri

    async def stop(self) -> None:
        """Ends the database in order (killed if it takes too long) and gives the data directory free."""
        if self._watcher:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
            self._watcher = None
        await self._end_process()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def healthy(self) -> bool:
        """Whether the process runs and takes connections; says nothing about the data."""
        if self.pid is None:
            return False
        try:
            async with asyncio.timeout(1):
                _, writer = await asyncio.open_connection(HOST, self._port)
        except (OSError, TimeoutError):
            return False
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return True

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _start_patiently(self, executable: str) -> None:
        """Starts the process; an early exit is tried again for a while, as the files may be about to become free."""
        give_up = time.monotonic() + HANDOVER_SECONDS
        while True:
            try:
                return await self._start_process(executable)
            except DatabaseNotStarted:
                if time.monotonic() > give_up:
                    raise
            await asyncio.sleep(FIRST_PAUSE)

    async def _start_process(self, executable: str) -> None:
        self._last_words.clear()
        command = _command(executable, self.data, self._port)
        # A session of its own keeps the terminal's Ctrl-C from the database while the server still needs it.
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE if GUARDIAN_MODE == "pipe" else DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            cwd=self.data,
            start_new_session=True,
            limit=1 << 20,
        )
        self._process = process
        port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._read_log(process, port))
        try:
            async with asyncio.timeout(self._start_seconds):
                self._port = await port
        except (TimeoutError, EOFError) as error:
            await self._end_process()
            said = "\n".join(self._last_words)
            raise DatabaseNotStarted(f"The embedded database did not start. It said:\n{said}") from error
        except BaseException:
            await self._end_process()
            raise

    async def _read_log(self, process: Process, port: asyncio.Future[int]) -> None:
        """Follows the output to its end: the port goes to the future, every line to the log."""
        assert process.stdout is not None
        panicked = False
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:  # a line over the limit was dropped; what follows is of use again
                continue
            if not line:
                break
            if not port.done() and (found := LISTENING.search(line)):
                port.set_result(int(found[1]))
            if PANIC in line and not panicked:
                panicked = True
                log.error("The embedded database cannot go on, often because its disk is full; ending it to start anew")
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            text = line.decode(errors="replace").rstrip()
            self._last_words.append(text)
            log.log(logging.WARNING if " WARNING " in text or "ERROR" in text else logging.DEBUG, "%s", text)
        if not port.done():
            port.set_exception(EOFError())

    async def _keep_alive(self, executable: str) -> None:
        """Starts the database again, on the same port, whenever it ends."""
        pause = FIRST_PAUSE
        while True:
            began = time.monotonic()
            if self._process is not None:
                status = await self._process.wait()
                log.error(
                    "The embedded database ended by itself (status %s). Starting it again. It said last:\n%s",
                    status,
                    "\n".join(self._last_words),
                )
            pause = FIRST_PAUSE if time.monotonic() - began > STABLE_SECONDS else min(pause * 2, LONGEST_PAUSE)
            await asyncio.sleep(pause)
            try:
                await self._start_process(executable)
            except (DatabaseNotStarted, OSError) as error:
                log.error("%s\nTrying again in %.1f s", error, min(pause * 2, LONGEST_PAUSE))
            else:
                self.restarts += 1
                log.warning("The embedded database is back at %s (process %s)", self.uri, self.pid)

    async def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), self._stop_seconds)
            except TimeoutError:
                log.error("The embedded database did not stop within %s s; killing it", self._stop_seconds)
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if self._reader is not None:
            await asyncio.gather(self._reader, return_exceptions=True)
            self._reader = None


def _find_executable() -> str:
    fast = shutil.which("secantusd-rs")
    beside = Path(sys.executable).with_name("secantusd-py")
    found = fast or (str(beside) if beside.exists() else shutil.which("secantusd-py"))
    if found is None:
        raise DatabaseNotInstalled
    return found


def _command(executable: str, data: Path, port: int) -> list[str]:
    own_interpreter = [sys.executable, "-I", "-S", str(GUARDIAN), GUARDIAN_MODE, str(os.getpid())]
    # An explicit, empty configuration keeps the program from picking up a file of the current or home directory.
    options = ["--config", str(data / "database.toml"), "--host", HOST, "--port", str(port)]
    return [*own_interpreter, executable, *options, "--storage-path", str(data / "files"), "--sync-on-commit"]


def _take_lock(data: Path) -> int:
    """Locks the directory for this process; the kernel gives it free when the process ends, however it ends."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    (data / "database.toml").touch()
    lock = os.open(data / "owner.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = _read_owner(lock)
        os.close(lock)
        raise DataInUse(str(data), *owner) from None
    _write_owner(lock, None)
    return lock


def _write_owner(lock: int, uri: str | None) -> None:
    os.ftruncate(lock, 0)
    os.pwrite(lock, json.dumps({"pid": os.getpid(), "uri": uri}).encode(), 0)


def _read_owner(lock: int) -> tuple[int | None, str | None]:
    try:
        owner = json.loads(os.pread(lock, 4096, 0))
    except ValueError:  # the owner has just begun and not yet written who it is
        return None, None
    return owner["pid"], owner["uri"]
