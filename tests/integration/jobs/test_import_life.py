"""Imports that are checked only, stopped, cut off, or undone: what was written, and what was not."""

import asyncio
import os
from pathlib import Path

import pytest
import pytest_asyncio
from bson import ObjectId

from engine.records.import_options import ImportOptions
from server.runtime import records
from server.runtime.jobs import import_later
from server.runtime.jobs.context import JobContext
from server.runtime.jobs.imports.job import _Import
from server.runtime.jobs.imports.rows import derived_id
from server.runtime.running import SYSTEM
from tests.integration.jobs.importing import (
    COMPILED,
    ended,
    imported,
    make,
    prepare,
    refused_rows,
    send,
    stored,
    table,
)

DATA = ("companies", "contacts", "witnesses", "sys.counters", "sys.audit", "sys.importedRows")


@pytest_asyncio.fixture(loop_scope="session")
async def shop(open_office):
    return await prepare(await open_office(compiled=COMPILED))


async def everything(office):
    return {name: await stored(office, name) for name in DATA}


# previews


async def test_a_preview_tells_what_an_import_would_and_writes_nothing(shop):
    await make(shop, "companies", name="Known", taxId="1", size=1)
    before = await everything(shop)
    data = table(
        ["first", "email", "company.name", "company.size", "company.taxId"],
        ["Ann", "ann@x.org", "Known", "5", "1"],
        ["Bob", "bob@x.org", "New", "6", "2"],
        ["Cid", "no address", "New", "", "2"],
        ["Dan", "dan@x.org", "Newer", "many", "3"],
        ["Eva", "eva@x.org", "Newest", "4", "1"],  # a value that another has
    )
    job = await imported(shop, "contacts", data, "preview=true")
    assert await everything(shop) == before
    results = job["results"]
    assert (results["rowsValid"], results["rowsWithErrors"], job["hasErrors"]) == (2, 3, True)
    assert [row[5:] for row in (await refused_rows(shop, job))[1:]] == [
        ["invalidEmail", "email: Not a valid e-mail address"],
        ["invalid", "company.size: Expected a whole number"],
        ["notUnique", "company.taxId: Another record has this value already"],
    ]
    real = await imported(shop, "contacts", data)
    assert (real["results"]["rowsImported"], real["results"]["rowsWithErrors"]) == (2, 3)


async def test_a_preview_takes_no_number_and_wakes_no_listener(shop):
    before = await everything(shop)
    job = await imported(shop, "companies", table(["name"], *[[f"c{n}"] for n in range(300)]), "preview=true")
    assert job["results"] == {"rowsValid": 300, "rowsWithErrors": 0}
    assert await everything(shop) == before
    assert job["recordsProcessed"] == 300


# stopping


def pausing(monkeypatch, office, after):
    """Asks the import to stop after so many rows."""
    real = _Import._write_some

    async def write(self, rows):
        count = await real(self, rows[:10])
        if self.context.job.checkpoint["row"] >= after and not self.context.stop_asked:
            async with office.client() as client:
                answer = await client.put(f"/status/jobs/{self.context.job.id}/stop")
            assert answer.json()["status"] in ("STOPPING", "STOPPED"), answer.text
            self.context.stop_asked = True  # as the worker does when it looks next
        return count

    monkeypatch.setattr(_Import, "_write_some", write)
    return lambda: monkeypatch.setattr(_Import, "_write_some", real)


@pytest.mark.parametrize("transactions", [True, False])
async def test_a_stopped_import_goes_on_where_it_was(shop, monkeypatch, transactions):
    shop.store.transactions = transactions
    unpause = pausing(monkeypatch, shop, 30)
    rows = [[f"c{n}", "many" if n % 10 == 3 else str(n % 100)] for n in range(100)]
    answer = await send(shop, "companies", table(["name", "size"], *rows))
    async with shop.client() as client, shop.worker():
        job = await shop.until(answer.json()["jobId"], "STOPPED")
        assert 30 <= job.records_processed < 60
        assert await shop.store.count("companies", {}) == job.checkpoint["imported"]
        assert job.records_count == 100
        unpause()
        await client.put(f"/status/jobs/{job.id}/resume")
        done = await shop.until(job.id, "FINISHED")
    assert (done.results["rowsImported"], done.results["rowsWithErrors"], done.records_processed) == (90, 10, 100)
    assert {one["name"] for one in await stored(shop, "companies")} == {row[0] for row in rows if row[1] != "many"}
    assert len(await stored(shop, "witnesses")) == 90
    assert len(await refused_rows(shop, {"results": done.results})) == 11


# rows that are cut off where nothing can be undone


