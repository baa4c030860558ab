"""Exports over HTTP: what stands in the file for whom, what is refused, and what stopped or lost workers leave behind."""

import asyncio
import csv
import io
import json
import os
import re
import signal
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from engine.compiler import compile_app
from engine.definitions import Sources
from engine.permissions.scopes import parse_scopes
from server.http.dispatch import build_http
from server.http.serving import Edition, Host, ServedApp, index_routes
from server.runtime import records
from server.runtime.jobs import export
from server.runtime.jobs.crash_points import VARIABLE
from server.runtime.running import SYSTEM
from server.settings import Settings
from server.store.files import CHUNKS, FILES
from tests.integration.jobs.test_job_life import wait_for

ROOT = Path(__file__).parents[3]
SHOP = {
    "app.yaml": "name: shop\n",
    "entities/companies.yaml": """
label: Companies
recordLabel: name
fields:
  name: {type: text, label: Company}
  state: {type: choice, options: {open: Is open, closed: Is closed}}
  size: {type: integer}
  secret: {type: text}
  owner: {type: relationship, entity: people, copy: [city]}
  tags: {type: text, many: true}
  addresses:
    type: nested
    many: true
    fields: {city: {type: text}, phones: {type: phone, many: true}}
""",
    "entities/people.yaml": """
label: People
recordLabel: name
fields:
  name: {type: text}
  city: {type: text}
  salary: {type: integer}
  region: {type: text}
""",
    "entities/orders.yaml": """
fields:
  number: {type: text}
  team: {type: relationship, entity: people, many: true}
  lines:
    type: nested
    many: true
    fields: {who: {type: relationship, entity: people}, count: {type: integer}}
""",
    "groups/readers.yaml": "label: R\nentities:\n  companies: {read: always}\n",
    "groups/sellers.yaml": """
label: Sellers
entities:
  companies:
    read: {state: open}
    export: true
    fields: {secret: none, tags: {read: {size: greater(5)}}}
  people: {read: {region: north}, fields: {salary: none, city: {read: {name: Ann}}}}
""",
    "groups/narrow.yaml": "label: Narrow\nentities:\n  companies: {read: always, export: true}\n",
}


@pytest_asyncio.fixture(loop_scope="session")
async def shop(open_office):
    return await open_office(compiled=compile_app(Sources(".", SHOP)))


async def fill(office):
    """Four companies and two people."""
    make = records.create_record
    ann, bob = [
        (await make(office.running, SYSTEM, "people", body))["id"]
        for body in (
            {"name": "Ann", "city": "Ulm", "salary": 10, "region": "north"},
            {"name": "Bob", "city": "Rom", "salary": 20, "region": "south"},
        )
    ]
    for body in (
        {"name": "Ada", "state": "open", "size": 9, "secret": "s1", "owner": {"id": ann}, "tags": ["x", "y"]},
        {"name": "Bit", "state": "open", "size": 1, "secret": "s2", "owner": {"id": bob}, "tags": ["a", "b", "c"]},
        {
            "name": "Cob",
            "state": "closed",
            "size": 7,
            "addresses": [{"city": "Bern"}, {"city": "Basel", "phones": ["7028459380", "17028459380"]}],
        },
        {"name": '=cmd|"!A1', "state": "open", "size": 6},
    ):
        await make(office.running, SYSTEM, "companies", body)


async def exported(office, query="", caller=SYSTEM, entity="companies"):
    """The job of an export that succeeds, and the text of its file."""
    async with office.client(caller) as client, office.worker():
        answer = await client.put(f"/data/{entity}/export?{query}")
        assert answer.status_code == 200, answer.text
        job = await wait_for(client, answer.json()["jobLink"], "FINISHED")
    assert not job["hasErrors"], await office.lines(job["id"])
    return job, await text_of(office, job["results"]["fileId"])


async def text_of(office, file_id):
    return b"".join([chunk async for chunk in office.store.files.read(file_id)]).decode()


async def table(office, query="", caller=SYSTEM, entity="companies"):
    """The rows of an export, headers first."""
    _, text = await exported(office, query, caller, entity)
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


