"""Files over HTTP: uploads, links from records in every written form, downloads by each door and its rights."""

import base64
import hashlib

import pytest

from engine.permissions.scopes import parse_scopes
from server.runtime.files.reading import SHARES
from server.runtime.running import Caller
from server.store.files import CHUNK_SIZE
from tests.integration.files.conftest import HIDING, HOUR, upload

pytestmark = pytest.mark.asyncio

BIG = bytes(range(256)) * (3 * CHUNK_SIZE // 256) + b"end"


def inline(content=b"hello", name="hello.txt", content_type="text/plain"):
    return {"name": name, "contentType": content_type, "content": base64.b64encode(content).decode()}


# uploads


async def test_one_part_gives_an_object_several_a_list(office):
    client = await office.client()
    one = await client.post("/files", files={"anything": ("a.txt", b"1", "text/plain")})
    assert one.status_code == 200
    assert one.json() == {"fileId": one.json()["fileId"], "fileLink": f"/files/{one.json()['fileId']}"}
    several = await client.post("/files", files=[("a", ("a.txt", b"1")), ("b", ("b.txt", b"2"))])
    assert [set(item) for item in several.json()] == [{"fileId", "fileLink"}] * 2


@pytest.mark.parametrize(
    ("request_of", "status", "code"),
    [
        ({"json": {}}, 415, "unsupportedMediaType"),
        (
            {"files": {}, "content": b"", "headers": {"content-type": "multipart/form-data; boundary=x"}},
            400,
            "badRequest",
        ),
        ({"files": {"f": ("a", b"x" * 1001)}}, 413, "tooLarge"),
        ({"files": {"f": ("a", b"x")}, "data": {"field": "1"}}, 400, "badRequest"),
        ({"files": {"f": ("a", b"x")}, "params": {"unknown": "1"}}, 400, "badRequest"),
    ],
)
async def test_what_is_no_upload_is_refused_and_leaves_nothing(office, request_of, status, code):
    client = await office.client(max_upload=1000)
    answer = await client.post("/files", **request_of)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await office.store.find("sys.fs.files", {}) == await office.store.find("sys.fs.chunks", {}) == []


async def test_groups_switch_uploads_and_downloads_off(office):
    closed = await office.client(await office.user("closed", "closed"))
    client = await office.client()
    key = await upload(client)
    record = (await client.post("/data/papers", json={"scan": key})).json()["id"]
    assert (await closed.post("/files", files={"f": ("a", b"1")})).status_code == 403
    assert (await closed.get(f"/data/papers/{record}")).status_code == 200
    assert (await closed.get(f"/data/papers/{record}/files/{key}")).status_code == 403
    assert (await closed.get(f"/files/{key}")).status_code == 403


@pytest.mark.parametrize(
    ("scopes", "statuses"),
    [
        (("data", "jobs"), [403, 403, 403]),
        (("readFiles", "data"), [403, 200, 200]),
        (("readFiles:papers:read",), [403, 200, 403]),
        (("readFiles:notes", "uploadFiles"), [200, 403, 403]),
    ],
)
async def test_api_tokens_are_made_for_files_by_the_names_of_the_switches(office, scopes, statuses):
    developer = await office.client()
    key = await upload(developer)
    record = (await developer.post("/data/papers", json={"scan": key})).json()["id"]
    token = await office.client(Caller(developer=True, scopes=parse_scopes(scopes)))
    asked = [
        await token.post("/files", files={"f": ("a", b"1")}),
        await token.get(f"/data/papers/{record}/files/{key}"),
        await token.get(f"/files/{key}"),
    ]
    assert [answer.status_code for answer in asked] == statuses


# files of records


@pytest.mark.parametrize(
    "written", [lambda key: key, lambda key: {"id": key}, lambda key: {"id": key.upper(), "name": "?"}]
)
async def test_a_record_points_to_an_upload(office, written):
    client = await office.client(await office.user("ada", "clerks"))
    key = await upload(client, BIG, "Größe 1.txt")
    body = {
        "title": "a",
        "state": "open",
        "scan": written(key),
        "pages": [written(key)],
        "parts": [{"photo": written(key)}],
    }
    answer = await client.post("/data/papers", json=body)
    assert answer.status_code == 200, answer.text
    record = answer.json()
    shown = {"id": key, "name": "Größe 1.txt (783.4kB)"}
    assert (record["scan"], record["pages"], record["parts"][0]["photo"]) == (shown, [shown], shown)
    download = await client.get(f"/data/papers/{record['id']}/files/{key}")
    assert download.status_code == 200
    assert download.content == BIG


async def test_a_file_comes_along_with_a_record(office):
    client = await office.client(await office.user("ada", "clerks"))
    body = {"state": "open", "scan": inline(), "pages": [inline(b"1", "a"), inline(b"22", "b")]}
    record = (await client.post("/data/papers", json=body)).json()
    assert record["scan"]["name"] == "hello.txt (5B)"
    assert [page["name"] for page in record["pages"]] == ["a (1B)", "b (2B)"]
    assert (await client.get(f"/data/papers/{record['id']}/files/{record['scan']['id']}")).content == b"hello"
    read = (await client.get(f"/data/papers/{record['id']}")).json()
    assert read == record
    changed = await client.put(f"/data/papers/{record['id']}", json={"parts": [{"photo": inline(b"333", "c.png")}]})
    assert changed.json()["parts"][0]["photo"]["name"] == "c.png (3B)"
    assert (await client.put(f"/data/papers/{record['id']}", json=changed.json())).json()["version"] == 1


async def test_a_refused_record_stores_no_file(office):
    client = await office.client()
    answer = await client.post("/data/papers", json={"scan": inline(), "state": "unknown"})
    assert answer.status_code == 400
    assert await office.store.find("sys.fs.files", {}) == []


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("f" * 24, "notFound"),
        ({"id": "f" * 24}, "notFound"),
        ("hello.txt", "notFound"),
        ({"name": "a", "content": "YQ=="}, "invalid"),
        ({"name": "a", "contentType": "a/b", "content": "?"}, "invalid"),
    ],
)
async def test_what_points_to_no_file_is_told(office, sent, code):
    client = await office.client()
    answer = await client.post("/data/papers", json={"scan": sent})
    assert answer.status_code == 400
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [("scan", code)]


