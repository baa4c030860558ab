"""The broken apps of tests/cases/definitions, each read and validated once for all tests that look at them."""

from dataclasses import dataclass
from functools import cache, cached_property
from operator import attrgetter

from engine.definitions import Checked, Sources, validate_sources
from tests.cases.reading import read_named_cases
from tests.every import every


@dataclass(frozen=True)
class BrokenApp:
    """One app; `expected` lists code, place and message of its problems."""

    name: str
    files: dict[str, str]
    expected: list[list[str]]

    @cached_property
    def checked(self) -> Checked:
        return validate_sources(Sources("", dict(sorted(self.files.items()))))


@cache
def broken_apps() -> tuple[BrokenApp, ...]:
    return tuple(
        BrokenApp(name, {"app.yaml": "name: crm\n", **case["files"]}, case["problems"])
        for name, case in read_named_cases("definitions").items()
    )


every_broken_app = every("app", broken_apps(), ids=attrgetter("name"))

__all__ = ["BrokenApp", "broken_apps", "every_broken_app"]
