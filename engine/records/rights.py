"""Refusals about single records: in go a record and what the caller may do, out comes nothing or the right error.

Under `forbidden: hide` a record that may not be read is refused in the very words of one that does not exist.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from engine.errors import FieldProblem, Forbidden, NotFound, RequestError
from engine.permissions import FULL_ACCESS, Access
from engine.records.forms import Record
from engine.schema import Entity

_INDEX: Final = re.compile(r"\[\d+\]")


class RecordRights:
    """Checks rights on records of one entity."""

    def __init__(self, entity: Entity, *, hide: bool) -> None:
        self._name = entity.name
        self._hide = hide

    def missing(self, record_id: str) -> NotFound:
        """The error for a record that does not exist."""
        return NotFound(f"There is no record with the id {record_id} in {self._name}")

    def unreadable(self, record_id: str) -> RequestError:
        """The error for a record that exists and may not be read."""
        return self.missing(record_id) if self._hide else self._forbidden("read")

    def check_read(self, record: Record, access: Access) -> None:
        """Raises Forbidden, or NotFound where the app hides what is forbidden."""
        if access is not FULL_ACCESS and not access.allows_read(record):
            raise self.unreadable(record["id"])

    def check_create(self, record: Record, access: Access) -> None:
        """Asked of the record that would be, after defaults and calculation."""
        if access is not FULL_ACCESS and not access.allows_create(record):
            raise Forbidden(f"You have no right to create this record in {self._name}")

    def check_change_of(self, old: Record, access: Access) -> None:
        """Asked of the record as it is, before its body is looked at."""
        if access is not FULL_ACCESS:
            self.check_read(old, access)
            if not access.allows_change_of(old):
                raise self._forbidden("change")

    def check_change(self, old: Record, new: Record, changed: Iterable[str], access: Access) -> None:
        """Asked of the record as it is and as it would be, and of the paths of what was changed by the body.

        Rights of groups are united on each field: one of the groups must allow both ends of the change and the field.
        """
        if access is FULL_ACCESS:
            return
        allowed = access.allows_change(old, new)
        masks = access.masks_of_change(old, new) if allowed else None
        if masks is not None:
            allowed = all(any(mask.allows(path, old) for mask in masks) for path in changed)
        if not allowed:
            raise Forbidden(f"You have no right to make this change to the record in {self._name}")

    def check_delete(self, record: Record, access: Access) -> None:
        """Asked of the record as it is."""
        if access is not FULL_ACCESS:
            self.check_read(record, access)
            if not access.allows_delete(record):
                raise self._forbidden("delete")

    def tell(
        self,
        problem: FieldProblem,
        access: Access,
        records: Sequence[Record],
        sent: Callable[[str], bool] | None,
    ) -> FieldProblem:
        """The problem as somebody may know of it: of a field that they do not see on one of the records, and did not
        send either, neither the name nor the value is told. Where they sent nothing at all (None), because definitions
        wrote for them, they must be able to read the records too."""
        if access is FULL_ACCESS or problem.field is None or (sent is not None and sent(problem.field)):
            return problem
        path = _INDEX.sub("", problem.field)
        readable = sent is not None or all(map(access.allows_read, records))
        if readable and all(access.shows(path, record) for record in records):
            return problem
        return FieldProblem(None, None, problem.code, "A field that you may not read would hold a wrong value", None)

    def _forbidden(self, deed: str) -> Forbidden:
        return Forbidden(f"You have no right to {deed} this record in {self._name}")
