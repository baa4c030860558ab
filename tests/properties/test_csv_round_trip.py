"""Records of random entities leave as CSV and come back as the same records, whatever their fields hold.

CASTWORK_EXAMPLES says how many entities are tried (40), each with 10 to 30 records.
"""

import asyncio
import copy
import csv
import io
import itertools
import json
import os
from dataclasses import dataclass, field

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from engine.compiler import compile_app
from engine.definitions import Sources
from engine.errors import InvalidValue
from engine.fields import FIELD_TYPES, Capability, Shape
from engine.permissions import FULL_ACCESS
from engine.records import Frame, Moment
from engine.records.columns import Columns
from engine.records.export_columns import ExportColumns, longest, plan_fields
from engine.records.import_options import ImportOptions
from server.runtime.jobs import JOB_KINDS, Timing, Worker, export_later, import_later, prepare_jobs
from server.runtime.jobs.export import to_lines
from server.runtime.jobs.stored import read_job
from server.runtime.running import SYSTEM, RunningApp
from server.store import EmbeddedDatabase, open_store, reconcile_indexes
from tests.properties.test_field_round_trips import GOOD, LINE
from tests.unit.records.conftest import Bench

EXAMPLES = int(os.environ.get("CASTWORK_EXAMPLES", "40"))
RECORDS = 30
PROPERTY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="CASTWORK_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
PEOPLE = [
    {"_id": ObjectId(f"{number:024x}"), "version": 0, "label": label, "name": label}
    for number, label in enumerate(["Ann", "=Bob", 'O\'Neil, "Bo"', "-1", " x\n", "'+z"])
]
IMPORTABLE = [name for name, kind in FIELD_TYPES.items() if Capability.IMPORT in kind.capabilities]
OWN_VALUES = {
    "choice": [({"options": {"a": "Alpha", "b": "Beta, or =b", "c": "a"}}, st.sampled_from(["a", "b", "c"]))],
    "dynamicChoice": [({}, LINE.filter(lambda text: not text.lstrip().startswith("{")))],
    "relationship": [({"entity": "people"}, st.sampled_from([{"id": str(one["_id"])} for one in PEOPLE]))],
    "group": [({}, st.sampled_from(["staff", "night"]))],
    "text": [({}, LINE | st.text("='+-@\t\r\n\"', a1.", min_size=1, max_size=9))],
}
"""Where a cell holds less than the whole value, the values of which it holds all; and what is hard to write as CSV."""
LABELS = st.none() | st.sampled_from(["Same", "a", "b", "a > b", "x[0]", "=L", "'=L", " a", 'q"q', "Ünïcode, too"])
GROUPS = {"groups/staff.yaml": "label: Staff\n", "groups/night.yaml": "label: =Night\n"}


def seen(values):
    """Whether anything of an item of a nested group stands in the file."""
    if isinstance(values, dict):
        return any(map(seen, values.values()))
    return any(map(seen, values)) if isinstance(values, list) else values is not None


@st.composite
def fields(draw, depth=0):
    """Definitions of fields, and what makes a body for them."""
    definitions, bodies = {}, {}
    for name in draw(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=4 if depth else 6, unique=True)):
        kind = draw(st.sampled_from(IMPORTABLE))
        if kind == "nested":
            if depth == 2:
                continue
            inner, values = draw(fields(depth + 1))
            if not inner:
                continue
            options = {"fields": inner}
        else:
            options, values = draw(st.sampled_from(OWN_VALUES.get(kind) or GOOD[kind]))
            values = values.filter(kept_by(kind, options))
        many = Capability.MANY in FIELD_TYPES[kind].capabilities and draw(st.booleans())
        label = draw(LABELS)
        definitions[name] = {"type": kind, **options} | ({"many": True} if many else {})
        if label is not None:
            definitions[name]["label"] = label
        bodies[name] = st.lists(values.filter(seen), max_size=3) if many else st.none() | values
    return definitions, st.fixed_dictionaries(bodies)


def kept_by(kind, options):
    """Leaves out values of which a type keeps nothing, such as HTML of forbidden tags only."""
    if FIELD_TYPES[kind].shape is not Shape.SCALAR:
        return lambda written: True
    configured = FIELD_TYPES[kind].configure(options)

    def kept(written):
        try:
            return configured.parse_json(written) not in ("", None)
        except InvalidValue:
            return False

    return kept


def to_csv(bench, documents, *, names):
    """The file that an export writes."""
    entity = bench.entity.entity
    target = target_of(bench)
    plan = plan_fields(entity, None, FULL_ACCESS, target)
    view = bench.entity.views.get(Frame(plan.shown, cells=True))
    rows = [view.render(copy.deepcopy(document), Moment(0).scope) for document in documents]
    widths = {path.name: max((longest(row, path) for row in rows), default=0) for path in plan.lists}
    table = ExportColumns(entity, plan, widths, FULL_ACCESS, target)
    return to_lines([table.headers(names=names)]) + to_lines(table.row(row, {}) for row in rows)


