"""Imports over HTTP: what rows become, what is refused, and what clients are told of it."""

from dataclasses import replace

import httpx
import pytest
import pytest_asyncio

from engine.permissions.scopes import parse_scopes
from server.http.dispatch import build_http
from server.http.serving import Edition, Host, ServedApp, index_routes
from server.runtime.running import SYSTEM
from server.settings import Settings
from tests.integration.jobs.importing import COMPILED, imported, make, prepare, refused_rows, send, stored, table


@pytest_asyncio.fixture(loop_scope="session")
async def shop(open_office):
    return await prepare(await open_office(compiled=COMPILED))


async def test_rows_become_records_in_their_order(shop):
    data = table(["name", "Kind", "size", "share"], ["Ann", "kind a", "4", "25"], ["Bob", "b", "5", ""])
    job = await imported(shop, "companies", data, name="my companies.csv")
    assert (job["type"], job["data"]) == (
        "IMPORT_RECORDS",
        {"fileName": "my companies.csv", "entityName": "companies"},
    )
    assert job["results"] == {"rowsImported": 2, "rowsWithErrors": 0}
    assert (job["hasErrors"], job["recordsCount"], job["recordsProcessed"], job["progress"]) == (False, 2, 2, 100)
    ann, bob = await stored(shop, "companies")
    assert (ann["name"], ann["kind"], ann["size"], str(ann["share"]), ann["double"]) == ("Ann", "a", 4, "0.25", 8)
    assert (bob["name"], bob["kind"], bob["stage"], bob["version"], bob["number"]) == ("Bob", "b", "fresh", 0, 2)
    assert await shop.lines(job["id"]) == ["Started", "Finished"]
    assert [one["name"] for one in await stored(shop, "witnesses")] == ["Ann", "Bob"]
    assert await shop.store.count("sys.audit", {"entity": "companies", "event": "created"}) == 2
    assert await shop.store.count("sys.fs.files", {"metadata.purpose": "importSource"}) == 0


async def test_the_first_unique_column_finds_records_and_empty_cells_clear_fields(shop):
    await make(shop, "companies", name="Ann", taxId="1", size=4, kind="a", tags=["x", "y"], address={"city": "Ulm"})
    data = table(
        ["size", "name", "kind", "tags[1]", "Home > City", "taxId"],
        ["5", "Ann", "", "z", "Bern", "1"],
        ["6", "Bob", "b", "", "", ""],
        ["7", "Bob", "", "", "", "2"],  # the record of the row before
    )
    job = await imported(shop, "companies", data)
    assert job["results"] == {"rowsImported": 3, "rowsWithErrors": 0}
    [ann], [bob] = [await stored(shop, "companies", name=name) for name in ("Ann", "Bob")]
    assert (ann["size"], ann["kind"], ann["tags"], ann["address"]["city"], ann["version"]) == (
        5,
        None,
        ["x", "z"],
        "Bern",
        1,
    )
    assert (bob["size"], bob["kind"], bob["tags"], bob["taxId"], bob["version"]) == (7, None, [], "2", 1)
    again = await imported(shop, "companies", data.replace(b"6,Bob,b,,,", b"7,Bob,,,,2"))
    assert again["results"]["rowsImported"] == 3
    assert [one["version"] for one in await stored(shop, "companies")] == [1, 1]  # nothing changed


