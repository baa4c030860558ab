"""The handlers of imports: a file of rows in, the job that writes them out; and the job that takes them back."""

from __future__ import annotations

from starlette.types import ASGIApp

from engine.errors import BadRequest
from engine.fields.file_names import clean_file_name
from engine.records.import_options import parse_import_options
from server.http.jobs import answer_job
from server.http.multipart import FilePart, read_upload
from server.http.requests import Call, read_pairs
from server.runtime import jobs
from server.runtime.files.keeping import uploader_of
from server.runtime.parameters import refuse_parameters
from server.store import StoredFile


async def import_records(call: Call) -> ASGIApp:
    """POST /data/{entity}/import; options stand in the query or among the form's fields."""
    pairs = read_pairs(call)
    parse_import_options(pairs)  # before a large file is sent in vain
    running, caller = call.running, call.caller
    meta = {"purpose": "importSource", "user": uploader_of(caller).user}

    async def keep(part: FilePart) -> StoredFile:
        return await running.store.files.write(clean_file_name(part.file_name), "text/csv", part.chunks, meta)

    async def drop(file: StoredFile) -> None:
        await running.store.files.delete(file.id)

    upload = await read_upload(call, keep, drop, limit=call.settings.max_import, max_files=1)
    if not upload.files:
        raise BadRequest("The body holds no file: send the CSV file as a part named file, with a filename")
    [file] = upload.files
    try:
        options = parse_import_options([*pairs, *upload.fields])
        job = await jobs.import_later(running, caller, call.entity, options, file)
    except BaseException:
        await drop(file)
        raise
    return answer_job(call, job)


async def undo_job(call: Call) -> ASGIApp:
    """PUT /status/jobs/{id}/undo; a body is ignored."""
    refuse_parameters(read_pairs(call))
    return answer_job(call, await jobs.undo_later(call.running, call.caller, call.params["id"]))


__all__ = ["import_records", "undo_job"]
