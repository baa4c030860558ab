"""Files that a write points to: stored, or kept from being taken for orphans, before the record is written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from engine.errors import Conflict
from engine.records import Draft, Uploader
from engine.records.files import UPLOAD
from server.runtime.running import Caller, RunningApp


def uploader_of(caller: Caller) -> Uploader:
    """Whose uploads the caller may point to."""
    return Uploader(None if caller.user is None else caller.user.get("id"), anybody=caller.developer)


def upload_meta(caller: Caller) -> Mapping[str, Any]:
    """What is noted with an upload."""
    return {"purpose": UPLOAD, "user": uploader_of(caller).user}


async def keep_files(running: RunningApp, caller: Caller, draft: Draft) -> None:
    """Stores the files that came with a body and holds those that it points to. Raises Conflict where one of these has
    just been removed.

    Files are stored outside any transaction. What belongs to a write that fails in the end is an upload that no record
    points to, and goes as such.
    """
    files = running.store.files
    while draft.uploads:
        key, upload = next(iter(draft.uploads.items()))
        await files.write(upload.name, upload.content_type, _whole(upload.content), upload_meta(caller), id=key)
        del draft.uploads[key]
    if draft.linked and not await files.hold(draft.linked, running.clock()):
        raise Conflict("A file was removed just now, because no record pointed to it; upload it again")


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content


__all__ = ["keep_files", "upload_meta", "uploader_of"]
