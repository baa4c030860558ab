"""From an app's files to its resolved model: `read_sources`, then `resolve_app`; `validate_paths` for reports.

A name is loaded when it is asked for: who reads files and shows a report need not wait for laws and field types.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.definitions.codes import CODES, Code
    from engine.definitions.load import KnownFiles
    from engine.definitions.report import (
        Format,
        Outcome,
        Report,
        build_report,
        check_sources,
        render_report,
        validate_paths,
    )
    from engine.definitions.source import NoApp, Sources, find_apps, find_files, read_sources
    from engine.definitions.validate import Checked, resolve_app, validate_sources
else:
    _HOMES = {
        name: module
        for module, names in {
            "codes": ("CODES", "Code"),
            "load": ("KnownFiles",),
            "report": (
                *("Format", "Outcome", "Report"),
                *("build_report", "check_sources", "render_report", "validate_paths"),
            ),
            "source": ("NoApp", "Sources", "find_apps", "find_files", "read_sources"),
            "validate": ("Checked", "resolve_app", "validate_sources"),
        }.items()
        for name in names
    }

    def __getattr__(name: str) -> Any:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{home}"), name)


__all__ = [
    "CODES",
    "Checked",
    "Code",
    "Format",
    "KnownFiles",
    "NoApp",
    "Outcome",
    "Report",
    "Sources",
    "build_report",
    "check_sources",
    "find_apps",
    "find_files",
    "read_sources",
    "render_report",
    "resolve_app",
    "validate_paths",
    "validate_sources",
]