def from_csv(bench, data):
    """The bodies that an import makes of the file."""
    lines = csv.reader(io.StringIO(data.decode(), newline=""), strict=True)
    columns = Columns(bench.entity.entity, next(lines), FULL_ACCESS, target_of(bench))
    return [columns.read(cells) for cells in lines]


def target_of(bench):
    return lambda item: (bench.compiled.app.target(item), FULL_ACCESS)


def without_ids(fields, record):
    """A record in value form, as far as it is the same in another one with the same values."""
    found = {}
    for item in fields:
        value = record[item.name]
        if item.type.shape is Shape.NESTED:
            groups = value if item.many else [value]
            value = [{"label": group["label"], **without_ids(item.fields, group)} for group in groups]
        found[item.name] = value
    return found


@dataclass
class Shop:
    """An app and its records; a failure shows what they are made of."""

    bench: Bench = field(repr=False)
    documents: list
    definitions: dict


@st.composite
def shops(draw):
    """An app with two entities that are alike, `things` and `copies`, and documents of the first."""
    definitions, bodies = draw(fields())
    assume(definitions)
    entity = json.dumps({"fields": definitions})
    files = {
        "app.yaml": "name: shop\n",
        "entities/people.yaml": "recordLabel: name\nfields:\n  name: {type: text}\n",
        "entities/things.yaml": entity,
        "entities/copies.yaml": entity,
        **GROUPS,
    }
    bench = Bench(compile_app(Sources("shop", files)), "things", {"people": PEOPLE})
    written = draw(st.lists(bodies, min_size=10, max_size=RECORDS))
    return Shop(bench, [bench.create(body).document for body in written], definitions)


def values_of(bench, documents):
    """What two sets of records must have in common."""
    fields, load = bench.entity.entity.fields, bench.entity.rules.load
    return [without_ids(fields, load(document)) for document in documents]


@PROPERTY
@given(shop=shops(), names=st.booleans())
def test_what_is_exported_is_imported_as_the_same_records(shop, names):
    bench, documents = shop.bench, shop.documents
    written = to_csv(bench, documents, names=names)
    again = [bench.create(body).document for body in from_csv(bench, written)]
    assert values_of(bench, again) == values_of(bench, documents), written.decode()
    assert to_csv(bench, again, names=names) == written


class Warehouse:
    """Apps over one real database, each with a worker of its own while it is used."""

    def __init__(self, runner, uri):
        self.run = runner.run
        self.uri = uri
        self.numbers = itertools.count()

    async def round_trip(self, bench, documents, names):
        """What has become of records that one job wrote to a file, and another read into the other entity."""
        store = await open_store(self.uri, f"shop{next(self.numbers)}")
        running = RunningApp(bench.compiled, store)
        await reconcile_indexes(store, bench.compiled.indexes)
        await prepare_jobs(store)
        await store.insert_many("people", copy.deepcopy(PEOPLE))
        await store.insert_many("things", documents)
        timing = Timing(first_poll=0.005, longest_poll=0.05)
        working = asyncio.create_task(Worker(lambda: running, JOB_KINDS, timing).run())
        try:
            pairs = [("_useFieldNames", str(names).lower()), ("_sortField", "id"), ("_sortType", "asc")]
            job = await self.end_of(
                store, await export_later(running, SYSTEM, "things", pairs, most=1_000, files="/files")
            )
            file = await store.files.find(job.results["fileId"])
            data = b"".join([chunk async for chunk in store.files.read(file.id)])
            job = await self.end_of(store, await import_later(running, SYSTEM, "copies", ImportOptions(), file))
            return await store.find("copies", {}), data.decode(), job.results
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            await running.outbox.settle()
            await store.close()

    async def end_of(self, store, job):
        while job.end_date is None:
            await asyncio.sleep(0.01)
            job = await read_job(store, job.id)
        assert (job.error, job.has_errors) == (None, False), job
        return job


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    with asyncio.Runner() as runner:
        database = EmbeddedDatabase(tmp_path_factory.mktemp("warehouse"))
        try:
            yield Warehouse(runner, runner.run(database.start()))
        finally:
            runner.run(database.stop())


def missing(records, others):
    """Those that have no equal among the others, each of which is an equal once; 1.0E+6 equals 1000000."""
    left = list(others)
    return [one for one in records if one not in left or left.remove(one)]


@settings(PROPERTY, max_examples=max(1, EXAMPLES // 5))
@given(shop=shops(), names=st.booleans())
def test_what_a_job_exports_another_imports_as_the_same_records(warehouse, shop, names):
    bench, documents = shop.bench, shop.documents
    found, written, results = warehouse.run(warehouse.round_trip(bench, copy.deepcopy(documents), names))
    assert results["rowsImported"] == len(documents), (results, written)
    assert missing(values_of(bench, documents), values_of(bench, found)) == [], written