async def test_related_records_are_found_changed_or_made_before_the_row(shop):
    known = await make(shop, "companies", name="Known", kind="a", size=1)
    data = table(
        ["first", "email", "company.name", "company.kind", "backup.taxId", "friends[0].email", "friends[0].first"],
        ["Ann", "ann@x.org", "Known", "b", "", "", ""],
        ["Bob", "bob@x.org", "New", "a", "", "ann@x.org", ""],
        ["Cid", "cid@x.org", "New", "", "", "dan@x.org", "Dan"],
        ["Eva", "eva@x.org", "", "", "nobody", "", ""],
    )
    job = await imported(shop, "contacts", data)
    assert job["results"] == {
        "rowsImported": 3,
        "rowsWithErrors": 1,
        "errorsFileId": job["results"]["errorsFileId"],
        "errorsFileLink": f"/files/{job['results']['errorsFileId']}",
    }
    companies = {one["name"]: one for one in await stored(shop, "companies")}
    assert {name: (one["kind"], one["version"], one["contacts"]) for name, one in companies.items()} == {
        "Known": ("b", 1, 1),
        "New": ("a", 0, 2),
    }
    people = {one["first"]: one for one in await stored(shop, "contacts")}
    assert set(people) == {"Ann", "Bob", "Cid", "Dan"}
    assert str(people["Ann"]["company"]["id"]) == str(known["id"])
    assert people["Bob"]["company"] == {"id": companies["New"]["_id"], "label": "New", "kind": "a"}
    assert [one["id"] for one in people["Bob"]["friends"]] == [people["Ann"]["_id"]]
    assert [one["id"] for one in people["Cid"]["friends"]] == [people["Dan"]["_id"]]
    cells = ["Eva", "eva@x.org", "", "", "nobody", "", ""]
    assert (await refused_rows(shop, job))[1] == [
        *cells,
        "notFound",
        "backup.taxId: There is no such record in Companies",
    ]


async def test_labels_point_to_one_record_or_are_errors(shop):
    for first, email in (("Ann", "a@x.org"), ("Bob", "b@x.org"), ("Bob", "c@x.org")):
        await make(shop, "contacts", first=first, last="X", email=email)
    await make(shop, "companies", name="Known", taxId="7")
    data = table(
        ["first", "company", "friends[0]", "backup.taxId"],
        ["One", "Known", "Ann X", "7"],
        ["Two", "Unknown", "Ann X", ""],
        ["Three", "Known", "Bob X", ""],
    )
    job = await imported(shop, "contacts", data)
    assert (job["results"]["rowsImported"], job["results"]["rowsWithErrors"]) == (1, 2)
    [one] = await stored(shop, "contacts", first="One")
    assert (one["company"]["label"], one["backup"]["label"], one["friends"][0]["label"]) == ("Known", "Known", "Ann X")
    header, second, third = await refused_rows(shop, job)
    assert header == ["first", "company", "friends[0]", "backup.taxId", "code", "message"]
    assert second[4:] == ["notFound", "company: There is no such record in Companies"]
    assert third[4:] == ["notUnique", "friends[0]: More than one record in Contacts matches; give its id"]


async def test_rows_that_fail_are_told_in_the_log_and_in_a_file_that_can_be_imported_again(shop):
    data = (
        b"name;size;notes nobody reads\n".replace(b";notes nobody reads", b"")
        + b'Ann;4\nBob;many\n;5\n"Cid;;x"y;7\nDan;101;7\nbad;1\nAnn;x\n\'=evil;1\n'
    )
    job = await imported(shop, "companies", data)
    assert (job["results"]["rowsImported"], job["results"]["rowsWithErrors"], job["hasErrors"]) == (2, 6, True)
    assert (job["recordsCount"], job["recordsProcessed"]) == (8, 8)
    assert {one["name"] for one in await stored(shop, "companies")} == {"Ann", "=evil"}
    assert await shop.lines(job["id"]) == [
        "Started",
        "Row 2 (line 3): size: Expected a whole number (invalid)",
        "Row 3 (line 4): name: This field is required (required)",
        "Row 4 (line 5): This is not valid CSV: ';' expected after '\"' (badRequest)",
        "Row 5 (line 6): The row has 3 cells for 2 columns (badRequest)",
        "Row 6 (line 7): No bad companies (tooBad)",
        "Row 7 (line 8): size: Expected a whole number (invalid)",
        "Finished with errors",
    ]
    rows = await refused_rows(shop, job)
    assert rows[0] == ["name", "size", "code", "message"]
    assert [row[0] for row in rows[1:]] == ["Bob", "", "", "Dan", "bad", "Ann"]
    file = await shop.store.files.find(job["results"]["errorsFileId"])
    assert (file.name, file.meta["purpose"], file.meta["user"]) == ("companies errors.csv", "importErrors", None)


