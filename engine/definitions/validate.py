"""The files of an app in, its model or all their problems out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from engine.definitions.ignores import apply_ignores, find_ignores
from engine.definitions.load import KnownFiles, load_definitions
from engine.definitions.nodes import Node, path_to
from engine.definitions.resolve import resolve_definitions
from engine.definitions.rules import specified_rules
from engine.definitions.rules.context import Context
from engine.definitions.source import Sources
from engine.errors import DefinitionErrors, Diagnostic
from engine.schema import App


@dataclass(frozen=True)
class Checked:
    """What became of an app's files: the model, usable only without errors, and all problems in file order."""

    app: App
    diagnostics: tuple[Diagnostic, ...]

    @property
    def ok(self) -> bool:
        """Whether there are no errors; warnings do not count."""
        return all(item.severity != "error" for item in self.diagnostics)


def validate_sources(sources: Sources, known: KnownFiles | None = None) -> Checked:
    """Loads, resolves and asks every law; never raises for what the files say.

    Files that have not changed since the last time with the same `known` are not loaded again.
    """
    written = load_definitions(sources, known)
    resolved = resolve_definitions(written)
    found = [*written.problems, *resolved.problems]
    context = Context(written, resolved)
    for rule in specified_rules:
        found += rule(context)
    heard = apply_ignores(_once(found), find_ignores(written.trees))
    return Checked(resolved.app, _in_file_order(heard, written.trees))


def resolve_app(sources: Sources, known: KnownFiles | None = None) -> App:
    """The model of an app; raises DefinitionErrors with all problems when there is an error among them."""
    checked = validate_sources(sources, known)
    if not checked.ok:
        raise DefinitionErrors(checked.diagnostics)
    return checked.app


def _once(found: Iterable[Diagnostic]) -> Iterable[Diagnostic]:
    """Each problem once: heirs repeat those of their parents."""
    return {(item.code, item.at, item.message): item for item in reversed(list(found))}.values()


def _in_file_order(found: Iterable[Diagnostic], trees: Mapping[str, Node]) -> tuple[Diagnostic, ...]:
    """app.yaml first, each problem with its path inside the file."""
    ordered = sorted(found, key=lambda item: ("/" in item.at.file, item.at, item.code, item.message))
    return tuple(
        replace(item, path=path_to(trees[item.at.file], item.at)) if item.at.file in trees else item for item in ordered
    )
