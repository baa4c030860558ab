"""Remembered checks: the problems of an app by the exact texts of its files and the exact code that looked at them."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

import engine
from engine.definitions import Sources, check_sources
from engine.errors import Diagnostic

MOST_KEPT = 100
"""Checks that are kept; the oldest give way."""


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Where checks are kept: CASTWORK_CACHE, or `castwork` among the user's caches."""
    if "CASTWORK_CACHE" in environment:
        return Path(environment["CASTWORK_CACHE"])
    caches = environment.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "castwork"


class CheckCache:
    """Checks apps, and gives what was found before where neither files nor product have changed.

    A folder that cannot be read or written costs time and nothing else.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, sources: Sources) -> tuple[Diagnostic, ...]:
        """As `check_sources`."""
        file = self.folder / f"{_key(sources)}.json"
        with contextlib.suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return msgspec.json.decode(file.read_bytes(), type=tuple[Diagnostic, ...])
        found = check_sources(sources)
        with contextlib.suppress(OSError):
            self._keep(file, found)
        return found

    def _keep(self, file: Path, found: Sequence[Diagnostic]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(f".{os.getpid()}")
        new.write_bytes(msgspec.json.encode(found))
        new.replace(file)
        by_age = sorted(self.folder.glob("*.json"), key=lambda each: each.stat().st_mtime)
        for old in by_age[:-MOST_KEPT]:
            old.unlink(missing_ok=True)


def _key(sources: Sources) -> str:
    digest = hashlib.sha256()
    for part in (*_product(), *(part for pair in sources.files.items() for part in pair), repr(sources.problems)):
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(encoded) + encoded)
    return digest.hexdigest()


def _product() -> Iterator[str]:
    """Every file of the engine with its size and time, so that another edition checks anew."""
    for root in engine.__path__:
        for file in sorted(Path(root).rglob("*.py")):
            known = file.stat()
            yield f"{file} {known.st_size} {known.st_mtime_ns}"


__all__ = ["CheckCache", "cache_folder"]