async def test_a_refused_row_leaves_no_related_record_behind(shop):
    await make(shop, "contacts", first="Ann", email="ann@x.org", last="X")
    data = table(
        ["company.name", "last", "email", "first"],
        ["Keep", "A", "a@x.org", "A"],
        ["Lost", "B", "no address", "B"],
        ["Keep too", "C", "c@x.org", "C"],
        ["bad", "D", "d@x.org", "D"],
    )
    job = await imported(shop, "contacts", data)
    assert (job["results"]["rowsImported"], job["results"]["rowsWithErrors"]) == (2, 2)
    assert [one["name"] for one in await stored(shop, "companies")] == ["Keep", "Keep too"]
    assert [one["name"] for one in await stored(shop, "witnesses")] == ["Keep", "Keep too"]


async def test_values_that_others_have_are_errors_of_their_rows_alone(shop):
    await make(shop, "companies", name="Ann", taxId="1")
    rows = [[f"c{n}", str(n + 100)] for n in range(40)]
    rows[7][1] = rows[30][1] = "1"
    rows[31][1] = "100"  # of the first row
    job = await imported(shop, "companies", table(["name", "taxId"], *rows))
    assert (job["results"]["rowsImported"], job["results"]["rowsWithErrors"]) == (37, 3)
    names = {one["name"] for one in await stored(shop, "companies")}
    assert names == {"Ann", *(f"c{n}" for n in range(40) if n not in (7, 30, 31))}
    assert [row[2:] for row in (await refused_rows(shop, job))[1:]] == [
        ["notUnique", "taxId: Another record has this value already"]
    ] * 3


# options

OFF = ["Ann", "500", "", "no number"]


@pytest.mark.parametrize(
    ("option", "rows", "fields"),
    [
        ("updateCalculatedFields", [["name", "size"], ["Ann", "4"]], {"size": 4, "double": None, "label": "Ann"}),
        ("performValidations", [["name", "size"], ["Ann", "500"]], {"size": 500}),
        ("filterByAccessRules", [["name", "region", "locked"], ["Ann", "shut", "x"]], {"locked": "x"}),
        ("performSecurityChecks", [["name", "secret"], ["Ann", "x"]], {"secret": "x"}),
        ("setDefaultValues", [["name"], ["Ann"]], {"stage": None}),
        ("supportTransientFields", [["name", "hint"], ["Ann", "x"]], {"told": None}),
        ("skipRecordsWithInvalidFields", [["name", "size", "kind"], ["Ann", "many", "a"]], {"size": None, "kind": "a"}),
    ],
)
async def test_each_option_turns_its_own_step_off(shop, option, rows, fields):
    for query, form in ((f"{option}=false", {}), ("", {option: "false"})):
        job = await imported(shop, "companies", table(*rows), query, fields=form)
        assert job["data"]["options"] == {option: False}
        assert job["results"]["rowsImported"] == 1
        [found] = await stored(shop, "companies")
        assert {name: found[name] for name in fields} == fields
        audit = await shop.store.find("sys.audit", {"record": found["_id"], "event": "created"})
        assert [row["context"] for row in audit] == [f"entities.companies.import.{job['id']} {option}=false"]
        await shop.store.delete_many("companies", {})
        usual = await imported(shop, "companies", table(*rows))
        found = await stored(shop, "companies")
        assert option == "performSecurityChecks" or not found or {name: found[0][name] for name in fields} != fields
        assert "options" not in usual["data"]
        await shop.store.delete_many("companies", {})


