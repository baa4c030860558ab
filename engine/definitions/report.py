"""Diagnostics in, text for people and machines out: text, json, github and sarif."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, Literal
from urllib.parse import quote

from engine.definitions.codes import CODES, Code
from engine.definitions.source import NoApp, Sources, find_apps, read_sources
from engine.errors import Diagnostic, Position

Format = Literal["text", "json", "github", "sarif"]
Check = Callable[[Sources], Sequence[Diagnostic]]
"""What tells the problems of an app."""

_LINE_BREAK = re.compile("\r\n|\r|\n")

CLEAN, PROBLEMS, CANNOT_RUN = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Report:
    """All problems of one or several apps, their files named from the working folder; `texts` are those files."""

    diagnostics: tuple[Diagnostic, ...]
    texts: Mapping[str, str]
    apps: int = 1

    @property
    def errors(self) -> int:
        """How many problems are errors."""
        return sum(item.severity == "error" for item in self.diagnostics)

    @property
    def warnings(self) -> int:
        """How many problems are warnings."""
        return len(self.diagnostics) - self.errors

    def strict(self) -> Report:
        """The same with every warning as an error."""
        return replace(self, diagnostics=tuple(replace(item, severity="error") for item in self.diagnostics))

    @property
    def exit_code(self) -> int:
        """0 without errors, 1 with errors; warnings do not count."""
        return PROBLEMS if self.errors else CLEAN


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of `castwork validate` comes to: the process's exit code and what it prints."""

    exit_code: int
    text: str


def check_sources(sources: Sources) -> tuple[Diagnostic, ...]:
    """All problems of an app, in file order."""
    from engine.definitions.validate import validate_sources  # all laws and types: a remembered check needs none

    return validate_sources(sources).diagnostics


def validate_paths(
    paths: Sequence[Path], form: Format = "text", *, strict: bool = False, check: Check = check_sources
) -> Outcome:
    """Validates every app at the paths (apps, or folders of apps); exit code 2 where a path holds none."""
    try:
        report = build_report([app for path in paths for app in find_apps(path)], check)
    except NoApp as error:
        return Outcome(CANNOT_RUN, str(error))
    report = report.strict() if strict else report
    return Outcome(report.exit_code, render_report(report, form))


def build_report(apps: Sequence[Path], check: Check = check_sources) -> Report:
    """The problems of the apps in these folders, as `check` gives them; raises NoApp where a folder is none."""
    diagnostics: list[Diagnostic] = []
    texts: dict[str, str] = {}
    for app in apps:
        sources = read_sources(app)
        root = PurePath(sources.root)
        texts.update(((root / name).as_posix(), text) for name, text in sources.files.items())
        for item in check(sources):
            place = replace(item.at, file=(root / item.at.file).as_posix())
            diagnostics.append(replace(item, at=place))
    return Report(tuple(diagnostics), texts, len(apps))


def render_report(report: Report, form: Format = "text") -> str:
    """The report in one of the formats; no newline at its end."""
    return _FORMATS[form](report)


def _text(report: Report) -> str:
    parts = [_text_of(item, report.texts) for item in report.diagnostics]
    counted = f"{_count(report.errors, 'error')}, {_count(report.warnings, 'warning')} in {_count(report.apps, 'app')}"
    return "\n\n".join([*parts, counted])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _text_of(item: Diagnostic, texts: Mapping[str, str]) -> str:
    lines = [f"{item.at}: {item.severity} {item.code}: {item.message}"]
    source = _LINE_BREAK.split(texts.get(item.at.file, ""))
    if item.at.line <= len(source) and source[item.at.line - 1].strip():
        shown, caret = _excerpt(source[item.at.line - 1], item.at.column - 1)
        margin = f"{item.at.line:>6} | "
        lines += [margin + shown, " " * (len(margin) - 2) + "| " + " " * caret + "^"]
    if item.hint:
        lines.append(f"  hint: {item.hint}")
    return "\n".join(lines)


def _excerpt(line: str, column: int, width: int = 120) -> tuple[str, int]:
    """The part of a source line around a column, tabs as spaces, and where the column stands in it."""
    start = max(0, min(column - width // 2, len(line) - width))
    shown = line[start : start + width].replace("\t", " ")
    ahead, behind = ("…" if start else ""), ("…" if start + width < len(line) else "")
    return ahead + shown + behind, column - start + len(ahead)


def _json(report: Report) -> str:
    problems = [
        {
            "code": item.code,
            "severity": item.severity,
            "message": item.message,
            "hint": item.hint,
            "file": item.at.file,
            "line": item.at.line,
            "column": item.at.column,
            "path": item.path,
        }
        for item in report.diagnostics
    ]
    return json.dumps({"problems": problems, "errors": report.errors, "warnings": report.warnings}, indent=2)


def _github(report: Report) -> str:
    """Workflow commands, which GitHub shows beside the lines of a change."""
    return "\n".join(
        github_line(
            item.severity, item.at, item.code, item.message if item.hint is None else f"{item.message} ({item.hint})"
        )
        for item in report.diagnostics
    )


def github_line(severity: str, at: Position, title: str, message: str) -> str:
    """One workflow command."""
    place = f"file={_property(at.file)},line={at.line},col={at.column}"
    return f"::{severity} {place},title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _sarif(report: Report) -> str:
    used = sorted({item.code for item in report.diagnostics})
    rules: list[dict[str, Any]] = [
        {
            "id": code,
            "name": CODES[code].title,
            "shortDescription": {"text": CODES[code].title},
            "fullDescription": {"text": CODES[code].explanation},
            "help": _help(CODES[code]),
            "defaultConfiguration": {"level": CODES[code].severity},
        }
        for code in used
    ]
    results = [
        {
            "ruleId": item.code,
            "ruleIndex": used.index(item.code),
            "level": item.severity,
            "message": {"text": item.message if item.hint is None else f"{item.message}. {item.hint}"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": quote(item.at.file)},
                        "region": {"startLine": item.at.line, "startColumn": item.at.column},
                    },
                    "logicalLocations": [{"fullyQualifiedName": item.path}],
                }
            ],
        }
        for item in report.diagnostics
    ]
    run = {
        "tool": {"driver": {"name": "castwork", "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return json.dumps({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _help(code: Code) -> dict[str, str]:
    """What a reader of the report is shown beside a problem of that kind."""
    where = f" ({code.file})" if code.file else ""
    examples = f"Wrong{where}:\n```yaml\n{code.wrong}\n```\nRight:\n```yaml\n{code.right}\n```"
    return {
        "text": f"Wrong{where}: {code.wrong}\nRight: {code.right}",
        "markdown": f"{code.explanation}\n\n{examples}",
    }


_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_FORMATS: Mapping[str, Callable[[Report], str]] = {"text": _text, "json": _json, "github": _github, "sarif": _sarif}