async def test_bodies_are_larger_only_where_records_point_to_files(office):
    client = await office.client(max_body=2000, max_file_body=20_000)
    large = inline(b"x" * 9000)
    assert (await client.post("/data/papers", json={"scan": large})).status_code == 200
    assert (await client.post("/data/papers", json={"scan": inline(b"x" * 20_000)})).status_code == 413
    assert (await client.post("/data/notes", json={"text": "x" * 3000})).status_code == 413


async def test_what_somebody_else_uploaded_cannot_be_pointed_to(office):
    ada, eve = [await office.client(await office.user(name, "clerks")) for name in ("ada", "eve")]
    key = await upload(ada)
    for body in ({"scan": key}, {"pages": [key]}, {"parts": [{"photo": {"id": key}}]}):
        answer = await eve.post("/data/papers", json={"state": "open", **body})
        assert [error["code"] for error in answer.json()["errors"]] == ["notFound"]
    mine = (await eve.post("/data/papers", json={"state": "open"})).json()["id"]
    assert (await eve.put(f"/data/papers/{mine}", json={"scan": key})).status_code == 400
    assert (await eve.put(f"/data/papers/{mine}/attach", json={"paper": key})).status_code == 400
    assert (await ada.post("/data/papers", json={"state": "open", "scan": key})).status_code == 200