async def test_listeners_and_cascades_can_be_left_out(shop):
    company = await make(shop, "companies", name="Old", taxId="1", kind="a")
    await make(shop, "contacts", first="Ann", last="X", company={"id": company["id"]})
    await stored(shop, "companies")
    data = table(["taxId", "name", "kind"], ["1", "New", "b"], ["2", "Other", "a"])

    async def kept():
        await shop.running.outbox.settle()
        [ann] = await stored(shop, "contacts", first="Ann")
        return ann["company"]["label"], ann["company"]["kind"]

    await imported(shop, "companies", data, "triggerEvents=false&updateRelationships=false&cascadeOperations=false")
    assert await kept() == ("Old", "a")
    assert await shop.store.count("witnesses", {"name": "Other"}) == 0
    await imported(shop, "companies", table(["taxId", "name", "kind"], ["1", "Newer", ""]), "updateRelationships=false")
    assert await kept() == ("Old", None)
    await imported(shop, "companies", table(["taxId", "name", "kind"], ["1", "Newest", "a"]), "cascadeOperations=false")
    assert await kept() == ("Newest", None)
    await imported(shop, "contacts", table(["first", "company"], ["Bob", "Newest"]), "cascadeOperations=false")
    [found] = await stored(shop, "companies", taxId="1")
    assert found["contacts"] == 1


async def test_low_priority_imports_wait_in_their_own_lane(shop):
    answer = await send(shop, "companies", b"name\nAnn\n", "lowPriority=true")
    job = await shop.job(answer.json()["jobId"])
    assert (job.low_priority, job.lane) == (True, "mix/low")


async def test_problems_of_a_row_that_is_imported_all_the_same_are_told(shop):
    data = table(["name", "size", "tags[0]"], ["Ann", "500", "x"], ["Bob", "1", "y"])
    job = await imported(shop, "companies", data, "skipRecordsWithInvalidFields=false")
    assert (job["results"]["rowsImported"], job["results"]["rowsWithErrors"], job["hasErrors"]) == (2, 0, True)
    assert (await stored(shop, "companies"))[0]["size"] == 500
    assert (await refused_rows(shop, job))[1][3] == "invalid"


# what is refused before there is a job


@pytest.mark.parametrize(
    ("data", "query", "status", "told"),
    [
        (b"name\nAnn\n", "lowPrioriti=true", 400, 'did you mean "lowPriority"'),
        (b"name\nAnn\n", "_lowPriority=true", 400, 'did you mean "lowPriority"'),
        (b"name\nAnn\n", "lowPriority=yes", 400, "takes true or false"),
        (b"name\nAnn\n", "encoding=utf-9", 400, "encoding names no encoding"),
        (b"nam\nAnn\n", "", 400, "There is no field for the column 'nam' in companies; did you mean"),
        (b"name,company.nam\nAnn\n", "", 400, "There is no field for the column 'company.nam'"),
        (b"name,title\nAnn\n", "", 400, "are the same field"),
        (b"tags\nAnn\n", "", 400, "write tags[0]"),
        (b"", "", 400, "The file is empty"),
        ("name\nGröße\n".encode("cp1252") * 2, "", 400, "not UTF-8 text in line 2: save it as UTF-8"),
        ("name\n".encode("utf-16-le"), "", 400, "UTF-16 without a byte order mark"),
    ],
)
async def test_what_cannot_be_imported_is_refused_at_once_and_leaves_nothing(shop, data, query, status, told):
    answer = await send(shop, "companies", data, query)
    assert (answer.status_code, told in answer.json()["message"]) == (status, True), answer.text
    assert await shop.store.count("sys.jobs", {}) == 0
    assert await shop.store.count("sys.fs.files", {}) == 0


