"""Files for those who may read them: in go a caller and an id, out come stored files, or links to them for everybody.

Links stand in `sys.shares`, under the SHA-256 of what the link says, so that the database tells nobody a link:

  _id, file (its id), ends (an instant; the database removes the document some time later)
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Sequence
from typing import Any

from bson.datetime_ms import DatetimeMS

from engine.compiler import CompiledEntity
from engine.errors import BadRequest, Forbidden, NotFound, RequestError
from engine.records import Frame
from engine.records.files import UPLOAD, files_at
from server.runtime.parameters import refuse_parameters
from server.runtime.records import object_id
from server.runtime.running import Caller, RunningApp
from server.store import Store, StoredFile, StoreError, StoreUnavailable

logger = logging.getLogger(__name__)

Json = dict[str, Any]
Pairs = Sequence[tuple[str, str]]

SHARES = "sys.shares"
LINK_BYTES = 24
"""Random bytes in a link: 192 bits."""
TTL = "ttl"
USUAL_TTL, LONGEST_TTL = 3_600_000, 30 * 86_400_000
"""How long a link serves, in ms."""


async def read_file(running: RunningApp, caller: Caller, file_id: str) -> StoredFile:
    """Any file for developers and system users, what jobs made for others. Raises NotFound, Forbidden."""
    file = await running.store.files.find(file_id)
    if file is None:
        raise _missing(file_id)
    if not _may_read(caller, file):
        raise _refusal(running, file_id)
    return file


async def read_record_file(
    running: RunningApp, caller: Caller, entity: str, record_id: str, file_id: str
) -> StoredFile:
    """A file to which the record points with a field that the caller may read. Raises NotFound, Forbidden."""
    compiled = running.entity(entity)
    document = await running.store.get(compiled.collection, object_id(compiled, record_id))
    if document is None:
        raise compiled.rules.rights.missing(record_id)
    access = running.access(caller, entity)
    compiled.rules.rights.check_read(compiled.rules.load(document), access)
    wanted = file_id.lower()
    pointed = _points_to(compiled, document, wanted)
    view = compiled.views.get(Frame(hidden=access.hidden))
    shown = view.render(dict(document), running.moment(caller).scope, access.masks)
    if not _points_to(compiled, shown, wanted):
        raise _refusal(running, file_id) if pointed else _missing(file_id)
    file = await running.store.files.find(wanted)
    if file is None:
        raise _missing(file_id)
    return file


async def share_file(running: RunningApp, caller: Caller, file_id: str, pairs: Pairs) -> Json:
    """A link that serves everybody for `ttl` milliseconds: `{sharedFileId, sharedFileLink}`. Whoever may read the file
    by its id may share it. Raises BadRequest, NotFound, Forbidden."""
    lasts = _read_ttl(pairs)
    file = await read_file(running, caller, file_id)
    link = secrets.token_hex(LINK_BYTES)
    ends = DatetimeMS(running.clock() + lasts)
    await running.store.insert(SHARES, {"_id": _link_id(link), "file": file.id, "ends": ends})
    return {"sharedFileId": link, "sharedFileLink": f"/files/shared/{link}"}


async def read_shared_file(running: RunningApp, link: str) -> StoredFile:
    """The file to which a link leads, as long as both are there. Raises NotFound."""
    share = await running.store.get(SHARES, _link_id(link.lower()))
    if share is not None and int(share["ends"]) > running.clock():
        file = await running.store.files.find(share["file"])
        if file is not None:
            return file
    raise NotFound("There is no such shared file, or it is shared no longer")


async def prepare_shares(store: Store) -> None:
    """Has the database remove links some time after they ended; nothing but disk space relies on it."""
    try:
        await store.create_index(SHARES, "cw_expires", (("ends", 1),), {"expireAfterSeconds": 0})
    except StoreUnavailable:
        raise
    except StoreError as error:
        logger.warning("The database does not remove what ended from %s: %s", SHARES, error)


def _may_read(caller: Caller, file: StoredFile) -> bool:
    if caller.developer or caller.is_system_user:
        return True
    return file.meta["purpose"] != UPLOAD and file.meta.get("user") == (caller.user or {}).get("id") is not None


def _points_to(compiled: CompiledEntity, record: Json, file_id: str) -> bool:
    """Whether a record in any form points to a file."""
    paths = (path.name.split(".") for path in compiled.references.files)
    return any(str(one["id"]) == file_id for path in paths for one in files_at(record, path))


def _read_ttl(pairs: Pairs) -> int:
    refuse_parameters([pair for pair in pairs if pair[0] != TTL], (TTL,))
    text = pairs[-1][1] if pairs else str(USUAL_TTL)
    if len(pairs) > 1 or not (text.isascii() and text.isdigit() and len(text) <= 15 and 1 <= int(text) <= LONGEST_TTL):
        raise BadRequest(f"{TTL} is the number of milliseconds that the link serves: 1 to {LONGEST_TTL}, given once")
    return int(text)


def _link_id(link: str) -> str:
    return hashlib.sha256(link.encode()).hexdigest()


def _missing(file_id: str) -> NotFound:
    return NotFound(f"There is no file with the id {file_id}")


def _refusal(running: RunningApp, file_id: str) -> RequestError:
    """The error for a file that exists and may not be read."""
    if running.compiled.app.forbidden == "hide":
        return _missing(file_id)
    return Forbidden("You have no right to read this file")


__all__ = ["SHARES", "prepare_shares", "read_file", "read_record_file", "read_shared_file", "share_file"]
