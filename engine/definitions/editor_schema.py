"""JSON Schema (draft 2020-12) of definition files for editors: made from the tables that the loader reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from engine.definitions.definition import Definition, Record
from engine.definitions.load import load_definitions
from engine.definitions.model import AppDef, EntityDef, GroupDef
from engine.definitions.model_examples import ExamplesDef
from engine.definitions.resolve import Resolved, resolve_definitions
from engine.definitions.schema_book import Kind, ProjectNames, Schema, SchemaBook
from engine.definitions.source import Sources

SCHEMAS: Final[Mapping[str, type[Definition]]] = MappingProxyType(
    {"entity": EntityDef, "app": AppDef, "group": GroupDef, "test": ExamplesDef}
)
"""The kinds of files, by the word that asks for their schema."""


def build_editor_schema(kind: str, names: ProjectNames | None = None) -> Schema:
    """The schema of a kind of file (a key of SCHEMAS); with `names` it offers what the project has."""
    book = SchemaBook(names)
    model = SCHEMAS[kind]
    start = Record(model).schema(book)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Castwork: {model.noun}",
        **start,
        "$defs": {name: book.parts[name] for name in sorted(book.parts)},
    }


def project_names(sources: Iterable[Sources]) -> ProjectNames:
    """The names in these apps together, broken ones included as far as they can be read."""
    known: dict[Kind, set[str]] = {kind: set() for kind in Kind}
    for app in sources:
        written = load_definitions(app)
        resolved = resolve_definitions(written)
        known[Kind.ENTITY] |= resolved.entities.keys()
        known[Kind.FIELD] |= _paths(resolved)
        known[Kind.ACTION] |= {action for entity in resolved.entities.values() for action in entity.actions}
        known[Kind.GROUP] |= written.groups.keys()
        known[Kind.QUEUE] |= resolved.app.queues.keys()
        known[Kind.FUNCTION] |= {name for name, fits in (written.functions or {}).items() if fits}
    return ProjectNames({kind: tuple(sorted(names)) for kind, names in known.items()})


def _paths(resolved: Resolved) -> set[str]:
    return {path.name for entity in resolved.entities.values() for path in entity.all_paths()}


__all__ = ["SCHEMAS", "build_editor_schema", "project_names"]
