"""Words that are searched in a database without a text index find what MongoDB's index finds without a language."""

import re

import pytest

from server.runtime import lists, records
from server.runtime.running import SYSTEM, Caller, RunningApp
from server.store import open_store

NOTES = """
recordLabel: name
fields:
  name: {type: text}
  body: {type: html}
  tags: {type: text, many: true}
  secret: {type: text}
indexes:
  - {name: search, type: text, fields: [name, body, tags]}
"""
CORPUS = [
    {"name": "Coffee Shop", "body": "<p>hot <b>coffee</b> and tea</p>"},
    {"name": "tea-room", "tags": ["Green Tea", "cake"]},
    {"name": "Café_Noir", "body": "a noir story"},
    {"name": "CAFÉ", "body": "well-known; really!"},
    {"name": "teapot", "tags": []},
    {"name": "cost: 5.50 (net)", "secret": "coffee"},
]
FOUND = {
    "coffee": ["Coffee Shop"],
    "COFFEE": ["Coffee Shop"],
    "coffe": [],
    "tea": ["Coffee Shop", "tea-room"],
    "cafe": ["CAFÉ"],
    "Café": ["CAFÉ"],
    "café_noir": ["Café_Noir"],
    "shop cake": ["Coffee Shop", "tea-room"],
    "tea -cake": ["Coffee Shop"],
    "tea -coffee -cake": [],
    "-cake": [],
    "well-known": ["CAFÉ"],
    "known": ["CAFÉ"],
    "really": ["CAFÉ"],
    '"green tea"': ["tea-room"],
    '"tea green"': [],
    '"green te"': ["tea-room"],  # a phrase is any part of the text in which one of its words stands
    '"een"': [],
    '"green tea" coffee': ["tea-room"],
    '"hot coffee" "and tea"': ["Coffee Shop"],
    'tea -"hot coffee"': ["tea-room"],
    "5 50": ["cost: 5.50 (net)"],
    "(net)": ["cost: 5.50 (net)"],
    ".* $where [q-z] (": [],
    "b p": [],  # tags are no words
    "noir": ["Café_Noir"],
}


async def test_words_phrases_and_exclusions(serve_app):
    app = await serve_app(entities_notes=NOTES)
    await app.add("notes", *CORPUS)
    for words, names in FOUND.items():
        answer = await app.list("notes", _indexedFilter="search", _indexedFilterQuery=words, _sortType="asc")
        assert [item["label"] for item in answer["items"]] == names, words
        assert answer["total"] == len(names)
    both = await app.list("notes", _indexedFilter="search", _indexedFilterQuery="tea", name="like(room)")
    assert [item["label"] for item in both["items"]] == ["tea-room"]
    page = await app.list("notes", _indexedFilter="search", _indexedFilterQuery="tea", _size="1")
    rest = await app.list("notes", _indexedFilter="search", _indexedFilterQuery="tea", _offset=page["offset"])
    assert (page["total"], rest["total"]) == (2, 2)
    assert [item["label"] for item in (*page["items"], *rest["items"])] == ["tea-room", "Coffee Shop"]


async def test_the_database_in_memory_finds_the_same(serve_app):
    app = await serve_app(entities_notes=NOTES.replace("html", "longText"))  # it fails to look below nulls
    running = RunningApp(app.running.compiled, await open_store("memory:", "words"))
    for record in CORPUS:
        plain = {**record, "body": re.sub("<[^>]+>", "", record.get("body", ""))}
        await records.create_record(running, SYSTEM, "notes", plain)
    for words, names in FOUND.items():
        pairs = [("_indexedFilter", "search"), ("_indexedFilterQuery", words), ("_sortType", "asc")]
        answer = await lists.list_records(running, SYSTEM, "notes", pairs)
        assert [item["label"] for item in answer["items"]] == names, words
    await running.store.close()


@pytest.mark.parametrize(("fields", "status"), [("{tags: none}", 403), ("{secret: none}", 200)])
async def test_words_tell_nothing_of_hidden_fields(serve_app, fields, status):
    app = await serve_app(entities_notes=NOTES, groups_staff=f"entities: {{notes: {{read: always, fields: {fields}}}}}")
    await app.add("notes", *CORPUS)
    staff = Caller(groups=("staff",), user={"id": "0" * 24})
    answer = await app.get("notes", staff, _indexedFilter="search", _indexedFilterQuery="tea")
    assert answer.status_code == status
    if status == 200:
        assert answer.json()["total"] == 2


async def test_too_many_words_and_unknown_indexes_are_refused(serve_app):
    app = await serve_app(entities_notes=NOTES)
    many = " ".join(f"w{number}" for number in range(51))
    for index, words in (("search", many), ("other", "tea"), ("search", "")):
        assert (await app.get("notes", _indexedFilter=index, _indexedFilterQuery=words)).status_code == 400
