"""What writing means beside the record, for entities whose records mean something to the server itself.

Whatever writes records passes here: requests, actions, listeners, functions, jobs and commands.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from bson import ObjectId

from engine.errors import FieldProblem
from engine.records import Write
from server.runtime.auth.people import USERS
from server.runtime.auth.user_keeper import UserKeeper

if TYPE_CHECKING:
    from server.runtime.running import Caller, RunningApp

Writing = Callable[["RunningApp", Any, Sequence[FieldProblem]], Awaitable[Write]]
"""Writes the record of a body, whose problems so far are given; gives what was written."""


class Keeper(Protocol):
    """Stands between the writes of an entity and its records."""

    async def create(self, running: RunningApp, caller: Caller, body: Any, write: Writing) -> Write:
        """Writes a new record, and what its body says beside it, or neither."""

    async def update(self, running: RunningApp, caller: Caller, key: ObjectId, body: Any, write: Writing) -> Write:
        """Writes a change, and what its body says beside the record, or neither; raises what updates raise."""

    def check_removal(self, caller: Caller, document: Mapping[str, Any]) -> None:
        """Raises Forbidden where a caller who may delete records may not delete this one."""

    def check_action(self, running: RunningApp, caller: Caller, name: str, document: Mapping[str, Any]) -> None:
        """Raises Forbidden where a caller who may run an action on records may not run it on this one."""

    def check_job(self, name: str) -> None:
        """Raises BadRequest for an action that no job may run."""

    async def check_change(
        self,
        scope: RunningApp,
        caller: Caller,
        key: ObjectId,
        old: Mapping[str, Any],
        new: Mapping[str, Any] | None = None,
    ) -> None:
        """Precedes each change and, where nothing is `new`, each deletion, in its unit of work; raises Conflict where
        that must not be. Both are records or documents."""

    async def written(self, scope: RunningApp, write: Write) -> None:
        """Follows each write of a record, in its unit of work."""

    async def removed(self, scope: RunningApp, key: ObjectId) -> None:
        """Follows each deletion, in its unit of work."""


KEEPERS: Mapping[str, Keeper] = {USERS: UserKeeper()}
"""By entity."""

__all__ = ["KEEPERS", "Keeper", "Writing"]
