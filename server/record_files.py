"""Files of records: in go JSON arrays, JSON lines and CSV, out come records that passed the write pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import BadRequest, CastworkError, FieldProblem, RequestError

if TYPE_CHECKING:
    from server.app import LoadedApp
    from server.runtime.running import RunningApp

MAX_NESTING = 32
"""How deep a record may be nested, as in the body of a request."""

Row = Callable[[], Any]
"""Gives the body of one record; raises BadRequest where it cannot be read."""


class CannotLoad(CastworkError):
    """A file that cannot be loaded at all; the message says why."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file: whose records it holds, and how each is read, with the words for where it stands."""

    file: Path
    entity: str
    rows: Sequence[tuple[str, Row]]


async def create_all(running: RunningApp, source: Source, tell: Callable[[str], None]) -> int:
    """Creates the records, with system rights; how many failed. `tell` gets what is wrong with each of those."""
    from server.runtime.records import create_record
    from server.runtime.running import SYSTEM

    failed = 0
    for place, read in source.rows:
        try:
            await create_record(running, SYSTEM, source.entity, read())
        except RequestError as error:
            failed += 1
            for told_of in _tell(error):
                tell(f"{source.file}, {place}: {told_of}")
    return failed


def _tell(error: RequestError) -> Iterator[str]:
    if not error.problems:
        yield error.message.replace("The body", "It")
    for problem in error.problems:
        yield _tell_problem(problem)


def _tell_problem(problem: FieldProblem) -> str:
    return problem.message if problem.field is None else f"{problem.field}: {problem.message} ({problem.code})"


def read_source(loaded: LoadedApp, file: Path, entity: str) -> Source:
    """The records of a file; raises CannotLoad."""
    from engine.errors import did_you_mean

    if not file.exists():
        raise CannotLoad(f"{file} cannot be read: No such file or directory")
    known = loaded.compiled.app.entities
    if entity not in known:
        hint = did_you_mean(entity, known) or "--entity names the entity"
        raise CannotLoad(f"{file}: there is no entity named {entity}; {hint}")
    try:
        data = file.read_bytes()
        if file.suffix.lower() == ".csv":
            return Source(file, entity, list(_csv_rows(loaded, entity, data)))
        return Source(file, entity, list(_json_rows(data.decode("utf-8-sig"))))
    except OSError as error:
        raise CannotLoad(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CannotLoad(f"{file} is not UTF-8 text") from error
    except BadRequest as error:
        raise CannotLoad(f"{file}: {error.message.replace('The body', 'the file')}") from error


def _json_rows(text: str) -> Iterator[tuple[str, Row]]:
    """The items of an array, or the lines of JSON lines."""
    from server.http.strict_json import parse_json

    if text.lstrip().startswith("["):
        for number, body in enumerate(parse_json(text.encode(), MAX_NESTING + 1), start=1):
            yield f"record {number}", partial(_as_it_is, body)
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield f"line {number}", partial(parse_json, line.encode(), MAX_NESTING)


def _as_it_is(body: Any) -> Any:
    return body


def _csv_rows(loaded: LoadedApp, entity: str, data: bytes) -> Iterator[tuple[str, Row]]:
    from engine.records.columns import Columns
    from engine.records.csv_reading import CsvReader

    reader = CsvReader()
    rows = iter([*reader.feed(data), *reader.end()])
    header = next(rows, None)
    columns = Columns(loaded.compiled.app.entities[entity], () if header is None else header.cells)
    for row in rows:
        read = partial(columns.read, row.cells) if row.fault is None else partial(_refuse, row.fault)
        yield f"line {row.line}", read


def _refuse(fault: str) -> Any:
    raise BadRequest(fault)


__all__ = ["CannotLoad", "Source", "create_all", "read_source"]
