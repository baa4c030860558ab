"""Use cases on many records: pages, and deletions over ids or a query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]
Pairs = Sequence[tuple[str, str]]

MOST_SYNCHRONOUS = 1_000
"""Records that one request may change while the client waits."""