async def test_an_export_writes_a_file_and_tells_where_it_is(shop):
    await fill(shop)
    job, text = await exported(shop, "_sortField=name&_sortType=asc&_fields=name,state,size")
    file_id = job["results"]["fileId"]
    assert job["results"] == {
        "fileLink": f"http://crm/api/files/{file_id}",
        "fileId": file_id,
        "recordsExported": 4,
    }
    assert (job["type"], job["data"]) == ("EXPORT_RECORDS", {"entityName": "companies"})
    assert (job["recordsCount"], job["recordsProcessed"], job["progress"]) == (4, 4, 100)
    assert text == (
        '"Company","State","Size"\r\n'
        '"\'=cmd|""!A1","open","6"\r\n'
        '"Ada","open","9"\r\n"Bit","open","1"\r\n"Cob","closed","7"\r\n'
    )
    file = await shop.store.files.find(file_id)
    assert (file.name, file.content_type) == ("companies.csv", "text/csv; charset=utf-8")


async def test_an_export_of_users_is_told_as_one(shop):
    await shop.user("ann", "readers")
    job, text = await exported(
        shop, "_fields=firstName,email&email=ann@example.com&_useFieldNames=true", entity="sys.users"
    )
    assert (job["type"], job["results"]["usersExported"]) == ("EXPORT_USERS", 1)
    assert list(job["results"]) == ["fileLink", "fileId", "usersExported"]
    assert text == '"firstName","email"\r\n"ann","ann@example.com"\r\n'


async def test_without_fields_all_own_ones_have_columns_as_wide_as_the_widest_record(shop):
    await fill(shop)
    rows = await table(shop, "_useFieldNames=true&_sortField=name&_sortType=asc")
    assert rows[0] == [
        *("name", "state", "size", "secret", "owner", "tags[0]", "tags[1]", "tags[2]"),
        *("addresses[0].city", "addresses[0].phones[0]", "addresses[0].phones[1]"),
        *("addresses[1].city", "addresses[1].phones[0]", "addresses[1].phones[1]"),
    ]
    cob = dict(zip(rows[0], rows[4], strict=True))
    assert (cob["name"], cob["addresses[0].city"], cob["addresses[1].phones[1]"]) == ("Cob", "Bern", "1-702-845-9380")
    assert (cob["owner"], cob["tags[0]"], cob["addresses[0].phones[0]"]) == ("", "", "")
    labels = (await table(shop, "_sortField=name&name=Ada"))[0]
    assert labels[-2:] == ["Addresses[0] > City", "Addresses[0] > Phones[0]"]
    assert labels[5:7] == ["Tags[0]", "Tags[1]"]
    assert (await table(shop, "_size=1&_sortField=name&_sortType=asc&_fields=tags"))[0] == ["Tags[0]"]


async def test_more_records_than_a_list_shows_are_exported_in_order(shop):
    await shop.companies(1_250, owner=None, tags=[], addresses=[])
    rows = await table(shop, "_fields=name&_sortField=id&_sortType=asc")
    assert [row[0] for row in rows[1:]] == [f"c{n}" for n in range(1_250)]
    rows = await table(shop, "_fields=name&_size=1100")
    assert [row[0] for row in rows[1:]] == [f"c{n}" for n in range(1_249, 149, -1)]
    assert [row[0] for row in (await table(shop, "_fields=name&_offset=1248"))[1:]] == ["c1", "c0"]


async def test_json_holds_records_as_lists_show_them(shop):
    await fill(shop)
    seller = await shop.user("seller", "sellers")
    for caller in (SYSTEM, seller):
        for more in ("", "&_fields=name,owner", "&_relationshipsToFetch=owner"):
            async with shop.client(caller) as client:
                listed = (await client.get(f"/data/companies?_sortField=size{more}")).json()["items"]
            job, text = await exported(shop, f"_format=json&_sortField=size{more}", caller)
            assert json.loads(text) == listed
            assert job["results"]["recordsExported"] == len(listed)
            _, text = await exported(shop, f"_format=ndjson&_sortField=size{more}", caller)
            assert [json.loads(line) for line in text.splitlines()] == listed
    _, text = await exported(shop, "_format=json&name=nobody")
    assert json.loads(text) == []
    _, text = await exported(shop, "_format=ndjson&name=nobody")
    assert text == ""
    assert await table(shop, "name=nobody&_fields=name,tags") == [["Company", "Tags[0]"]]


