"""The first page of the documentation is true: its app is served, and its requests are answered as it says."""

import json
import re

import pytest

from tests.integration.http.conftest import ROOT

README = (ROOT / "README.md").read_text()
FILES = re.findall(r"```yaml\n# (\S+)\n(.*?)```", README, re.DOTALL)
EXCHANGES = re.findall(r"```http\n([A-Z]+) (\S+)\n(.*?)\n?\n(\d+) [^\n]*\n(.*?)```", README, re.DOTALL)
CHANGING = {"id", "requestId"}


def settled(value):
    """The same value without what differs from one run to the next."""
    if isinstance(value, list):
        return [settled(item) for item in value]
    if isinstance(value, dict):
        return {name: settled(inner) for name, inner in value.items() if name not in CHANGING}
    return value


@pytest.fixture
def shop(tmp_path, serve):
    for name, text in FILES:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return serve(tmp_path / "shop")


def test_the_page_shows_an_app_and_what_it_answers():
    assert [name for name, _ in FILES] == ["shop/app.yaml", "shop/entities/products.yaml"]
    assert [(method, status) for method, _, _, status, _ in EXCHANGES] == [
        ("POST", "200"),
        ("POST", "400"),
        ("GET", "200"),
    ]


def test_requests_are_answered_as_shown(shop):
    for method, path, body, status, shown in EXCHANGES:
        sent = {"content": body, "headers": {"content-type": "application/json"}} if body else {}
        answer = shop.client.request(method, shop.root.join(path), **sent)
        assert answer.status_code == int(status)
        assert settled(answer.json()) == settled(json.loads(shown))
        assert list(answer.json()) == list(json.loads(shown))


def test_every_command_of_the_page_is_one_of_the_program(tmp_path):
    from typer.testing import CliRunner

    from server.cli import app

    listed = CliRunner().invoke(app, ["--help"]).stdout
    shown = set(re.findall(r"^\| `castwork (\w+)", README, re.MULTILINE))
    assert shown
    for command in shown:
        assert re.search(rf"^\s+{command}\s", listed, re.MULTILINE), command
        assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0
