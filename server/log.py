"""What the server writes about itself: one JSON object a line on standard error, each with its request's id."""

from __future__ import annotations

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

import msgspec

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that the running code serves."""


class JsonLines(logging.Formatter):
    """A log record as one line of JSON; line breaks in messages and tracebacks are escaped by JSON itself.

    What a record's `told` (extra) holds stands beside its message, by name.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as text, ready to be written."""
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := REQUEST_ID.get():
            entry["requestId"] = request_id
        entry |= getattr(record, "told", {})
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        try:
            return msgspec.json.encode(entry).decode()
        except UnicodeEncodeError:  # half of a pair of surrogates, which only escapes can write
            return json.dumps(entry)


def configure_logging(level: int = logging.INFO) -> None:
    """Sends every log record of the process to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False  # looked up each time, never told
    quieten()


NOISY = ("uvicorn.error", "pymongo", "watchfiles", "httpx", "httpcore")
"""Libraries that tell of every step; the last two with the whole URL, which may hold secrets."""


def quieten() -> None:
    """Lets libraries tell of troubles only."""
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


__all__ = ["NOISY", "REQUEST_ID", "JsonLines", "configure_logging", "quieten"]
