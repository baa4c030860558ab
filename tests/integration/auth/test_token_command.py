"""`castwork token` beside a running server that owns the embedded database."""

import asyncio
import re
import sys
from pathlib import Path

import pytest

from server.app import compile_apps
from server.database import open_database
from server.runtime import records
from server.runtime.auth.callers import authenticate
from server.runtime.running import SYSTEM, RunningApp
from tests.integration.auth.conftest import FILES

ROOT = Path(__file__).parents[3]


async def castwork(*arguments):
    """(exit code, standard output, standard error) of a command."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", *map(str, arguments)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, told = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, said.decode().strip(), told.decode().strip()


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return tmp_path


async def test_a_token_is_made_shown_once_listed_and_revoked(folder):
    [loaded] = compile_apps(folder)
    async with open_database(None, folder) as database:
        store = await database.connect("crm")
        running = RunningApp(loaded.compiled, store)
        person = {"firstName": "Ann", "lastName": "Test", "email": "ann@example.com"}
        await records.create_record(running, SYSTEM, "sys.users", person)
        given = ("token", "create", folder, "--user", "Ann@example.com", "--name", "nightly")

        code, token, _ = await castwork(*given, "--scopes", "data:companies:read,data:sys.users", "--expires", "90d")
        assert code == 0
        assert re.fullmatch("[A-Za-z0-9]{32}", token)
        caller = await authenticate(running, token, None)
        assert caller.user["email"] == "ann@example.com"
        assert caller.scopes.texts == ("data:companies:read", "data:sys.users")

        for more, problem in (
            ((), "has a token named nightly already"),
            (("--name", "other", "--scopes", "data:company"), 'unknown entity "company"; did you mean "companies"?'),
            (("--name", "other", "--expires", "soon"), "such as 90d"),
            (("--name", "other", "--user", "bob@example.com"), "There is no user with the e-mail address"),
            (("--name", ""), "The name must be"),
        ):
            code, said, told = await castwork(*given, *more)
            assert (code, said) == (1, "")
            assert problem in told
            assert "Traceback" not in told

        code, listed, _ = await castwork("token", "list", folder)
        assert code == 0
        assert listed.startswith("ann@example.com  nightly  data:companies:read,data:sys.users  ends 20")
        assert token not in listed

        assert (await castwork("token", "revoke", folder, "--user", "ann@example.com", "--name", "nightly"))[0] == 0
        running.desk.known.forget_token(caller.token)
        assert await store.count("sys.tokens", {}) == 0
        await store.close()


async def test_a_folder_of_apps_is_no_app(folder):
    code, _, told = await castwork("token", "list", ROOT / "app_definitions" / "nothing")
    assert code == 2
    assert "Traceback" not in told
