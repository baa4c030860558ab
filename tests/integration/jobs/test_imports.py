"""Imports over HTTP: what rows become, what is refused, and what clients are told of it."""

import pytest_asyncio

from tests.integration.jobs.importing import (
    COMPILED,
    imported,
    prepare,
    stored,
    table,
)


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