@pytest.mark.parametrize("place", ["before", "related", "written", "noted"])
async def test_a_row_that_was_cut_off_is_done_once(shop, monkeypatch, place):
    shop.store.transactions = False
    await make(shop, "companies", name="Known", size=1)
    data = table(
        ["first", "email", "company.name", "company.size"],
        ["Ann", "ann@x.org", "Known", "2"],
        ["Bob", "bob@x.org", "New", "3"],
        ["Ann", "ann@x.org", "Known", "4"],
        ["Cid", "", "New", "5"],
    )
    cut = []

    def cut_off(row):
        if row not in cut:
            cut.append(row)
            raise asyncio.CancelledError

    real_make, real_change = records.make_record, records.change_record

    def around(real):
        async def write(running, caller, name, *arguments):
            key = (name, len(cut))
            if place == "before" and name == "companies":
                cut_off(key) if len(cut) < 4 else None
            if place == "related" and name == "contacts":
                cut_off(key) if len(cut) < 4 else None
            done = await real(running, caller, name, *arguments)
            if place == "written":
                cut_off(key) if len(cut) < 8 else None
            return done

        return write

    monkeypatch.setattr("server.runtime.jobs.imports.rows.make_record", around(real_make))
    monkeypatch.setattr("server.runtime.jobs.imports.rows.change_record", around(real_change))
    if place == "noted":
        real_note = JobContext.note

        async def note(self, noted):
            if noted.processed:
                cut_off(self.job.checkpoint["row"])
            await real_note(self, noted)

        monkeypatch.setattr(JobContext, "note", note)
    job = await imported(shop, "contacts", data)
    assert cut
    assert job["results"] == {"rowsImported": 4, "rowsWithErrors": 0}, await shop.lines(job["id"])
    assert job["recordsProcessed"] == 4
    companies = {one["name"]: (one["size"], one["version"]) for one in await stored(shop, "companies")}
    assert companies == {"Known": (4, 2), "New": (5, 1)}
    people = sorted(((one["first"], one["version"]) for one in await stored(shop, "contacts")), key=str)
    assert people == [("Ann", 0), ("Bob", 0), ("Cid", 0)]
    audit = await shop.store.find("sys.audit", {"entity": "companies"})
    assert len(audit) == 1 + 2 + 1 + 1
    monkeypatch.undo()
    undone = await undo(shop, job)
    assert not undone["hasErrors"], undone["results"]
    assert [(one["name"], one["size"]) for one in await stored(shop, "companies")] == [("Known", 1)]
    assert await stored(shop, "contacts") == []


def test_ids_of_new_records_follow_from_the_row_and_grow_with_it():
    job = ObjectId()
    ids = [derived_id(job, row, number) for row in (1, 2, 300, 70_000) for number in (1, 2)]
    assert ids == [derived_id(job, row, number) for row in (1, 2, 300, 70_000) for number in (1, 2)]
    assert len(set(ids)) == 8
    assert ids[::2] == sorted(ids[::2])
    assert derived_id(ObjectId(), 1, 1) != ids[0]


# the way back


async def undo(office, job, caller=SYSTEM):
    async with office.client(caller) as client:
        answer = await client.put(f"/status/jobs/{job['id']}/undo")
    assert answer.status_code == 200, answer.text
    return await ended(office, answer.json()["jobId"], caller)


def values(documents):
    return sorted((one["name"], one["size"], one["kind"], tuple(one["tags"])) for one in documents)


async def test_an_import_is_undone_record_by_record_where_nothing_changed_since(shop):
    for name in ("Ann", "Bob", "Cid"):
        await make(shop, "companies", name=name, size=1, kind="a", tags=["x", "y"])
    before = values(await stored(shop, "companies"))
    rows = [[name, str(n), "b", "z"] for n, name in enumerate(("Ann", "New", "Bob", "Newer", "Ann", "New", "Cid"))]
    job = await imported(shop, "companies", table(["name", "size", "kind", "tags[0]"], *rows))
    assert job["results"]["rowsImported"] == 7
    async with shop.client() as client:
        bob = (await client.get("/data/companies?name=Bob")).json()["items"][0]
        assert (await client.put(f"/data/companies/{bob['id']}", json={"size": 77})).status_code == 200
        newer = (await client.get("/data/companies?name=Newer")).json()["items"][0]
        assert (await client.put(f"/data/companies/{newer['id']}", json={"size": 78})).status_code == 200
    undone = await undo(shop, job)
    assert (undone["type"], undone["data"]) == ("UNDO_IMPORT", {"entityName": "companies", "importJobId": job["id"]})
    assert (undone["hasErrors"], undone["recordsCount"], undone["recordsProcessed"]) == (True, 7, 7)
    after = values(await stored(shop, "companies"))
    expected = [one for one in before if one[0] != "Bob"]
    assert after == sorted([*expected, ("Bob", 77, "b", ("z", "y")), ("Newer", 78, "b", ("z",))])
    results = undone["results"]
    assert list(results) == ["7/1", "6/1", "5/1", "4/1", "3/1", "2/1", "1/1"]
    assert [one["status"] for one in results.values()] == ["ok", "ok", "ok", "error", "error", "ok", "ok"]
    assert "was changed since it was imported" in results["4/1"]["errorMessage"]
    [ann] = await stored(shop, "companies", name="Ann")
    assert await shop.store.count("sys.audit", {"record": ann["_id"], "event": "changed"}) == 4
    async with shop.client() as client:
        again = await client.put(f"/status/jobs/{job['id']}/undo")
        assert (again.status_code, "undone already" in again.text) == (409, True)
        listed = (await client.get(f"/data/companies/{ann['_id']}")).json()
        assert (listed["size"], "_mark" in listed) == (1, False)


