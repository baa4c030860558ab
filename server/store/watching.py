"""What the driver tells of its work: in go its events, out come the counts and the spans of commands."""

from __future__ import annotations

from typing import Any

from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
    ConnectionCheckedInEvent,
    ConnectionCheckedOutEvent,
    ConnectionCheckOutFailedEvent,
    ConnectionClosedEvent,
    ConnectionCreatedEvent,
    ConnectionPoolListener,
)

from server.tracing import Tracing, tracing


class _Pool(ConnectionPoolListener):
    """Counts connections; the driver calls it inside its own work, so it does no more than that."""

    def __init__(self) -> None:
        from server.metrics import CHECKOUTS_FAILED, CONNECTIONS

        self._open = CONNECTIONS.labels("open")
        self._used = CONNECTIONS.labels("used")
        self._failed = CHECKOUTS_FAILED

    def connection_created(self, event: ConnectionCreatedEvent) -> None:
        self._open.inc()

    def connection_closed(self, event: ConnectionClosedEvent) -> None:
        self._open.dec()

    def connection_checked_out(self, event: ConnectionCheckedOutEvent) -> None:
        self._used.inc()

    def connection_checked_in(self, event: ConnectionCheckedInEvent) -> None:
        self._used.dec()

    def connection_check_out_failed(self, event: ConnectionCheckOutFailedEvent) -> None:
        self._failed.labels(event.reason).inc()

    def pool_created(self, event: Any) -> None: ...
    def pool_ready(self, event: Any) -> None: ...
    def pool_cleared(self, event: Any) -> None: ...
    def pool_closed(self, event: Any) -> None: ...
    def connection_ready(self, event: Any) -> None: ...
    def connection_check_out_started(self, event: Any) -> None: ...


class _Commands(CommandListener):
    """Makes a span of each command, inside the span of whoever sent it. Nothing of what it holds is told."""

    def __init__(self, present: Tracing) -> None:
        self._tracing = present
        self._begun: dict[tuple[int, Any], Any] = {}

    def started(self, event: CommandStartedEvent) -> None:
        target = event.command.get(event.command_name)
        collection = target if isinstance(target, str) else event.command.get("collection")
        span = self._tracing.begin_command(event.command_name, collection, event.database_name)
        self._begun[event.request_id, event.connection_id] = span

    def succeeded(self, event: CommandSucceededEvent) -> None:
        self._end(event, failed=False)

    def failed(self, event: CommandFailedEvent) -> None:
        self._end(event, failed=True)

    def _end(self, event: CommandSucceededEvent | CommandFailedEvent, *, failed: bool) -> None:
        span = self._begun.pop((event.request_id, event.connection_id), None)
        if span is not None:
            self._tracing.end_command(span, failed)


_counting = False


def count_connections() -> None:
    """Has connections counted that are opened later; for processes that answer for their counts."""
    global _counting  # noqa: PLW0603 - counts are the process's own
    _counting = True


def make_listeners() -> list[Any]:
    """The listeners of a new client: none where nobody counts and nobody traces."""
    present = tracing()
    spans = [] if present is None else [_Commands(present)]
    return [_Pool(), *spans] if _counting else spans


__all__ = ["count_connections", "make_listeners"]
