"""One run of one job: in goes a job that a worker holds, out comes the job in the state that the run left it in."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable

from engine.errors import RequestError
from engine.jobs import MOST_FAILURES, Circumstances, Command, Job, Level, pause_before_retry
from server.log import REQUEST_ID
from server.runtime.cancelling import check_cancelled
from server.runtime.jobs.callers import caller_of
from server.runtime.jobs.context import JobContext, LeaseLost, Stopped
from server.runtime.jobs.crash_points import CrashPoint, pass_point
from server.runtime.jobs.kinds import JobKind, Results
from server.runtime.jobs.moves import Line, settle
from server.store import StoreError, StoreUnavailable
from server.tracing import working

logger = logging.getLogger(__name__)

HAND_BACK_TIME = 5.0
"""How long a worker that ends tries to hand a job back, in seconds; then its lease has to run out."""
PAUSE = 0.5
"""Seconds between tries to write how a job ended while the database is out of reach."""


async def run_job(context: JobContext, kind: JobKind) -> None:
    """Runs the job and writes how that ended, however long the database takes to take it.

    What is said meanwhile is said under the request that the job began with.
    """
    REQUEST_ID.set(context.job.request)
    with working(
        f"job {kind.type}", {"castwork.app": context.running.compiled.app.name, "castwork.job.id": context.job.id}
    ):
        await _run_job(context, kind)


async def _run_job(context: JobContext, kind: JobKind) -> None:
    try:
        context.caller = await caller_of(context.running, context.job)
        await context.log(Level.INFO, "Started" if context.job.checkpoint is None else "Goes on")
        results = await _run_kind(context, kind)
    except LeaseLost:
        return
    except Stopped:
        await _settle(context, Command.ACKNOWLEDGE, _given(context), (Level.INFO, "Stopped"))
    except RequestError as error:
        await _fail(context, error.message)
    except Exception as error:
        await _retry(context, error)
    else:
        if context.stop_noticed:
            await _settle(context, Command.ACKNOWLEDGE, _given(context), (Level.INFO, "Stopped"))
            return
        pass_point(CrashPoint.BEFORE_FINISH)
        line = (Level.WARN, "Finished with errors") if context.job.has_errors else (Level.INFO, "Finished")
        given = Circumstances(context.running.clock(), results=results)
        await _settle(context, Command.FINISH, given, line)


async def _run_kind(context: JobContext, kind: JobKind) -> Results | None:
    """What the kind gives. However it ends, what was said until then is in the log."""
    try:
        results = await kind.run(context)
    except LeaseLost:
        raise
    except Exception:
        with contextlib.suppress(StoreError):
            await context.write_lines()
        raise
    await context.write_lines()
    return results


async def hand_back(context: JobContext) -> None:
    """Gives the job to whichever worker is next, if it is still this one's."""
    line = (Level.INFO, "Handed back, as its worker was stopped")
    with contextlib.suppress(StoreError, TimeoutError):
        async with asyncio.timeout(HAND_BACK_TIME):
            await settle(context.running, context.job, Command.HAND_BACK, _given(context), [line])


async def _fail(context: JobContext, reason: str) -> None:
    given = Circumstances(context.running.clock(), error=reason)
    await _settle(context, Command.FINISH, given, (Level.ERROR, f"Failed: {reason}"))


async def _retry(context: JobContext, error: Exception) -> None:
    failures = context.job.failures + 1
    reason = _reason(error)
    logger.log(
        logging.WARNING if isinstance(error, StoreUnavailable) else logging.ERROR,
        "The job %s failed for the %d. time in a row",
        context.job.id,
        failures,
        exc_info=error,
    )
    pause = pause_before_retry(failures, random.random(), context.timing.first_retry)  # noqa: S311 - no secret
    if pause is None:
        await _fail(context, reason)
        return
    seconds = max(1, round(pause / 1000))
    line = (Level.WARN, f"Failed ({failures} of {MOST_FAILURES}), to be tried again in {seconds} s: {reason}")
    given = Circumstances(context.running.clock(), not_before=context.now() + pause, error=reason)
    await _settle(context, Command.RETRY, given, line)


def _reason(error: Exception) -> str:
    """What clients are told; the rest is in the server's log."""
    if isinstance(error, StoreUnavailable):
        return "The database was out of reach"
    if isinstance(error, StoreError):
        return "The database refused what the job asked of it"
    return "Something went wrong; the server's log has the details"


def _given(context: JobContext) -> Circumstances:
    return Circumstances(context.running.clock())


async def _settle(context: JobContext, command: Command, given: Circumstances, line: Line) -> None:
    await _persist(lambda: settle(context.running, context.job, command, given, [line]))


async def _persist(write: Callable[[], Awaitable[Job | None]]) -> None:
    """Tries until the database has taken it."""
    while True:
        check_cancelled()
        try:
            await write()
        except StoreUnavailable:
            await asyncio.sleep(PAUSE)
        else:
            return


__all__ = ["HAND_BACK_TIME", "hand_back", "run_job"]
