"""Any filter selects the same records in the database as in Python, whatever the schema and the records."""

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest
from bson import ObjectId
from bson.codec_options import CodecOptions, DatetimeConversion
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient

from engine.definitions import Sources, resolve_app
from engine.fields import Capability, Shape
from engine.permissions import FULL_ACCESS
from engine.query import (
    OPERATORS,
    Clock,
    bind,
    negate,
    parse_filter_map,
    parse_query,
    plan_filter,
    plan_list,
    to_filter,
    to_find,
    to_predicate,
)
from engine.records.forms import build_loader, build_storer

RECORDS = 12
FILTERS = 14
THOROUGH = settings(
    max_examples=int(os.environ.get("CASTWORK_EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # the message names filter and document: nothing to shrink
)
NOW = Clock(1_795_284_040_432, "America/New_York")
DAY = 86_400_000
IDS = [f"{number:024x}" for number in (1, 2, 3, 0xABCDEF, 2**90)]

# What fields may hold: (options of the definition, values, texts that stand for them in a filter)

WORDS = [
    "a",
    "A",
    "ab",
    "b a",
    "é",
    "É",
    "k",
    "\u212a",
    "i",
    "\u0130",
    "\u0131",
    "ß",
    "ſ",
    "like(x)",
    "a,b",
    'q"q',
    "a\n",
    "\nb",
]
WORDS += [" a", "$gt", "{}", "x" * 300, "𝒳", "a/", "/b", "today", "null", "0"]
INTEGERS = [-1, 0, 1, 2, 5, 2**40, -(2**63), 2**63 - 1]
DECIMALS = [Decimal(text) for text in ("0", "1", "1.5", "-0.25", "2", "12345678901234567890.5", "0.1")]
INSTANTS = [0, 1, NOW.now, NOW.now - DAY, NOW.now + DAY, NOW.now - 40 * DAY, -(10**12)]
DAYS = ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-01", "2025-02-28", "0001-01-01", "9999-12-31"]
WHEN = ["now", "today", "yesterday", "this week", "last month", "this year", "last 3 days", "next 2 hours", "last hour"]
LABELS = ["Bob", "bob", "Ann, B", "É", "a"]

SCALARS = {
    "text": ({}, WORDS, []),
    "longText": ({}, WORDS, []),
    "integer": ({}, INTEGERS, ["-1", "2", "3"]),
    "decimal": ({}, DECIMALS, ["1.0", "1.50", "7"]),
    "boolean": ({}, [True, False], ["true", "false"]),
    "choice": ({"options": ["new", "open", "done"]}, ["new", "open", "done"], ["new"]),
    "dateTime": ({}, INSTANTS, WHEN),
    "date": ({}, DAYS, WHEN),
    "dateTimeNoTimezone": ({}, ["2026-11-21 09:14", "2026-11-21 13:00", "2020-02-29 00:00"], WHEN),
    "duration": ({}, [0, 1, 60_000], ["60000"]),
    "phone": ({}, ["7028459380", "1112223333"], ["702-845-9380", "111"]),
    "maskedText": ({"mask": "999-aaa"}, ["862SKB", "862skb", "111AAA"], ["862-SKB"]),
    "html": ({}, ["<p>a <b>b</b></p>", "<p>É</p>", "a"], ["a b", "a", "É"]),
    "dynamicChoice": (
        {},
        [
            {"options": [{"label": "Alaska", "name": "AK"}], "selectedValue": "AK"},
            {"options": [{"label": "a", "name": "A"}], "selectedValue": "A"},
        ],
        ["AK", "Alaska", "alaska", "a"],
    ),
    "json": ({}, [[], [None], [""], [[]], [None, 1], {}, {"0": None}, 0, False, "x", {"a": []}], []),
    "geoPoint": ({}, [{"latitude": 10, "longitude": Decimal("20.5")}, {"latitude": -89, "longitude": 179}], []),
}
PLACES = [
    "near(10,20.5)",
    "near(10,20.5,0,1000)",
    "near(11,20.5,5000)",
    "near(0,0,1000,9000000)",
    "near(-89,-179,0,30000)",
]
LIKES = [
    "a",
    "/a",
    "a/",
    "k",
    "i",
    "É",
    "s",
    "ß",
    " ",
    "/\\/b",
    "/^a/",
    "/b$/",
    "/[a-c]+/",
    "/(?i)K$/",
    "/^.*a/",
    "/\\w\\b/",
    "/^$/",
]
LIKES += ["\n", "/(?s)a.?$/", "/[^a-z]/", "/x{3,}/", "862s", "702", "/(a|b) (a|b)/", "/\\A\\d\\D?/"]


# Schemas


@st.composite
def fields(draw, depth):
    """Field definitions by name; groups hold fields of their own."""
    found = {}
    for name in draw(
        st.lists(st.sampled_from("abcdef"), min_size=1 if depth else 3, max_size=4 if depth else 6, unique=True)
    ):
        kinds = [*SCALARS, "relationship"]
        kind = "nested" if depth < 3 and draw(st.integers(0, 2)) == 0 else draw(st.sampled_from(kinds))
        definition = {"type": kind}
        if kind == "nested":
            definition["fields"] = draw(fields(depth + 1))
        elif kind == "relationship":
            definition.update(entity="things", copy=["copied", "moment"])
        else:
            definition.update(SCALARS[kind][0])
        if kind != "json" and draw(st.booleans()):
            definition["many"] = True
        found[name] = definition
    return found


def entity_of(definitions):
    definitions = {**definitions, "copied": {"type": "decimal"}, "moment": {"type": "dateTime"}}
    files = {"app.yaml": "name: shop", "entities/things.yaml": json.dumps({"label": "Things", "fields": definitions})}
    app = resolve_app(Sources("shop", files))
    return app.entities["things"]


# Records in value form, and the documents that a database may hold for them


def values(item):
    if item.many:
        return st.none() | st.lists(one_value(item), max_size=3)
    return st.none() | one_value(item)


def one_value(item):
    if item.type.shape is Shape.SCALAR:
        return st.sampled_from(SCALARS[item.type.name][1])
    inner = {one.name: values(one) for one in item.fields if one.name not in ("id", "label")}
    known = {"id": st.sampled_from(IDS), "label": st.sampled_from(LABELS)}
    return st.fixed_dictionaries(known, optional=inner)


@st.composite
def documents(draw, entity):
    record = {"version": draw(st.integers(0, 3)), "label": draw(st.sampled_from(LABELS))}
    record.update((item.name, draw(values(item))) for item in entity.fields)
    return record, draw(st.randoms(use_true_random=False))


def with_gaps(stored, random):
    """The same document as another program may have left it: some nulls are missing, some lists null or the reverse."""
    if isinstance(stored, dict):
        kept = {}
        for key, value in stored.items():
            if value is None and random.random() < 0.5:
                continue
            if value == [] and random.random() < 0.3:
                value = None
            kept[key] = with_gaps(value, random)
        return kept
    return [with_gaps(one, random) for one in stored] if isinstance(stored, list) else stored


# Filters


def quoted(text):
    return '"' + text.replace('"', '""') + '"'


def texts(path):
    """Arguments for a field, as text."""
    item = path.field
    if item.type.shape is Shape.REFERENCE:
        return st.sampled_from([*map(quoted, LABELS), "Bo"])
    if item.name == "id":
        return st.sampled_from(IDS)
    if item.name == "label":
        return st.sampled_from([*map(quoted, LABELS), "x"])
    if item.name == "version":
        return st.sampled_from(["0", "1", "2"])
    _, held, extra = SCALARS[item.type.name]
    written = [quoted(str(value)) for value in held if not isinstance(value, (dict, bool))]
    return st.sampled_from([*written, *extra])


@st.composite
def comparisons(draw, path):
    """A value of a filter map for one path."""
    known = [operator for operator in OPERATORS.values() if operator.capability in path.field.type.capabilities]
    if path.field.type.shape is Shape.NESTED:
        known = [operator for operator in known if operator.capability is Capability.EMPTY]
    known = [operator for operator in known if operator.name != "currentUserField"]
    operator = draw(st.sampled_from(known))
    if operator.name == "near":
        return draw(st.sampled_from(PLACES))
    if operator.name == "like":
        digits = path.field.type.name == "phone"
        return f"like({draw(st.sampled_from(['702', '/1', '/^7.*0$/'] if digits else LIKES))})"
    if not operator.most:
        return f"{operator.name}()"
    count = draw(st.integers(operator.least, min(operator.most, 3)))
    arguments = [draw(texts(path)) for _ in range(count)]
    if operator.most > 2 and Capability.EMPTY in path.field.type.capabilities and draw(st.integers(0, 5)) == 0:
        arguments.append("")
    if operator.capability is Capability.EQUALS and draw(st.integers(0, 4)) == 0:
        return draw(st.sampled_from(["$user.x", "$record.y.z"]))
    return f"{operator.name}({','.join(arguments)})" if len(arguments) > 0 and arguments != [""] else "empty()"


def is_derived(path):
    """Whether reading makes the value up where none is stored: id and label of a single group."""
    return path.field.name in ("id", "label") and any(
        item.type.shape is Shape.NESTED and not item.many for item in path.fields[-2:-1]
    )


@st.composite
def filters(draw, paths, depth=0):
    """A filter map over paths that are relative to the same place."""
    found = {}
    for _ in range(draw(st.integers(1, 2))):
        choice = draw(st.integers(0, 9))
        if choice < 2 and depth < 2:
            inner = st.lists(filters(paths, depth + 1), min_size=1, max_size=2)
            found[draw(st.sampled_from(["_or", "_and"]))] = draw(inner)
        elif choice < 5 and (groups := [name for name, path in paths.items() if inner_paths(name, paths)]):
            name = draw(st.sampled_from(groups))
            found[name] = draw(filters(inner_paths(name, paths), depth + 1))
        else:
            usable = {name: path for name, path in paths.items() if path.field.type.capabilities & QUERYABLE}
            name = draw(st.sampled_from(sorted(usable)))
            found[name] = draw(comparisons(usable[name]))
    return found


QUERYABLE = {operator.capability for operator in OPERATORS.values()}


def inner_paths(name, paths):
    field = paths[name].field
    if field.type.shape is Shape.SCALAR:
        return {}
    return {key[len(name) + 1 :]: path for key, path in paths.items() if key.startswith(f"{name}.")}


SCOPE = st.fixed_dictionaries(
    {},
    optional={
        "x": st.sampled_from([1, "a", "Bob", IDS[0], None, [1, "a", "Bob"], {"id": IDS[0], "label": "Bob"}, True])
    },
)


@st.composite
def cases(draw):
    entity = entity_of(draw(fields(0)))
    paths = {path.name: path for path in entity.all_paths() if not is_derived(path)}
    records = draw(st.lists(documents(entity), min_size=RECORDS, max_size=RECORDS))
    asked = draw(st.lists(filters(paths), min_size=FILTERS, max_size=FILTERS))
    return entity, records, asked, draw(SCOPE), draw(SCOPE)


# The database


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    folder = tmp_path_factory.mktemp("database")
    (folder / "empty.toml").touch()
    log = folder / "log"
    command = [str(Path(sys.executable).parent / "secantusd-py"), "--config", str(folder / "empty.toml")]
    command += ["--host", "127.0.0.1", "--port", "0", "--storage-path", str(folder / "data")]
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            port = None
            deadline = time.monotonic() + 30
            while port is None and process.poll() is None and time.monotonic() < deadline:
                found = re.search(r"listening on 127\.0\.0\.1:(\d+)", log.read_text())
                port = found and found[1]
                time.sleep(0.05)
            assert port, log.read_text()
            with MongoClient(f"mongodb://127.0.0.1:{port}/?directConnection=true") as client:
                yield client.get_database("test", CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS))
        finally:
            process.terminate()
            process.wait(10)


NUMBERS = count()


def stored_collection(database, entity, records):
    """A new collection with the records' documents; the records with their ids and the documents."""
    store = build_storer(entity)
    known = [{**record, "id": str(ObjectId())} for record, _ in records]
    made = [with_gaps(store(record), random) for record, (_, random) in zip(known, records, strict=True)]
    collection = database[f"records{next(NUMBERS)}"]
    collection.insert_many(made)
    return collection, known, made


@given(cases())
@THOROUGH
def test_filter_and_predicate_select_the_same_records(database, case):
    entity, records, asked, user, record = case
    collection, known, made = stored_collection(database, entity, records)
    load = build_loader(entity)
    loaded = [load(document) for document in made]
    for number, written in enumerate(asked):
        condition = plan_filter(entity, parse_filter_map(written), clock=NOW)
        condition = bind(condition, user=user, record={"y": [{"z": user.get("x")}, {}], **record})
        if number % 3 == 0:
            condition = negate(condition)
        holds, sent = to_predicate(condition), to_filter(condition)
        found = {document["_id"] for document in collection.find(sent, {"_id": 1})}
        for one, read, document in zip(known, loaded, made, strict=True):
            expected = document["_id"] in found
            assert (holds(one), holds(read)) == (expected, expected), (written, sent, document)
    collection.drop()


@given(cases())
@settings(THOROUGH, max_examples=max(5, THOROUGH.max_examples // 4))
def test_pages_make_the_whole_list(database, case):
    entity, records, asked, _, _ = case
    collection, _, _ = stored_collection(database, entity, records)
    sortable = [path for path in entity.all_paths() if is_sortable(path)]
    for written, path in zip(asked, sortable * FILTERS, strict=False):
        names = [one.name for one in (path, sortable[0])]
        up, down = (pages(collection, entity, written, names, order) for order in ("asc", "desc"))
        assert up == down[::-1]
        assert len(up) == len(set(up)) == collection.count_documents(find_of(entity, written, {}).count_filter)
    collection.drop()


def is_sortable(path):
    return not path.many and Capability.SORT in path.field.type.capabilities


def find_of(entity, written, parameters):
    plan = plan_list(entity, replace(parse_query([*parameters.items()]), filter=filter_of(written)), FULL_ACCESS, NOW)
    return to_find(plan)


def filter_of(written):
    return parse_filter_map(written, references=False) if "$" not in json.dumps(written) else None


def pages(collection, entity, written, names, order):
    """The ids of a whole list, read page by page with the offset that the page before gave."""
    parameters = {"_sortField": ",".join(dict.fromkeys(names)), "_sortType": order, "_size": "5"}
    ids = []
    while True:
        query = replace(parse_query([*parameters.items()]), filter=filter_of(written))
        plan = plan_list(entity, query, FULL_ACCESS, NOW)
        find = to_find(plan)
        page = list(collection.find(find.filter, find.projection, skip=find.skip, limit=find.limit, sort=find.sort))
        ids.extend(str(document["_id"]) for document in page)
        if len(page) < find.limit:
            return ids
        parameters["_offset"] = str(plan.next_offset(len(page), ids[-1]))


@given(cases(), st.data())
@settings(THOROUGH, max_examples=max(5, THOROUGH.max_examples // 4))
def test_projections_bring_what_was_asked_for(database, case, data):
    entity, records, _, _, _ = case
    collection, _, made = stored_collection(database, entity, records)
    names = [path.name for path in entity.all_paths()]
    asked = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=6))
    find = find_of(entity, {}, {"_fields": ",".join(asked)})
    found = {document["_id"]: document for document in collection.find({}, find.projection)}
    for document in made:
        assert found[document["_id"]].keys() <= {"_id", "version", "label", *(name.split(".")[0] for name in asked)}
        for name in asked:
            path = entity.field_at(name).storage.split(".")
            assert values_below(found[document["_id"]], path) == values_below(document, path)
    collection.drop()


def values_below(value, path):
    """Everything that stands at a path, with the lists on the way."""
    if isinstance(value, list):
        return [values_below(one, path) for one in value]
    if not path or not isinstance(value, dict):
        return value if not path else None
    return values_below(value.get(path[0]), path[1:])
