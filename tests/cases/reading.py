"""Reading of cases: a YAML file in, its plain data out."""

from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent


def read_cases(path: Path) -> Any:
    """The data of one file, read by LibYAML: half a megabyte of cases takes Python's own reader seconds."""
    return yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)


def read_named_cases(folder: str) -> dict[str, list[dict]]:
    """The lists of cases in a folder beside this file, by the stem of their file."""
    return {file.stem: read_cases(file) for file in sorted((FOLDER / folder).glob("*.yaml"))}


__all__ = ["FOLDER", "read_cases", "read_named_cases"]
