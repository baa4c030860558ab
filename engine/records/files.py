"""Fields that point to stored files: which files to look for, whose they are, and where a record points to them.

Only uploads can be pointed to, by whoever uploaded them: an id is no secret, and who could point to any file could read
any file. A record that points to a file already may go on doing so whoever writes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from secrets import token_hex
from typing import Any, Final

from bson import ObjectId

from engine.errors import FieldProblem, InvalidValue
from engine.fields.file_names import describe_file
from engine.fields.reference import points_to_file
from engine.query import Clock
from engine.records.draft import Asked, Draft
from engine.records.forms import Record
from engine.records.lookups import Asker, Lookup
from engine.schema import App, Entity, Field, FieldPath

FILES: Final = "sys.fs.files"
"""The collection of stored files; GridFS says what a document holds: filename, length, metadata, …"""
UPLOAD: Final = "upload"
"""What the metadata of a file that somebody uploaded for a record calls its purpose."""


class FileChoice:
    """What writing one field that points to a stored file takes."""

    def __init__(self, app: App, item: Field) -> None:
        self.item = item
        self._path = tuple(item.path.split("."))

    def plan_lookup(self, asked: Sequence[Asked], asker: Asker) -> Lookup:
        """One question for all files of the field, by id."""
        ids = [ObjectId(one.ask.id) for one in asked if one.ask.id is not None]
        wanted = {"_id": {"$in": ids}, "metadata.purpose": UPLOAD, "metadata.whole": True}
        return Lookup(FILES if ids else None, wanted, len(ids), tuple(asked), asker)

    def answer(self, lookup: Lookup, documents: Sequence[Mapping[str, Any]], draft: Draft) -> None:
        """Puts {id, name} of each file in its place; a file that came with the body gets an id, and waits in the draft
        until it is stored."""
        found = {str(document["_id"]): document for document in documents}
        for asked in lookup.asked:
            upload, key = asked.ask.upload, asked.ask.id
            if upload is not None:
                key = new_file_id()
                draft.uploads[key] = upload
                asked.holder[asked.key] = {"id": key, "name": describe_file(upload.name, len(upload.content))}
            elif key in found:
                asked.holder[asked.key] = {"id": key, "name": shown_name(found[key])}
                draft.linked.add(key)
                if not lookup.asker.uploader.may_link(found[key]):
                    draft.targets[asked.where] = (self, {"id": key})
            else:
                asked.holder[asked.key] = draft.refuse(self.item, asked.where, _no_such_file(key))

    def problem(
        self,
        target: Record,
        where: str,
        record: Mapping[str, Any],
        user: Mapping[str, Any] | None,
        clock: Clock,
        old: Record | None = None,
    ) -> FieldProblem | None:
        """Somebody else's file is as good as missing, unless the record pointed to it before, with this very field."""
        if old is not None and any(one["id"] == target["id"] for one in files_at(old, self._path)):
            return None
        error = _no_such_file(target["id"])
        return FieldProblem(where, self.item.label, error.code, error.message, error.info)


def new_file_id() -> str:
    """The id of a new file: random, so that it tells nothing about others."""
    return token_hex(12)


def shown_name(document: Mapping[str, Any]) -> str:
    """What records call a stored file."""
    return describe_file(document["filename"], document["length"])


def file_paths(entity: Entity) -> tuple[FieldPath, ...]:
    """Every field of an entity that points to stored files, copies of others' fields included."""
    return tuple(path for path in entity.all_paths() if points_to_file(path.field.type))


def files_at(value: Any, path: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """The {id, name} at a path of a record in any form; keys that are missing are passed over."""
    if isinstance(value, list):
        for one in value:
            yield from files_at(one, path)
    elif isinstance(value, Mapping):
        if path:
            yield from files_at(value.get(path[0]), path[1:])
        elif "id" in value:
            yield value


def _no_such_file(key: str | None) -> InvalidValue:
    return InvalidValue("There is no such file", {"id": key}, code="notFound")


__all__ = [
    "FILES",
    "UPLOAD",
    "FileChoice",
    "file_paths",
    "files_at",
    "new_file_id",
    "shown_name",
]