async def test_rights_of_the_starter_decide_on_rows_columns_and_cells(shop):
    await fill(shop)
    seller = await shop.user("seller", "sellers")
    rows = await table(shop, "_useFieldNames=true&_sortField=name&_sortType=asc", seller)
    assert rows[0][:4] == ["name", "state", "size", "owner"]
    assert "secret" not in rows[0]
    assert [row[0] for row in rows[1:]] == ["'=cmd|\"!A1", "Ada", "Bit"]
    # Bit has three tags, which the seller does not see: they make no columns either.
    assert [name for name in rows[0] if name.startswith("tags")] == ["tags[0]", "tags[1]"]
    tags = {row[0]: row[4:6] for row in rows[1:]}
    assert (tags["Ada"], tags["Bit"]) == (["x", "y"], ["", ""])
    for query in ("_fields=secret", "secret=s1", "_sortField=secret", "_query=filter('secret','s1')"):
        async with shop.client(seller) as client:
            assert (await client.put(f"/data/companies/export?{query}")).status_code == 403, query


async def test_what_the_starter_does_not_see_changes_nothing_in_the_file(open_office):
    """Two shops that differ only there give the same bytes, headers and numbers of columns included."""
    compiled, texts = compile_app(Sources(".", SHOP)), []
    for wide in (False, True):
        office = await open_office(compiled=compiled)
        await fill(office)
        for company in (await office.store.find("companies", {})) if wide else ():
            change = {"secret": "something else"}
            if company["state"] == "closed":
                change |= {"name": "x" * 50, "tags": ["t"] * 9, "addresses": company["addresses"] * 3}
            elif company["size"] <= 5:
                change |= {"tags": ["t"] * 7}
            await office.store.update("companies", {"_id": company["_id"]}, {"$set": change})
        if wide:
            hidden = {"$set": {"salary": 99, "name": "Someone"}}
            await office.store.update("people", {"region": "south"}, hidden)
            await office.store.update("people", {"region": "north"}, {"$set": {"salary": 98}})
        seller = await office.user("seller", "sellers")
        found = []
        for query in ("_useFieldNames=true", "_fields=name,tags,addresses,owner.name,owner.region", "_format=ndjson"):
            _, text = await exported(office, f"{query}&_sortField=name", seller)
            found.append(re.sub("[0-9a-f]{24}", "id", text))
        texts.append(found)
    assert texts[0] == texts[1]


async def test_related_fields_are_read_with_the_rights_on_their_records(shop):
    await fill(shop)
    query = "_fields=name,owner,owner.name,owner.region,owner.city&_sortField=name&_sortType=asc&size=9,1"
    assert await table(shop, query) == [
        ["Company", "Owner", "Owner > Name", "Owner > Region", "Owner > City"],
        ["Ada", "Ann", "Ann", "north", "Ulm"],
        ["Bit", "Bob", "Bob", "south", "Rom"],
    ]
    seller, narrow = await shop.user("seller", "sellers"), await shop.user("narrow", "narrow")
    query = "_fields=name,owner.name,owner.region&_sortField=name&_sortType=asc&size=9,1"
    assert (await table(shop, query, seller))[1:] == [["Ada", "Ann", "north"], ["Bit", "", ""]]
    for caller, fields in ((seller, "owner.salary"), (narrow, "owner.name"), (narrow, "owner.nonsense")):
        async with shop.client(caller) as client:
            assert (await client.put(f"/data/companies/export?_fields={fields}")).status_code == 403, fields


