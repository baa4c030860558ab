"""Definitions that change while they are served: in go file changes, out come new editions or the problems."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

from watchfiles import Change, awatch

from engine.definitions import KnownFiles, validate_paths
from engine.errors import CastworkError, DefinitionErrors
from server.app import Deployment, Tell, load_app

SUFFIXES = (".yaml", ".yml", ".json", ".py")
NO_DEFINITIONS = frozenset({"data", ".castwork", "__pycache__"})
"""Folders of an app whose files define nothing."""


@contextlib.asynccontextmanager
async def reloading(deployments: Sequence[Deployment], tell: Tell) -> AsyncIterator[None]:
    """While it is entered, a changed app is compiled beside the present one and takes its place if it compiles.

    `tell` gets a line for each takeover, and the problems of definitions that do not compile.
    """
    watch = asyncio.create_task(_watch(deployments, tell))
    try:
        yield
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)


async def _watch(deployments: Sequence[Deployment], tell: Tell) -> None:
    folders = {one.loaded.folder.resolve(): one for one in deployments}
    known = {folder: KnownFiles() for folder in folders}
    async for changes in awatch(*folders, watch_filter=_defines):
        for folder in _changed(folders, changes):
            await _reload(folders[folder], known[folder], tell)


def _defines(change: Change, file: str) -> bool:
    path = Path(file)
    return path.suffix in SUFFIXES and not NO_DEFINITIONS.intersection(path.parts)


def _changed(folders: Iterable[Path], changes: set[tuple[Change, str]]) -> list[Path]:
    return [folder for folder in folders if any(Path(file).is_relative_to(folder) for _, file in changes)]


async def _reload(deployment: Deployment, known: KnownFiles, tell: Tell) -> None:
    folder = deployment.loaded.folder
    try:
        deployment.replace(await asyncio.to_thread(load_app, folder, known))
    except DefinitionErrors:
        outcome = await asyncio.to_thread(validate_paths, [folder])
        tell(f"{outcome.text}\n{deployment.loaded.name} goes on with its last good definitions")
    except CastworkError as error:
        tell(f"{error}\n{deployment.loaded.name} goes on with its last good definitions")
    else:
        await deployment.prepare()
        tell(f"{deployment.loaded.name} serves its changed definitions")


__all__ = ["reloading"]
