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
    in it whether it takes one argument, None when the file is not valid Python. `trees` holds each file's nodes.
    """

    app: AppDef
    entities: Mapping[str, EntityDef]
    groups: Mapping[str, GroupDef]
    hooks: str | None
    functions: Mapping[str, bool] | None
    trees: Mapping[str, Node]
    problems: tuple[Diagnostic, ...]


def load_definitions(sources: Sources) -> Definitions:
    """Loads every file; never raises for what a file says."""
    problems: Problems = list(sources.problems)
    trees: dict[str, Node] = {}
    for name, text in sources.files.items():
        if name != HOOKS:
            tree, found = load_text(name, text)
            problems += found
            if tree is not None:
                trees[name] = tree
    hooks = sources.files.get(HOOKS)
    functions, found = load_functions(HOOKS, hooks or "")
    apps = _of_folder(AppDef, {"app": [name for name in APP_FILES if name in sources.files]}, trees, problems)
    entities = _of_folder(EntityDef, _names_in("entities", sources), trees, problems)
    groups = _of_folder(GroupDef, _names_in("groups", sources), trees, problems)
    named = {name: dataclasses.replace(entity, name=name) for name, entity in entities.items()}
    return Definitions(
        apps["app"], {**named, **_system_entities()}, groups, hooks, functions, trees, tuple(problems + found)
    )


def _names_in(folder: str, sources: Sources) -> dict[str, list[str]]:
    """The files of a folder by the dotted name that they define."""
    names: dict[str, list[str]] = {}
    for file in sources.files:
        path = PurePosixPath(file)
        if path.parts[0] == folder:
            names.setdefault(".".join((*path.parts[1:-1], path.stem)), []).append(file)
    return names


def _of_folder(
    kind: type[Kind], names: Mapping[str, list[str]], trees: Mapping[str, Node], problems: Problems
) -> dict[str, Kind]:
    loaded = {}
    for name, files in names.items():
        for other in files[1:]:
            message = f"{other} defines the same as {files[0]}"
            problems.append(problem(DEFINED_TWICE, Position(other, 1, 1), message, "remove one of the two files"))
        loaded[name] = _definition(kind, files[0] if files else name, trees, problems)
    return loaded


def _definition(kind: type[Kind], file: str, trees: Mapping[str, Node], problems: Problems) -> Kind:
    start = Position(file, 1, 1)
    if file in trees:
        loaded = Record(kind).load(trees[file], file, problems, start)
        if isinstance(loaded, kind):
            return loaded
    empty = Map(File(file, ""), 1, 1, True, {}, {})
    return kind(node=empty, at=start, faulty=True)


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