async def test_requests_without_a_file_or_with_several_are_refused(shop):
    async with shop.client() as client:
        for files, status in (({}, 415), ([("a", ("a.csv", b"name\n")), ("b", ("b.csv", b"name\n"))], 400)):
            answer = await client.post("/data/companies/import", files=files or None)
            assert answer.status_code == status, answer.text
        answer = await client.post("/data/companies/import", files={"lowPriority": (None, "true")})
        assert (answer.status_code, "holds no file" in answer.text) == (400, True)
        assert (await client.post("/data/nothing/import", files={"file": ("a.csv", b"x")})).status_code == 404
        other = await client.post(
            "/data/companies/import", files={"any": ("a.csv", b"name\nAnn\n")}, data={"lowPriority": "true"}
        )
        assert other.status_code == 200
    assert await shop.store.count("sys.fs.files", {}) == 1


async def test_a_file_that_breaks_off_in_the_middle_writes_nothing(shop):
    rows = b"name\n" + b"".join(b"company %d\n" % n for n in range(50_000))
    job = await imported(shop, "companies", rows + b"Gr\xf6\xdfe\n")
    assert job["hasErrors"]
    assert "not UTF-8 text in line 50002" in (await shop.lines(job["id"]))[-1]
    assert await shop.store.count("companies", {}) == 0
    assert await shop.store.count("sys.fs.files", {}) == 0


async def test_encodings_and_delimiters(shop):
    for data, query in (
        ("name;size\nGröße;1\n".encode("cp1252"), "encoding=windows-1252"),
        ("name\tsize\nGröße\t1\n".encode("utf-16"), ""),
        ("\ufeffname|size\r\nGröße|1\r\n".encode(), ""),
        ('"name","size"\r"Größe","1"\r'.encode(), ""),
    ):
        await imported(shop, "companies", data, query)
        assert [(one["name"], one["size"]) for one in await stored(shop, "companies")] == [("Größe", 1)]
        await shop.store.delete_many("companies", {})


async def test_importing_is_for_those_who_are_given_the_right(shop):
    data = b"name,region\nAnn,north\n"
    looker, idle = await shop.user("looker", "lookers"), await shop.user("idle", "idle")
    for caller, told in ((looker, "no import right"), (idle, "no right to create or update")):
        answer = await send(shop, "companies", data, caller=caller)
        assert (answer.status_code, told in answer.json()["message"]) == (403, True), answer.text
    clerk = await shop.user("clerk", "clerks")
    for option in ("performSecurityChecks", "triggerEvents", "performValidations", "skipRecordsWithInvalidFields"):
        answer = await send(shop, "companies", data, f"{option}=false", clerk)
        assert (answer.status_code, option in answer.json()["message"]) == (403, True)
        assert (await send(shop, "companies", data, caller=clerk, fields={option: "false"})).status_code == 403
    assert (await send(shop, "companies", b"name,secret\nAnn,x\n", caller=clerk)).status_code == 400
    assert await shop.store.count("sys.fs.files", {}) == 0


async def test_rows_obey_the_rights_of_the_starter_on_old_and_new_records(shop):
    clerk = await shop.user("clerk", "clerks")
    for name, region in (("North", "north"), ("South", "south")):
        await make(shop, "companies", name=name, region=region, stage="old")
    data = table(
        ["name", "region", "stage", "size"],
        ["New", "north", "mine", "1"],
        ["Wrong", "south", "", "2"],
        ["North", "north", "mine", "3"],
        ["South", "north", "", "4"],  # a record that they do not see
    )
    job = await imported(shop, "companies", data, caller=clerk)
    assert (job["results"]["rowsImported"], job["results"]["rowsWithErrors"]) == (2, 2)
    found = {one["name"]: (one["region"], one["stage"], one["size"]) for one in await stored(shop, "companies")}
    assert found == {"North": ("north", "old", 3), "South": ("south", "old", None), "New": ("north", "fresh", 1)}
    assert [row[4] for row in (await refused_rows(shop, job))[1:]] == ["forbidden", "notUnique"]
    moved = await imported(shop, "companies", table(["name", "region"], ["North", "south"]), caller=clerk)
    assert moved["results"]["rowsWithErrors"] == 1
    async with shop.client(clerk) as client:
        assert (await client.get(f"/files/{job['results']['errorsFileId']}")).status_code == 200
    other = await shop.user("other", "clerks")
    async with shop.client(other) as client:
        assert (await client.get(f"/files/{job['results']['errorsFileId']}")).status_code == 403


