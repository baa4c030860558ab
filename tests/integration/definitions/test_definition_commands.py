"""The commands on definition files as a user runs them: exit codes, what is printed, what is written."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.cli import app as program

CRM = Path(__file__).parents[3] / "app_definitions" / "crm"
run = CliRunner().invoke


@pytest.fixture
def app(tmp_path):
    folder = tmp_path / "crm"
    shutil.copytree(CRM, folder)
    return folder


def castwork(*words):
    return run(program, [str(word) for word in words])


def snapshot(folder):
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_warnings_count_only_when_asked_to(app):
    (app / "entities/notes.yaml").write_text("auditLogs: {changed: true}\nfields: {text: {type: text}}\n")
    relaxed, strict = castwork("validate", app), castwork("validate", app, "--strict")
    assert (relaxed.exit_code, strict.exit_code) == (0, 1)
    assert "warning D800" in relaxed.stdout
    assert "error D800" in strict.stdout
    assert castwork("validate", app, "--strict", "--format", "sarif").exit_code == 1


def test_an_ignore_with_a_reason_keeps_strict_reports_clean(app):
    (app / "entities/notes.yaml").write_text(
        "# ignore: D800 the trail is the product\nauditLogs: {changed: true}\nfields: {text: {type: text}}\n"
    )
    assert castwork("validate", app, "--strict").exit_code == 0


def test_a_new_app_is_free_of_warnings_and_laid_out(tmp_path):
    assert castwork("new", tmp_path / "myShop").exit_code == 0
    assert castwork("validate", "--strict", tmp_path).exit_code == 0
    assert castwork("fmt", "--check", tmp_path).exit_code == 0


@pytest.mark.parametrize("kind", ["entity", "app", "group", "test"])
def test_schema_prints_a_schema(kind):
    done = castwork("schema", kind)
    assert done.exit_code == 0
    assert json.loads(done.stdout)["$schema"].startswith("https://json-schema.org/")


def test_schema_offers_the_names_of_a_project(app):
    text = castwork("schema", "--project", app, "entity").stdout
    assert "contactInformation.phoneNumber" in text
    assert "contactInformation.phoneNumber" not in castwork("schema", "entity").stdout
    assert castwork("schema", "--project", app / "nothing", "entity").exit_code == 2


def test_fmt_writes_what_check_only_tells(app):
    odd = app / "entities/notes.yaml"
    odd.write_text("fields:\n    text:\n        type: text\nlabel: Notes\n")
    before = snapshot(app)
    checked = castwork("fmt", "--check", app)
    assert (checked.exit_code, snapshot(app)) == (1, before)
    assert "notes.yaml would change" in checked.stdout
    assert castwork("fmt", app).exit_code == 0
    assert odd.read_text() == "label: Notes\nfields:\n  text: {type: text}\n"
    assert {name for name, text in snapshot(app).items() if before[name] != text} == {"entities/notes.yaml"}
    assert castwork("fmt", "--check", app).exit_code == 0


def test_fmt_takes_single_files_and_knows_their_app(app, tmp_path):
    odd = app / "entities/notes.yaml"
    odd.write_text("fields: {}\nlabel: Notes\n")
    assert castwork("fmt", odd).exit_code == 0
    assert odd.read_text() == "label: Notes\nfields: {}\n"
    alone = tmp_path / "alone.yaml"
    alone.write_text("label: A\n")
    assert castwork("fmt", alone).exit_code == 2
    assert castwork("fmt", tmp_path / "nothing").exit_code == 2


def test_fmt_tells_what_it_leaves_alone(app):
    broken, unusual = app / "entities/broken.yaml", app / "entities/unusual.yaml"
    broken.write_text("label: [")
    unusual.write_text("fields: &all\n  a: {type: text}\n")
    before = snapshot(app)
    done = castwork("fmt", app)
    assert (done.exit_code, snapshot(app)) == (1, before)
    assert "broken.yaml: left as it is: castwork validate tells" in done.stderr
    broken.unlink()
    done = castwork("fmt", app)
    assert done.exit_code == 0
    assert "unusual.yaml: left as it is: the anchor in line 1" in done.stderr


def test_rename_writes_files_and_tells_of_python(app):
    done = castwork("rename", app, "companies.numberOfEmployees", "staff")
    assert done.exit_code == 0
    assert "entities/companies.yaml: 5 places" in done.stdout
    assert "hooks.py:" in done.stderr
    assert "staff:" in (app / "entities/companies.yaml").read_text()
    assert '"staff": 95' in (app / "data/companies.json").read_text()
    assert castwork("validate", "--strict", app).exit_code == 0


def test_a_refused_renaming_writes_nothing(app):
    before = snapshot(app)
    done = castwork("rename", app, "companies.name", "notes")
    assert (done.exit_code, snapshot(app)) == (1, before)
    assert 'companies has a field "notes" already' in done.stderr
    assert castwork("rename", app / "nothing", "a.b", "c").exit_code == 2
