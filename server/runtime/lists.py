"""Use cases on many records: pages, and deletions over ids or a query."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from bson import ObjectId

from engine.errors import BadRequest, RequestError
from server.runtime.parameters import DELETE_FLAGS, take_flags
from server.runtime.records import delete_document, object_id
from server.runtime.running import Caller, RunningApp

Json = dict[str, Any]
Pairs = Sequence[tuple[str, str]]

MOST_SYNCHRONOUS = 1_000
"""Records that one request may change while the client waits."""