async def test_rights_that_are_gone_when_the_job_runs_import_nothing(shop):
    clerk = await shop.user("clerk", "clerks")
    answer = await send(shop, "companies", b"name,region\nAnn,north\n", caller=clerk)
    await shop.store.update("sys.users", {"email": "clerk@example.com"}, {"$set": {"groups": []}})
    async with shop.worker():
        job = await shop.until(answer.json()["jobId"], "FINISHED")
    assert job.has_errors
    assert await shop.store.count("companies", {}) == 0
    assert await shop.store.count("sys.fs.files", {}) == 0


async def test_users_are_imported_by_the_rules_of_users(shop):
    boss = await shop.user("boss", developer=True)
    data = table(
        ["firstName", "lastName", "email", "groups[0].group", "groups[0].primary"],
        ["New", "One", "New@x.org", "clerks", "yes"],
    )
    job = await imported(shop, "sys.users", data)
    assert job["results"] == {"rowsImported": 1, "rowsWithErrors": 0}, await shop.lines(job["id"])
    assert job["type"] == "IMPORT_USERS"
    [person] = await stored(shop, "sys.users", email="New@x.org")
    assert (person["emailStandardized"], person["groups"][0]["group"]["label"]) == ("new@x.org", "Clerks")
    clerk = await shop.user("other", "clerks")
    assert (
        await send(shop, "sys.users", b"email,status\nboss@example.com,INACTIVE\n", caller=clerk)
    ).status_code == 403
    assert (await send(shop, "sys.users", data, "updateCalculatedFields=false", boss)).status_code == 400
    await imported(shop, "sys.users", b"email,status\nnew@x.org,INACTIVE\nNew@x.org,INACTIVE\n")
    assert [one["status"] for one in await stored(shop, "sys.users", email="New@x.org")] == ["INACTIVE"]
    async with shop.client(boss) as client:
        assert (await client.put(f"/status/jobs/{job['id']}/undo")).status_code == 200


async def test_files_over_the_limit_leave_nothing(shop):
    async def identify(scope, running, address):
        return SYSTEM

    served = ServedApp("crm", Edition(index_routes(shop.running.compiled.routes), shop.running), 1.0)
    http = httpx.ASGITransport(build_http(Host([served]), Settings(max_import=1_000), "/api", identify))
    async with httpx.AsyncClient(transport=http, base_url="http://crm/api") as client:
        for size, status in ((990, 200), (1_001, 413), (3_000_000, 413)):
            answer = await client.post("/data/companies/import", files={"file": ("a.csv", b"name\n".ljust(size, b"x"))})
            assert answer.status_code == status, answer.text
    assert await shop.store.count("sys.fs.files", {}) == 1


async def test_a_token_made_for_contacts_makes_no_companies(shop):
    clerk = await shop.user("clerk", "clerks")
    await make(shop, "companies", name="Known", region="north")
    data = table(
        ["first", "company.name", "company.region"], ["Ann", "Known", ""], ["Bob", "New", "north"], ["Cid", "", ""]
    )
    for scopes, done in (
        (["data:contacts"], ["Cid"]),
        (["data:contacts", "data:companies:read"], ["Ann", "Cid"]),
        (["data:contacts", "data:companies"], ["Ann", "Bob", "Cid"]),
    ):
        await imported(shop, "contacts", data, caller=replace(clerk, scopes=parse_scopes([*scopes, "jobs"])))
        assert sorted(one["first"] for one in await stored(shop, "contacts")) == done
        await shop.store.delete_many("contacts", {})