async def test_undoing_takes_the_rights_of_who_undoes(shop):
    clerk, other = await shop.user("clerk", "clerks"), await shop.user("other", "clerks")
    job = await imported(shop, "companies", table(["name", "region"], ["Ann", "north"], ["Bob", "north"]), caller=clerk)
    [bob] = await stored(shop, "companies", name="Bob")
    await shop.store.update("companies", {"_id": bob["_id"]}, {"$set": {"region": "south"}})
    async with shop.client(other) as client:
        assert (await client.put(f"/status/jobs/{job['id']}/undo")).status_code == 403
    undone = await undo(shop, job, clerk)
    assert [one["status"] for one in undone["results"].values()] == ["error", "ok"]
    assert [one["name"] for one in await stored(shop, "companies")] == ["Bob"]


async def test_only_imports_that_ended_or_stopped_are_undone(shop, monkeypatch):
    preview = await imported(shop, "companies", b"name\nAnn\n", "preview=true")
    waiting = (await send(shop, "companies", b"name\nAnn\n")).json()["jobId"]
    async with shop.client() as client:
        for job, told in ((preview["id"], "Only imports can be undone"), (waiting, "this one is PENDING")):
            answer = await client.put(f"/status/jobs/{job}/undo")
            assert (answer.status_code, told in answer.json()["message"]) == (400, True)
        await client.put(f"/status/jobs/{waiting}/stop")
        await client.put(f"/status/jobs/{waiting}/cancel")
        assert (await client.put(f"/status/jobs/{waiting}/undo")).status_code == 400
    unpause = pausing(monkeypatch, shop, 30)
    answer = await send(shop, "companies", table(["name"], *[[f"c{n}"] for n in range(100)]))
    async with shop.worker():
        job = await shop.until(answer.json()["jobId"], "STOPPED")
    unpause()
    undone = await undo(shop, {"id": str(job.id)})
    assert (undone["recordsProcessed"], undone["hasErrors"]) == (job.records_processed, False)
    assert await stored(shop, "companies") == []
    assert (await shop.job(job.id)).state.status == "CANCELED"


@pytest.mark.parametrize("place", ["before", "after"])
async def test_an_undo_that_was_cut_off_takes_each_record_back_once(shop, monkeypatch, place):
    await make(shop, "companies", name="Ann", size=1)
    await make(shop, "companies", name="Bob", size=1)
    job = await imported(
        shop, "companies", table(["name", "size"], ["Ann", "2"], ["New", "3"], ["Bob", "4"], ["Ann", "5"])
    )
    shop.store.transactions = False
    cut = []

    def around(real):
        async def write(running, caller, *arguments):
            key = len(cut)
            if place == "before" and key not in cut and key < 3:
                cut.append(key)
                raise asyncio.CancelledError
            done = await real(running, caller, *arguments)
            if place == "after" and key < 3:
                cut.append(key)
                raise asyncio.CancelledError
            return done

        return write

    for name in ("change_record", "delete_document"):
        monkeypatch.setattr(f"server.runtime.jobs.imports.undo.{name}", around(getattr(records, name)))
    undone = await undo(shop, job)
    assert len(cut) == 3
    assert (undone["hasErrors"], undone["recordsProcessed"]) == (False, 4), undone["results"]
    assert [(one["name"], one["size"]) for one in values_of(await stored(shop, "companies"))] == [
        ("Ann", 1),
        ("Bob", 1),
    ]


def values_of(documents):
    return sorted(documents, key=lambda one: one["name"])


def rss():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_a_large_file_takes_little_memory(shop):
    """The short profile of `make transfer`."""
    await shop.store.files.prepare()

    async def lines():
        yield b"name,notes\n"
        for n in range(1_000):
            yield f"c{n},{'x' * 30_000}\n".encode()

    file = await shop.store.files.write("a.csv", "text/csv", lines(), {"purpose": "importSource", "user": None})
    job = await import_later(shop.running, SYSTEM, "companies", ImportOptions(preview=True), file)
    before, most = rss(), 0
    async with shop.worker():
        while (found := await shop.job(job.id)).end_date is None:
            most = max(most, rss())
            await asyncio.sleep(0.05)
    assert found.results == {"rowsValid": 1_000, "rowsWithErrors": 0}
    assert most - before < 20 * 1024 * 1024, f"{(most - before) >> 20} MiB for {file.size >> 20} MiB"