async def test_related_fields_stand_behind_each_place_of_a_list(shop):
    await fill(shop)
    bodies = (
        {"number": "1", "team": ["Ann", "Bob"], "lines": [{"count": 3}, {"who": "Bob", "count": 4}]},
        {"number": "2", "team": ["Bob"], "lines": [{"who": "Ann"}]},
    )
    for body in bodies:
        await records.create_record(shop.running, SYSTEM, "orders", body)
    query = "_useFieldNames=true&_fields=number,team.city,lines.who.name,lines.count&_sortField=number&_sortType=asc"
    assert await table(shop, query, entity="orders") == [
        [
            *("number", "team[0].city", "team[1].city"),
            *("lines[0].who.name", "lines[1].who.name", "lines[0].count", "lines[1].count"),
        ],
        ["1", "Ulm", "Rom", "", "Bob", "3", "4"],
        ["2", "Rom", "", "Ann", "", "", ""],
    ]


async def test_related_records_are_read_by_one_query_for_many_rows(shop, monkeypatch):
    await fill(shop)
    await shop.running.outbox.settle()  # what follows the creation of records reads those that they refer to
    asked = []
    finding = shop.store.find

    async def find(collection, *args, **options):
        asked.append(collection)
        return await finding(collection, *args, **options)

    monkeypatch.setattr(shop.store, "find", find)
    await exported(shop, "_fields=owner.name,owner.region")
    assert asked.count("people") == 1


