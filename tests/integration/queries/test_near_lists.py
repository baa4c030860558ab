"""Lists of what is near a place come nearest first, page by page, and only with what the caller may read."""

import pytest

from server.runtime.hook_data import ScriptData
from server.runtime.running import Caller

PLACES = """
recordLabel: name
fields:
  name: {type: text}
  kind: {type: choice, options: [a, b]}
  at: {type: geoPoint}
  stops: {type: geoPoint, many: true}
"""


@pytest.fixture(name="places", scope="module")
def no_places():
    return [
        {"name": "far", "kind": "a", "at": {"latitude": 0, "longitude": 3}},
        {"name": "twin 1", "kind": "b", "at": {"latitude": 0, "longitude": 2}},
        {"name": "near", "kind": "a", "at": {"latitude": 0, "longitude": 1}},
        {"name": "nowhere", "kind": "a"},
        {"name": "twin 2", "kind": "b", "at": {"latitude": 0, "longitude": -2}},
        {"name": "here", "kind": "b", "at": {"latitude": 0, "longitude": 0}},
    ]


async def test_the_nearest_come_first_and_equal_distances_by_id(serve_app, places):
    app = await serve_app(entities_places=PLACES)
    await app.add("places", *places)
    assert await app.names("places", at="near(0,0)") == ["here", "near", "twin 1", "twin 2", "far"]
    answer = await app.list("places", at="near(0,0,1,250000)")
    assert [item["label"] for item in answer["items"]] == ["near", "twin 1", "twin 2"]
    assert answer["total"] == 3
    assert await app.names("places", at="near(0,0)", kind="a") == ["near", "far"]


async def test_pages_of_near_places_make_the_whole_list(serve_app, places):
    app = await serve_app(entities_places=PLACES)
    await app.add("places", *places)
    found, offset = [], 0
    while True:
        page = await app.list("places", at="near(0,0)", _size="2", _offset=str(offset))
        assert page["total"] == 5
        if not page["items"]:
            break
        found += [item["label"] for item in page["items"]]
        offset = page["offset"]
    assert found == ["here", "near", "twin 1", "twin 2", "far"]


async def test_a_sort_of_ones_own_takes_the_place_of_the_distance(serve_app, places):
    app = await serve_app(entities_places=PLACES)
    await app.add("places", *places)
    names = await app.names("places", at="near(0,0)", _sortField="name", _sortType="asc")
    assert names == sorted(names)
    assert len(names) == 5


async def test_fields_can_be_chosen_and_the_distance_is_never_shown(serve_app, places):
    app = await serve_app(entities_places=PLACES)
    await app.add("places", *places)
    answer = await app.list("places", at="near(0,0)", _fields="kind", _size="1")
    assert [set(item) for item in answer["items"]] == [{"id", "version", "label", "kind"}]
    whole = await app.list("places", at="near(0,0)", _size="1")
    assert set(whole["items"][0]) == {"id", "version", "label", "name", "kind", "at", "stops"}


async def test_of_several_places_the_nearest_counts_and_a_record_comes_once(serve_app):
    app = await serve_app(entities_places=PLACES)
    await app.add(
        "places",
        {"name": "one", "stops": [{"latitude": 0, "longitude": 5}, {"latitude": 0, "longitude": 1}]},
        {"name": "two", "stops": [{"latitude": 0, "longitude": 2}]},
        {"name": "none", "stops": []},
    )
    answer = await app.list("places", stops="near(0,0)")
    assert [item["label"] for item in answer["items"]] == ["one", "two"]
    assert answer["total"] == 2


async def test_functions_find_what_is_near_in_the_same_order(serve_app, places):
    app = await serve_app(entities_places=PLACES)
    await app.add("places", *places)
    data = ScriptData(app.running, Caller(developer=True), write=None)

    async def found(query, **options):
        return [record["name"] async for record in data.find("places", query, **options)]

    assert await found("at=near(0,0)") == ["here", "near", "twin 1", "twin 2", "far"]
    assert await found({"at": "near(0,0)", "kind": "a"}, size=1) == ["near"]
    assert await found("at=near(0,0)", sort="-name") == ["twin 2", "twin 1", "near", "here", "far"]
