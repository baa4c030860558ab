"""From an app's files to its resolved model: `read_sources`, then `resolve_app`; `validate_paths` for reports."""

from engine.definitions.codes import CODES, Code
from engine.definitions.report import Format, Outcome, Report, build_report, render_report, validate_paths
from engine.definitions.source import NoApp, Sources, find_apps, find_files, read_sources
from engine.definitions.validate import Checked, resolve_app, validate_sources

__all__ = [
    "CODES",
    "Checked",
    "Code",
    "Format",
    "NoApp",
    "Outcome",
    "Report",
    "Sources",
    "build_report",
    "find_apps",
    "find_files",
    "read_sources",
    "render_report",
    "resolve_app",
    "validate_paths",
    "validate_sources",
]