@pytest.mark.parametrize(
    "query",
    [
        "nonsense=1",
        "size=greater(x)",
        "_fields=nonsense",
        "_fields=owner.nonsense",
        "_fields=id",
        "_size=0",
        "_size=1000001",
        "_size=many",
        "_sortField=tags",
        "_format=plainText",
        "_format=csv&_format=json",
        "_format=csv&_relationshipsToFetch=owner",
        "_format=json&_useFieldNames=true",
        "_format=json&_fields=owner.region",
        "_cursor=",
        "_total=false",
        "_explain=true",
        "_async=true",
        "_useFieldNames=perhaps",
    ],
)
async def test_what_cannot_be_exported_is_refused_before_there_is_a_job(shop, query):
    async with shop.client() as client:
        answer = await client.put(f"/data/companies/export?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, "badRequest"), answer.text
        assert (await client.get("/status/jobs")).json()["total"] == 0


async def test_who_may_not_export_and_what_there_is_not_is_refused(shop):
    reader = await shop.user("reader", "readers")
    async with shop.client(reader) as client:
        assert (await client.put("/data/companies/export")).status_code == 403
    async with shop.client() as client:
        assert (await client.put("/data/nothing/export")).status_code == 404
        assert (await client.put("/data/companies/export", json={"name": "x"})).status_code == 400
        assert (await client.put("/data/companies/export", json={})).status_code == 200


def client_with(office, **settings):
    async def identify(scope, running, address):
        return SYSTEM

    served = ServedApp("crm", Edition(index_routes(office.running.compiled.routes), office.running), 1.0)
    http = build_http(Host([served]), Settings(**settings), "/api", identify)
    return httpx.AsyncClient(transport=httpx.ASGITransport(http), base_url="http://crm/api")


async def test_more_records_than_the_server_allows_are_refused_unless_fewer_are_wanted(shop):
    ids = await shop.companies(12)
    async with client_with(shop, max_export=10) as client:
        answer = await client.put("/data/companies/export")
        assert answer.status_code == 400
        assert "More than 10 records match" in answer.json()["message"]
        for query in ("_size=10", f"_offset={ids[10]}", "_offset=2"):
            assert (await client.put(f"/data/companies/export?{query}")).status_code == 200
        assert (await client.put("/data/companies/export?_size=11")).status_code == 400


async def test_more_records_that_came_meanwhile_end_the_job(shop):
    await shop.companies(5)
    async with client_with(shop, max_export=10) as client:
        key = (await client.put("/data/companies/export")).json()["jobId"]
    await shop.companies(6)
    async with shop.worker():
        job = await shop.until(key, "FINISHED")
    assert job.has_errors
    assert "More than 10 records match" in job.error


async def test_rights_are_those_of_the_moment_at_which_the_job_runs(shop):
    await fill(shop)
    seller = await shop.user("seller", "sellers")
    async with shop.client(seller) as client:
        key = (await client.put("/data/companies/export?_useFieldNames=true")).json()["jobId"]
    await records.update_record(
        shop.running, SYSTEM, "sys.users", seller.user["id"], {"groups": [{"primary": True, "group": "readers"}]}
    )
    async with shop.worker():
        job = await shop.until(key, "FINISHED")
    assert (job.has_errors, job.results) == (True, None)
    assert "no export right" in job.error
    assert await shop.store.count(FILES, {}) == 0


async def test_an_api_token_shows_no_more_in_a_file_than_in_a_list(shop):
    await fill(shop)
    user = await shop.user("dev", "narrow", developer=True)
    narrow = replace(user, scopes=parse_scopes(["data:companies:read+export", "jobs"]))
    async with shop.client(narrow) as client:
        assert (await client.put("/data/companies/export?_fields=owner.region")).status_code == 403
        assert (await client.put("/data/people/export")).status_code == 403
        reading = replace(user, scopes=parse_scopes(["data:companies:read"]))
    async with shop.client(reading) as client:
        assert (await client.put("/data/companies/export")).status_code == 403
    _, text = await exported(shop, "_format=json&_relationshipsToFetch=owner&name=Ada", narrow)
    assert json.loads(text)[0]["owner"].keys() == {"id", "label", "city"}
    _, text = await exported(shop, "_format=json&_relationshipsToFetch=owner&name=Ada", user)
    assert json.loads(text)[0]["owner"]["region"] == "north"


# what stopped and lost runs leave behind


@pytest.fixture
def held(monkeypatch):
    """Lets exports wait after the first batch, which is of one record, until the event is set."""
    go = asyncio.Event()
    telling = export._Export._tell

    async def tell(self, count):
        await telling(self, count)
        while not go.is_set() and not self.context.stop_asked:  # noqa: ASYNC110 - two things are waited for
            await asyncio.sleep(0.01)

    monkeypatch.setattr(export._Export, "_tell", tell)
    monkeypatch.setattr(export, "MOST_TOGETHER", 1)
    monkeypatch.setattr(export, "TELLING_TIME", 0)
    return go


async def first_record(office, key):
    """The job, as soon as it has written a record."""
    while (job := await office.job(key)).records_processed == 0:  # noqa: ASYNC110 - told by the database
        await asyncio.sleep(0.01)
    return job


async def test_a_stopped_export_leaves_no_file_and_begins_anew(shop, held):
    await shop.companies(5, owner=None, tags=[], addresses=[])
    async with shop.client() as client, shop.worker():
        key = (await client.put("/data/companies/export?_fields=name")).json()["jobId"]
        await first_record(shop, key)
        assert (await client.put(f"/status/jobs/{key}/stop")).status_code == 200
        job = await shop.until(key, "STOPPED")
        assert await shop.store.count(FILES, {}) == await shop.store.count(CHUNKS, {}) == 0
        held.set()
        assert (await client.put(f"/status/jobs/{key}/resume")).status_code == 200
        job = await shop.until(key, "FINISHED")
    assert (job.records_processed, job.results["recordsExported"]) == (5, 5)
    assert len((await text_of(shop, job.results["fileId"])).splitlines()) == 6


async def test_what_a_lost_run_had_written_is_deleted_by_the_next_one(shop):
    await shop.companies(3, owner=None, tags=[], addresses=[])

    async def chunks():
        yield b"half"

    async with shop.client() as client:
        key = (await client.put("/data/companies/export?_fields=name")).json()["jobId"]
    job = await shop.job(key)
    lost = await shop.store.files.write("companies.csv", "text/csv", chunks(), {"purpose": "export", "job": job.id})
    await shop.store.update(FILES, {"filename": "companies.csv"}, {"$set": {"metadata.whole": False}})
    await shop.store.update("sys.jobs", {"_id": job.id}, {"$set": {"checkpoint": {"begun": 0}}})
    async with shop.worker():
        job = await shop.until(key, "FINISHED")
    files = await shop.store.find(FILES, {})
    assert [str(file["_id"]) for file in files] == [job.results["fileId"]] != [lost.id]
    assert await shop.store.count(CHUNKS, {}) == 1


async def test_an_export_whose_worker_loses_the_job_writes_nothing(shop, held):
    await shop.companies(3, owner=None, tags=[], addresses=[])
    async with shop.client() as client, shop.worker():
        key = (await client.put("/data/companies/export?_fields=name")).json()["jobId"]
        job = await first_record(shop, key)
        await shop.store.update("sys.jobs", {"_id": job.id}, {"$set": {"fence": 99, "state": "stopped"}})
        for _ in range(500):
            if await shop.store.count(FILES, {}) == 0:
                break
            await asyncio.sleep(0.02)
        assert await shop.store.count(FILES, {}) == await shop.store.count(CHUNKS, {}) == 0


@pytest.mark.parametrize("point", ["afterWrite:2", "beforeFinish:1"])
async def test_a_killed_worker_leaves_one_whole_file_in_the_end(open_office, jobs_database, tmp_path, point):
    app = f"killed{point.partition(':')[0]}"
    files = {**SHOP, "app.yaml": f"name: {app}\n"}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    office = await open_office(app, compile_app(Sources(".", files)))
    await office.companies(500, owner=None, tags=[], addresses=[])
    async with office.client() as client:
        key = (await client.put("/data/companies/export?_fields=name,tags")).json()["jobId"]
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", "worker", str(tmp_path), "--db", jobs_database),
        cwd=ROOT,
        env={**os.environ, VARIABLE: point, "CASTWORK_JOB_LEASE": "2"},
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert await asyncio.wait_for(worker.wait(), 60) == -signal.SIGKILL
    assert [file["metadata"]["whole"] for file in await office.store.find(FILES, {})] == [point.startswith("before")]
    async with office.worker():
        job = await office.until(key, "FINISHED", seconds=60)
    assert "Goes on" in await office.lines(key)
    assert (job.has_errors, job.records_processed, job.results["recordsExported"]) == (False, 500, 500)
    assert [str(file["_id"]) for file in await office.store.find(FILES, {})] == [job.results["fileId"]]
    assert len((await text_of(office, job.results["fileId"])).splitlines()) == 501


async def test_a_list_that_grows_meanwhile_has_the_file_begun_anew(shop, monkeypatch):
    await fill(shop)
    measure = export._Export._measure
    tries = []

    async def too_narrow(self, fields):
        tries.append(1)
        if len(tries) < limit:
            return {path.name: 1 for path in fields.lists}
        return await measure(self, fields)

    monkeypatch.setattr(export._Export, "_measure", too_narrow)
    limit = 3
    rows = await table(shop, "_fields=name,tags&size=1")
    assert rows == [["Company", "Tags[0]", "Tags[1]", "Tags[2]"], ["Bit", "a", "b", "c"]]
    assert await shop.store.count(FILES, {}) == 1
    limit = 100
    async with shop.client() as client, shop.worker():
        key = (await client.put("/data/companies/export")).json()["jobId"]
        job = await shop.until(key, "FINISHED")
    assert job.has_errors
    assert "grow faster" in job.error
    assert await shop.store.count(FILES, {}) == 1


async def test_the_file_is_for_whoever_ran_the_export_and_for_developers(shop):
    await fill(shop)
    seller, other = await shop.user("seller", "sellers"), await shop.user("other", "sellers")
    job, text = await exported(shop, "_fields=name", seller)
    path = job["results"]["fileLink"].removeprefix("http://crm/api")
    for caller, status in ((seller, 200), (other, 403), (SYSTEM, 200)):
        async with shop.client(caller) as client:
            answer = await client.get(path)
            assert answer.status_code == status
            if status == 200:
                assert answer.text == text
                assert answer.headers["content-disposition"].startswith("attachment")
                assert "companies.csv" in answer.headers["content-disposition"]
