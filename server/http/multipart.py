"""Bodies of multipart/form-data, read as a stream: in go ASGI messages, out come fields and what was made of files.

    async def read_upload(call, keep, drop, *, limit, max_files=MAX_PARTS) -> Upload[T]

`keep` is called with each part that is a file while the part arrives, and answers what to remember of it; `drop` takes
back what `keep` answered, should the request be refused after it. So a file goes to the store like this:

    async def keep(part: FilePart) -> StoredFile:
        return await files.write(part.file_name, part.content_type, part.chunks, meta)

    upload = await read_upload(call, keep, lambda file: files.delete(file.id), limit=limit, max_files=1)
    upload.fields, upload.files

Fields may stand before, between and after files. Nothing is spooled: a chunk is parsed when the consumer asks for it,
and the client is read from no faster than that.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from engine.errors import BadRequest, TooLarge, UnsupportedMediaType
from server.http.requests import Call, Pairs

T = TypeVar("T")

MAX_PARTS = 1000
MAX_PART_HEADERS = 8
MAX_PART_HEAD = 8 * 1024
MAX_FIELDS = 1024 * 1024
"""Bytes of all parts together that are not files."""
MAX_FRAME = MAX_PARTS * (MAX_PART_HEAD + 256) + 64 * 1024
"""Bytes of boundaries, heads of parts, and what stands before the first and after the last boundary."""
PARSED_AT_ONCE = 8 * 1024
"""How much is parsed before others have their turn; a body made for it costs the parser a microsecond a byte."""

logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it warns of what the client is told anyway


@dataclass(slots=True)
class FilePart:
    """One file of the request while it arrives; `file_name` is what the client says, whatever it says.

    `chunks` can be iterated over once, before `keep` returns; what is left of it then is skipped.
    """

    name: str
    file_name: str
    content_type: str
    chunks: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Upload(Generic[T]):
    """A whole request: its fields in their order, and what `keep` answered for each file."""

    fields: Pairs
    files: list[T]


async def read_upload(
    call: Call,
    keep: Callable[[FilePart], Awaitable[T]],
    drop: Callable[[T], Awaitable[object]],
    *,
    limit: int,
    max_files: int = MAX_PARTS,
) -> Upload[T]:
    """Reads the whole body; all its files together may have `limit` bytes.

    Raises UnsupportedMediaType for any body but multipart/form-data, TooLarge, BadRequest, and what `keep` raises.
    """
    headers = dict(call.scope["headers"])
    parts = _Parts(call.receive, _Parser(_boundary(headers)), limit + MAX_FIELDS + MAX_FRAME)
    _check_length(headers, parts.limit)
    upload: Upload[T] = Upload([], [])
    room_of_files, room_of_fields = _Room(limit, "files"), _Room(MAX_FIELDS, "form fields")
    try:
        async for head in parts.heads():
            name, file_name = _names(head)
            if file_name is None:
                upload.fields.append((name, await _read_field(name, room_of_fields.counted(parts.data()))))
                continue
            if len(upload.files) == max_files:
                raise BadRequest(f"Too many files: at most {max_files} can be sent with this request")
            content_type = _text(head.get(b"content-type", b"application/octet-stream"))
            chunks = room_of_files.counted(parts.data())
            upload.files.append(await keep(FilePart(name, file_name, content_type, chunks)))
            async for _ in chunks:
                pass
    except BaseException:
        for kept in upload.files:
            await drop(kept)
        raise
    return upload


Head = Mapping[bytes, bytes]
"""The headers of one part, by lower-case name."""


class _Ended:
    """The end of a part."""


Event = dict[bytes, bytes] | bytes | type[_Ended]


@dataclass(slots=True)
class _Parser:
    """Turns bytes into events: a part's head, its data, its end."""

    boundary: bytes
    events: deque[Event] = field(default_factory=deque)
    complete: bool = False
    _head: dict[bytes, bytes] = field(default_factory=dict)
    _name: bytes = b""
    _value: bytes = b""
    _head_size: int = 0
    _parts: int = 0
    _parser: MultipartParser = field(init=False)

    def __post_init__(self) -> None:
        try:
            self._parser = MultipartParser(
                self.boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_part_data": lambda data, start, end: self.events.append(data[start:end]),
                    "on_part_end": lambda: self.events.append(_Ended),
                    "on_header_field": self._read_name,
                    "on_header_value": self._read_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_head,
                    "on_end": self._end,
                },
                max_header_count=MAX_PART_HEADERS,
                max_header_size=MAX_PART_HEAD,
            )
        except FormParserError as error:
            raise BadRequest(f"The boundary of the multipart body cannot be used: {error}") from None

    def feed(self, data: bytes) -> None:
        """Parses the next bytes of the body; raises BadRequest."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise BadRequest(f"The multipart body cannot be read: {error}") from None

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise BadRequest(f"The multipart body has too many parts: at most {MAX_PARTS} are allowed")
        self._head, self._head_size = {}, 0

    def _read_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]
        self._measure_head(end - start)

    def _read_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._measure_head(end - start)

    def _measure_head(self, more: int) -> None:
        self._head_size += more
        if self._head_size > MAX_PART_HEAD:
            raise BadRequest(f"The headers of a part are too large: at most {MAX_PART_HEAD} bytes are allowed")

    def _end_header(self) -> None:
        self._head[self._name.lower()] = self._value
        self._name = self._value = b""

    def _end_head(self) -> None:
        self.events.append(self._head)

    def _end(self) -> None:
        self.complete = True


@dataclass(slots=True)
class _Parts:
    """The parts of a body one after the other, read from the client as they are asked for."""

    receive: Receive
    parser: _Parser
    limit: int
    _size: int = 0
    _more: bool = True

    async def heads(self) -> AsyncIterator[Head]:
        """The head of each part; asked for the next one, it skips what was not read of the last."""
        while (event := await self._next()) is not None:
            if isinstance(event, dict):
                yield event
        if not self.parser.complete:
            raise BadRequest("The multipart body ends before its last boundary")

    async def data(self) -> AsyncIterator[bytes]:
        """The data of the part whose head was read last."""
        while isinstance(event := await self._next(), bytes):
            yield event
        if event is None:
            raise BadRequest("The multipart body ends before its last boundary")

    async def _next(self) -> Event | None:
        """The next event, None after the last."""
        while not self.parser.events:
            if not self._more:
                return None
            await self._read_more()
        return self.parser.events.popleft()

    async def _read_more(self) -> None:
        message = await self.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body: bytes = message.get("body", b"")
        self._more = message.get("more_body", False)
        self._size += len(body)
        if self._size > self.limit:
            raise TooLarge(f"The body is too large: at most {self.limit} bytes are allowed")
        for start in range(0, len(body), PARSED_AT_ONCE):
            self.parser.feed(body[start : start + PARSED_AT_ONCE])
            await asyncio.sleep(0)


@dataclass(slots=True)
class _Room:
    """How many bytes may still come for one purpose."""

    limit: int
    what: str
    _used: int = 0

    async def counted(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The chunks as long as there is room for them."""
        async for chunk in chunks:
            self._used += len(chunk)
            if self._used > self.limit:
                raise TooLarge(f"The {self.what} are too large: at most {self.limit} bytes are allowed")
            yield chunk


