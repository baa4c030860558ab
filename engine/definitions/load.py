"""`Sources` in, `Definitions` out: every file as its kind of definition, with every problem of text and shape."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from typing import TypeVar

from engine.definitions.codes.code import problem
from engine.definitions.codes.files import DEFINED_TWICE
from engine.definitions.definition import Definition, Record
from engine.definitions.model import AppDef, EntityDef, GroupDef
from engine.definitions.model_examples import ExamplesDef
from engine.definitions.nodes import File, Map, Node
from engine.definitions.source import APP_FILES, HOOKS, Sources
from engine.definitions.system import SYSTEM_ENTITIES
from engine.definitions.takes import Problems
from engine.definitions.text import load_functions, load_text
from engine.errors import Diagnostic, Position

Kind = TypeVar("Kind", bound=Definition)


@dataclass(frozen=True)
class Definitions:
    """All that an app's files say, as written. A faulty file gives a faulty definition, so that its name is known.

    `entities` are the author's, then the system's. `hooks` is the text of hooks.py; `functions` tells of each function
    in it whether it takes one argument, None when the file is not valid Python. `examples` go by file. `trees` holds
    each file's nodes.
    """

    app: AppDef
    entities: Mapping[str, EntityDef]
    groups: Mapping[str, GroupDef]
    hooks: str | None
    functions: Mapping[str, bool] | None
    examples: Mapping[str, ExamplesDef]
    trees: Mapping[str, Node]
    problems: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """What a file says by itself: its text, its tree where it can be read, its definition and the problems of both."""

    text: str
    tree: Node | None
    definition: Definition | None
    problems: tuple[Diagnostic, ...]


class KnownFiles:
    """The files of an app as they were loaded last: those that have not changed since need not be read again."""

    def __init__(self) -> None:
        self._files: Mapping[str, LoadedFile] = {}

    def load(self, texts: Mapping[str, str]) -> Mapping[str, LoadedFile]:
        """Loads the files, unchanged ones from memory; other files are forgotten."""
        known = self._files
        self._files = {
            name: known[name] if name in known and known[name].text == text else _load_file(name, text)
            for name, text in texts.items()
        }
        return self._files


def load_definitions(sources: Sources, known: KnownFiles | None = None) -> Definitions:
    """Loads every file, unchanged ones from what is `known`; never raises for what a file says."""
    files = (known or KnownFiles()).load({name: text for name, text in sources.files.items() if name != HOOKS})
    problems: Problems = [*sources.problems, *(found for file in files.values() for found in file.problems)]
    hooks = sources.files.get(HOOKS)
    functions, found = load_functions(HOOKS, hooks or "")
    apps = _of_folder(AppDef, {"app": [name for name in APP_FILES if name in files]}, files, problems)
    entities = _of_folder(EntityDef, _names_in("entities", sources), files, problems)
    groups = _of_folder(GroupDef, _names_in("groups", sources), files, problems)
    trees = {name: file.tree for name, file in files.items() if file.tree is not None}
    examples = {name: file.definition for name, file in files.items() if isinstance(file.definition, ExamplesDef)}
    named = {name: dataclasses.replace(entity, name=name) for name, entity in entities.items()}
    return Definitions(
        app=apps["app"],
        entities={**named, **_system_entities()},
        groups=groups,
        hooks=hooks,
        functions=functions,
        examples=examples,
        trees=trees,
        problems=tuple(problems + found),
    )


def _names_in(folder: str, sources: Sources) -> dict[str, list[str]]:
    """The files of a folder by the dotted name that they define."""
    names: dict[str, list[str]] = {}
    for file in sources.files:
        path = PurePosixPath(file)
        if path.parts[0] == folder:
            names.setdefault(".".join((*path.parts[1:-1], path.stem)), []).append(file)
    return names


def _load_file(name: str, text: str) -> LoadedFile:
    tree, problems = load_text(name, text)
    kind = _kind_of(name)
    definition = None
    if tree is not None and kind is not None:
        loaded = Record(kind).load(tree, name, problems, Position(name, 1, 1))
        definition = loaded if isinstance(loaded, kind) else None
    return LoadedFile(text, tree, definition, tuple(problems))


def _kind_of(name: str) -> type[Definition] | None:
    return AppDef if name in APP_FILES else _KINDS.get(name.partition("/")[0])


_KINDS: Mapping[str, type[Definition]] = {"entities": EntityDef, "groups": GroupDef, "tests": ExamplesDef}


def _of_folder(
    kind: type[Kind], names: Mapping[str, list[str]], files: Mapping[str, LoadedFile], problems: Problems
) -> dict[str, Kind]:
    """The definitions by name; what two files define is told, and the first one counts."""
    loaded = {}
    for name, places in names.items():
        for other in places[1:]:
            message = f"{other} defines the same as {places[0]}"
            problems.append(problem(DEFINED_TWICE, Position(other, 1, 1), message, "remove one of the two files"))
        place = places[0] if places else name
        definition = files[place].definition if place in files else None
        empty = Map(File(place, ""), 1, 1, True, {}, {})
        loaded[name] = (
            definition if isinstance(definition, kind) else kind(node=empty, at=Position(place, 1, 1), faulty=True)
        )
    return loaded


@cache
def _system_entities() -> Mapping[str, EntityDef]:
    """The built-in entities, loaded once; they are part of the engine, so a problem in them is an error of ours."""
    entities = {}
    for name, text in SYSTEM_ENTITIES.items():
        tree, problems = load_text(f"{name}.yaml", text)
        assert tree is not None
        entity = Record(EntityDef).load(tree, name, problems, Position(f"{name}.yaml", 1, 1))
        assert not problems, problems
        entities[name] = dataclasses.replace(entity, name=name)
    return entities
