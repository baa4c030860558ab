"""Where records live: in goes what --db says, out comes a connection for each app."""

from __future__ import annotations
