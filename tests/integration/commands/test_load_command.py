"""`castwork load`: counts, row errors and exit codes, with and without a server at the database."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server import cli
from server.app import compile_apps
from server.database import open_database
from server.runtime.auth.login import login
from server.runtime.auth.start import make_first_developer
from server.runtime.lists import list_records
from server.runtime.running import SYSTEM, RunningApp

ROOT = Path(__file__).parents[3]
FILES = {
    "app.yaml": "name: shop\n",
    "entities/makers.yaml": 'recordLabel: "{name}"\nfields:\n  name: {type: text, required: true, unique: true}\n',
    "entities/lamps.yaml": """recordLabel: "{name}"
fields:
  name:  {type: text, required: true}
  watts: {type: integer, min: 1}
  price: {type: money}
  maker: {type: relationship, entity: makers}
""",
    "data/makers.json": json.dumps([{"name": "Ann"}, {"name": "Bob"}, {"name": "Ann"}, {}]),
    "data/lamps.csv": 'Name,watts,price,maker\n"Big, red",40,12.50,Ann\nSmall,zero,,Cid\n',
    "more.jsonl": '\ufeff{"name": "One", "watts": 5}\n\n{"name": "Two", "colour": "red"}\n{"name":\n',
}


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return tmp_path


async def load(folder, *arguments, password="a long one 1"):
    """(exit code, standard output, standard error)."""
    environment = {} if password is None else {"CASTWORK_ADMIN_PASSWORD": password}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", "load", str(folder), *map(str, arguments)),
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, told = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, said.decode(), told.decode()


async def records(folder, entity, run=None):
    [loaded] = compile_apps(folder)
    async with open_database(None, folder) as database:
        store = await database.connect("shop")
        try:
            if run is not None:
                await run()
            page = await list_records(RunningApp(loaded.compiled, store), SYSTEM, entity, [])
            return page["items"]
        finally:
            await store.close()


async def test_records_are_created_in_order_beside_a_server_and_rows_that_fail_are_told(folder):
    said = []

    async def run():
        said.append(await load(folder, "data/makers.json", "data/lamps.csv"))

    lamps = await records(folder, "lamps", run)
    [(code, out, err)] = said
    assert code == 1
    assert "Traceback" not in err
    assert out.splitlines()[-6:] == [
        "data/makers.json, record 3: name: Another record has this value already (notUnique)",
        "data/makers.json, record 4: name: This field is required (required)",
        "data/makers.json: 2 of 4 records of makers created",
        "data/lamps.csv, line 3: watts: Expected a whole number (invalid)",
        "data/lamps.csv, line 3: maker: There is no such record in Makers (notFound)",
        "data/lamps.csv: 1 of 2 records of lamps created",
    ]
    assert [(lamp["name"], lamp["watts"], lamp["maker"]["label"]) for lamp in lamps] == [("Big, red", 40, "Ann")]


async def test_json_lines_go_to_a_named_entity_without_a_server(folder):
    code, out, _ = await load(folder, "more.jsonl", "--entity", "lamps")
    assert code == 1
    assert "more.jsonl, line 3: colour: There is no field named colour (invalidStructure)" in out
    assert "more.jsonl, line 4: It is not valid JSON" in out
    assert "more.jsonl: 1 of 3 records of lamps created" in out
    assert [lamp["name"] for lamp in await records(folder, "lamps")] == ["One"]

    (folder / "makers.json").write_text('[{"name": "Cid"}]')
    code, out, _ = await load(folder, "makers.json")
    assert (code, out) == (0, "makers.json: 1 of 1 records of makers created\n")


async def test_users_are_loaded_by_the_rules_of_users(folder):
    users = [
        {"firstName": name, "lastName": "Lee", "email": f"{name}@example.com", "authentication": authentication}
        for name, authentication in (
            ("ann", {"newPassword": "correct horse 7", "passwordConfirmation": "correct horse 7"}),
            ("bob", {"newPassword": "x", "passwordConfirmation": "x"}),
        )
    ]
    (folder / "people.json").write_text(json.dumps(users))
    code, said, _ = await load(folder, "people.json", "--entity", "sys.users")
    assert code == 1
    assert "record 2: authentication.newPassword: " in said
    assert "1 of 2 records of sys.users created" in said

    [loaded] = compile_apps(folder)
    async with open_database(None, folder) as database:
        store = await database.connect("shop")
        running = RunningApp(loaded.compiled, store)
        answer = await login(running, {"email": "ann@example.com", "password": "correct horse 7"}, None)
        [document] = await store.find("sys.users", {"email": "ann@example.com"})
        await store.close()
    assert answer["userEmail"] == "ann@example.com"
    assert "correct horse" not in str(document)


@pytest.mark.parametrize("password", [None, "a long one 1"])
async def test_no_first_developer_is_made_up_before_a_server_starts(folder, password):
    (folder / "makers.json").write_text('[{"name": "Cid"}]')
    code, out, _ = await load(folder, "makers.json", password=password)
    assert code == 0
    assert ("log in as admin@example.com" in out) is (password is not None)
    [loaded] = compile_apps(folder)
    async with open_database(None, folder) as database:
        store = await database.connect("shop")
        made = await make_first_developer(RunningApp(loaded.compiled, store), "boss@example.com", "a good password 1")
        await store.close()
    assert (made is None) is (password is not None), "the server finds nobody, or the one whom the command was told of"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nothing.json"], "nothing.json cannot be read: No such file"),
        (["lamp.csv"], "there is no entity named lamp; did you mean"),
        (["nothing.json", "--entity", "lamps"], "nothing.json cannot be read: No such file"),
        (["app.yaml", "--entity", "lamps", "--db", "memory:"], "A database in memory keeps nothing"),
        (["bad.json", "--entity", "lamps"], "bad.json: the file is not valid JSON"),
        (["bad.csv", "--entity", "lamps"], "bad.csv: There is no field for the column 'nme' in lamps"),
    ],
)
def test_what_cannot_be_loaded_at_all_is_refused_before_anything_is_written(folder, arguments, told, monkeypatch):
    (folder / "bad.json").write_text("[{]")
    (folder / "lamp.csv").write_text("name\nx\n")
    (folder / "bad.csv").write_text("nme\nx\n")
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(cli.app, ["load", str(folder), *arguments])
    assert (result.exit_code, result.stdout) == (1, "")
    assert told in result.stderr
    assert not (folder / ".castwork").exists()


def test_no_app_is_exit_code_2(folder):
    result = CliRunner().invoke(cli.app, ["load", str(folder / "data"), "makers.json"])
    assert result.exit_code == 2
    assert "holds no app" in result.stderr
