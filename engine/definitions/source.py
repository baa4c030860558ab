"""A folder in, the texts of one app out (`Sources`); the only module of the engine that reads the disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.definitions.codes.code import problem
from engine.definitions.codes.files import NOT_READ, TOO_LARGE, UNREADABLE
from engine.errors import CastworkError, Diagnostic, Position, did_you_mean

APP_FILES = ("app.yaml", "app.yml", "app.json")
SUFFIXES = (".yaml", ".yml", ".json")
FOLDERS = {"entities": True, "groups": False, "tests": False}
"""Folders whose files are definitions, and whether folders inside them count."""
DATA_SUFFIXES = (".json", ".jsonl", ".csv")
"""Files with starting records; each is named after its entity."""
HOOKS = "hooks.py"
LARGEST_FILE = 1024 * 1024
"""Bytes; a definition file above it is refused unread."""


_KNOWN = (*APP_FILES, HOOKS, *FOLDERS, "data")


class NoApp(CastworkError):
    """The path does not exist or holds no app; the message says what was looked for."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The texts of one app. `files` maps names inside the app (`entities/companies.yaml`) to texts, in name order.

    `root` is the path as the user gave it, for messages; `problems` are files that could not be read.
    """

    root: str
    files: Mapping[str, str]
    problems: tuple[Diagnostic, ...] = ()


def find_apps(path: Path) -> list[Path]:
    """The folders of apps at `path`: itself, or else its sub-folders that hold an app.yaml; raises NoApp."""
    if not path.exists():
        raise NoApp(f"{path} does not exist")
    if path.is_file() and path.name in APP_FILES:
        return [path.parent]
    if path.is_dir():
        if _holds_app(path):
            return [path]
        apps = sorted(child for child in path.iterdir() if child.is_dir() and _holds_app(child))
        if apps:
            return apps
    raise NoApp(f"{path} holds no app: there is no app.yaml in it, nor in a folder directly inside it")


def find_files(path: Path) -> list[tuple[Path, str]]:
    """The definition files of apps at `path`, or the file itself: each with its name inside its app; raises NoApp."""
    if path.is_file() and path.name not in APP_FILES:
        root = next((folder for folder in path.resolve().parents if _holds_app(folder)), None)
        if root is None:
            raise NoApp(f"{path} belongs to no app: no folder around it holds an app.yaml")
        return [(path, path.resolve().relative_to(root).as_posix())]
    files = [(app / name, name) for app in find_apps(path) for name in read_sources(app).files]
    return [(file, name) for file, name in files if file.suffix in SUFFIXES]


def read_sources(path: Path) -> Sources:
    """Reads one app's folder; raises NoApp where there is none. Unreadable files become `problems`."""
    if not _holds_app(path):
        raise NoApp(f"{path} holds no app: there is no app.yaml in it")
    files: dict[str, str] = {}
    problems: list[Diagnostic] = []
    for name, file in sorted(_files(path, problems)):
        try:
            if file.stat().st_size > LARGEST_FILE:
                limit = f"{name} is over {LARGEST_FILE:,} bytes"
                problems.append(problem(TOO_LARGE, Position(name, 1, 1), limit, "split it into several files"))
                continue
            files[name] = file.read_bytes().decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = f"{name} cannot be read: {error}"
            problems.append(problem(UNREADABLE, Position(name, 1, 1), reason, "save it as UTF-8 text"))
    return Sources(str(path), files, tuple(problems))


def read_data(path: Path) -> dict[str, str]:
    """The texts of an app's starting records by their names inside the app (`data/companies.json`)."""
    files = sorted(file for file in (path / "data").glob("*") if file.suffix in DATA_SUFFIXES and file.is_file())
    return {file.relative_to(path).as_posix(): file.read_bytes().decode("utf-8-sig") for file in files}


def _holds_app(path: Path) -> bool:
    return any((path / name).is_file() for name in APP_FILES)


def _files(path: Path, problems: list[Diagnostic]) -> list[tuple[str, Path]]:
    found = [(name, path / name) for name in (*APP_FILES, HOOKS) if (path / name).is_file()]
    for folder, deep in FOLDERS.items():
        for file in (path / folder).glob("**/*"):
            inside = file.relative_to(path)
            if not file.is_file() or any(part.startswith(".") for part in inside.parts):
                continue
            name = inside.as_posix()
            reason = None
            if file.suffix not in SUFFIXES:
                reason = f"definitions end in {', '.join(SUFFIXES)}"
            elif len(inside.parts) > 2 and not deep:
                reason = f"{folder}/ has no folders inside"
            if reason is None:
                found.append((name, file))
            else:
                problems.append(_not_read(name, reason, "rename it or move it elsewhere"))
    for other in path.iterdir():
        meant = None if other.name in _KNOWN or other.name.startswith(".") else did_you_mean(other.name, _KNOWN)
        if meant is not None:
            problems.append(_not_read(other.name, "an app has no such part", meant))
    return found


def _not_read(name: str, reason: str, hint: str) -> Diagnostic:
    return problem(NOT_READ, Position(name, 1, 1), f"{name} is not read: {reason}", hint)
