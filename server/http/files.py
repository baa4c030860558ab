"""The handlers about files: uploads, and downloads by id, by record and by link."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from engine.errors import BadRequest
from engine.fields.file_names import clean_file_name
from server.http.downloads import answer_file
from server.http.multipart import FilePart, read_upload
from server.http.requests import Call, read_pairs
from server.http.responses import answer_json
from server.runtime.files.keeping import upload_meta
from server.runtime.files.reading import read_file, read_record_file, read_shared_file, share_file
from server.runtime.parameters import refuse_parameters
from server.store import StoredFile


async def upload_files(call: Call) -> ASGIApp:
    """POST /files: one object for one file, a list for several."""
    refuse_parameters(read_pairs(call))
    files, meta = call.running.store.files, upload_meta(call.caller)

    async def keep(part: FilePart) -> StoredFile:
        return await files.write(clean_file_name(part.file_name), part.content_type, part.chunks, meta)

    async def drop(file: StoredFile) -> None:
        await files.delete(file.id)

    upload = await read_upload(call, keep, drop, limit=call.settings.max_upload)
    try:
        _check(upload.fields, upload.files)
    except BadRequest:
        for file in upload.files:
            await drop(file)
        raise
    answers = [{"fileId": file.id, "fileLink": f"/files/{file.id}"} for file in upload.files]
    return answer_json(answers[0] if len(answers) == 1 else answers)


def _check(fields: list[tuple[str, str]], files: list[Any]) -> None:
    if fields:
        raise BadRequest(f"The part {fields[0][0][:64]!r} is no file: give it a filename")
    if not files:
        raise BadRequest("The body holds no file: send each one as a part with a filename")


async def download_file(call: Call) -> ASGIApp:
    """GET /files/{id}."""
    refuse_parameters(read_pairs(call))
    return _answer(call, await read_file(call.running, call.caller, call.params["id"]))


async def download_record_file(call: Call) -> ASGIApp:
    """GET /data/{entity}/{id}/files/{file}."""
    refuse_parameters(read_pairs(call))
    record, file = call.params["id"], call.params["file"]
    return _answer(call, await read_record_file(call.running, call.caller, call.entity, record, file))


async def share(call: Call) -> ASGIApp:
    """PUT /files/{id}/share; a body is ignored."""
    return answer_json(await share_file(call.running, call.caller, call.params["id"], read_pairs(call)))


async def download_shared_file(call: Call) -> ASGIApp:
    """GET /files/shared/{id}."""
    refuse_parameters(read_pairs(call))
    return _answer(call, await read_shared_file(call.running, call.params["id"]))


def _answer(call: Call, file: StoredFile) -> ASGIApp:
    return answer_file(call.running.store.files, file, dict(call.scope["headers"]))


__all__ = ["download_file", "download_record_file", "download_shared_file", "share", "upload_files"]
