"""The app that `castwork new` writes: in goes a folder's path, out come its files."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from engine.errors import CastworkError

FILES = ("app.yaml", "entities/projects.yaml", "entities/tasks.yaml", "groups/team.yaml", "tests/rights.yaml")
NAME_MARK = "$name"
"""Stands in app.yaml for the app's name."""


class CannotStart(CastworkError):
    """The folder cannot be made into an app; the message says why."""


def write_starter(folder: Path) -> list[Path]:
    """Writes the files of a small app that is named after its folder; raises CannotStart."""
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise CannotStart(f"{folder} is there already and is not an empty folder; choose another name")
    name = app_name(folder.resolve().name)
    written = []
    for place in FILES:
        text = resources.files(__package__).joinpath(place).read_text(encoding="utf-8")
        file = folder / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace(NAME_MARK, name), encoding="utf-8")
        written.append(file)
    return written


def app_name(folder_name: str) -> str:
    """The name of an app in that folder: `My-shop 2` gives `myShop2`, a name without letters gives `app`."""
    words = re.findall(r"[A-Za-z0-9]+", folder_name)
    joined = "".join(word[:1].upper() + word[1:] for word in words).lstrip("0123456789")
    return joined[:1].lower() + joined[1:] or "app"


__all__ = ["FILES", "CannotStart", "app_name", "write_starter"]
