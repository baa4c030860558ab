"""Lists of a real server against a reference made from the documentation: same ids, same order, same total.

Schema, records and query strings are drawn at random; records go in and pages come out as JSON through the use cases.
"""

import asyncio
import json
import os
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine.compiler import compile_app
from engine.definitions import Sources
from engine.errors import BadRequest
from server.http.responses import encode_json
from server.runtime import lists, records
from server.runtime.running import SYSTEM, RunningApp
from server.store import EmbeddedDatabase, open_store
from tests.properties import reference_queries as reference

EXAMPLES = int(os.environ.get("CASTWORK_EXAMPLES", "40"))
RECORDS, QUERIES = 12, 25
PAIRS = {"compared": 0, "refused": 0}
PROPERTY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="CASTWORK_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # the message names query and records
)

WORDS = [
    "a",
    "A",
    "ab",
    "b",
    "É",
    "é",
    "10",
    "9",
    "a,b",
    'q"q',
    "it's",
    "like(x)",
    "x(y)",
    "100%",
    "$gt",
    "null",
    "Ab c",
]
POOLS = {
    "text": ({}, WORDS, ["x", "B"]),
    "longText": ({}, WORDS, ["é"]),
    "email": ({}, ["ann@example.com", "bob@example.com"], ["ann"]),
    "phone": ({}, ["702-845-9380", "111-222-3333", "1-111-222-3333"], ["7028459380", "702"]),
    "maskedText": ({"mask": "999-aaa"}, ["862-SKB", "862-skb", "111-AAA"], ["862SKB"]),
    "integer": ({}, [-1, 0, 1, 2, 10, 2**40], ["-5", "3"]),
    "decimal": ({}, [Decimal("-0.25"), 0, Decimal("0.1"), 1, Decimal("1.5"), 10], ["1.50", "2"]),
    "bigNumber": ({}, ["10", "9.5", "-1", "8.997738199773819977381"], ["9.50", "0"]),
    "boolean": ({}, [True, False], []),
    "choice": ({"options": ["new", "open", "done"]}, ["new", "open", "done"], ["new"]),
    "color": ({}, ["#f5a9a9", "#000000"], ["#ffffff"]),
    "date": ({}, ["2016-07-12", "2026-11-21", "0001-01-01"], ["2020-02-29"]),
    "dateTime": ({}, [0, 1_484_578_380_000, -1], ["5"]),
    "duration": ({}, [0, 60_000, 10_800_000], ["1"]),
    "time": ({}, ["08:00", "23:59"], ["12:30"]),
    "geoPoint": ({}, [{"latitude": 10, "longitude": Decimal("20.5")}, {"latitude": -89, "longitude": 179}], []),
}
LIKES = ["a", "/a", "b/", "É", "0", "/^a/", "/b$/", "/[0-9]+/", "x(y", "%", "/9", "3", "B"]
PLACES = ["near(10,20.5)", "near(11,20.5,5000)", "near(0,0,1000,9000000)", "near(-89,-179,0,300000)"]
PEOPLE = ["Ann", "Bob", "ann, b", "É"]
UNSORTABLE = {"nested", "geoPoint", "relationship"}


@st.composite
def schemas(draw, depth=0):
    found = {}
    names = st.lists(st.sampled_from("abcdefgh"), min_size=3 - depth, max_size=6 - depth, unique=True)
    for name in draw(names):
        kind = draw(st.sampled_from([*POOLS, "relationship", "nested", "nested"] if depth < 2 else [*POOLS]))
        definition = {"type": kind}
        if kind == "nested":
            definition["fields"] = draw(schemas(depth + 1))
        elif kind == "relationship":
            definition["entity"] = "people"
        else:
            definition.update(POOLS[kind][0])
        if draw(st.integers(0, 2)) == 0:
            definition["many"] = True
        if not depth:
            definition["aliases"] = [f"former{name.upper()}"]
            definition["index"] = kind not in ("nested", "geoPoint") and draw(st.booleans())
        found[name] = definition
    return found


def bodies(fields):
    return st.fixed_dictionaries({name: values(one) for name, one in fields.items()})


def values(definition):
    if definition.get("many"):
        return st.lists(one_value(definition), max_size=3)
    return st.none() | one_value(definition)


def one_value(definition):
    if definition["type"] == "nested":
        return bodies(definition["fields"])
    if definition["type"] == "relationship":
        return st.sampled_from(PEOPLE).map(lambda label: {"label": label})
    return st.sampled_from(POOLS[definition["type"]][1])


def quoted(text):
    return '"' + text.replace('"', '""') + '"'


def written(kind, value):
    if kind == "boolean":
        return str(value).lower()
    text = str(value)
    return quoted(text) if kind in ("text", "longText", "relationship") else text


