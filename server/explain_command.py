"""`castwork explain`: what groups may do with a record, and which rule of which file decides it; needs no database."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import BadRequest, CastworkError
from server.telling import told

if TYPE_CHECKING:
    from engine.compiler import CompiledApp
    from engine.permissions.asked import Rule
    from engine.permissions.explain import Explanation

app = typer.Typer(rich_markup_mode=None)

ALLOWED, DENIED, CANNOT_RUN = 0, 1, 2
"""Exit codes."""
COLOURS = {"allowed": "green", "denied": "red", "depends": "yellow"}
COLOURS |= {"readWrite": "green", "readOnly": "cyan", "none": "red"}


class ExplainFormat(StrEnum):
    """How `explain` writes what it found."""

    TEXT = "text"
    JSON = "json"


@app.command()
def explain(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="An app's folder.")],
    entity: Annotated[str, typer.Option(metavar="NAME", help="The entity.")],
    groups: Annotated[
        str | None, typer.Option(metavar="A,B", help="The groups of who asks. [default: those of --user]")
    ] = None,
    op: Annotated[
        str | None,
        typer.Option(
            metavar="OP",
            help="read, create, update, delete, auditLogs, import, export, action.NAME or field.PATH. [default: all]",
        ),
    ] = None,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The record as it is, as JSON; for create as it is to be.")
    ] = None,
    becomes: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What an update sends: the values that change, as JSON.")
    ] = None,
    user: Annotated[Path | None, typer.Option(metavar="FILE", help="The record of who asks, as JSON.")] = None,
    output: Annotated[ExplainFormat, typer.Option("--format", help="How to write it.")] = ExplainFormat.TEXT,
) -> None:
    """Say what groups may do with a record, and which rules decide it: file, line and column.

    Exit codes: 0 it is allowed (a field: it may be read and written), 1 it is denied, or depends on a record or a user
    that was not given, 2 the question cannot be answered. Without --op everything is told, and the code is 0.
    """
    with told(path, code=CANNOT_RUN):
        asked = _Asked(path, entity, groups, record, becomes, user)
        found = asked.all() if op is None else asked.one(op)
    if output is ExplainFormat.JSON:
        typer.echo(_to_json(found.data))
    else:
        _print(f"{entity}, {found.heading}", found.lines)
    raise typer.Exit(ALLOWED if found.passed else DENIED)


class CannotExplain(CastworkError):
    """A question that cannot be answered; the message says what is missing or wrong."""


@dataclass(frozen=True, slots=True)
class _Found:
    """An answer: in a line, in several, and as JSON data. Lines are words side by side."""

    passed: bool
    heading: str
    lines: list[tuple[str, ...]]
    data: Any


class _Asked:
    """What is asked about, read from files."""

    def __init__(
        self,
        path: Path,
        entity: str,
        groups: str | None,
        record: Path | None,
        becomes: Path | None,
        user: Path | None,
    ) -> None:
        from engine.examples.cases import USERS, build_case
        from server.app import compile_apps

        loaded = compile_apps(path)
        if len(loaded) > 1:
            raise CannotExplain(f"{path} holds {len(loaded)} apps: give the folder of one")
        compiled = loaded[0].compiled
        self._entity = entity
        self._explainer = compiled.explainer
        self._explainer.check_entity(entity)
        person = _read(user, compiled, USERS, new=True)
        self._groups = _groups(compiled, groups, person)
        self._explainer.check_groups(self._groups or ())
        self._case = build_case(
            compiled,
            entity,
            time.time_ns() // 1_000_000,
            user=person,
            record=_read(record, compiled, entity, new=True),
            becomes=_read(becomes, compiled, entity, new=False),
        )
        self._who = "a developer" if self._groups is None else " and ".join(self._groups)

    def one(self, operation: str) -> _Found:
        """One operation, or reading and writing one field."""
        from engine.permissions.explain import FIELD
        from engine.permissions.explain_view import render_explanation, render_field

        if operation.startswith(FIELD):
            path = operation.removeprefix(FIELD)
            field = self._explainer.explain_field(self._groups, self._entity, path, self._case)
            lines = [line for side in (field.read, field.write) for line in _rules(side)]
            heading = f"{operation}: {field.right} for {self._who}"
            return _Found(field.right == "readWrite", heading, list(dict.fromkeys(lines)), render_field(field))
        found = self._explainer.explain(self._groups, self._entity, operation, self._case)
        heading = f"{operation}: {found.verdict} for {self._who}"
        return _Found(found.verdict == "allowed", heading, list(_rules(found)), render_explanation(found))

    def all(self) -> _Found:
        """Everything, each with the rules that decide it."""
        from engine.permissions.explain_view import render_rights

        rights = self._explainer.explain_all(self._groups, self._entity, self._case)
        lines: list[tuple[str, ...]] = []
        lines += [(name, one.verdict, _decided(one.decided_by)) for name, one in rights.operations.items()]
        lines += [(f"action.{name}", one.verdict, _decided(one.decided_by)) for name, one in rights.actions.items()]
        for name, field in rights.fields.items():
            side = field.write if field.read.verdict == "allowed" else field.read
            lines.append((f"field.{name}", field.right, _decided(side.decided_by)))
        return _Found(True, f"the rights of {self._who}", lines, render_rights(rights))


def _groups(compiled: CompiledApp, text: str | None, person: Mapping[str, Any] | None) -> tuple[str, ...] | None:
    """Whose rights are asked; None is a developer."""
    if text is not None:
        return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if person is None:
        raise CannotExplain("whose rights? Give --groups, or --user with the groups of the user")
    if (person.get("permissions") or {}).get("developer") is True:
        return None
    return compiled.memberships.named(person.get("groups"))


def _read(file: Path | None, compiled: CompiledApp, entity: str, *, new: bool) -> dict[str, Any] | None:
    """The values in a JSON file, such as the entity takes them."""
    from engine.examples.cases import check_values
    from server.http.strict_json import parse_json
    from server.record_files import MAX_NESTING

    if file is None:
        return None
    try:
        values = parse_json(file.read_bytes(), MAX_NESTING)
        check_values(compiled.entities[entity].rules, values, new=new)
    except OSError as error:
        raise CannotExplain(f"{file} cannot be read: {error.strerror}") from error
    except BadRequest as error:
        raise CannotExplain(f"{file}: {error.message.replace('The body', 'the file')}") from error
    found: dict[str, Any] = values
    return found


def _rules(found: Explanation) -> Iterator[tuple[str, ...]]:
    """What was asked, group by group; an arrow points to what decides."""
    from engine.examples.words import describe_rule

    if found.developer:
        yield ("developers pass the rights of all groups",)
    deciding = found.decided_by
    for rule in (*found.others, *(rule for says in found.groups for rule in says.rules)):
        arrow = "<" if rule in deciding else ""
        yield (rule.group or "everybody", rule.verdict, describe_rule(rule), str(rule.at), arrow)


def _decided(rules: Iterable[Rule]) -> str:
    from engine.examples.words import describe_rule

    return "; ".join(f"{describe_rule(rule)} {rule.at}" for rule in rules)


def _to_json(data: Any) -> str:
    import msgspec

    from server.http.responses import encode_json

    return msgspec.json.format(encode_json(data), indent=2).decode()


def _print(heading: str, lines: Sequence[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    console.print(heading, style="bold", markup=False)
    widths = [max((len(word) for word in column), default=0) for column in zip_longest(*lines, fillvalue="")]
    for line in lines:
        text = Text("  ")
        for word, width in zip(line, widths, strict=False):
            text.append(word, style=COLOURS.get(word, "")).append(" " * (width - len(word) + 2))
        text.rstrip()
        console.print(text)


__all__ = ["CannotExplain", "ExplainFormat", "app", "explain"]
