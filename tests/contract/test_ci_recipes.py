"""What users copy for CI and editors works as it stands: commands exist, hooks match the files that they are for."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from server.cli import app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
BLOCKS = re.findall(r"```yaml\n(.*?)```", README[README.index("## Validate in CI") :], re.DOTALL)
JOB, PRE_COMMIT = (yaml.safe_load(block) for block in BLOCKS[:2])


def castwork(words):
    return CliRunner().invoke(app, words)


@pytest.mark.parametrize(
    "line", [step["run"] for step in JOB["jobs"]["validate"]["steps"] if step.get("run", "").startswith("castwork ")]
)
def test_the_job_passes_on_the_sample_app(line, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert castwork(shlex.split(line)[1:]).exit_code == 0


def test_hooks_of_the_example_are_hooks_of_this_repository(monkeypatch):
    monkeypatch.chdir(ROOT)
    (repository,) = PRE_COMMIT["repos"]
    for used in repository["hooks"]:
        hook = HOOKS[used["id"]]
        files = [] if hook.get("pass_filenames", True) is False else ["app_definitions/crm/entities/companies.yaml"]
        words = [*shlex.split(hook["entry"])[1:], *used.get("args", []), *files]
        assert castwork(words).exit_code == 0
        assert hook["language"] == "python"


@pytest.mark.parametrize(
    ("file", "hooks"),
    [
        ("app_definitions/crm/app.yaml", {"castwork-validate", "castwork-fmt"}),
        ("crm/entities/sales/orders.yml", {"castwork-validate", "castwork-fmt"}),
        ("groups/sales.json", {"castwork-validate", "castwork-fmt"}),
        ("crm/hooks.py", {"castwork-validate"}),
        ("crm/tests/rights.yaml", {"castwork-validate"}),
        ("crm/data/companies.json", set()),
        ("docs/entities.yaml", set()),
    ],
)
def test_hooks_run_for_definition_files(file, hooks):
    assert {name for name, hook in HOOKS.items() if re.search(hook["files"], file)} == hooks


def test_the_editor_line_names_what_the_command_writes():
    written = re.search(r"castwork schema (\w+) --project (\w+) > \2/(\S+)", README)
    line = re.search(r"# yaml-language-server: \$schema=\.\./(\S+)", README)
    assert written[3] == line[1]
    assert castwork(["schema", written[1]]).exit_code == 0
