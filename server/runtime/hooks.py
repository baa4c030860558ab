"""Functions of an app's hooks.py: the file's text in, bound functions out; and how one of them is called.

The file is trusted code of the app's author. It is run once, when the app starts. A function is either async, or plain;
a plain one runs in a thread of its own and meets the same ctx, whose members then wait instead of being awaited.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from engine.actions import Run
from engine.errors import CastworkError, InternalError, RequestError
from engine.fields.base import MISSING
from engine.schema import App
from server.runtime.blocking import Blocking
from server.runtime.context import HookContext
from server.runtime.jobs.context import LeaseLost, Stopped
from server.runtime.plain import to_plain
from server.runtime.running import Caller, RunningApp
from server.store import StoreError

if TYPE_CHECKING:
    from server.runtime.effects import Subject

logger = logging.getLogger(__name__)

Hooks = Mapping[str, Callable[..., Any]]
NAME = "hooks.py"


class BadHooks(CastworkError):
    """The app's hooks.py cannot be run; the message says where it fails."""


def load_hooks(app: App, folder: Path | None = None) -> Hooks:
    """The functions of the app's hooks.py by name; raises BadHooks. `folder` is where the app's files are."""
    if app.hooks is None:
        return {}
    module = ModuleType(f"castwork_hooks_{app.name}")
    module.__file__ = str((folder or Path()) / NAME)
    sys.modules[module.__name__] = module
    try:
        exec(compile(app.hooks, module.__file__, "exec"), module.__dict__)  # noqa: S102 - the author's own code
    except Exception as error:
        raise BadHooks(f"{module.__file__} cannot be run: {type(error).__name__}: {error}") from error
    return {name: value for name, value in vars(module).items() if inspect.isfunction(value)}


async def run_function(running: RunningApp, caller: Caller, run: Run, subject: Subject) -> Any:
    """What a function returns, as JSON data; MISSING where it returns None.

    Errors of requests and of the database pass; for any other one raises InternalError, and the log says the rest.
    """
    function = running.hooks.get(run.function)
    if function is None:
        raise InternalError(f"hooks.py has no function {run.function}")
    ctx = HookContext(running, caller, run, subject)
    try:
        result = await _call(function, ctx)
        ctx.job.end()
        if running.unit is not None:
            running.unit.check()
        return MISSING if result is None else to_plain(result)
    except (RequestError, StoreError, Stopped, LeaseLost):
        raise
    except Exception as error:
        logger.exception("The function %s of hooks.py failed", run.function)
        raise InternalError(
            f"The function {run.function} failed; the server's log has the details under this request id"
        ) from error


async def _call(function: Callable[..., Any], ctx: HookContext) -> Any:
    if inspect.iscoroutinefunction(function):
        return await function(ctx)
    blocking = Blocking(ctx, asyncio.get_running_loop())
    try:
        return await asyncio.to_thread(function, blocking)
    finally:
        blocking.close()


__all__ = ["BadHooks", "Hooks", "load_hooks", "run_function"]
