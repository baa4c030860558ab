"""Secrets that all processes of an app share: kept in the database, made by whoever needs one first.

Documents of `sys.settings`: `_id` is the secret's name, `secret` its bytes.
"""

from __future__ import annotations

import secrets
from weakref import WeakKeyDictionary

from server.store import DuplicateKey, Store

SETTINGS = "sys.settings"
CURSORS = "cursors"
_LENGTH = 32

_known: WeakKeyDictionary[Store, bytes] = WeakKeyDictionary()


async def cursor_secret(store: Store) -> bytes:
    """What cursors are signed with; read once in a process."""
    found = _known.get(store)
    if found is None:
        found = _known[store] = await _read_or_make(store, CURSORS)
    return found


async def _read_or_make(store: Store, name: str) -> bytes:
    document = await store.get(SETTINGS, name)
    if document is None:
        document = {"_id": name, "secret": secrets.token_bytes(_LENGTH)}
        try:
            await store.insert(SETTINGS, document)
        except DuplicateKey:  # another process was faster
            return await _read_or_make(store, name)
    return bytes(document["secret"])


__all__ = ["cursor_secret"]
