"""CSV files to rows: in go the bytes of a file, piece by piece, out come rows of cells with where they stand.

Nothing but the row at hand is kept, however large the file is. Encoding and delimiter are found out from how the file
begins; cells in quotes may hold delimiters, quotes and line ends.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from engine.errors import BadRequest, did_you_mean

DELIMITERS: Final = (",", ";", "\t", "|")
MOST_CELL: Final = 1024 * 1024
"""Characters that one cell may have."""
MOST_ROW: Final = 4 * MOST_CELL
"""Characters that one row may have."""
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
ENCODINGS: Final = {
    "utf-8": "utf-8-sig",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
    "iso-8859-1": "latin-1",
}
"""By the names that clients may give."""
_UNKNOWN: Final = (
    "save it as UTF-8 (in Excel: CSV UTF-8), or say how it is encoded, as in encoding=windows-1252 or encoding=utf-16le"
)

csv.field_size_limit(MOST_CELL)


class CsvRow(NamedTuple):
    """One row: the line on which it begins (from 1), and its cells; `fault` says why it has none."""

    line: int
    cells: Sequence[str]
    fault: str | None = None


def check_encoding(name: str) -> str:
    """A name of an encoding as it is written here; raises BadRequest for one that is not read."""
    found = name.strip().lower().replace("_", "-")
    if found not in ENCODINGS:
        hint = did_you_mean(found, ENCODINGS) or f"known are {', '.join(ENCODINGS)}"
        raise BadRequest(f"encoding names no encoding that can be read: {name[:64]}; {hint}")
    return found


class CsvReader:
    """Reads one file: `feed` takes the next piece, `end` says that there is none, and both give the rows that are
    complete. Empty lines are no rows.

    The first row is the header; it tells the delimiter, so that `delimiter` is None until it was read. Raises
    BadRequest where the file is no text in its encoding, or where a cell does not end.
    """

    def __init__(self, encoding: str | None = None) -> None:
        self.delimiter: str | None = None
        self._asked = encoding
        self._decoder: codecs.IncrementalDecoder | None = None
        self._head = b""
        self._rest = ""
        self._lines = _Lines()
        self._line = 1
        self._ended = False

    def feed(self, data: bytes) -> Iterator[CsvRow]:
        """The rows that the next piece completes."""
        yield from self._take(self._decode(data))

    def end(self) -> Iterator[CsvRow]:
        """The rows that the end of the file completes."""
        text = self._decode(b"", final=True)
        self._ended = True
        yield from self._take(text)

    def _decode(self, data: bytes, *, final: bool = False) -> str:
        if self._decoder is None:
            self._head += data
            if len(self._head) < 4 and not final:
                return ""  # not enough to tell a mark
            data, self._head = self._head, b""
            self._decoder = codecs.getincrementaldecoder(_encoding_of(data, self._asked))(errors="strict")
        try:
            return self._decoder.decode(data, final)
        except UnicodeDecodeError as error:
            line = self._line + len(self._lines.waiting) + error.object[: error.start].count(b"\n")
            name = self._asked or "UTF-8"
            raise BadRequest(f"The file is not {name} text in line {line}: {_UNKNOWN}") from None

    def _take(self, text: str) -> Iterator[CsvRow]:
        lines = self._lines
        lines.add(self._split(text))
        if self.delimiter is None and (lines.waiting or self._ended):
            self.delimiter = _delimiter_of("".join(lines.waiting[:_MOST_HEADER_LINES]))
            self._reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        if self.delimiter is not None:
            while (row := self._next()) is not None:
                if row.cells or row.fault:
                    yield row
        lines.forget()
        if sum(map(len, lines.waiting)) + len(self._rest) > MOST_ROW:
            raise self._endless()

    def _split(self, text: str) -> list[str]:
        """The lines of a text that are complete, ends included; what is behind them is kept for later."""
        text = self._rest + text
        lines = io.StringIO(text, newline="").readlines()
        self._rest = ""
        if not self._ended and lines:
            last = lines[-1]
            if not last.endswith("\n"):  # even \r may be the first half of an end
                self._rest = lines.pop()
        return lines

    def _next(self) -> CsvRow | None:
        """The next row, None where its lines are not there yet."""
        line, fault = self._line, None
        cells: list[str] = []
        try:
            cells = next(self._reader)
        except _Starved:
            if not self._ended or self._lines.begun == 0:
                return None
            fault = "A cell in quotes does not end"
        except csv.Error as error:
            if "field larger" in str(error):
                raise self._endless() from None
            fault = f"This is not valid CSV: {error}"
        self._line += self._lines.begun
        self._lines.finish()
        return CsvRow(line, cells, fault)

    def _endless(self) -> BadRequest:
        return BadRequest(
            f"The row in line {self._line} is longer than can be read: is a quote missing at the end of a cell?"
        )


_MOST_HEADER_LINES: Final = 1_000


class _Starved(Exception):
    """There are no more lines yet."""


class _Lines:
    """Lines for csv.reader, which may ask for more than are there: then the row that it began is begun anew later."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._start = 0
        self._next = 0

    @property
    def begun(self) -> int:
        """How many lines of the row at hand were taken."""
        return self._next - self._start

    @property
    def waiting(self) -> list[str]:
        """The lines that belong to no complete row yet."""
        return self._lines[self._start :]

    def add(self, lines: list[str]) -> None:
        """More lines."""
        self._lines += lines
        self._next = self._start

    def finish(self) -> None:
        """The row at hand is complete."""
        self._start = self._next

    def forget(self) -> None:
        """Lets go of the lines of complete rows."""
        del self._lines[: self._start]
        self._start = self._next = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self._next == len(self._lines):
            raise _Starved
        self._next += 1
        return self._lines[self._next - 1]


def _encoding_of(head: bytes, asked: str | None) -> str:
    """The name of the decoder; what the file says of itself goes before what is asked for."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if asked == "utf-16":
        raise BadRequest("The file does not say the order of its bytes: write encoding=utf-16le or encoding=utf-16be")
    if asked is None and b"\0" in head[:4]:
        raise BadRequest(f"The file looks like UTF-16 without a byte order mark: {_UNKNOWN}")
    return ENCODINGS[asked or "utf-8"]


def _delimiter_of(header: str) -> str:
    """The one that makes the most columns of the header."""
    return max(DELIMITERS, key=lambda delimiter: _count_columns(header, delimiter))


def _count_columns(text: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), ()))
    except csv.Error:
        return 0


__all__ = ["DELIMITERS", "ENCODINGS", "MOST_CELL", "CsvReader", "CsvRow", "check_encoding"]
