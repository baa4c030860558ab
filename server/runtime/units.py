"""Units of work: what is written in one is written as a whole, where the database has transactions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from engine.errors import BadRequest, RequestError
from server.store import Session, Store, run_bound

if TYPE_CHECKING:
    from server.runtime.running import RunningApp

T = TypeVar("T")

STAYS = "; what was saved before stays, because this database has no transactions"


@dataclass(slots=True)
class Unit:
    """One try of a unit of work."""

    writes: int = 0
    """How many writes there were that only a transaction can undo."""
    spoiled: RequestError | None = None
    """The refusal by the database itself after which a transaction can only be undone."""
    after: list[Callable[[], None]] = field(default_factory=list)
    """What is done when all is written; it cannot fail."""

    def check(self) -> None:
        """Raises the refusal that spoiled the unit."""
        if self.spoiled is not None:
            raise self.spoiled


async def run_unit(
    running: RunningApp, body: Callable[[RunningApp], Awaitable[T]], session: Session | None = None
) -> T:
    """Runs the body with a running app whose writes belong together; inside another unit they belong to that.

    The body may be run more than once, each time as if for the first time. Any error undoes what it wrote; where there
    are no transactions the error says that it stays.
    """
    if running.unit is not None:
        return await body(running)

    async def attempt(store: Store) -> tuple[Unit, T]:
        unit = Unit()
        try:
            result = await body(replace(running, store=store, unit=unit))
            unit.check()
        except RequestError as error:
            if unit.writes and not store.transactions:
                error.message += STAYS
            raise
        return unit, result

    unit, result = await run_bound(running.store, attempt, session)
    for effect in unit.after:
        effect()
    return result


def note_write(running: RunningApp) -> None:
    """Notes that something was written in the unit at hand, if there is one."""
    if running.unit is not None:
        running.unit.writes += 1


def count_writes(running: RunningApp) -> int:
    """How many writes there were in the unit at hand; 0 where there is none."""
    return 0 if running.unit is None else running.unit.writes


async def in_time(running: RunningApp, work: Awaitable[T], hint: str) -> T:
    """What the work gives, unless a client would wait too long for it; then raises BadRequest and undoes the work."""
    try:
        async with asyncio.timeout(running.action_timeout):
            return await work
    except TimeoutError:
        limit = f"{running.action_timeout:g} seconds"
        raise BadRequest(f"This takes longer than the {limit} that are waited for it; {hint}") from None


def spoil(running: RunningApp, error: RequestError) -> None:
    """Notes that the database refused a write, which ends a transaction even where the error is caught."""
    if running.unit is not None and running.store.transactions:
        running.unit.spoiled = error


def finally_do(running: RunningApp, effect: Callable[[], None]) -> None:
    """Does something when the unit at hand is written; at once where there is none."""
    if running.unit is None:
        effect()
    else:
        running.unit.after.append(effect)


__all__ = ["Unit", "count_writes", "finally_do", "in_time", "note_write", "run_unit", "spoil"]
