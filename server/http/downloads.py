"""Stored files as answers: in go a file and the headers of a request, out come its bytes as an attachment.

Nothing that a file holds is ever shown by a browser in the name of the server: it is always an attachment, of a type
that says nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from starlette.types import Receive, Scope, Send

from engine.errors import RangeNotSatisfiable
from engine.fields.file_names import clean_file_name
from server.http.responses import Header
from server.store import StoredFile
from server.store.files import Files

CONTENT_TYPE: Final[Header] = (b"content-type", b"application/force-download")
_ONE_RANGE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$&+.^_`|~-]+")
_UNQUOTED: Final = "!#$&+-.^_`|~"
"""What RFC 5987 leaves as it is besides letters and digits."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some bytes of a file: from `start` up to, not including, `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Download:
    """An answer that sends a file, or the part of it that was asked for, no faster than the client takes it; an ASGI
    app, as Starlette's responses are."""

    files: Files
    file: StoredFile
    part: Part | None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it; a HEAD request gets the headers alone."""
        part = self.part or Part(0, self.file.size)
        headers = [
            CONTENT_TYPE,
            (b"content-length", str(part.end - part.start).encode()),
            (b"content-disposition", attachment(self.file.name).encode()),
            (b"accept-ranges", b"bytes"),
            (b"etag", entity_tag(self.file).encode()),
        ]
        if self.part is not None:
            headers.append((b"content-range", f"bytes {part.start}-{part.end - 1}/{self.file.size}".encode()))
        status = 200 if self.part is None else 206
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if scope["method"] != "HEAD":
            await self._send_bytes(part, receive, send)
        await send({"type": "http.response.body", "body": b""})

    async def _send_bytes(self, part: Part, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            async for chunk in self.files.read(self.file.id, part.start, part.end):
                if gone.done():  # who went away is sent nothing, so nothing need be read
                    return
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        finally:
            gone.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def answer_file(files: Files, file: StoredFile, headers: Mapping[bytes, bytes]) -> Download:
    """The answer for a request with these headers; raises RangeNotSatisfiable."""
    asked = headers.get(b"range", b"").decode("latin-1")
    unless = headers.get(b"if-range", b"").decode("latin-1")
    if not asked or (unless and unless != entity_tag(file)):
        return Download(files, file, None)
    return Download(files, file, parse_range(asked, file.size))


def parse_range(text: str, size: int) -> Part | None:
    """The part of a file of `size` bytes that the header Range asks for; None is all of it.

    All of it is also the answer to several parts at once and to what cannot be understood, as RFC 9110 allows. Raises
    RangeNotSatisfiable where the file has nothing of what is asked for.
    """
    found = _ONE_RANGE.fullmatch(text.strip())
    if found is None or found[1] == found[2] == "":
        return None
    if not found[1]:
        start, end = max(size - int(found[2]), 0), size
    else:
        start, end = int(found[1]), min(int(found[2]) + 1, size) if found[2] else size
        if found[2] and int(found[2]) < start:
            return None
    if start >= size:
        raise RangeNotSatisfiable(size)
    return Part(start, end)


def attachment(name: str) -> str:
    """The value of Content-Disposition for a file of any name: RFC 6266, with the name in UTF-8 as RFC 5987 has it and
    a plain one for those who do not know that."""
    name = clean_file_name(name)
    if _TOKEN.fullmatch(name):
        return f"attachment; filename={name}"
    plain = "".join(letter if 32 <= ord(letter) < 127 and letter not in '"\\%' else "_" for letter in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe=_UNQUOTED)}"


def entity_tag(file: StoredFile) -> str:
    """What a file and no other has; contents never change. It does not tell the id, which links keep to themselves."""
    return f'"{hashlib.sha256(file.id.encode()).hexdigest()[:32]}"'


__all__ = ["Download", "Part", "answer_file", "attachment", "entity_tag", "parse_range"]
