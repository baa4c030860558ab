"""Disk space: in goes a store, out comes one that removes tokens and counters some time after they ended."""

from __future__ import annotations

import logging

from server.runtime.auth.throttle import THROTTLE
from server.runtime.auth.tokens import TOKENS
from server.store import Store, StoreError, StoreUnavailable

logger = logging.getLogger(__name__)

INDEX = "cw_ends"


async def purge_ended(store: Store) -> None:
    """Makes the indexes that have the database remove what ended. Nothing else relies on them, so a database that
    refuses them is used as it is."""
    for collection in (TOKENS, THROTTLE):
        try:
            await store.create_index(collection, INDEX, [("ends", 1)], {"expireAfterSeconds": 0})
        except StoreUnavailable:
            raise
        except StoreError as error:
            logger.warning("The database does not remove what ended from %s: %s", collection, error)


__all__ = ["purge_ended"]