async def _read_field(name: str, chunks: AsyncIterator[bytes]) -> str:
    value = b"".join([chunk async for chunk in chunks])
    with contextlib.suppress(UnicodeDecodeError):
        return value.decode()
    raise BadRequest(f"The form field {name[:64]!r} is not UTF-8 text")


def _boundary(headers: Mapping[bytes, bytes]) -> bytes:
    if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
        raise UnsupportedMediaType("Bodies are not taken compressed: send it without Content-Encoding")
    kind, options = parse_options_header(headers.get(b"content-type", b""))
    if kind != b"multipart/form-data":
        raise UnsupportedMediaType("This route takes files: send Content-Type: multipart/form-data")
    if not options.get(b"boundary"):
        raise BadRequest("The Content-Type names no boundary: multipart/form-data; boundary=…")
    return options[b"boundary"]


def _check_length(headers: Mapping[bytes, bytes], limit: int) -> None:
    declared = headers.get(b"content-length", b"0")
    if not declared.isdigit():
        raise BadRequest("The Content-Length is not a number")
    if int(declared) > limit:
        raise TooLarge(f"The body is too large: at most {limit} bytes are allowed")


_ESCAPED: Mapping[bytes, bytes] = {b"%0D": b"\r", b"%0A": b"\n", b"%22": b'"'}


def _names(head: Head) -> tuple[str, str | None]:
    """The name of a part, and the name of its file where it is one."""
    disposition, options = parse_options_header(head.get(b"content-disposition", b""))
    if disposition != b"form-data" or b"name" not in options:
        raise BadRequest('Each part needs the header Content-Disposition: form-data; name="…"')
    return _text(options[b"name"]), _text(options[b"filename"]) if b"filename" in options else None


def _text(written: bytes) -> str:
    """A name as browsers send it: they escape line ends and quotes, and nothing else."""
    for escaped, meant in _ESCAPED.items():
        written = written.replace(escaped, meant)
    with contextlib.suppress(UnicodeDecodeError):
        return written.decode()
    raise BadRequest("A header of a part is not UTF-8 text")


__all__ = ["FilePart", "Upload", "read_upload"]
