"""`ctx`: what a function of hooks.py works with. Values are in JSON form, rights are the engine's own.

Everything is written by the use cases that serve HTTP, and belongs to the unit of work of the call if there is one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from engine.actions import Run
from engine.compiler import CompiledEntity
from engine.errors import BadRequest, Failed, RequestError
from engine.query import join_filters
from engine.records import Frame
from engine.records.masking import mask_text, sensitive_parameters, sensitive_paths, values_at
from server.runtime.hook_data import ScriptData
from server.runtime.hook_jobs import HookJob
from server.runtime.plain import to_plain
from server.runtime.records import update_record
from server.runtime.running import Caller, RunningApp
from server.runtime.script_records import ScriptRecord
from server.runtime.units import Unit

if TYPE_CHECKING:
    from server.runtime.effects import Subject

Document = dict[str, Any]
T = TypeVar("T")

LEVELS = ("INFO", "WARN", "ERROR")
PAGE = 200
"""Records that are read at once."""
KEPT = ("id", "label", "version")


class HookContext:
    """One call of one function."""

    def __init__(self, running: RunningApp, caller: Caller, run: Run, subject: Subject) -> None:
        self._running = running
        self._caller = caller.as_script()
        self._subject = subject
        self._run = run
        self.job = subject.job or HookJob()
        self.data = ScriptData(running, self._caller, self._write)
        self.user = to_plain(caller.user)

    @cached_property
    def params(self) -> dict[str, Any]:
        """The parameters of the action."""
        if self._run.action is None:
            return {}
        action = self._subject.compiled.behaviour.actions[self._run.action]
        rendered: dict[str, Any] = to_plain(action.parameters.render(self._run.params))
        return rendered

    @cached_property
    def record(self) -> ScriptRecord | None:
        """The record at hand; changes to it are saved by `save`. None where there is none."""
        return self._show(self._subject.document)

    @cached_property
    def old(self) -> ScriptRecord | None:
        """The record as it was before; None where there was none."""
        return self._show(self._subject.old)

    async def records(self) -> AsyncIterator[ScriptRecord]:
        """The records that the action runs on, in the order in which they were made."""
        selection = self._subject.selection
        if selection is None:
            if self.record is not None:
                yield self.record
            return
        collection, last = self._compiled.collection, None
        while True:
            await self.job.flush()
            wanted = selection if last is None else join_filters((selection, {"_id": {"$gt": last}}))
            page = await self._running.store.find(collection, wanted, sort=[("_id", 1)], limit=PAGE)
            for document in page:
                last = document["_id"]
                shown = self._show(document)
                assert shown is not None
                yield shown
            if len(page) < PAGE:
                return

    async def save(self, record: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Saves what was changed in `record`, or in another record that was given here; refused where somebody else
        changed it since. The mapping is brought up to date."""
        target = self.record if record is None else record
        if target is None or not isinstance(target.get("id"), str):
            raise BadRequest("There is nothing to save: save takes a record that has an id")
        entity = target.entity if isinstance(target, ScriptRecord) else self._compiled.entity.name
        changes = (
            target.changes()
            if isinstance(target, ScriptRecord)
            else {name: value for name, value in target.items() if name not in KEPT}
        )
        if not changes:
            return target
        body = to_plain(changes)
        if "version" in target:
            body["version"] = target["version"]
        saved = await self._write(lambda scope: update_record(scope, self._caller, entity, str(target["id"]), body))
        fresh = ScriptRecord(entity, to_plain(saved))
        if isinstance(target, ScriptRecord):
            target.become(fresh)
            return target
        return fresh

    def log(self, level: str, message: str) -> None:
        """Adds a line to the app's log, and to the job's where there is one; the level is INFO, WARN or ERROR.

        Values of sensitive fields of the record at hand, and of sensitive parameters, are masked."""
        from server.runtime.effects import write_line

        if level not in LEVELS:
            raise BadRequest(f"A line of the log is {', '.join(LEVELS)}, not {level}")
        text = mask_text(str(message), self._secrets())
        write_line(self._running, self._caller, level, text)
        self.job.say(level, text)

    def fail(self, code: str, message: str) -> NoReturn:
        """Ends the action with an error; nothing of it stays where the database has transactions."""
        raise Failed(str(message), code=str(code))

    def _secrets(self) -> Iterator[Any]:
        """What must not be told of the record at hand and of the parameters."""
        entity = self._compiled.entity
        for path in sensitive_paths(entity):
            for record in (self.record, self.old):
                yield from values_at(record, path)
        for path in sensitive_parameters(entity):
            yield from values_at(self.params, path)

    @property
    def _compiled(self) -> CompiledEntity:
        return self._subject.compiled

    async def _write(self, body: Callable[[RunningApp], Awaitable[T]]) -> T:
        """Everything that is written by the function passes here."""
        if self._running.unit is None:
            return await self.job.write(self._running, body)
        await self.job.flush()
        return await self._write_inside(self._running.unit, body)

    async def _write_inside(self, unit: Unit, body: Callable[[RunningApp], Awaitable[T]]) -> T:
        """A refusal may be caught by the function, unless something of what was refused is written already."""
        unit.check()
        before = unit.writes
        try:
            return await body(self._running)
        except RequestError as error:
            if unit.writes > before and self._running.store.transactions:
                unit.spoiled = error
            raise

    def _show(self, document: Mapping[str, Any] | None) -> ScriptRecord | None:
        if document is None:
            return None
        view = self._compiled.views.get(Frame(transient=True))
        rendered = view.render(dict(document), self._running.moment(self._caller).scope)
        return ScriptRecord(self._compiled.entity.name, to_plain(rendered))


__all__ = ["HookContext"]
