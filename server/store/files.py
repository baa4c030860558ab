"""Stored files: streams of bytes in, streams of bytes out, kept in the database in GridFS's published layout.

    async def write(name, content_type, chunks, meta, *, limit=None) -> StoredFile
    async def find(id) -> StoredFile | None
    def read(id, start=0, end=None) -> AsyncIterator[bytes]
    async def delete(id) -> bool
    async def delete_of(meta) -> int

A Store has them as `store.files`. Files are not part of a transaction, but for what is written to a file's document by
the Store's own methods. Any GridFS tool reads them: the bucket is `sys.fs`, so the collections are `sys.fs.files`

    {_id, length, chunkSize, uploadDate, filename, metadata: {contentType, whole, held, touched, …meta}}

and `sys.fs.chunks` `{_id, files_id, n, data}`. A file's document is written before its first chunk and deleted after
its last; `whole` is false until all chunks are there, then true, and null while they are deleted. So what a killed
process leaves behind is found, see `delete_broken`.

`held` and `touched` (ms) tell those who look for uploads that nothing points to how long they have to wait: see
`hold`. `meta` says what a file is for and whose it is:

    {"purpose": "upload" | "export" | "importSource" | "importErrors", "user": <id or None>, …}
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bson import ObjectId
from bson.datetime_ms import DatetimeMS

from engine.errors import TooLarge
from engine.records.files import FILES, new_file_id
from server.store.errors import StoreError

if TYPE_CHECKING:
    from server.store.mongo import Document, Store

CHUNKS = "sys.fs.chunks"
CHUNK_SIZE = 255 * 1024
"""GridFS's own: what a chunk says besides its data fits into 256 KiB with it."""
CHUNKS_AT_ONCE = 4
"""How many chunks one command writes or reads: a megabyte, which a slow client takes time for, and which a process has
room for many times over."""
WRITERS = 3
"""How many megabytes one process writes at the same time: more would keep the loop from all else and gain nothing."""
OWN_META = frozenset({"contentType", "whole", "held", "touched"})
PURPOSE, WHOLE, HELD, TOUCHED = "metadata.purpose", "metadata.whole", "metadata.held", "metadata.touched"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A whole file; `id` is 24 hex digits, `size` is in bytes, `uploaded` in milliseconds since 1970."""

    id: str
    name: str
    content_type: str
    size: int
    uploaded: int
    meta: Mapping[str, Any]
    held: bool = field(default=False, compare=False)
    """Whether a record pointed to it when somebody looked last."""
    touched: int = field(default=0, compare=False)
    """When somebody looked last, or pointed to it (ms)."""


class Files:
    """The files of one database. Contents never change once they are written."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turns = asyncio.Semaphore(WRITERS)

    async def write(
        self,
        name: str,
        content_type: str,
        chunks: AsyncIterable[bytes],
        meta: Mapping[str, Any],
        *,
        limit: int | None = None,
        id: str | None = None,
    ) -> StoredFile:
        """Stores what comes in as it comes in, under a new id or one of `new_file_id`. Raises TooLarge over `limit`
        bytes.

        After any error, also of `chunks` itself, nothing is left behind.
        """
        file_id = ObjectId(id or new_file_id())
        now = time.time_ns() // 1_000_000
        await self._store.insert(FILES, _document(file_id, name, content_type, meta, now))
        try:
            size = await self._write_chunks(file_id, chunks, limit)
            whole = {"$set": {"length": size, WHOLE: True}}
            if not await self._store.update(FILES, {"_id": file_id, WHOLE: False}, whole):
                raise StoreError("The file was taken for one that nobody finishes: it took too long to arrive")
        except BaseException:
            await self._erase(file_id)
            raise
        return StoredFile(str(file_id), name, content_type, size, now, dict(meta), touched=now)

    async def find(self, id: str) -> StoredFile | None:
        """The file with this id; None too for what is no id and for files that are not whole."""
        if not ObjectId.is_valid(id):
            return None
        return read_document(await self._store.get(FILES, ObjectId(id)))

    async def read(self, id: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` up to, not including, `end`, a few chunks in memory at a time.

        Raises StoreError where the file is gone, or goes while it is read.
        """
        document = await self._store.get(FILES, ObjectId(id))
        if document is None:
            raise _gone(id)
        size: int = document["chunkSize"]
        end = document["length"] if end is None else min(end, document["length"])
        number = start // size
        while number * size < end:
            beyond = min(number + CHUNKS_AT_ONCE, -(-end // size))
            wanted = {"files_id": ObjectId(id), "n": {"$gte": number, "$lt": beyond}}
            found = await self._store.find(CHUNKS, wanted, sort=(("n", 1),), limit=CHUNKS_AT_ONCE)
            if [chunk["n"] for chunk in found] != list(range(number, beyond)):
                raise _gone(id)
            for chunk in found:
                begin = chunk["n"] * size
                yield bytes(chunk["data"][max(start - begin, 0) : end - begin])
            number = beyond

    async def delete(self, id: str) -> bool:
        """Deletes the file and tells whether there was one."""
        if not ObjectId.is_valid(id):
            return False
        return await self._take_away(ObjectId(id), True)

    async def delete_of(self, meta: Mapping[str, Any]) -> int:
        """Deletes the files, whole or not, whose meta has these values, and tells how many there were."""
        wanted = {f"metadata.{name}": value for name, value in meta.items()}
        found = await self._store.find(FILES, wanted, projection={"_id": 1})
        for document in found:
            await self._erase(document["_id"])
        return len(found)

    async def prepare(self) -> None:
        """Makes the indexes, the first of which GridFS asks for; costs next to nothing where they stand."""
        await self._store.create_index(CHUNKS, "files_id_1_n_1", (("files_id", 1), ("n", 1)), {"unique": True})
        await self._store.create_index(FILES, "cw_touched", ((PURPOSE, 1), (TOUCHED, 1)), {})
        await self._store.create_index(FILES, "cw_whole", ((WHOLE, 1),), {})

    async def hold(self, ids: Collection[str], now: int) -> bool:
        """Keeps files from being taken for orphans for as long as an upload may wait, and tells whether all are there.

        Who writes a record that points to files does this first.
        """
        wanted = {"_id": {"$in": [ObjectId(one) for one in ids]}, WHOLE: True}
        return await self._store.update_many(FILES, wanted, {"$set": {HELD: True, TOUCHED: now}}) == len(ids)

    async def untouched(self, purpose: str, before: int, limit: int) -> list[StoredFile]:
        """Files of a purpose at which nobody looked since an instant (ms), those of long ago first."""
        wanted = {PURPOSE: purpose, TOUCHED: {"$lt": before}, WHOLE: True}
        documents = await self._store.find(FILES, wanted, sort=((TOUCHED, 1),), limit=limit)
        return [file for file in map(read_document, documents) if file is not None]

    async def touch(self, file: StoredFile, now: int, *, held: bool) -> bool:
        """Notes that somebody looked, unless somebody else touched the file since it was read."""
        return await self._store.update(FILES, _as_seen(file), {"$set": {HELD: held, TOUCHED: now}})

    async def delete_untouched(self, file: StoredFile) -> bool:
        """Deletes the file, unless somebody touched it since it was read."""
        return await self._take_away_if(_as_seen(file))

    async def delete_broken(self, before: int) -> int:
        """Deletes what was begun before an instant (ms) and is not whole, and tells how many files that were."""
        found = await self._store.find(FILES, {WHOLE: {"$in": [False, None]}})
        broken = [document for document in found if int(document["uploadDate"]) < before]
        for document in broken:
            await self._take_away(document["_id"], document["metadata"]["whole"])
        return len(broken)

    async def _write_chunks(self, file_id: ObjectId, chunks: AsyncIterable[bytes], limit: int | None) -> int:
        """Writes the chunks and answers the size of the file."""
        waiting, size, number = bytearray(), 0, 0
        async for piece in chunks:
            size += len(piece)
            if limit is not None and size > limit:
                raise TooLarge(f"The file is too large: at most {limit} bytes are allowed")
            waiting += piece
            while len(waiting) >= CHUNK_SIZE * CHUNKS_AT_ONCE:
                number = await self._insert_chunks(file_id, number, waiting)
        if waiting:
            await self._insert_chunks(file_id, number, waiting)
        return size

    async def _insert_chunks(self, file_id: ObjectId, first: int, waiting: bytearray) -> int:
        """Writes as many chunks as are written at once, takes them out, and answers the number of the next."""
        async with self._turns:
            places = range(0, min(len(waiting), CHUNK_SIZE * CHUNKS_AT_ONCE), CHUNK_SIZE)
            documents: list[Document] = [
                {
                    "_id": ObjectId(),
                    "files_id": file_id,
                    "n": number,
                    "data": bytes(waiting[place : place + CHUNK_SIZE]),
                }
                for number, place in enumerate(places, first)
            ]
            del waiting[: CHUNK_SIZE * CHUNKS_AT_ONCE]
            for refusal in (await self._store.insert_many(CHUNKS, documents, ordered=True)).values():
                raise refusal
        return first + len(documents)

    async def _take_away(self, file_id: ObjectId, whole: bool | None) -> bool:
        """Deletes a file whose `whole` is still as it was seen: from then on nobody finds it and nobody finishes it."""
        return await self._take_away_if({"_id": file_id, WHOLE: whole})

    async def _take_away_if(self, seen: Mapping[str, Any]) -> bool:
        if not await self._store.update(FILES, seen, {"$set": {WHOLE: None}}):
            return False
        await self._erase(seen["_id"])
        return True

    async def _erase(self, file_id: ObjectId) -> None:
        """Deletes the chunks, then the document that leads to them."""
        await self._store.delete_many(CHUNKS, {"files_id": file_id})
        await self._store.delete(FILES, {"_id": file_id})


def _document(file_id: ObjectId, name: str, content_type: str, meta: Mapping[str, Any], now: int) -> Document:
    """A file's document before its first chunk is written."""
    assert not OWN_META & meta.keys(), "these belong to the file itself"
    return {
        "_id": file_id,
        "length": 0,
        "chunkSize": CHUNK_SIZE,
        "uploadDate": DatetimeMS(now),
        "filename": name,
        "metadata": {"contentType": content_type, "whole": False, "held": False, "touched": now, **meta},
    }


def read_document(document: Document | None) -> StoredFile | None:
    """The file of a document of `sys.fs.files`; None where there is none, or where it is not whole."""
    if document is None or not document["metadata"]["whole"]:
        return None
    stored = document["metadata"]
    return StoredFile(
        id=str(document["_id"]),
        name=document["filename"],
        content_type=stored["contentType"],
        size=document["length"],
        uploaded=int(document["uploadDate"]),
        meta={key: value for key, value in stored.items() if key not in OWN_META},
        held=stored["held"],
        touched=stored["touched"],
    )


def _as_seen(file: StoredFile) -> dict[str, Any]:
    return {"_id": ObjectId(file.id), TOUCHED: file.touched, WHOLE: True}


def _gone(id: str) -> StoreError:
    return StoreError(f"The file {id} is not whole any more")


__all__ = ["CHUNKS", "CHUNK_SIZE", "FILES", "Files", "StoredFile", "read_document"]