@st.composite
def comparisons(draw, path, definition, ids):
    """What stands behind `path=`; now and then with an operator that the field lacks."""
    kind = definition["type"]
    every = sorted(reference.TEXT | {"near"})
    known = sorted(reference.OPERATORS[kind])
    operator = draw(st.sampled_from(every if draw(st.integers(0, 19)) == 0 else known))
    if operator == "near":
        return draw(st.sampled_from(PLACES))
    if operator == "like":
        digits = kind == "phone"
        return f"like({draw(st.sampled_from(['702', '/1', '3/', '45-93'] if digits else LIKES))})"
    if operator in ("empty", "notEmpty"):
        return f"{operator}()"
    if kind == "nested":
        inner = [name for name, one in definition["fields"].items() if one["type"] in ("choice", "integer", "date")]
        if operator != "equals" or not inner:
            return "empty()"
        chosen = draw(st.lists(st.sampled_from(inner), min_size=1, max_size=2, unique=True))
        pairs = {
            name: written("", draw(st.sampled_from(POOLS[definition["fields"][name]["type"]][1]))) for name in chosen
        }
        return f"equals({json.dumps(pairs)})"
    if kind == "id":
        pool = ids
    elif kind == "version":
        pool = ["0", "1"]
    elif kind == "relationship":
        pool = [*map(quoted, PEOPLE), "Bo"]
    elif path.endswith("label"):
        pool = [*map(quoted, [*PEOPLE, *WORDS]), "x"]
    elif kind == "geoPoint":
        pool = ["1"]
    else:
        pool = [*(written(kind, value) for value in POOLS[kind][1]), *POOLS[kind][2]]
    least, most = reference.COUNTS.get(operator, (1, 1))
    arguments = draw(st.lists(st.sampled_from(pool), min_size=least, max_size=min(most, 3)))
    if operator == "equals" and kind in ("text", "integer", "choice") and draw(st.integers(0, 7)) == 0:
        arguments.append("")
    text = ",".join(arguments)
    return text if operator == "equals" and arguments != [""] and draw(st.booleans()) else f"{operator}({text})"


def all_paths(fields, above=""):
    for name, definition in fields.items():
        path = f"{above}{name}"
        yield path
        if definition["type"] == "nested":
            yield from all_paths(definition["fields"], f"{path}.")
        elif definition["type"] == "relationship":
            yield f"{path}.label"


@st.composite
def queries(draw, fields, paths, ids):
    def comparison():
        path = draw(st.sampled_from(paths))
        return path, draw(comparisons(path, reference.field_at(fields, path)[-1], ids))

    def criterion(depth=0):
        if depth < 3 and draw(st.integers(0, 2)) == 0:
            parts = [criterion(depth + 1) for _ in range(draw(st.integers(1, 3)))]
            return f"{draw(st.sampled_from(['and', 'or']))}({','.join(parts)})"
        path, text = comparison()
        return "filter('{}','{}')".format(path, text.replace("'", "''"))

    pairs = [comparison() for _ in range(draw(st.integers(0, 2)))]
    if draw(st.integers(0, 2)) == 0:
        pairs.append(("_query", criterion()))
    sortable = [path for path in paths if is_sortable(fields, path)]
    sorted_by = draw(st.lists(st.sampled_from(sortable), max_size=2, unique=True))
    if not sorted_by and any("near(" in text for _, text in pairs):
        sorted_by = ["id"]  # else the distance orders them, which has tests of its own
    if sorted_by:
        signs = [draw(st.sampled_from(["", "-"])) for _ in sorted_by]
        pairs.append(("_sortField", ",".join(sign + path for sign, path in zip(signs, sorted_by, strict=True))))
    if draw(st.booleans()):
        pairs.append(("_sortType", draw(st.sampled_from(["asc", "desc"]))))
    pairs.append(("_size", str(draw(st.integers(1, RECORDS + 1)))))
    if draw(st.integers(0, 2)) == 0:
        by_id = not sorted_by or sorted_by[0] == "id"
        pairs.append(("_offset", draw(st.sampled_from([*(ids if by_id else []), "0", "1", "5", "50"]))))
    return pairs


def is_sortable(fields, path):
    chain = reference.field_at(fields, path)
    return not any(one.get("many") for one in chain) and chain[-1]["type"] not in UNSORTABLE


@st.composite
def cases(draw):
    fields = draw(schemas())
    return fields, draw(st.lists(bodies(fields), min_size=RECORDS, max_size=RECORDS))


