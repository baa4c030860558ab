"""Reading apps from disk: which files count, what cannot be read, where apps are found, and whole reports."""

import json
from pathlib import Path

import pytest

from engine.definitions import NoApp, find_apps, read_sources, validate_paths, validate_sources

CRM = Path(__file__).parents[3] / "app_definitions" / "crm"


@pytest.fixture
def app(tmp_path):
    folder = tmp_path / "shop"
    write(folder, "app.yaml", "name: shop\n")
    return folder


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def codes(folder):
    return [(item.code, item.at.file) for item in validate_sources(read_sources(folder)).diagnostics]


def test_definition_files_are_read_in_name_order(app):
    for name in ("entities/b.yaml", "entities/deep/er/a.yml", "entities/c.json", "groups/g.yaml", "tests/t.yaml"):
        write(app, name, "{}")
    write(app, "hooks.py", "def f(ctx): ...\n")
    for name in ("data/a.json", "README.md", "entities/.hidden.yaml", "entities/.git/x.yaml", "groups/deep/g.yaml"):
        write(app, name, "{}")
    assert list(read_sources(app).files) == [
        "app.yaml",
        "entities/b.yaml",
        "entities/c.json",
        "entities/deep/er/a.yml",
        "groups/g.yaml",
        "hooks.py",
        "tests/t.yaml",
    ]


def test_a_byte_order_mark_is_no_text(app):
    write(app, "entities/a.yaml", b"\xef\xbb\xbflabel: A\n")
    assert read_sources(app).files["entities/a.yaml"] == "label: A\n"


def test_what_cannot_be_read_is_a_problem(app):
    write(app, "entities/a.yaml", "label: Ä".encode("latin-1"))
    write(app, "entities/b.yaml", b"x" * (1024 * 1024 + 1))
    write(app, "entities/c.txt", "label: C")
    write(app, "entities/d.yaml~", "label: D")
    assert codes(app) == [
        ("S108", "entities/a.yaml"),
        ("S105", "entities/b.yaml"),
        ("S116", "entities/c.txt"),
        ("S116", "entities/d.yaml~"),
    ]


def test_problems_of_reading_say_what_to_do(app):
    write(app, "entities/a.yaml", b"\xff\xfe")
    write(app, "entities/c.txt", "")
    assert all(item.hint for item in read_sources(app).problems)


def test_request_examples_are_checked_for_being_yaml(app):
    write(app, "tests/a.yaml", "a: [")
    assert codes(app) == [("S100", "tests/a.yaml")]


def test_apps_are_found_at_and_below_a_path(tmp_path, app):
    write(tmp_path / "other", "app.json", '{"name": "other"}')
    write(tmp_path / "data", "x.yaml", "")
    assert find_apps(app) == [app]
    assert find_apps(app / "app.yaml") == [app]
    assert find_apps(tmp_path) == [tmp_path / "other", app]


@pytest.mark.parametrize("name", ["missing", "empty", "file.yaml"])
def test_a_path_without_an_app_is_told(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.yaml").write_text("name: a\n")
    with pytest.raises(NoApp, match=name):
        find_apps(tmp_path / name)
    with pytest.raises(NoApp, match=name):
        read_sources(tmp_path / name)
    outcome = validate_paths([tmp_path / name])
    assert outcome.exit_code == 2
    assert name in outcome.text


def test_a_report_names_files_from_where_the_user_stands(tmp_path, app):
    write(app, "entities/a.yaml", "lable: A\n")
    write(tmp_path / "other", "app.yaml", "name: other\nlable: x\n")
    outcome = validate_paths([tmp_path], "json")
    assert outcome.exit_code == 1
    problems = json.loads(outcome.text)["problems"]
    assert [problem["file"] for problem in problems] == [
        (tmp_path / "other/app.yaml").as_posix(),
        (app / "entities/a.yaml").as_posix(),
    ]
    text = validate_paths([tmp_path]).text
    assert "     1 | lable: A" in text
    assert text.endswith("2 errors, 0 warnings in 2 apps")


def test_the_sample_app_is_clean():
    outcome = validate_paths([CRM])
    assert (outcome.exit_code, outcome.text) == (0, "0 errors, 0 warnings in 1 app")