async def test_a_record_that_points_to_a_file_is_written_by_others_too(office):
    ada, eve = [await office.client(await office.user(name, "clerks")) for name in ("ada", "eve")]
    record = (await ada.post("/data/papers", json={"state": "open", "scan": await upload(ada)})).json()
    answer = await eve.put(f"/data/papers/{record['id']}", json={**record, "title": "changed by eve"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["scan"] == record["scan"]


async def test_what_a_job_made_cannot_be_pointed_to(office):
    async def content():
        yield b"1"

    made = await office.store.files.write("a.csv", "text/csv", content(), {"purpose": "export", "user": None})
    client = await office.client()
    answer = await client.post("/data/papers", json={"scan": made.id})
    assert [error["code"] for error in answer.json()["errors"]] == ["notFound"]


async def test_actions_take_files_as_parameters(office):
    client = await office.client(await office.user("ada", "clerks"))
    record = (await client.post("/data/papers", json={"state": "open"})).json()["id"]
    for sent in (await upload(client), inline()):
        answer = await client.put(f"/data/papers/{record}/attach", json={"paper": sent})
        assert answer.status_code == 200, answer.text
        key = answer.json()["scan"]["id"]
        assert (await client.get(f"/data/papers/{record}/files/{key}")).content == b"hello"


async def test_anonymous_callers_may_point_to_their_upload_once(office):
    client = await office.client(Caller(groups=("anonymous",)))
    key = await upload(client)
    record = await client.post("/data/papers", json={"title": "public", "scan": key})
    assert record.status_code == 200
    assert (await client.post("/data/papers", json={"title": "public", "scan": key})).status_code == 400
    assert (await client.get(f"/data/papers/{record.json()['id']}/files/{key}")).content == b"hello"


# who may read a file of a record


@pytest.mark.parametrize(("forbidden", "refusal"), [("tell", 403), ("hide", 404)])
async def test_a_file_of_a_record_is_read_under_the_rights_on_record_and_field(open_office, forbidden, refusal):
    office = await (open_office() if forbidden == "tell" else open_office(HIDING))
    developer, clerk = await office.client(), await office.client(await office.user("ada", "clerks"))
    keys = {name: await upload(developer, name.encode()) for name in ("scan", "secret", "masked", "guarded", "other")}
    files = {name: key for name, key in keys.items() if name != "other"}
    opened = (await developer.post("/data/papers", json={"state": "open", **files})).json()["id"]
    shown = (await developer.post("/data/papers", json={"state": "open", "title": "shown", **files})).json()["id"]
    closed = (await developer.post("/data/papers", json={"state": "closed", "title": "shown", **files})).json()["id"]

    async def asked(client, record, name):
        answer = await client.get(f"/data/papers/{record}/files/{keys[name]}")
        assert answer.content == name.encode() or answer.status_code != 200
        return answer.status_code

    expected = {
        opened: {"scan": 200, "secret": refusal, "masked": refusal, "guarded": 200, "other": 404},
        shown: {"scan": 200, "secret": refusal, "masked": 200, "guarded": 200, "other": 404},
        closed: {"scan": refusal, "secret": refusal, "masked": refusal, "guarded": refusal, "other": refusal},
    }
    for record, statuses in expected.items():
        assert {name: await asked(clerk, record, name) for name in keys} == statuses
    everything = {"scan": 200, "secret": 200, "masked": 200, "guarded": 200, "other": 404}
    assert {name: await asked(developer, opened, name) for name in keys} == everything
    assert await asked(developer, closed, "guarded") == refusal  # what the definition hides is hidden from all
    for path in (
        f"/data/papers/{'f' * 24}/files/{keys['scan']}",
        f"/data/papers/{opened}/files/x",
        f"/data/papers/x/files/{keys['scan']}",
    ):
        assert (await clerk.get(path)).status_code == 404
    hidden = await clerk.get(f"/data/papers/{opened}/files/{keys['secret']}")
    missing = await clerk.get(f"/data/papers/{opened}/files/{'f' * 24}")
    if forbidden == "hide":
        told = [
            answer.json()["message"].replace(keys["secret"], "x").replace("f" * 24, "x") for answer in (hidden, missing)
        ]
        assert told[0] == told[1]


async def test_a_file_that_a_record_points_to_no_longer_is_not_read_there(office):
    client = await office.client(await office.user("ada", "clerks"))
    key = await upload(client)
    record = (await client.post("/data/papers", json={"state": "open", "scan": key})).json()["id"]
    assert (await client.get(f"/data/papers/{record}/files/{key}")).status_code == 200
    await client.put(f"/data/papers/{record}", json={"scan": None})
    assert (await client.get(f"/data/papers/{record}/files/{key}")).status_code == 404


# who may read a file by its id


async def test_files_by_id_are_for_developers_and_system_users(office):
    ada = await office.user("ada", "clerks")
    clerk, system = await office.client(ada), await office.client(await office.user("robot", "clerks", system=True))
    developer = await office.client()
    key = await upload(clerk)
    assert [(await one.get(f"/files/{key}")).status_code for one in (clerk, system, developer)] == [403, 200, 200]
    assert [(await one.get(f"/files/{'f' * 24}")).status_code for one in (clerk, developer)] == [404, 404]
    assert (await developer.get("/files/nonsense")).status_code == 404
    alone, nobody = [
        await office.client(await office.user(name, system=name == "alone")) for name in ("alone", "nobody")
    ]
    assert [(await one.get(f"/files/{key}")).status_code for one in (alone, nobody)] == [200, 403]
    assert (await alone.post("/files", files={"f": ("a", b"1")})).status_code == 403
    closed = await office.client(await office.user("mute", "closed", system=True))
    assert (await closed.get(f"/files/{key}")).status_code == 403


@pytest.mark.parametrize("purpose", ["export", "importErrors"])
async def test_what_a_job_made_is_for_who_ran_it(office, purpose):
    ada, eve = [await office.user(name, "clerks") for name in ("ada", "eve")]

    async def content():
        yield b"id,label"

    made = await office.store.files.write(
        "papers.csv", "text/csv", content(), {"purpose": purpose, "user": ada.user["id"]}
    )
    anonymous = Caller(groups=("anonymous",))
    found = [(await (await office.client(one)).get(f"/files/{made.id}")).status_code for one in (ada, eve, anonymous)]
    assert found == [200, 403, 403]


# links


async def test_a_link_serves_everybody_for_a_while(office):
    developer, nobody = await office.client(), await office.client(Caller())
    key = await upload(developer)
    shared = (await developer.put(f"/files/{key}/share", params={"ttl": "60000"})).json()
    assert set(shared) == {"sharedFileId", "sharedFileLink"}
    assert shared["sharedFileLink"] == f"/files/shared/{shared['sharedFileId']}"
    assert len(bytes.fromhex(shared["sharedFileId"])) >= 16
    assert key not in shared["sharedFileId"]
    answer = await nobody.get(shared["sharedFileLink"])
    assert (answer.status_code, answer.content) == (200, b"hello")
    assert key not in str(answer.headers)
    head = await nobody.head(shared["sharedFileLink"])
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "5")
    office.now += 59_999
    assert (await nobody.get(shared["sharedFileLink"])).status_code == 200
    office.now += 1
    assert (await nobody.get(shared["sharedFileLink"])).status_code == 404


async def test_the_database_does_not_tell_a_link(office):
    developer = await office.client()
    shared = (await developer.put(f"/files/{await upload(developer)}/share")).json()["sharedFileId"]
    (stored,) = await office.store.find(SHARES, {})
    assert stored["_id"] == hashlib.sha256(shared.encode()).hexdigest()
    assert shared not in str(stored)


async def test_a_link_lasts_an_hour_and_goes_with_its_file(office):
    developer = await office.client()
    key = await upload(developer)
    link = (await developer.put(f"/files/{key}/share")).json()["sharedFileLink"]
    office.now += HOUR - 1
    assert (await developer.get(link)).status_code == 200
    await office.store.files.delete(key)
    assert (await developer.get(link)).status_code == 404
    assert (await developer.get("/files/shared/nonsense")).status_code == 404


@pytest.mark.parametrize("ttl", ["0", "-1", "2592000001", "x", "", "1.5", "+5", "٣"])
async def test_a_link_lasts_from_a_millisecond_to_thirty_days(office, ttl):
    developer = await office.client()
    answer = await developer.put(f"/files/{await upload(developer)}/share", params={"ttl": ttl})
    assert (answer.status_code, answer.json()["code"]) == (400, "badRequest")


async def test_only_who_may_read_a_file_may_share_it(office):
    clerk = await office.client(await office.user("ada", "clerks"))
    key = await upload(clerk)
    assert (await clerk.put(f"/files/{key}/share")).status_code == 403
    assert (await clerk.put(f"/files/{'f' * 24}/share")).status_code == 404


# downloads


async def test_a_download_is_an_attachment_that_says_nothing_of_its_kind(office):
    client = await office.client()
    key = await upload(client, b"<script>", 'a"b;\r\nc.html', "text/html")
    answer = await client.get(f"/files/{key}")
    assert answer.headers["content-type"] == "application/force-download"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    plain = await client.get(f"/files/{await upload(client, b'1', 'file.ext')}")
    assert plain.headers["content-disposition"] == "attachment; filename=file.ext"


async def test_parts_of_a_file_are_sent(office):
    client = await office.client()
    key = await upload(client, BIG)

    async def asked(text, **headers):
        return await client.get(f"/files/{key}", headers={"range": text, **headers})

    part = await asked(f"bytes={CHUNK_SIZE - 2}-{CHUNK_SIZE + 1}")
    assert (part.status_code, part.content) == (206, BIG[CHUNK_SIZE - 2 : CHUNK_SIZE + 2])
    assert part.headers["content-range"] == f"bytes {CHUNK_SIZE - 2}-{CHUNK_SIZE + 1}/{len(BIG)}"
    assert (await asked("bytes=-3")).content == b"end"
    whole = await asked("bytes=0-0,2-3")
    assert (whole.status_code, whole.content) == (200, BIG)
    beyond = await asked(f"bytes={len(BIG)}-")
    assert (beyond.status_code, beyond.json()["code"]) == (416, "rangeNotSatisfiable")
    assert beyond.headers["content-range"] == f"bytes */{len(BIG)}"
    tag = whole.headers["etag"]
    assert (await asked("bytes=0-1", **{"if-range": tag})).status_code == 206
    assert (await asked("bytes=0-1", **{"if-range": '"another"'})).status_code == 200


async def test_listeners_may_point_to_the_same_file(office):
    client = await office.client(await office.user("ada", "clerks"))
    created = await client.post("/data/papers", json={"state": "closed", "scan": await upload(client)})
    assert created.status_code == 200, created.text
    (document,) = await office.store.find("papers", {})
    assert document["pages"] == [document["scan"]]