class World:
    """One database for all examples, and one loop on which they run."""

    def __init__(self, runner, uri):
        self.runner = runner
        self.uri = uri
        self.number = 0

    def open(self, fields, made):
        """An app with these fields and records; the records as the API lists them."""
        self.number += 1
        return self.runner.run(self._open(fields, made))

    async def _open(self, fields, made):
        files = {
            "app.yaml": "name: shop",
            "entities/things.yaml": json.dumps({"fields": fields}),
            "entities/people.yaml": json.dumps({"recordLabel": "name", "fields": {"name": {"type": "text"}}}),
        }
        store = await open_store(self.uri, f"queries{self.number}")
        running = RunningApp(compile_app(Sources("shop", files)), store)
        for name in PEOPLE:
            await records.create_record(running, SYSTEM, "people", {"name": name})
        for body in made:
            await records.create_record(running, SYSTEM, "things", body)
        return running, (await self._ask(running, [("_size", "1000"), ("_sortType", "asc")]))["items"]

    async def _ask(self, running, pairs):
        page = await lists.list_records(running, SYSTEM, "things", pairs)
        return json.loads(encode_json(page), parse_float=Decimal)

    def ask(self, running, pairs):
        """A page as a client reads it."""
        return self.runner.run(self._ask(running, pairs))

    def close(self, running):
        self.runner.run(running.store.close())


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with asyncio.Runner() as runner:
        database = EmbeddedDatabase(tmp_path_factory.mktemp("queries"))
        yield World(runner, runner.run(database.start()))
        runner.run(database.stop())


def expected(fields, listed, pairs):
    try:
        return reference.answer(fields, listed, pairs)
    except reference.Refused:
        return "refused"


def found(world, running, pairs):
    try:
        page = world.ask(running, pairs)
    except BadRequest:
        return "refused"
    result = {"total": page["total"], "ids": [item["id"] for item in page["items"]]}
    return {**result, "offset": page["offset"]} if page["items"] else result


@given(cases(), st.data())
@PROPERTY
def test_server_and_reference_give_the_same_pages(world, case, data):
    fields, made = case
    running, listed = world.open(fields, made)
    try:
        assert len(listed) == RECORDS
        ids = [record["id"] for record in listed]
        paths = ["id", "version", "label", *all_paths(fields)]
        for _ in range(QUERIES):
            pairs = data.draw(queries(fields, paths, ids))
            wanted = expected(fields, listed, pairs)
            assert found(world, running, pairs) == wanted, (pairs, fields, listed)
            PAIRS["refused" if wanted == "refused" else "compared"] += 1
    finally:
        world.close(running)


def test_most_queries_were_understood():
    assert PAIRS["compared"] > 3 * PAIRS["refused"], PAIRS
    print(PAIRS)


@given(cases(), st.data())
@settings(PROPERTY, max_examples=max(5, EXAMPLES // 5))
def test_laws_of_lists_hold(world, case, data):
    fields, made = case
    running, listed = world.open(fields, made)
    try:
        ids = [record["id"] for record in listed]
        paths = ["id", "version", "label", *all_paths(fields)]
        for _ in range(QUERIES // 3):
            query = data.draw(queries(fields, paths, ids))
            filters = [pair for pair in query if not pair[0].startswith("_") or pair[0] == "_query"]
            order = [pair for pair in query if pair[0] == "_sortField"] or [("_sortField", "id")]
            if expected(fields, listed, filters) == "refused":
                continue
            up = everything(world, running, [*filters, *order, ("_sortType", "asc")])
            assert pages(world, running, [*filters, *order, ("_sortType", "asc")]) == up
            if "-" not in order[0][1]:
                assert everything(world, running, [*filters, *order, ("_sortType", "desc")]) == up[::-1]
            for index in range(len(filters)):
                assert set(up) <= set(everything(world, running, filters[:index] + filters[index + 1 :]))
            former = [(former_name(name), text) for name, text in filters]
            assert set(everything(world, running, former)) == set(up)
            joined = ",".join(as_criterion(name, text) for name, text in filters)
            if joined:
                assert set(everything(world, running, [("_query", f"and({joined})")])) == set(up)
    finally:
        world.close(running)


def everything(world, running, pairs):
    return [item["id"] for item in world.ask(running, [*pairs, ("_size", "1000")])["items"]]


def pages(world, running, pairs):
    """The ids of a whole list, read in pages by the offsets that they give."""
    ids, more = [], []
    while True:
        page = world.ask(running, [*pairs, ("_size", "5"), *more])
        if not page["items"]:
            return ids
        ids += [item["id"] for item in page["items"]]
        more = [("_offset", str(page["offset"]))]


def former_name(path):
    first, dot, rest = path.partition(".")
    return f"former{first.upper()}{dot}{rest}" if len(first) == 1 else path


def as_criterion(name, text):
    return text if name == "_query" else "filter('{}','{}')".format(name, text.replace("'", "''"))
